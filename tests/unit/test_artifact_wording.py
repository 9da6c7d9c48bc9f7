"""What on-call reads of artifacts of multi-model endpoints: why one was refused, what serves, what to paste."""

import ast
import re
import shlex
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import stationkeeper
from botocore import xform_name
from botocore.session import Session
from hypothesis import given
from hypothesis import strategies as st
from stationkeeper.alerts.artifact_phrases import REFUSALS
from stationkeeper.alerts.text import plain
from stationkeeper.alerts.wording import Message, message_for
from stationkeeper.events.artifact_events import (
    ArtifactEvent,
    ArtifactPublished,
    ArtifactRejected,
    ArtifactWithdrawn,
    PublishedVersion,
)
from stationkeeper.events.domain import Cause
from stationkeeper.events.on_bus import from_detail
from stationkeeper.severity import Severity
from stationkeeper.tags import KNOWN_TAGS, TAG_PREFIX

from tests.unit.builders import START, hostile_text
from tests.unit.test_wording import (
    PARAMETER,
    assert_deliverable,
    assert_laid_out,
    command,
    commands_of,
    judgement,
    options,
    subject_of,
)

SDK = Session()
CORE = Path(stationkeeper.__file__).parent
SAGEMAKER = "arn:aws:sagemaker:eu-west-1:123456789012"
PACKAGE = f"{SAGEMAKER}:model-package/houston"
GROUP_ARN = f"{SAGEMAKER}:model-package-group/houston"
JOB_ARN = f"{SAGEMAKER}:training-job/houston-2026-11-23"
KEY_ARN = "arn:aws:kms:eu-west-1:210987654321:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ARTIFACT = "s3://training/model_artifacts/Houston_TX/houston-7/output/model.tar.gz"
POINTER = "/stationkeeper/houston-mme/Houston_TX"
BY_TAG = "tag stationkeeper:target-model"
SIX = PublishedVersion(
    version="6",
    target_model="Houston_TX/Houston_TX-v6.tar.gz",
    source_arn=f"{PACKAGE}/6",
    published_at=START - timedelta(days=2),
)
SEVEN = SIX.model_copy(
    update={
        "version": "7",
        "target_model": "Houston_TX/Houston_TX-v7.tar.gz",
        "source_arn": f"{PACKAGE}/7",
        "published_at": START,
    }
)
OF_JOB = {
    "source": "training-job",
    "source_arn": JOB_ARN,
    "version": "20261122231507250",
    "group": "",
    "serving": SIX.model_copy(update={"version": "20261121130507250"}),
}
NAMELESS = {"model": "", "pointer": "", "named_by": "", "serving": None}
OF_ITSELF = {"target_model": SEVEN.target_model, "named_by": "", "passing": True}
"""Of a version that lies there: another thing about it could not be done."""
REQUIRED: dict[type[ArtifactEvent], dict[str, Any]] = {
    ArtifactRejected: {
        "severity": Severity.WARNING,
        "named_by": BY_TAG,
        "serving": SIX,
        "code": "truncated",
        "reason": "The archive breaks off after 1.2 GB: its gzip stream has no end",
    },
    ArtifactPublished: {
        "serving": SEVEN,
        "named_by": BY_TAG,
        "target_model": SEVEN.target_model,
        "published_uri": f"s3://models/mme/{SEVEN.target_model}",
        "size_bytes": 1_234_000_000,
        "unpacked_bytes": 3_400_000_000,
        "files": 12,
        "pointed": True,
        "previous": SIX,
    },
    ArtifactWithdrawn: {"serving": SIX, "target_model": SEVEN.target_model},
}


def event(kind: type[ArtifactEvent], /, **said: Any) -> Any:
    """Version 7 of the group houston, for the model Houston_TX of houston-mme; version 6 serves."""
    facts: dict[str, Any] = {
        "id": "1",
        "incident": "5f0e2c1b",
        "severity": Severity.INFO,
        "endpoint": "houston-mme",
        "account": "123456789012",
        "region": "eu-west-1",
        "on_call": "ml-on-call",
        "cause": Cause(event_id="0a15f67d"),
        "at": START,
        "model": "Houston_TX",
        "version": "7",
        "source": "model-package",
        "source_arn": f"{PACKAGE}/7",
        "artifact_uri": ARTIFACT,
        "group": "houston",
        "pointer": POINTER,
    }
    return kind(**{**facts, **REQUIRED[kind], **said})


