"""The models of a multi-model endpoint: what is said of each, and the tables that show it."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from hypothesis import given
from rich.console import Console
from stationkeeper.artifacts.naming import job_number, version_key
from stationkeeper.artifacts.record import ModelRecord, Refused, Source, Version
from stationkeeper_command.errors import CommandError
from stationkeeper_command.models import Listing, Model, State, Summary, View, Wanted, summed
from stationkeeper_command.models_taking_back import Outlook, chosen, told
from stationkeeper_command.models_wording import (
    json_pieces,
    notes,
    readable_label,
    show,
    source_words,
    summed_up,
)

from tests.unit.builders import hostile_text

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ENDPOINT, MODEL = "house-prices", "Houston_TX"
GROUP_ARN = "arn:aws:sagemaker:eu-west-1:123456789012:model-package-group/houston"
ROOT = "s3://serving/models/"


def of_job(hours: float, **more: Any) -> Version:
    """A version of a training job that was made so many hours ago."""
    at = NOW - timedelta(hours=hours)
    arn = f"arn:aws:sagemaker:eu-west-1:123456789012:training-job/houston-{hours:g}"
    source = Source(kind="training-job", arn=arn, created_at=at, number=job_number(at))
    return _version(source, str(source.number), at, **more)


def of_group(number: int, hours: float, **more: Any) -> Version:
    arn = f"arn:aws:sagemaker:eu-west-1:123456789012:model-package/houston/{number}"
    at = NOW - timedelta(hours=hours)
    source = Source(kind="model-package", arn=arn, created_at=at, number=number, owner=GROUP_ARN)
    return _version(source, str(number), at, **more)


def _version(source: Source, label_of_source: str, at: datetime, **more: Any) -> Version:
    target_model = version_key(MODEL, label_of_source)
    values = {
        "source": source,
        "generation": 1,
        "label": label_of_source,
        "target_model": target_model,
        "uri": ROOT + target_model,
        "etag": '"e"',
        "size_bytes": 1_500_000,
        "published_at": at,
        "superseded_at": at + timedelta(hours=1),
        **more,
    }
    return Version.model_validate(values)


def refused(code: str, hours: float, *, passing: bool = False) -> Refused:
    arn = f"arn:aws:sagemaker:eu-west-1:123456789012:training-job/bad-{hours:g}"
    return Refused(identity=arn, source_arn=arn, code=code, passing=passing, at=NOW - timedelta(hours=hours))


def model(*versions: Version, current: Version | None = None, name: str = MODEL, **more: Any) -> Model:
    """A settled model whose callers are sent to `current`, the last version unless said otherwise."""
    serving = current or (versions[-1] if versions else None)
    uri = serving.uri if serving else ""
    versions = tuple(
        one.model_copy(update={"superseded_at": None}) if one is serving else one for one in versions
    )
    values = {"endpoint": ENDPOINT, "model": name, "current": uri, "pointer": uri, **more}
    return Model(ModelRecord(versions=versions, **values))


def listing(models: Iterable[Model], view: View = View.MODELS, **more: Any) -> Listing:
    summary = Summary()
    return Listing(
        ENDPOINT, view, summed(models, summary, NOW, nameless=view is View.REFUSALS), summary, NOW, **more
    )


def printed(listed: Listing, width: int | None = None) -> list[str]:
    """What is printed: on a terminal of a width, or piped."""
    console = Console(
        file=StringIO(),
        width=width or 80,
        highlight=False,
        soft_wrap=True,
        force_terminal=width is not None,
        color_system=None,
    )
    show(console, listed)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def document(listed: Listing) -> Any:
    return json.loads("".join(json_pieces(listed)))


# ------------------------------------------------------------------ one model


def test_the_previous_version_is_the_newest_other_good_one() -> None:
    versions = (of_job(60), of_job(50), of_job(40, rejected=True), of_job(30, failed="500"), of_job(20))

    found = model(*versions)

    assert found.previous == versions[1]
    states = [State.CURRENT, State.FAILED, State.REJECTED, State.PREVIOUS, State.KEPT]
    assert [found.state_of(one) for one in found.versions] == states


@pytest.mark.parametrize(
    "other",
    [
        of_job(30, retired=True),
        of_job(30, retiring=True),
        of_job(30, rejected=True),
        of_job(30, failed="it answered 500"),
        of_job(30, superseded_at=None),
        of_job(30, uri="s3://serving/elsewhere/" + of_job(30).target_model),
    ],
)
def test_nobody_would_go_back_to_a_version_that_is_not_good_or_lies_elsewhere(other: Version) -> None:
    assert model(other, of_job(20)).previous is None


def test_a_version_that_is_newer_than_where_callers_are_may_be_the_previous_one() -> None:
    older, newer = of_job(30), of_job(20)

    assert model(older, newer, current=older).previous == newer


def test_a_model_that_was_never_published_has_neither() -> None:
    found = model(refused=(refused("truncated", 1),))

    assert (found.current, found.previous, found.pointed) == (None, None, True)


def test_what_becomes_of_deleted_versions() -> None:
    found = model(of_job(60, retired=True, rejected=True), of_job(50, retiring=True), of_job(20))

    assert [found.state_of(one) for one in found.versions] == [State.CURRENT, State.RETIRING, State.RETIRED]


def test_a_refusal_is_open_until_a_good_version_is_published() -> None:
    found = model(of_job(10), refused=(refused("truncated", 20), refused("denied", 5, passing=True)))

    assert [(one.code, one.open, one.passing) for one in found.refusals] == [
        ("denied", True, True),
        ("truncated", False, False),
    ]


def test_a_failed_warm_up_is_a_refusal_and_makes_nothing_good() -> None:
    good, failed = of_job(10), of_job(3, failed="it answered 500")

    found = model(good, failed, current=good, refused=(refused("truncated", 5), refused("warm-up", 3)))

    assert [one.code for one in found.open_refusals] == ["warm-up", "truncated"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, []),
        ({"pointer": ""}, ["pointer not moved yet"]),
        (
            {"refused": (refused("truncated", 2), refused("denied", 0.05))},
            ["refused: denied, 3 minutes ago"],
        ),
        (
            {"pointer": "", "refused": (refused("bomb", 2),)},
            ["pointer not moved yet", "refused: bomb, 2 hours ago"],
        ),
    ],
)
def test_what_is_noted(changes: dict[str, Any], said: list[str]) -> None:
    assert notes(model(of_job(20), of_job(10), **changes), NOW) == said


def test_a_pointer_that_may_have_been_moved_is_not_known_to_be() -> None:
    assert notes(model(of_job(10), unsure=True), NOW) == ["pointer not moved yet"]


def test_a_key_in_place_that_is_behind_is_noted() -> None:
    wanted = of_job(10, in_place=True)

    assert notes(model(wanted), NOW) == ["in place behind"]
    assert notes(model(wanted, in_place=wanted.uri), NOW) == []


@pytest.mark.parametrize(("kind", "behind"), [("pointer", {"pointer": ""}), ("in place", {"in_place": ""})])
def test_a_refusal_of_a_published_version_is_open_while_it_is_behind(
    kind: str, behind: dict[str, str]
) -> None:
    version = of_job(10, in_place=True)
    of_it = refused("denied", 5).model_copy(update={"identity": f"{kind} {version.source.identity}"})

    mended = model(version, in_place=version.uri, refused=(of_it,))
    still = model(version, **{"in_place": version.uri, **behind}, refused=(of_it,))

    assert (len(mended.open_refusals), len(still.open_refusals)) == (0, 1)


def test_an_older_version_published_later_makes_no_newer_refusal_good() -> None:
    newer = refused("truncated", 5).model_copy(update={"number": 8, "owner": GROUP_ARN})

    assert [one.code for one in model(of_group(7, 2), refused=(newer,)).open_refusals] == ["truncated"]
    assert model(of_group(8, 2), refused=(newer,)).open_refusals == ()
    assert model(of_job(2), refused=(newer,)).open_refusals == ()


def test_a_rejected_version_that_callers_stay_at_is_noted() -> None:
    assert notes(model(of_job(10, rejected=True)), NOW) == ["version rejected, but nothing else is left"]


# ------------------------------------------------------------------ words


def test_versions_of_jobs_are_shown_by_their_time_and_others_by_their_number() -> None:
    job = of_job(1)

    assert (job.label, readable_label(job)) == ("20261123110000000", "2026-11-23 11:00Z")
    assert readable_label(job.model_copy(update={"label": f"{job.label}-0a1b2c3d"})).endswith("Z-0a1b2c3d")
    assert readable_label(job.model_copy(update={"label": "99999999999999999"})) == "99999999999999999"
    assert readable_label(of_group(7, 1)) == "7"
    assert readable_label(of_group(7, 1, label="20261123110000000")) == "20261123110000000"


def test_where_a_version_comes_from() -> None:
    assert source_words(of_job(1)) == "job houston-1"
    named = of_job(1).source.model_copy(update={"name": "Houston-1"})
    assert source_words(of_job(1).model_copy(update={"source": named})) == "job Houston-1"
    assert source_words(of_group(7, 1)) == "package houston/7"


def test_the_summary_counts_each_model_once() -> None:
    listed = listing(
        [
            model(of_job(60, retired=True), of_job(30), of_job(20)),
            model(of_job(40), refused=(refused("truncated", 3), refused("truncated", 2))),
            model(refused=(refused("no-artifact", 1),)),
        ]
    )
    printed(listed)

    assert listed.summary == Summary(3, 3_000_000, 4_500_000, 1, 2)
    assert summed_up(listed.summary) == (
        "3 models, 3.0 MB (4.5 MB with all versions kept); 1 published in the last 24 hours; 2 with a refusal"
    )


# ------------------------------------------------------------------ selecting


@pytest.mark.parametrize(
    ("patterns", "names", "matching"),
    [
        ((), (), {"Houston_TX", "houston", "Austin"}),
        (("Houston_TX",), ("Houston_TX",), {"Houston_TX"}),
        (("Houston*",), (), {"Houston_TX"}),
        (("[Hh]ouston*",), (), {"Houston_TX", "houston"}),
        (("A*", "houston"), (), {"Austin", "houston"}),
        (("Austi?",), (), {"Austin"}),
    ],
)
def test_patterns_are_those_of_a_shell(
    patterns: tuple[str, ...], names: tuple[str, ...], matching: set[str]
) -> None:
    wanted = Wanted(patterns)

    assert wanted.names == names
    assert {name for name in ("Houston_TX", "houston", "Austin") if wanted.matches(name)} == matching


# ------------------------------------------------------------------ tables


def test_a_line_per_model_and_a_summary() -> None:
    lines = printed(
        listing([model(of_group(6, 50), of_group(7, 2)), model(name="Waco", refused=(refused("bomb", 1),))])
    )

    assert lines[0].split() == ["MODEL", "CURRENT", "SIZE", "PUBLISHED", "PREVIOUS", "NOTE"]
    assert lines[1].split() == [MODEL, "7", "1.5", "MB", "2", "hours", "ago", "6"]
    assert lines[2].split(maxsplit=5) == ["Waco", "-", "-", "-", "-", "refused: bomb, 1 hour ago"]
    assert lines[3:] == ["", summed_up(Summary(2, 1_500_000, 3_000_000, 1, 1))]


def test_versions_of_one_minute_are_told_apart() -> None:
    one, other = of_job(1.003), of_job(1.0001)

    (line,) = printed(listing([model(one, other)]))[1:2]

    assert (one.label in line, other.label in line) == (True, True)
    assert readable_label(of_job(50)) in printed(listing([model(of_job(50), other)]))[1]


def test_with_a_pattern_labels_are_shown_as_they_are() -> None:
    assert of_job(1).label in printed(listing([model(of_job(1))], labels=True))[1]


def test_all_of_one_model() -> None:
    found = model(
        of_job(50, retired=True),
        of_job(30, failed="it answered 500"),
        of_job(20),
        of_job(2),
        pointer=of_job(20).uri,
        refused=(refused("truncated", 40), refused("warm-up", 30), refused("denied", 1, passing=True)),
    )

    lines = printed(listing([found], View.VERSIONS, only=found))

    heading = ["VERSION", "STATE", "SOURCE", "PUBLISHED", "SUPERSEDED", "SIZE", "TARGETMODEL"]
    assert lines[0].split() == heading
    assert [line.split("  ")[1].strip() for line in lines[1:5]] == [
        "current",
        "previous",
        "refused warm-up",
        "retired",
    ]
    assert lines[1].endswith(of_job(2).target_model)
    assert lines[6] == f"Pointer /stationkeeper/house-prices/Houston_TX: {of_job(20).target_model}"
    assert lines[7:9] == ["Pointer not moved yet.", "Refused: denied, 1 hour ago."]
    assert [line.split("  ")[0] for line in lines[10:]] == ["REFUSED", "denied", "warm-up", "truncated"]
    assert [line.split("  ")[-1] for line in lines[11:]] == ["bad-1", "bad-30", "bad-40"]
    assert "looked at again" in lines[11]
    assert "made good" in lines[13]


def test_a_rejected_version_that_serves_is_both() -> None:
    found = model(of_job(2, rejected=True))

    assert "current, rejected" in printed(listing([found], View.VERSIONS, only=found))[1]


def test_all_versions_of_several_models_name_the_model() -> None:
    models = [model(of_job(20), of_job(2)), model(of_group(7, 2), name="Waco")]

    lines = printed(listing(models, View.VERSIONS))

    assert [line.split()[0] for line in lines[:4]] == ["MODEL", MODEL, MODEL, "Waco"]
    assert lines[-1].startswith("2 models")


def test_refusals_are_a_line_each() -> None:
    models = [model(of_job(9), refused=(refused("truncated", 20), refused("denied", 2), refused("bomb", 1)))]

    lines = printed(listing(models, View.REFUSALS))

    assert [line.split()[:2] for line in lines[:3]] == [
        ["MODEL", "REFUSED"],
        [MODEL, "bomb"],
        [MODEL, "denied"],
    ]
    assert lines[-1].startswith("1 model,")


def test_what_nobody_knows_the_model_of_is_listed_with_the_refusals_alone() -> None:
    models = [model(name="-0a1b2c3d", refused=(refused("no-name", 1),)), model(of_job(9))]

    lines = printed(listing(models, View.REFUSALS))

    assert lines[1].split("  ")[:2] == ["(no name)", "no-name"]
    assert printed(listing(models))[1:] == [
        printed(listing(models[1:]))[1],
        "",
        summed_up(Summary(1, 1_500_000, 1_500_000, 1, 0, nameless=1)),
    ]
    (first, _) = document(listing(models, View.REFUSALS))["models"]
    assert (first["model"], first["pointer"]) == (None, None)


def test_no_refusal_is_said() -> None:
    assert printed(listing([], View.REFUSALS)) == [
        "No refusal is open: whatever was refused, a good version was published since."
    ]


LONG = model(
    of_job(30, rejected=True),
    of_job(20),
    name="q" * 100,
    refused=(refused("too-many-members", 1),),
    pointer="",
)


@pytest.mark.parametrize("view", list(View))
def test_a_terminal_of_80_columns_is_enough(view: View) -> None:
    lines = printed(listing([LONG, model(of_job(30), of_job(20))], view), width=80)

    assert max(map(len, lines[:-1])) <= 80
    text = "".join(lines)
    assert text.count("q") == 100 * (2 if view is View.VERSIONS else 1)  # folded, not cut
    assert "\u2026" not in text


def test_piped_it_is_one_line_per_model_however_many_there_are() -> None:
    models = [model(of_job(30), of_job(20), name=f"m{number:04}") for number in range(450)]

    lines = printed(listing([*models, LONG]))

    assert len(lines) == 1 + 451 + 2
    assert [line.split()[0] for line in lines[1:451]] == [f"m{number:04}" for number in range(450)]
    assert "q" * 100 in lines[451]
    assert sum(line.startswith("MODEL") for line in lines) == 1
    assert len({line.index("1.5 MB") for line in lines[1:400]}) == 1


def test_lines_are_printed_while_records_are_read() -> None:
    console = Console(file=StringIO(), highlight=False, soft_wrap=True)
    shown = []

    def models() -> Any:
        for number in range(450):
            shown.append(console.file.getvalue().count("\n"))
            yield model(of_job(20), name=f"m{number}")

    show(console, listing(models()))

    assert (shown[198], shown[250], shown[449]) == (0, 200, 400)


@given(text=hostile_text())
def test_no_text_forges_lines_or_escapes_or_markup(text: str) -> None:
    text = text.encode("utf-8", "replace").decode().lstrip("-")  # a record is JSON in UTF-8
    hostile = of_job(2, label=text, target_model=text).model_copy(
        update={"source": of_job(2).source.model_copy(update={"arn": text})}
    )
    found = model(of_job(3, label=text), hostile, name=text, refused=(refused(text, 1),))
    for view, length in ((View.MODELS, 4), (View.VERSIONS, 5), (View.REFUSALS, 4)):
        lines = printed(listing([found], view))
        assert len(lines) == length
        assert "\x1b" not in "".join(lines)
    assert "\x1b" not in "".join(printed(listing([found], View.VERSIONS, only=found)))
    assert document(listing([found], View.VERSIONS))["models"][0]["model"] == text
    outlook = Outlook(hostile, of_job(3, label=text), moves=True, serving=True)
    assert all("\x1b" not in line and "\n" not in line for line in told(text, outlook))
    assert "[bold]x[/bold]" in "".join(printed(listing([model(of_job(1), name="[bold]x[/bold]")])))


# ------------------------------------------------------------------ JSON


def test_one_document() -> None:
    found = document(listing([model(of_job(20), of_job(2), refused=(refused("bomb", 1),)), model(name="x")]))

    first, second = found["models"]
    assert found["endpoint"] == ENDPOINT
    assert (first["current"]["version"], first["current"]["state"]) == (of_job(2).label, "current")
    assert first["previous"]["version"] == of_job(20).label
    assert first["pointer"] == "/stationkeeper/house-prices/Houston_TX"
    assert first["refusals"][0]["code"] == "bomb"
    assert (first["versions"], second["current"]) == (None, None)
    assert found["summary"] == {
        "models": 2,
        "current_bytes": 1_500_000,
        "kept_bytes": 3_000_000,
        "published_in_24_hours": 1,
        "with_refusal": 1,
        "refused_of_no_known_model": 0,
    }


def test_no_model_is_a_document_too() -> None:
    assert document(listing([], View.REFUSALS))["models"] == []


def test_versions_are_in_the_document_when_they_are_listed() -> None:
    found = document(listing([model(of_job(20), of_job(2))], View.VERSIONS))

    assert [one["state"] for one in found["models"][0]["versions"]] == ["current", "previous"]


# ------------------------------------------------------------------ taking back


def test_the_current_version_is_chosen_unless_another_is_named() -> None:
    found = model(of_job(20), of_job(2))

    assert chosen(found, "").label == of_job(2).label
    assert chosen(found, of_job(20).label).label == of_job(20).label


@pytest.mark.parametrize(
    ("found", "label", "words"),
    [
        (model(), "", "callers are sent to no version of Houston_TX"),
        (model(), "7", "Houston_TX has no version '7', nor any other"),
        (model(of_group(6, 9, retired=True), of_group(8, 2)), "7", "has no version '7'. It has: 8"),
        (model(*(of_group(n, 9) for n in range(1, 21))), "x\x1b", "12, 11 and 10 older ones"),
    ],
)
def test_a_version_that_is_not_there(found: Model, label: str, words: str) -> None:
    with pytest.raises(CommandError) as raised:
        chosen(found, label)

    assert words in str(raised.value)
    assert "\x1b" not in str(raised.value)


@pytest.mark.parametrize(
    ("outlook", "line"),
    [
        (
            Outlook(of_job(2), of_job(20), moves=True, serving=True),
            (
                "Callers go back to: version 20261122160000000 (job houston-20, published 22 Nov 2026 16:00 UTC), "
                "TargetModel Houston_TX/Houston_TX-v20261122160000000.tar.gz."
            ),
        ),
        (
            Outlook(of_job(2), of_job(2), moves=False, serving=True),
            "Callers stay at it: no other good version of Houston_TX is left. On-call is told; the next good version takes over.",
        ),
        (
            Outlook(of_job(20), of_job(2), moves=False, serving=False),
            "Callers are not sent to it now: they stay at version 20261123100000000, and will not go back to this one.",
        ),
    ],
)
def test_what_would_come_of_taking_it_back(outlook: Outlook, line: str) -> None:
    assert told(MODEL, outlook)[1] == line
