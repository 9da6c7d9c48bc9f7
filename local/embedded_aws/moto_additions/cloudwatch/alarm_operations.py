"""What the API is asked about alarms, beyond what moto answers.

Words not found in any real record are marked `?`; only their code is certain.
"""

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import Any
from unittest import mock

from moto.cloudwatch.exceptions import (
    CloudWatchException,
    ResourceNotFoundException,
    ValidationError,
)
from moto.cloudwatch.models import CloudWatchBackend
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult, EmptyResult

from embedded_aws.moto_additions.cloudwatch.alarm import ALARM, Alarm, Suppressor
from embedded_aws.moto_additions.cloudwatch.alarm_rule import name_in, parse

type Answer = dict[str, Any]
# what keeps the actions of an alarm back now
type SuppressedBy = Callable[[Alarm], str | None]

_PAGE = 50  # ?
_KINDS = ("MetricAlarm", "CompositeAlarm")


class InvalidNextToken(CloudWatchException):
    code = "InvalidNextToken"


def installed(suppressed_by: SuppressedBy) -> ExitStack:
    def describe_alarms(response: CloudWatchResponse) -> ActionResult:
        for alarm in response.cloudwatch_backend.alarms.values():
            if isinstance(alarm, Alarm):  # a wait has its end
                alarm.actions_suppressed_by = suppressed_by(alarm)
        return ActionResult(_describe(response))

    context = ExitStack()
    for name, answer in (
        ("put_composite_alarm", _put_composite_alarm),
        ("describe_alarms", describe_alarms),
        ("describe_alarm_contributors", _describe_contributors),
    ):
        context.enter_context(mock.patch.object(CloudWatchResponse, name, answer, create=True))
    for name, method in (
        ("untag_resource", _untag_resource),
        ("list_tags_for_resource", _list_tags_for_resource),
    ):
        context.enter_context(mock.patch.object(CloudWatchBackend, name, method))
    return context


def _put_composite_alarm(response: CloudWatchResponse) -> EmptyResult:
    ask, backend = response._get_param, response.cloudwatch_backend
    named = ask("AlarmRule")
    if missing := [name for name in parse(named).names if name not in backend.alarms]:
        raise ValidationError(
            f"Could not save the composite alarm as alarms [{', '.join(missing)}] "
            "in the alarm rule do not exist"
        )
    composite: dict[str, Any] = {
        "name": ask("AlarmName"),
        "rule": named,
        "description": ask("AlarmDescription"),
        "actions_enabled": ask("ActionsEnabled"),
        "alarm_actions": ask("AlarmActions", []),
        "ok_actions": ask("OKActions", []),
        "insufficient_data_actions": ask("InsufficientDataActions", []),
        "tags": ask("Tags", []),
        "suppressor": _suppressor(response),
        # What only metric alarms have.
        **dict.fromkeys(
            (
                "namespace",
                "metric_name",
                "comparison_operator",
                "evaluation_periods",
                "period",
                "threshold",
                "statistic",
            )
        ),
        "dimensions": [],
    }
    backend.put_metric_alarm(**composite)
    return EmptyResult()


def _suppressor(response: CloudWatchResponse) -> Suppressor | None:
    ask = response._get_param
    reference = ask("ActionsSuppressor")
    if not reference:
        return None
    wait, extension = ask("ActionsSuppressorWaitPeriod"), ask("ActionsSuppressorExtensionPeriod")
    if wait is None or extension is None:
        raise ValidationError(
            "ActionsSuppressorWaitPeriod and ActionsSuppressorExtensionPeriod are required "
            "when ActionsSuppressor is specified"  # ?
        )
    if name_in(reference) not in response.cloudwatch_backend.alarms:
        raise ValidationError(f"Could not save the composite alarm as alarm {reference} does not exist")  # ?
    return Suppressor(reference, int(wait), int(extension))