def message(kind: type[ArtifactEvent], /, **said: Any) -> Message:
    return message_for(event(kind, **said), PARAMETER)


def rejected(code: str = "truncated", **said: Any) -> Message:
    return message(ArtifactRejected, code=code, **said)


def codes_of_refusals() -> set[str]:
    """The code of every refusal that is made anywhere."""
    found = set()
    for path in CORE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("Refusal", "refused") and node.args:
                code = node.args[0]
                if isinstance(code, ast.Constant):
                    found.add(code.value)
    return found


# Subjects of refusals

SUBJECTS: list[tuple[str, dict[str, Any], str]] = [
    ("truncated", {}, "Houston_TX: new artifact refused, it is cut off"),
    ("truncated", {"model": "m" * 50}, f"{'m' * 50}: it is cut off"),
    ("truncated", {"model": "m" * 100}, "new artifact refused, it is cut off"),
    ("no-name", NAMELESS, "new artifact refused, nothing says which model it is"),
    ("warm-up", {}, "Houston_TX: new version failed its warm-up"),
    ("pointer-refused", OF_ITSELF, "Houston_TX: the pointer could not be moved"),
    ("key-taken", {}, "Houston_TX: new artifact refused, its key is taken"),
    ("key-taken", OF_ITSELF, "Houston_TX: published, but not in place, its key is taken"),
    ("denied", OF_ITSELF, "Houston_TX: published, but not in place, access is denied"),
    ("no-artifact", NAMELESS, "new artifact refused, there is none"),
    ("unheard-of", {}, "Houston_TX: new artifact refused"),
]


@pytest.mark.parametrize(("code", "said", "headline"), SUBJECTS)
def test_the_subject_says_which_model_and_why(code, said, headline):
    assert subject_of(rejected(code, **said)) == f"[WARNING] houston-mme: {headline}"


@pytest.mark.parametrize("said", [{}, NAMELESS, OF_ITSELF], ids=["named", "nameless", "of itself"])
@pytest.mark.parametrize("code", [*REFUSALS, "unheard-of"])
def test_the_longest_names_leave_room_for_what_happened(code, said):
    told = rejected(code, **{"model": "m" * 100, **said}, endpoint="e" * 63, severity=Severity.CRITICAL)

    assert not subject_of(told).endswith(("...", ": "))
    assert len(told.subject) < 100


def test_every_refusal_that_is_made_has_words():
    made = codes_of_refusals()

    assert {"truncated", "unsafe-link", "denied", "no-name", "warm-up"} <= made
    assert made - REFUSALS.keys() == set()


def test_no_words_are_kept_for_what_is_never_made():
    """An adapter's codes may stand in a table, so a code counts when it is written anywhere outside the wording."""
    said = {
        node.value
        for path in CORE.rglob("*.py")
        if path.parent.name != "alerts"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant)
    }

    assert REFUSALS.keys() - said == set()


# What was refused, and why


@pytest.mark.parametrize(
    "said", [{}, OF_JOB, NAMELESS, OF_ITSELF], ids=["group", "job", "nameless", "of itself"]
)
@pytest.mark.parametrize("code", [*REFUSALS, "unheard-of"])
def test_a_refusal_says_why_what_serves_and_what_to_do(code, said):
    told = rejected(code, reason="Something stands in the way", hint="Take it away", **said)

    assert "\nWhy: Something stands in the way.\n\n" in told.body
    assert re.search("Callers|callers|pointer", told.body.split("\n\n")[1])
    assert "\nWHAT TO DO NEXT\n  Take it away.\n  1. " in told.body
    assert "     stationkeeper models houston-mme --refused\n" in told.body
    assert re.search(
        r"  It (looks again every hour|tries again every hour|does not look|reads the artifact)", told.body
    )
    assert "{" not in told.subject
    assert "None" not in told.body
    assert_deliverable(told)
    assert commands_of(told.body) or code in ("no-job", "key-taken", "pointer-refused")
    assert_laid_out(told.body, *OURS)


