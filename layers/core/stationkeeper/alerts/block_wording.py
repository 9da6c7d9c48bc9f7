"""What is told of an endpoint that cannot be brought to the approved version, by the code of the obstacle.

The event says why and what to advise; here is what each code is called in a subject, and the commands that fit it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from stationkeeper.alerts.commands import aws
from stationkeeper.alerts.endpoint_steps import in_console, instances_log, watched
from stationkeeper.alerts.layout import Step, Told, console, facts, listed, paragraphs, steps
from stationkeeper.alerts.release_phrases import (
    beginning,
    sentence,
    short_version,
    version_words,
)
from stationkeeper.alerts.release_steps import (
    TAG_PREFIX,
    approved,
    arn_of,
    described_version,
    listed_versions,
    rejected,
    tagged,
)
from stationkeeper.alerts.text import moment, quoted
from stationkeeper.events.release_events import ReleaseBlocked

_TRIED_AGAIN = (
    "It changed nothing that serves, and told you; it tells you once a day while this lasts.",
    "It looks again every hour and at every change, and goes on by itself when it is over.",
)
_NOT_RELEASED = "{Version} of {group} cannot be released to endpoint {endpoint}."
_UNDER_WAY = "{Version} of {group} was being released to endpoint {endpoint}."
_SET_UP = "{Version} of {group} serves on endpoint {endpoint}, but autoscaling or monitoring could not be set up as configured."
_UNCHANGED = "Endpoint {endpoint} stays as it is."
_NO_ENDPOINT = "Nothing can be released from the model package group {group}."
_NOTHING = "Nothing can be released from {group} to endpoint {endpoint}."
_ARN = "ARN-FROM-THE-LIST"
_HOURS_BEFORE = timedelta(hours=2)

type _Next = Callable[[ReleaseBlocked], Step | None]


@dataclass(frozen=True, slots=True)
class BlockWords:
    """An obstacle: what it is called in a subject, the longest form first, and the next steps.

    `{version}` in a headline becomes `version 8`, `{v}` becomes `v8`. The last form fits beside the longest endpoint.
    """

    headlines: tuple[str, ...]
    steps: tuple[_Next, ...]
    opening: str = _NOT_RELEASED
    did: tuple[str, ...] = _TRIED_AGAIN


def blocked(event: ReleaseBlocked) -> Told:
    words = BLOCKS.get(event.code, UNKNOWN_BLOCK)
    opening = _NOTHING if event.version is None and "{Version}" in words.opening else words.opening
    why = f"Why: {beginning(sentence(event.why))}" if event.why else ""
    said = f"SageMaker says: {event.failure_reason}" if event.failure_reason else ""
    body = paragraphs(
        "\n".join(filter(None, (_filled(opening, event), why, said))),
        facts(
            ("Found", moment(event.at)),
            ("Group", event.group),
            ("In service", "" if event.serving is None else version_words(event.serving)),
            ("On call", event.on_call),
        ),
        listed("WHAT STATIONKEEPER DID", words.did),
        steps(*(step(event) for step in words.steps), lead=sentence(event.advice) if event.advice else ""),
    )
    return Told(_headlines(event, words), body)


def _filled(opening: str, event: ReleaseBlocked) -> str:
    return opening.format(
        Version=beginning(version_words(event.version)), group=event.group, endpoint=event.endpoint
    )


def _headlines(event: ReleaseBlocked, words: BlockWords) -> tuple[str, ...]:
    return tuple(
        form.replace("{version}", version_words(event.version)).replace("{v}", short_version(event.version))
        for form in words.headlines
    )


def _status(event: ReleaseBlocked) -> Step:
    return watched(event, "See what SageMaker says of the endpoint")


def _log(event: ReleaseBlocked) -> Step:
    return instances_log(event, "Read the log of its instances", event.at - _HOURS_BEFORE)


def _versions(event: ReleaseBlocked) -> Step:
    return listed_versions(event, "List the versions of the group")


def _package(event: ReleaseBlocked) -> Step | None:
    return described_version(event, f"See what is the matter with {version_words(event.version)}")


def _give_up(event: ReleaseBlocked) -> Step | None:
    return rejected(
        event, f"To give {version_words(event.version)} up, reject it", reason="cannot be released"
    )


def _approve_one(event: ReleaseBlocked) -> Step | None:
    serving = arn_of(event, event.serving if event.serving is not None else event.version)
    if serving is None:
        return approved(event, "Approve the version that should run", arn=_ARN)
    return approved(event, "Approve the version that runs, or another one of the list", arn=serving)


def _reject_newer(event: ReleaseBlocked) -> Step | None:
    higher = event.serving is not None and event.version is not None and event.serving > event.version
    newer = arn_of(event, event.serving) if higher else None
    which = f"version {event.serving}" if newer else "one"
    what = f"To get {version_words(event.version)}, reject every higher version that is approved; this rejects {which}"
    return rejected(event, what, arn=newer or _ARN)


def _approved_versions(event: ReleaseBlocked) -> Step:
    return listed_versions(event, "List what is approved", status="Approved")


def _blame(event: ReleaseBlocked) -> Step | None:
    what = f"If {version_words(event.version)} is to blame, reject it first; the next highest approved is released instead"
    return rejected(event, what, reason="its endpoint failed")


def _delete(event: ReleaseBlocked) -> Step:
    what = (
        "When you know why it failed, DELETE it. That cannot be undone. The new one is set up as the last that served; if none "
        "did, from the group's tags and the stack's parameters"
    )
    return Step(what, (aws(event, "sagemaker delete-endpoint", f"--endpoint-name {quoted(event.endpoint)}"),))


def _tags(event: ReleaseBlocked) -> Step:
    resource = f"--resource-arn {quoted(event.group_arn)}"
    return Step("See the tags of this group", (aws(event, "sagemaker list-tags", resource),))


def _untag(event: ReleaseBlocked) -> Step:
    options = f"--resource-arn {quoted(event.group_arn)} --tag-keys {TAG_PREFIX}endpoint"
    return Step(
        f"To release {event.group} to {event.endpoint} no longer, take its tag away",
        (aws(event, "sagemaker delete-tags", options),),
    )


def _many_models(event: ReleaseBlocked) -> Step:
    what = "To publish its versions as one model of that endpoint, put these tags on the group, then take the other one away"
    return tagged(event, what, {"multi-model-endpoint": event.endpoint, "target-model": event.group})


def _groups(event: ReleaseBlocked) -> Step:
    query = (
        "--sort-order Descending --max-items 20 --query 'ModelPackageGroupSummaryList[].ModelPackageGroupArn'"
    )
    return Step("List the groups there are", (aws(event, "sagemaker list-model-package-groups", query),))


def _tag_another(event: ReleaseBlocked) -> Step:
    return tagged(event, "Tag the one to go on with", {"endpoint": event.endpoint}, group_arn=_ARN)


def _roles(event: ReleaseBlocked) -> Step:
    query = "--query \"Roles[?contains(to_string(AssumeRolePolicyDocument),'sagemaker.amazonaws.com')].Arn\" --output text"
    return Step("List the roles that SageMaker may use", (aws(event, "iam list-roles", query),))


def _variants(event: ReleaseBlocked) -> Step:
    options = (
        f"--endpoint-name {quoted(event.endpoint)} --query "
        "'[EndpointConfigName,ProductionVariants[].[VariantName,CurrentInstanceCount,CurrentWeight]]'"
    )
    return Step("See the variants", (aws(event, "sagemaker describe-endpoint", options),))


def _components(event: ReleaseBlocked) -> Step:
    options = (
        f"--endpoint-name-equals {quoted(event.endpoint)} --query "
        "'InferenceComponents[].[InferenceComponentName,VariantName,InferenceComponentStatus]'"
    )
    return Step("See its inference components", (aws(event, "sagemaker list-inference-components", options),))


def _tag_rightly(event: ReleaseBlocked) -> Step:
    return tagged(event, "Tag it with the name of an endpoint", {"endpoint": "your-endpoint"})


def _schedules(event: ReleaseBlocked) -> Step:
    query = "--query 'MonitoringScheduleSummaries[].[MonitoringScheduleName,MonitoringScheduleStatus]'"
    options = f"--endpoint-name {quoted(event.endpoint)} {query}"
    return Step("See its monitors", (aws(event, "sagemaker list-monitoring-schedules", options),))


def _deletions(event: ReleaseBlocked) -> Step:
    query = "--max-items 5 --query 'Events[].[EventTime,Username,Resources[].ResourceName]'"
    calls = (
        f"AttributeKey=EventName,AttributeValue={call}" for call in ("DeleteEndpointConfig", "DeleteModel")
    )
    lines = (aws(event, "cloudtrail lookup-events", f"--lookup-attributes {one}", query) for one in calls)
    return Step("See who deleted them, and when", tuple(lines))


def _quotas(event: ReleaseBlocked) -> Step:
    page = f"{console(event.region)}/servicequotas/home/services/sagemaker/quotas"
    return Step("If a quota is reached, ask for more", (page,))


OLDER_VERSION = "older-version"
BLOCKS: dict[str, BlockWords] = {
    "rival-group": BlockWords(
        ("two model package groups claim the endpoint", "two groups claim it", "rival groups"),
        (_tags, _untag, in_console),
    ),
    "mixed-fleet": BlockWords(
        ("update failed, old and new instances serve", "old and new serve mixed", "update failed"),
        (_status, _log, in_console),
        opening=_UNDER_WAY,
    ),
    "endpoint-failed": BlockWords(
        ("endpoint has failed and serves nothing", "endpoint failed", "has failed"),
        (_status, _log, in_console, _blame, _delete),
        opening=_UNDER_WAY,
    ),
    "config-gone": BlockWords(
        ("its live config or model was deleted", "live config is gone", "config gone"),
        (_status, _deletions, in_console),
    ),
    "unreadable-tags": BlockWords(
        ("model package group has no usable endpoint tag", "endpoint tag not usable", "tag unusable"),
        (_tags, _tag_rightly),
        opening=_NO_ENDPOINT,
    ),
    "group-gone": BlockWords(
        ("its model package group does not exist any more", "model group is gone", "group is gone"),
        (_groups, _tag_another),
        opening=_NOTHING,
    ),
    "package-failed": BlockWords(
        ("{version} not released, its package is broken", "{v} is broken", "broken model"),
        (_package, _versions),
    ),
    "package-gone": BlockWords(
        ("{version} not released, it cannot be read", "{v} is unreadable", "unreadable"),
        (_package, _versions),
    ),
    "nothing-approved": BlockWords(
        ("no version is approved any more", "nothing is approved", "none approved"),
        (_versions, _approve_one),
        opening=_NOTHING,
    ),
    "no-role": BlockWords(
        ("no role to create the endpoint with", "no role for endpoint", "no role"), (_roles,)
    ),
    "ambiguous-variant": BlockWords(
        ("{version} not released, unclear to which variant", "which variant?", "variant?"),
        (_variants, in_console),
    ),
    "no-model": BlockWords(
        ("{version} not released, the variant names no model", "variant has no model", "no model"),
        (_components, in_console),
    ),
    "multi-model": BlockWords(
        ("{version} not released, it is a multi-model endpoint", "multi-model endpoint", "multi-model"),
        (_many_models, _untag),
    ),
    "pipeline": BlockWords(
        ("{version} not released, containers are missing", "{v} lacks containers", "incomplete"),
        (_package, _versions, _give_up),
    ),
    "no-capacity": BlockWords(
        ("{version} waits, SageMaker has no instances", "no instances for {v}", "no instances"),
        (_status, in_console, _quotas, _give_up),
        did=(
            "It did not reject the version: nothing speaks against it. What served before serves.",
            "It tries again by itself after six hours, and at once when somebody approves the version anew.",
        ),
    ),
    "refused": BlockWords(
        ("{version} not released, AWS refused", "AWS refused {v}", "AWS refused"),
        (_status, in_console, _quotas, _give_up),
    ),
    "set-up-refused": BlockWords(
        ("{version} serves, but not all could be set up", "set-up was refused", "not set up"),
        (_schedules, _quotas, in_console),
        opening=_SET_UP,
    ),
    OLDER_VERSION: BlockWords(
        ("{version} approved, a higher one stays", "{v} changes nothing", "no change"),
        (_approved_versions, _reject_newer),
        opening=_UNCHANGED,
        did=("It changed nothing: the highest approved version counts, whichever was approved last.",),
    ),
}
UNKNOWN_BLOCK = BlockWords(
    ("{version} cannot be released", "release blocked", "blocked"), (_status, _versions, in_console)
)
