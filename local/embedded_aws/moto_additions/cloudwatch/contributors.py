"""One time series of a metrics insights alarm goes red or recovers: no API says so, but a test can."""

import hashlib
import json
from collections.abc import Mapping

from moto.cloudwatch.models import cloudwatch_backends

from embedded_aws.moto_additions.cloudwatch.alarm import Alarm

_CROSSED = {
    "GreaterThanOrEqualToThreshold": "greater than or equal to",
    "GreaterThanThreshold": "greater than",
    "LessThanThreshold": "less than",
    "LessThanOrEqualToThreshold": "less than or equal to",
}


def set_contributor_state(
    alarm_name: str,
    attributes: Mapping[str, str],
    value: str,
    reason: str | None = None,
    *,
    account_id: str,
    region_name: str,
) -> str:
    """Let one time series of an alarm be in `ALARM` or `OK`; the alarm itself follows.

    Parameters
    ----------
    attributes : what tells the time series apart, one value for each name after the query's GROUP BY.
    reason : by default as CloudWatch words it, without the datapoint.

    Returns
    -------
    str
        The contributor's id.

    Raises
    ------
    LookupError
        There is no such alarm.
    ValueError
        The alarm's query has no such time series, or a time series cannot be in this state.

    >>> set_contributor_state("drift", {"EndpointName": "churn"}, "ALARM", ...)   # doctest: +SKIP
    """
    alarm = cloudwatch_backends[account_id][region_name].alarms.get(alarm_name)
    if alarm is None:
        raise LookupError(f"There is no alarm {alarm_name} in {region_name}.")
    assert isinstance(alarm, Alarm), "AlarmStates is not installed"
    if set(attributes) != set(alarm.grouped_by) or not attributes:
        raise ValueError(
            f"A time series of {alarm_name} has {alarm.grouped_by or 'no attributes'}, not {tuple(attributes)}."
        )
    if value not in ("OK", "ALARM"):
        raise ValueError(f"A time series is OK or in ALARM, never {value}: without data there is none.")
    assert alarm.on_contributor is not None
    identity = identity_of(attributes)
    alarm.on_contributor(alarm, identity, dict(attributes), value, reason or _words(alarm, value))
    return identity


def identity_of(attributes: Mapping[str, str]) -> str:
    """16 hexadecimal digits, the same for the same time series."""
    return hashlib.sha256(json.dumps(dict(attributes), sort_keys=True).encode()).hexdigest()[:16]


def _words(alarm: Alarm, value: str) -> str:
    crossed = _CROSSED.get(str(alarm.comparison_operator), "outside")
    negation = "" if value == "ALARM" else "not "
    return f"Threshold Crossed: 1 datapoint was {negation}{crossed} the threshold ({alarm.threshold})."