def test_a_refusal_tells_what_serves_meanwhile_and_since_when():
    body = rejected().body

    assert body.startswith(
        "The new artifact of Houston_TX was NOT published to endpoint houston-mme.\n"
        "Why: The archive breaks off after 1.2 GB: its gzip stream has no end.\n\n"
        "Callers are still sent to version 6 (Houston_TX/Houston_TX-v6.tar.gz), published 21 Nov 2026 00:00 UTC.\n\n"
    )
    assert "Model     Houston_TX\nNamed by  tag stationkeeper:target-model\nVersion   7\n" in body
    assert f"Made by   version 7 of group houston\nArtifact  {ARTIFACT}\nPointer   {POINTER}\n" in body
    assert "  It told you. It published nothing and changed nothing that serves.\n" in body


def test_where_nothing_was_ever_published_callers_get_errors():
    body = rejected(serving=None).body

    assert "Nothing of Houston_TX was ever published there: who calls it gets an error, unless" in body


def test_of_a_model_without_a_name_nobody_knows_the_callers():
    assert (
        "Which callers wait for it nobody can say; what serves stays as it is."
        in rejected("no-name", **NAMELESS).body
    )
    assert (
        "Callers are still sent to version 6" in rejected("no-artifact", **{**NAMELESS, "serving": SIX}).body
    )


@pytest.mark.parametrize("code", ["no-endpoint", "not-multi-model", "several-prefixes"])
def test_where_the_endpoint_is_wrong_nobody_promises_answers(code):
    assert "Callers are still sent to version 6" in rejected(code).body
    assert "As the endpoint is now, their calls may fail all the same." in rejected(code).body


def test_a_failed_warm_up_left_a_version_that_nobody_is_sent_to():
    body = rejected("warm-up").body

    assert body.startswith(
        "Version 7 of Houston_TX lies ready for endpoint houston-mme, but failed its first call: nobody is sent to it.\n"
    )
    assert command(body, "logs", "tail")[0] == "/aws/sagemaker/Endpoints/houston-mme"


def test_a_pointer_that_cannot_be_moved_is_not_told_as_if_the_new_version_served():
    body = rejected("pointer-refused", **OF_ITSELF).body

    assert body.startswith(
        "Callers on endpoint houston-mme should be sent to version 7 of Houston_TX, but its pointer could NOT be moved.\n"
    )
    assert "Callers are still sent to version 6" in body
    said = options(command(body, "ssm", "put-parameter")[:6])
    assert (said["--name"], said["--value"]) == (POINTER, SEVEN.target_model)


def test_a_key_that_is_taken_in_place_concerns_only_who_follows_no_pointer():
    why = "Something that Stationkeeper did not put there lies at s3://models/mme/Houston_TX/Houston_TX.tar.gz. It is left alone"
    body = rejected("key-taken", reason=why, **OF_ITSELF).body

    assert body.startswith(
        "Version 7 of Houston_TX is published on endpoint houston-mme, but it could NOT be put at the key without a version"
    )
    assert "Callers that follow the pointer are not concerned; the others get what lies at that key." in body
    assert "It tries again every hour, until it can." in body
    assert command(body, "s3", "ls")[-1] == "s3://models/mme/Houston_TX/Houston_TX.tar.gz"
    assert command(body, "sagemaker", "delete-tags")[-1] == f"{TAG_PREFIX}in-place"
    assert "delete-tags" not in rejected("key-taken").body


def test_a_group_that_was_made_anew_has_versions_of_the_same_name():
    """Their ARNs are those of the versions before: what is new is named by a rule."""
    assert "was NOT published" in rejected(serving=SEVEN).body
    assert "was NOT published" in rejected("several-artifacts", **{**NAMELESS, "serving": SEVEN}).body


