"""Alarms come, change and go; those whose rules look at them follow, and the bus hears of it."""

import json
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

from moto.cloudwatch import models
from moto.cloudwatch.exceptions import InvalidFormat, ResourceNotFound, ValidationError
from moto.cloudwatch.models import CloudWatchBackend, cloudwatch_backends

from embedded_aws.moto_additions.cloudwatch import alarm_details, alarm_operations
from embedded_aws.moto_additions.cloudwatch.alarm import (
    ALARM,
    OK,
    STATES,
    Alarm,
    Contributor,
    Suppressor,
)
from embedded_aws.moto_additions.cloudwatch.alarm_rule import name_in

# source, detail-type, ARN, detail
type Emit = Callable[[str, str, str, dict[str, Any]], None]
# account, region
type OnChange = Callable[[str, str], None]


class AlarmStates:
    """Keeps no alarms itself: they are moto's, and everything known of one is in it.

    Parameters
    ----------
    now : the time, with its time zone.
    emit : puts an event on the bus of the resource's account and region.
    on_change : called whenever the state of an alarm there has become another.
    """

    def __init__(self, now: Callable[[], datetime], emit: Emit, on_change: OnChange) -> None:
        self._now = now
        self._emit = emit
        self._on_change = on_change
        self._put_by_moto = CloudWatchBackend.put_metric_alarm

    def installed(self) -> ExitStack:
        """Let moto's CloudWatch play alarms so until the returned context is closed."""
        context = ExitStack()
        context.enter_context(mock.patch.object(models, "Alarm", Alarm))
        for name, method in (
            ("put_metric_alarm", self._put),
            ("set_alarm_state", self._set),
            ("delete_alarms", self._delete),
        ):
            context.enter_context(mock.patch.object(CloudWatchBackend, name, _as_method(method)))
        context.enter_context(alarm_operations.installed(self.suppressed_by))
        return context

    def _put(
        self, backend: CloudWatchBackend, name: str, suppressor: Suppressor | None = None, **properties: Any
    ) -> Alarm:
        before = alarms_of(backend).get(name)
        previous = alarm_details.whole_configuration(before) if before else None
        if before is not None:
            properties["tags"] = None  # only a new alarm takes them
        alarm = self._put_by_moto(backend, name=name, **properties)
        assert isinstance(alarm, Alarm)
        alarm.suppressor = suppressor
        alarm.on_contributor = self._contributor_changed
        alarm.configuration_updated_timestamp = self._moment()
        if before is None:
            alarm.state_updated_timestamp = alarm.state_transitioned_timestamp = self._moment()
        else:
            alarm.take_over(before)
        operation = "create" if before is None else "update"
        self._announce(
            alarm,
            alarm_details.CONFIGURATION_CHANGE,
            alarm_details.configuration_change(alarm, operation, previous),
        )
        self._evaluate_after_put(backend, alarm, operation)
        return alarm

    def _evaluate_after_put(self, backend: CloudWatchBackend, alarm: Alarm, operation: str) -> None:
        concerned = [alarm] if alarm.rule else []
        if operation == "create":  # a template may have its parents already
            concerned += parents_of(backend, alarm.name)
        for composite in concerned:
            value = _decided(backend, composite)
            if value not in (None, composite.state_value):
                reason = f"{composite.alarm_arn} was {operation}d and its alarm rule evaluates to {value}"
                children = [alarms_of(backend)[name] for name in composite.children]
                self._enter(composite, value, reason, _triggers(children))

    def _set(
        self, backend: CloudWatchBackend, alarm_name: str, reason: str, reason_data: str, state_value: str
    ) -> None:
        if state_value not in STATES:
            raise ValidationError(
                f"1 validation error detected: Value '{state_value}' at 'stateValue' failed to satisfy "
                f"constraint: Member must satisfy enum value set: [{', '.join(STATES)}]"
            )
        if reason_data:
            try:
                json.loads(reason_data)
            except ValueError as error:
                raise InvalidFormat("Unknown") from error
        alarm = alarms_of(backend).get(alarm_name)
        if alarm is None:
            raise ResourceNotFound("Unknown")  # ?
        self._enter(alarm, state_value, reason, reason_data)

    def _delete(self, backend: CloudWatchBackend, alarm_names: list[str]) -> None:
        known = alarms_of(backend)
        leaving = [known[name] for name in dict.fromkeys(alarm_names) if name in known]
        if sum(alarm.rule is not None for alarm in leaving) > 1:
            raise ValidationError("You can delete at most one composite alarm in one operation.")  # ?
        staying = [alarm for alarm in known.values() if alarm.name not in alarm_names]
        needed = {name for alarm in staying for name in alarm.needs}
        if held := [alarm.name for alarm in leaving if alarm.name in needed]:
            them = "it" if len(held) == 1 else "them"
            raise ValidationError(
                f"Cannot delete {','.join(held)} as there are composite alarm(s) depending on {them}."
            )
        for alarm in leaving:
            del backend.alarms[alarm.name]
            backend.tagger.delete_all_tags_for_resource(alarm.alarm_arn)
            self._announce(
                alarm,
                alarm_details.CONFIGURATION_CHANGE,
                alarm_details.configuration_change(alarm, "delete"),
            )

    def _enter(
        self,
        alarm: Alarm,
        value: str,
        reason: str,
        reason_data: str | None = None,
        path: tuple[str, ...] = (),
    ) -> None:
        """`path` has the names of those whose change led to this one: a circle of rules is not followed."""
        backend = backend_of(alarm)
        was, previous = alarm.state_value, alarm_details.state(alarm)
        data: Any = reason_data
        alarm.update_state(reason, data, value)
        alarm.state_updated_timestamp = self._moment()
        if value == was:
            return
        alarm.state_transitioned_timestamp = alarm.state_updated_timestamp
        alarm.actions_suppressed_by = self.suppressed_by(alarm)
        self._announce(alarm, alarm_details.STATE_CHANGE, alarm_details.state_change(alarm, previous))
        self._on_change(backend.account_id, backend.region_name)
        moment = f"{alarm.state_updated_timestamp:%A %d %B, %Y %H:%M:%S} UTC"
        path = (*path, alarm.name)
        for parent in parents_of(backend, alarm.name):
            follows = _decided(backend, parent)
            if parent.name not in path and follows not in (None, parent.state_value):
                because = f"{alarm.alarm_arn} transitioned to {value} at {moment}"
                self._enter(parent, follows, because, _triggers([alarm]), path)

    def _contributor_changed(
        self, alarm: Alarm, identity: str, attributes: dict[str, str], value: str, reason: str
    ) -> None:
        was = alarm.contributors.get(identity)
        contributor = Contributor(identity, attributes, value, reason, self._moment())
        alarm.contributors[identity] = contributor
        # A time series that is first seen in order has not changed.
        if value != (was.value if was else OK):
            self._announce(
                alarm,
                alarm_details.CONTRIBUTOR_STATE_CHANGE,
                alarm_details.contributor_state_change(alarm, contributor),
            )
        values = [one.value for one in alarm.contributors.values()]
        level = ALARM if ALARM in values else OK
        self._enter(
            alarm, level, f"{values.count(level)} out of {len(values)} time series evaluated to {level}"
        )

    def suppressed_by(self, alarm: Alarm) -> str | None:
        """What keeps the actions of a composite alarm back now: `Alarm`, `WaitPeriod` or nothing."""
        if alarm.suppressor is None:
            return None
        suppressor = alarms_of(backend_of(alarm)).get(name_in(alarm.suppressor.reference))
        if suppressor is not None and suppressor.state_value == ALARM:
            return "Alarm"
        waits_until = alarm.state_transitioned_timestamp + timedelta(seconds=alarm.suppressor.wait_seconds)
        waits = alarm.state_value == ALARM and self._moment() < waits_until
        return "WaitPeriod" if waits else None

    def _announce(self, alarm: Alarm, detail_type: str, detail: dict[str, Any]) -> None:
        self._emit("aws.cloudwatch", detail_type, alarm.alarm_arn, detail)

    def _moment(self) -> datetime:
        """As moto keeps times: UTC, and without saying so."""
        return self._now().replace(tzinfo=None)


