"""What a CloudWatch alarm is about: its endpoints, or the children that know them.

Source: CloudWatch guide, "Alarm events and EventBridge", "Metrics Insights query components and syntax", "Search expression syntax";
SageMaker guide, "Monitor SageMaker AI with Amazon CloudWatch".
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from stationkeeper.alarms.rule import MOST_CHILDREN, read_rule
from stationkeeper.events.alarm import AlarmChange, AlarmConfiguration, alarm_name_of
from stationkeeper.releases.names import is_resource_name

MOST_ENDPOINTS = 10
_READ_EXPRESSION = 10_000

_ENDPOINT = "EndpointName"

# `EndpointName = 'churn'` of Metrics Insights, `EndpointName="churn"` of a search or of PromQL. Under OR each of them is meant. What is
# not an equality names no endpoint for sure: `!=`, `=~`, a search without quotes, which finds every name that holds the word. Metrics
# Insights has no IN.
_EQUALITY = re.compile(
    r"(?P<negated>\b(?i:NOT)\b\s*+\(?\s*+)?(?<![\w.])\"?EndpointName\"?\s*+=\s*+(?P<quote>[\"'])(?P<name>[a-zA-Z0-9-]{1,63})(?P=quote)",
)
_ACCOUNT = re.compile(r"AccountId\"?\s*+=\s*+[\"'](\d{12})[\"']")
_ALARM_ACCOUNT = re.compile(r"arn:[\w-]+:cloudwatch:[\w-]*:(\d{12}):alarm:")


def endpoints_in(change: AlarmChange, *, account: str = "") -> tuple[str, ...]:
    """Names of the SageMaker endpoints an alarm's event is about.

    A contributor that names its endpoint is about that one only; otherwise every endpoint its metrics, queries and searches name.

    Parameters
    ----------
    account : the alarm's own. Metrics an alarm watches in another account are left out: an endpoint there may have the name of one here.

    Returns
    -------
    tuple of str
        In order, once each, at most 10; only names SageMaker takes.
    """
    contributor = change.alarm_contributor
    of_series = _named((contributor.attributes if contributor else None) or {})
    found = of_series or _watched(change.configuration or AlarmConfiguration(), account)
    return _first(filter(is_resource_name, found), MOST_ENDPOINTS)


def endpoints_in_description(alarm: Mapping[str, Any]) -> tuple[str, ...]:
    """The same from an entry of `DescribeAlarms`."""
    arn = _ALARM_ACCOUNT.match(str(alarm.get("AlarmArn") or "")[:200])
    found = _watched(AlarmConfiguration.of_description(alarm), arn[1] if arn else "")
    return _first(filter(is_resource_name, found), MOST_ENDPOINTS)


def children_of(change: AlarmChange) -> tuple[str, ...]:
    """Names of a composite alarm's children, first those that made it change state; at most 100."""
    triggering = (alarm_name_of(child.arn) for child in change.state.reason_data.triggering_alarms)
    rule = (change.configuration.alarm_rule if change.configuration else None) or ""
    return _first((*triggering, *read_rule(rule).children), MOST_CHILDREN)


def children_in_description(alarm: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of a composite alarm's children, from an entry of `DescribeAlarms`."""
    rule = alarm.get("AlarmRule")
    return read_rule(rule).children if isinstance(rule, str) else ()


def _first(names: Iterable[str], most: int) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))[:most]


def _named(dimensions: Mapping[str, str | None]) -> list[str]:
    name = dimensions.get(_ENDPOINT)
    return [name] if name else []


def _watched(configuration: AlarmConfiguration, account: str) -> Iterator[str]:
    for query in configuration.metrics:
        if account and query.account_id and query.account_id != account:
            continue
        metric = query.metric_stat.metric if query.metric_stat else None
        yield from _named((metric.dimensions if metric else None) or {})
        yield from _equalities(query.expression or "", account)
    yield from _equalities(configuration.promql, account)


def _equalities(expression: str, account: str) -> Iterator[str]:
    searched = expression[:_READ_EXPRESSION]
    accounts = set(_ACCOUNT.findall(searched))
    if account and accounts and account not in accounts:
        return
    yield from (match["name"] for match in _EQUALITY.finditer(searched) if not match["negated"])