AGAIN: list[tuple[str, dict[str, Any], str]] = [
    ("denied", {"passing": True}, "as long as the version is approved: nothing needs to be sent again."),
    ("denied", {**OF_JOB, "passing": True}, "for a day after the job ended: nothing needs to be sent again."),
    ("no-name", {**OF_JOB, **NAMELESS}, "for a day after the job ended: nothing needs to be sent again."),
    ("no-endpoint", {}, "as long as the version is approved: nothing needs to be sent again."),
    ("no-endpoint", OF_JOB, "It does not look at this one again: it takes another training job."),
    ("truncated", {}, "only when something else lies at its address, as long as the version is approved."),
    ("truncated", OF_JOB, "It does not look at this one again: it takes another training job."),
    (
        "no-artifact",
        {**OF_JOB, **NAMELESS},
        "It does not look at this one again: it takes another training job.",
    ),
    ("several-artifacts", NAMELESS, "It does not look at this one again: it takes another version."),
    ("warm-up", {}, "It does not look at this one again: it takes another version."),
    ("not-s3", {"passing": True}, "It looks again every hour, as long as the version is approved"),
    ("pointer-refused", OF_ITSELF, "It tries again every hour, until it can."),
]


@pytest.mark.parametrize(("code", "said", "words"), AGAIN)
def test_it_says_whether_it_looks_again_by_itself(code, said, words):
    assert words in rejected(code, **said).body


@pytest.mark.parametrize(
    ("number", "counted", "warned"), [(1, False, False), (2, True, False), (3, True, True), (100, True, True)]
)
def test_it_says_how_many_there_were_and_when_it_falls_silent(number, counted, warned):
    body = rejected(of_the_day=number).body

    assert (f"Refused today  {number} artifacts of this endpoint, with this one" in body) is counted
    assert ("the first three of a day one by one, then the 10th, the 100th, the 1,000th." in body) is warned
    assert ("All of them are on the bus; `stationkeeper models --refused` shows" in body) is warned


# What to paste after a refusal


@pytest.mark.parametrize("said", [{}, OF_JOB, OF_ITSELF], ids=["group", "job", "of itself"])
@pytest.mark.parametrize("code", [*REFUSALS, "unheard-of"])
def test_every_command_is_one_that_aws_knows(code, said):
    body = rejected(code, **said, reason=f"s3://a/b cannot be read with {KEY_ARN}").body
    others = (
        message(kind, **said, nothing_left=True).body for kind in (ArtifactPublished, ArtifactWithdrawn)
    )
    for words in [one for text in (body, *others) for one in commands_of(text)]:
        if words[1:3] in (["s3", "cp"], ["s3", "ls"], ["logs", "tail"]):  # the command line's own
            continue
        assert not unknown_options(words), words


def unknown_options(words: list[str]) -> set[str]:
    """Options of a command that its operation does not have, or that it lacks."""
    service, operation = words[1].removesuffix("api"), words[2]
    model = SDK.get_service_model(service)
    shape = model.operation_model("".join(map(str.capitalize, operation.split("-")))).input_shape
    known = {xform_name(name, "-"): name in shape.required_members for name in shape.members}
    of_the_command_line = {"region", "query", "output", "max-items"}
    said = {word.removeprefix("--") for word in words if word.startswith("--")}
    lacking = {name for name, required in known.items() if required} - said
    without_value = {one for one, after in pairwise(words) if one.startswith("--") and after.startswith("--")}
    return (without_value - {"--overwrite"}) | (said - known.keys() - of_the_command_line) | lacking


def test_an_artifact_can_be_looked_at_without_unpacking_it():
    body = rejected().body

    said = options(command(body, "s3api", "head-object"))
    assert (said["--bucket"], said["--key"]) == ("training", ARTIFACT.removeprefix("s3://training/"))
    assert f"     aws s3 cp --region eu-west-1 {ARTIFACT} - | tar -tzvf - | head -40\n" in body


@pytest.mark.parametrize(
    "uri", ["", "https://training.s3.amazonaws.com/model.tar.gz", "s3://training", "--help"]
)
def test_what_has_no_address_in_s3_is_not_looked_at(uri):
    body = rejected(artifact_uri=uri).body

    assert not [words for words in commands_of(body) if words[1] in ("s3", "s3api")]