def alarms_of(backend: CloudWatchBackend) -> dict[str, Alarm]:
    """By name; moto's own dictionary."""
    alarms: Any = backend.alarms
    return alarms  # type: ignore[no-any-return]


def backend_of(alarm: Alarm) -> CloudWatchBackend:
    _, _, _, region, account, *_ = alarm.alarm_arn.split(":")
    return cloudwatch_backends[account][region]


def parents_of(backend: CloudWatchBackend, name: str) -> list[Alarm]:
    """The composite alarms whose rules look at this one."""
    return [alarm for alarm in alarms_of(backend).values() if name in alarm.children]


def _decided(backend: CloudWatchBackend, composite: Alarm) -> str | None:
    """What the rule makes of its alarms; None as long as one of them is not there."""
    known, rule = alarms_of(backend), composite.parsed_rule
    if rule is None or any(name not in known for name in rule.names):
        return None
    return ALARM if rule.holds(lambda name: known[name].state_value) else OK


def _triggers(alarms: Iterable[Alarm]) -> str:
    """The reason data of a composite alarm."""
    listed = [
        {
            "arn": alarm.alarm_arn,
            "state": {
                "value": alarm.state_value,
                "timestamp": alarm_details.timestamp(alarm.state_updated_timestamp),
            },
        }
        for alarm in alarms
    ]
    return json.dumps({"triggeringAlarms": listed}, separators=(",", ":"))


def _as_method(bound: Callable[..., Any]) -> Callable[..., Any]:
    def method(backend: CloudWatchBackend, *arguments: Any, **options: Any) -> Any:
        return bound(backend, *arguments, **options)

    return method