def _describe(response: CloudWatchResponse) -> Answer:
    ask = response._get_param
    alarms: Iterable[Any] = list(response.cloudwatch_backend.alarms.values())
    children, parents = ask("ChildrenOfAlarmName"), ask("ParentsOfAlarmName")
    if children or parents:
        return _relatives(response, children, parents)
    kinds = ask("AlarmTypes") or ["MetricAlarm"]
    names, prefix = ask("AlarmNames"), ask("AlarmNamePrefix")
    state, action = ask("StateValue"), ask("ActionPrefix")
    if names and prefix:
        raise ValidationError("AlarmNames and AlarmNamePrefix cannot be specified together")  # ?
    found = [
        alarm
        for alarm in alarms
        if _kind(alarm) in kinds
        and (not names or alarm.name in names)
        and alarm.name.startswith(prefix or "")
        and state in (None, alarm.state_value)
        and (not action or any(one.startswith(action) for one in _actions(alarm)))
    ]
    return _page(response, found)


def _relatives(response: CloudWatchResponse, children: str | None, parents: str | None) -> Answer:
    """Only a little of each; of parents even less."""
    others = (
        "AlarmNames",
        "AlarmNamePrefix",
        "AlarmTypes",
        "StateValue",
        "ActionPrefix",
    )
    if (children and parents) or any(response._get_param(name) for name in others):
        raise ValidationError("Only MaxRecords and NextToken go with the relatives of an alarm")  # ?
    known = response.cloudwatch_backend.alarms
    if children:
        asked = known.get(children)
        related = [known[name] for name in getattr(asked, "children", ()) if name in known]
    else:
        related = [alarm for alarm in known.values() if parents in getattr(alarm, "children", ())]
    answer = _page(response, related)
    for kind in ("MetricAlarms", "CompositeAlarms"):
        answer[kind] = [_brief(alarm, of_child=bool(children)) for alarm in answer[kind]]
    return answer


def _brief(alarm: Any, *, of_child: bool) -> Answer:
    brief = {"AlarmName": alarm.name, "AlarmArn": alarm.alarm_arn}
    if of_child:
        brief |= {"StateValue": alarm.state_value, "StateUpdatedTimestamp": alarm.state_updated_timestamp}
    return brief


def _page(response: CloudWatchResponse, alarms: list[Any]) -> Answer:
    token = response._get_param("NextToken") or "0"
    if not token.isdecimal() or int(token) > len(alarms):
        raise InvalidNextToken("The next token specified is invalid.")  # ?
    start = int(token)
    end = start + int(response._get_param("MaxRecords") or _PAGE)
    answer: Answer = {
        f"{kind}s": [alarm for alarm in alarms[start:end] if _kind(alarm) == kind] for kind in _KINDS
    }
    if end < len(alarms):
        answer["NextToken"] = str(end)
    return answer


def _kind(alarm: Any) -> str:
    return _KINDS[alarm.rule is not None]


def _actions(alarm: Any) -> list[str]:
    return [*alarm.alarm_actions, *alarm.ok_actions, *alarm.insufficient_data_actions]


def _describe_contributors(response: CloudWatchResponse) -> ActionResult:
    """Those in ALARM; one page holds them all."""
    alarm = response.cloudwatch_backend.alarms.get(response._get_param("AlarmName"))
    if not isinstance(alarm, Alarm):
        raise ResourceNotFoundException
    listed = [
        {
            "ContributorId": one.id,
            "ContributorAttributes": one.attributes,
            "StateReason": one.reason,
            "StateTransitionedTimestamp": one.transitioned,
        }
        for one in alarm.contributors.values()
        if one.value == ALARM
    ]
    return ActionResult({"AlarmContributors": listed})


def _untag_resource(backend: CloudWatchBackend, arn: str, tag_keys: list[str]) -> None:
    _require(backend, arn)
    backend.tagger.untag_resource_using_names(arn, tag_keys)


def _list_tags_for_resource(backend: CloudWatchBackend, arn: str) -> dict[str, str]:
    _require(backend, arn)
    return backend.tagger.get_tag_dict_for_resource(arn)


def _require(backend: CloudWatchBackend, arn: str) -> None:
    rules = (rule.rule_arn for rule in backend.insight_rules.values())
    if arn not in (*(alarm.alarm_arn for alarm in backend.alarms.values()), *rules):
        raise ResourceNotFoundException