def test_what_a_job_was_given_and_wrote_can_be_read():
    body = rejected(**OF_JOB).body

    assert (
        options(command(body, "sagemaker", "describe-training-job"))["--training-job-name"]
        == "houston-2026-11-23"
    )
    log = command(body, "logs", "tail")
    assert log[-4:] == ["--log-stream-name-prefix", "houston-2026-11-23/", "--since", "2026-11-22T23:15:07Z"]
    assert "update-model-package" not in body


@pytest.mark.parametrize("label", ["", "7", "99999999999999999", "20261122231507250-ab12cd34"])
def test_a_log_is_read_from_when_the_job_was_made_or_from_well_before(label):
    since = command(rejected(**{**OF_JOB, "version": label}).body, "logs", "tail")[-1]

    assert since == ("2026-11-22T23:15:07Z" if "-" in label else "2026-10-26T00:00:00Z")


def test_what_was_registered_can_be_seen_and_rejected():
    body = rejected().body

    assert (
        options(command(body, "sagemaker", "describe-model-package"))["--model-package-name"]
        == f"{PACKAGE}/7"
    )
    assert judgement(body, "Rejected")["--model-package-arn"] == f"{PACKAGE}/7"


def test_what_may_pass_is_not_to_be_rejected():
    assert "update-model-package" not in rejected("denied", passing=True).body


def test_a_denied_key_is_looked_up_by_its_arn():
    why = f"s3://a/b cannot be read: arn:aws:sts::123456789012:assumed-role/r/s may not kms:Decrypt on {KEY_ARN} (no policy)."
    body = rejected("denied", reason=why).body

    for call in ("describe-key", "get-key-policy"):
        assert command(body, "kms", call)[2:4] == ["--key-id", KEY_ARN]
    assert "get-bucket-policy" not in body


def test_a_denied_key_without_a_name_is_named_by_the_artifact():
    body = rejected("denied", reason="s3://a/b cannot be read: its KMS key may not be used.").body

    assert command(body, "kms", "get-key-policy")[3] == "SSEKMSKeyId-FROM-ABOVE"


@pytest.mark.parametrize(
    ("why", "bucket"),
    [
        ("r may not s3:PutObject on arn:aws:s3:::models/mme/x.", "models"),
        ("S3 denies it without saying why", "training"),
    ],
)
def test_the_policy_of_the_bucket_that_is_closed_is_shown(why, bucket):
    assert (
        options(command(rejected("denied", reason=why).body, "s3api", "get-bucket-policy"))["--bucket"]
        == bucket
    )


@pytest.mark.parametrize("code", [*REFUSALS])
@pytest.mark.parametrize("said", [{}, OF_JOB, OF_ITSELF], ids=["group", "job", "of itself"])
def test_tags_that_are_offered_mean_something_and_lie_on_what_carries_them(code, said):
    tagging = [
        words
        for words in commands_of(rejected(code, **said).body)
        if words[2] in ("add-tags", "delete-tags", "list-tags")
    ]
    tags = [
        word.removeprefix("Key=").partition(",")[0].removeprefix(TAG_PREFIX)
        for words in tagging
        for word in words
        if word.startswith((TAG_PREFIX, "Key="))
    ]

    assert set(tags) <= {*KNOWN_TAGS, "multi-model-endpoint", "target-model", "in-place"}
    assert all(JOB_ARN in words if said is OF_JOB else GROUP_ARN in words for words in tagging)


# Published


def test_the_subject_of_what_was_made_good_is_good_news():
    assert subject_of(message(ArtifactPublished, mended="truncated")) == (
        "[OK] houston-mme: Houston_TX v7 published, callers are sent to it"
    )
    assert subject_of(message(ArtifactPublished, pointed=False, serving=SIX)) == (
        "[OK] houston-mme: Houston_TX v7 published, callers are sent to version 6"
    )
    assert subject_of(message(ArtifactPublished, **{**OF_JOB, "pointed": True})) == (
        "[OK] houston-mme: Houston_TX new version published, callers are sent to it"
    )


@pytest.mark.parametrize("said", [{}, OF_JOB, {"pointed": False}, {"version": ""}])
@pytest.mark.parametrize("kind", [ArtifactPublished, ArtifactWithdrawn])
def test_good_news_and_bad_leave_room_beside_the_longest_names(kind, said):
    told = message(kind, **{"model": "m" * 100, **said}, endpoint="e" * 63, severity=Severity.CRITICAL)

    assert not subject_of(told).endswith(("...", ": "))


def test_what_was_published_is_told_with_all_that_callers_need():
    told = message(ArtifactPublished, mended="denied", in_place="Houston_TX/Houston_TX.tar.gz")

    assert told.body.startswith(
        "Version 7 of Houston_TX is published on endpoint houston-mme; callers are sent to it. "
        "That makes good what was refused before (access is denied).\n\n"
    )
    for fact in (
        "Target model  Houston_TX/Houston_TX-v7.tar.gz",
        "Size          1.2 GB, unpacked 3.4 GB in 12 files",
        "Before it     version 6 (Houston_TX/Houston_TX-v6.tar.gz), published 21 Nov 2026 00:00 UTC",
        f"Pointer       {POINTER} = Houston_TX/Houston_TX-v7.tar.gz",
        "In place      Houston_TX/Houston_TX.tar.gz",
        "Made by       version 7 of group houston",
        "Lies at       s3://models/mme/Houston_TX/Houston_TX-v7.tar.gz",
    ):
        assert f"\n{fact}\n" in told.body
    assert "an instance that has it loaded does not look whether the file changed" in told.body
    assert "  It keeps version 6 for a while, to go back to.\n" in told.body
    assert_laid_out(told.body, *OURS)


def test_what_nobody_heard_of_before_makes_nothing_good():
    assert "makes good" not in message(ArtifactPublished).body
    assert (
        "That makes good what was refused before.\n" in message(ArtifactPublished, mended="unheard-of").body
    )


def test_it_is_called_as_its_callers_call_it():
    body = message(ArtifactPublished).body

    assert command(body, "sagemaker-runtime", "invoke-endpoint") == [
        *("--region", "eu-west-1", "--endpoint-name", "houston-mme"),
        *("--content-type", "text/csv", "--body", "fileb://your-request.csv", "--target-model"),
        f"$(aws ssm get-parameter --region eu-west-1 --name {POINTER} --query Parameter.Value --output text)",
        "/dev/stdout",
    ]


@pytest.mark.parametrize("pointer", ["", "/a b", '/a"; reboot; "', "/$(reboot)"])
def test_no_call_is_made_of_a_pointer_that_is_none_of_ours(pointer):
    assert "invoke-endpoint" not in message(ArtifactPublished, pointer=pointer).body


def test_a_version_of_a_group_is_gone_back_from_by_rejecting_it():
    body = message(ArtifactPublished).body

    assert judgement(body, "Rejected")["--model-package-arn"] == f"{PACKAGE}/7"
    assert "takes over (version 6, if it still lies there)" in body
    assert "--take-back" not in body


def test_a_version_of_a_job_is_taken_back_by_command():
    body = message(ArtifactPublished, **{**OF_JOB, "serving": SEVEN}).body

    assert (
        "     stationkeeper models houston-mme --take-back Houston_TX --version 20261122231507250\n" in body
    )
    assert "update-model-package" not in body


def test_a_version_may_be_labelled_with_anything():
    labelled = SIX.model_copy(update={"version": "{0}{x"})

    assert (
        "takes over (version {0}{x, if it still lies there)"
        in message(ArtifactPublished, previous=labelled).body
    )


@pytest.mark.parametrize("said", [{"previous": None}, {"pointed": False, "serving": SIX}])
def test_there_is_no_way_back_from_the_first_version_or_one_that_does_not_serve(said):
    body = message(ArtifactPublished, **said).body

    assert "To go back" not in body


def test_a_version_that_is_older_than_what_serves_is_told_so():
    body = message(ArtifactPublished, pointed=False, serving=SIX).body

    assert "published on endpoint houston-mme; callers are sent to version 6.\n" in body
    assert f"Pointer       {POINTER} = Houston_TX/Houston_TX-v6.tar.gz\n" in body
    assert "  It left the pointer where it is: what it names is newer.\n" in body
    assert "WORTH KNOWING" not in body


@pytest.mark.parametrize(
    ("warmed", "words"),
    [
        (True, "It answered a call before anybody was sent to it;"),
        (False, "An instance loads it at its first call,"),
    ],
)
def test_the_first_call_of_an_instance_is_slow(warmed, words):
    assert words in message(ArtifactPublished, warmed=warmed).body


@pytest.mark.parametrize(
    ("size", "words"), [(1, "1 byte,"), (999, "999 bytes,"), (5_400, "5.4 KB,"), (7_000_000, "7.0 MB,")]
)
def test_sizes_are_read_by_people(size, words):
    assert f"Size          {words}" in message(ArtifactPublished, size_bytes=size).body


# Taken back


def test_what_was_taken_back_says_where_callers_are_sent_now():
    told = message(ArtifactWithdrawn)

    assert subject_of(told) == "[INFO] houston-mme: Houston_TX v7 taken back, callers are sent to v6"
    assert told.body.startswith(
        "Version 7 of Houston_TX is not approved any more: callers on endpoint houston-mme are now sent to version 6 "
        "(Houston_TX/Houston_TX-v6.tar.gz), published 21 Nov 2026 00:00 UTC.\n\n"
    )
    assert "  It moved the pointer back.\n" in told.body
    assert judgement(told.body, "Approved")["--model-package-arn"] == f"{PACKAGE}/7"
    assert "Who keeps the pointer's value calls the version that was taken back" in told.body
    assert_laid_out(told.body, *OURS)


def test_what_a_command_took_back_can_not_be_approved():
    body = message(ArtifactWithdrawn, **{**OF_JOB, "serving": SIX}).body

    assert body.startswith("Version 20261122231507250 of Houston_TX was taken back: ")
    assert "update-model-package" not in body


@pytest.mark.parametrize("said", [{}, OF_JOB], ids=["group", "job"])
def test_where_nothing_is_left_callers_are_still_sent_to_what_was_taken_back(said):
    told = message(
        ArtifactWithdrawn, **{**said, "serving": SEVEN, "nothing_left": True, "severity": Severity.WARNING}
    )

    assert "taken back, but it still serves" in subject_of(told)
    assert "but callers on endpoint houston-mme are STILL SENT TO IT: no other good version" in told.body
    assert "It left the pointer where it is: without it every call of this model would fail." in told.body
    assert "moved the pointer" not in told.body
    assert re.search("\nWHAT TO DO NEXT\n  (Approve a version that works|Train the model anew)", told.body)
    assert ("list-model-packages" in told.body) is (not said)
    assert_laid_out(told.body, *OURS)


# Whatever the world outside is called

TEXT = st.deferred(hostile_text)
VERSION = st.one_of(
    st.none(),
    st.builds(
        PublishedVersion,
        version=TEXT,
        target_model=TEXT,
        source_arn=TEXT,
        published_at=st.sampled_from([None, START]),
    ),
)
SOMETIMES = st.booleans()
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(
        (
            *(
                "incident",
                "endpoint",
                "on_call",
                "model",
                "version",
                "source_arn",
                "artifact_uri",
                "named_by",
            ),
            *("group", "pointer"),
        ),
        TEXT,
    ),
    "severity": st.sampled_from(Severity),
    "source": st.sampled_from(["training-job", "model-package"]),
    "serving": VERSION,
}
EVENTS = st.one_of(
    st.fixed_dictionaries(
        {
            **FIELDS,
            "code": st.one_of(st.sampled_from([*REFUSALS]), TEXT),
            "reason": TEXT,
            "hint": TEXT,
            "passing": SOMETIMES,
            "of_the_day": st.integers(-1, 10**12),
        }
    ).map(lambda said: event(ArtifactRejected, **said)),
    st.fixed_dictionaries(
        {
            **FIELDS,
            **dict.fromkeys(("target_model", "published_uri", "in_place", "mended"), TEXT),
            **dict.fromkeys(("size_bytes", "unpacked_bytes", "files"), st.integers(-1, 10**18)),
            **dict.fromkeys(("pointed", "warmed"), SOMETIMES),
            "previous": VERSION,
        }
    ).map(lambda said: event(ArtifactPublished, **said)),
    st.fixed_dictionaries({**FIELDS, "target_model": TEXT, "nothing_left": SOMETIMES}).map(
        lambda said: event(ArtifactWithdrawn, **said)
    ),
)
OURS = (
    "The new artifact of |A new artifact |Version |The new version|Callers |Why: |Which callers |Nothing of ",
    "(Found|Model|Named by|Version|Made by|Artifact|Pointer|Refused today|On call|Published|Target model|Size|Before it) ",
    "(In place|Lies at|Taken back|Serves now) ",
)
CALLS = {
    *("s3", "s3api", "kms", "logs", "sagemaker", "sagemaker-runtime", "ssm"),
}


@given(EVENTS)
def test_a_message_is_what_sns_takes_and_nothing_forges_a_line(hostile):
    told = message_for(hostile, PARAMETER)

    assert_deliverable(told)
    assert_laid_out(told.body, *OURS)


@given(EVENTS)
def test_every_command_reads_as_it_was_meant(hostile):
    named = {plain(hostile.source_arn, 2_000), plain(hostile.source_arn, 2_000).rpartition("/")[2]}
    for words in commands_of(message_for(hostile, PARAMETER).body):
        assert words[0] == "aws"
        assert words[1] in CALLS
        pairs = dict(pairwise(words))
        assert pairs["--region"] == "eu-west-1"
        assert pairs.get("--name", plain(hostile.pointer, 2_000)) == plain(hostile.pointer, 2_000)
        for option in ("--model-package-arn", "--model-package-name", "--training-job-name"):
            assert {pairs.get(option, hostile.source_arn)} <= {*named, hostile.source_arn}


@given(TEXT, TEXT)
def test_our_own_command_takes_names_as_they_are(endpoint, model):
    body = message(ArtifactPublished, **{**OF_JOB, "serving": SEVEN}, endpoint=endpoint, model=model).body
    lines = [line.strip() for line in body.split("\n") if line.startswith("     stationkeeper ")]

    for line in lines:
        words = shlex.split(line)
        assert words[:3] == ["stationkeeper", "models", plain(endpoint, 2_000)]
        named = plain(model, 2_000)
        assert words[3:] in (["--model", named], ["--take-back", named, "--version", OF_JOB["version"]])


@pytest.mark.parametrize("uri", ["s3://b/'; reboot; '", "s3://b/$(reboot)", "s3://b/a b/`x`/model.tar.gz"])
def test_an_address_is_one_argument_whatever_it_holds(uri):
    body = rejected(artifact_uri=uri).body

    assert command(body, "s3", "cp")[2:5] == [uri, "-", "|"]
    assert options(command(body, "s3api", "head-object"))["--key"] == uri.removeprefix("s3://b/")


def test_an_event_crosses_the_bus_unchanged():
    for one in (event(ArtifactRejected), event(ArtifactPublished), event(ArtifactWithdrawn)):
        back = from_detail(one.detail_type, one.model_dump(mode="json"))

        assert back == one
        assert message_for(back, PARAMETER) == message_for(one, PARAMETER)


def test_what_has_no_words_is_not_told_in_wrong_ones():
    facts = event(ArtifactRejected).model_dump()

    with pytest.raises(TypeError, match="no wording for "):
        message_for(ArtifactEvent(**facts), PARAMETER)


def test_the_largest_message_fits():
    wide = "\U0001f600" * 10_000

    told = rejected(reason=wide, hint=wide, model=wide, artifact_uri=f"s3://b/{wide}", named_by=wide)

    assert_deliverable(told)
    assert told.body.endswith("event 0a15f67d.\n")
