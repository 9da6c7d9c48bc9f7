"""What a CloudWatch alarm watches, and what it found, in plain words.

The event of a change of state tells neither threshold nor comparison; both stand in the reason's data and in its text.

Source: CloudWatch guide, "Alarm events and EventBridge"; SageMaker guide, "Monitor SageMaker AI with Amazon CloudWatch".
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple

from stationkeeper.alarms.rule import read_rule
from stationkeeper.alerts.text import count, figure, figures, lasting, plain
from stationkeeper.events.alarm import AlarmChange, AlarmConfiguration, MetricQuery, ReasonData, alarm_name_of

_READ_EXPRESSION = 10_000
_ENDPOINT = "EndpointName"
_LINE = 300
_SHOWN_NAME = 80
_MOST_NAMED = 4
_READ_REASON = 1_500
"""CloudWatch's own reasons have at most 1,023 characters."""

_STATISTICS = {
    "Average": "average",
    "AVG": "average",
    "Sum": "sum",
    "SUM": "sum",
    "Minimum": "minimum",
    "MIN": "minimum",
    "Maximum": "maximum",
    "MAX": "maximum",
    "SampleCount": "count",
    "COUNT": "count",
}
_DIMENSIONS = {
    "VariantName": "variant",
    "EndpointConfigName": "config",
    "InferenceComponentName": "inference component",
    "ContainerName": "container",
    "TargetModel": "model",
}
_BAND = "ANOMALY_DETECTION_BAND"
_INSIGHTS = re.compile(
    r"\s*+SELECT\s++(?P<function>\w++)\s*+\(\s*+\"?(?P<metric>[\w.%/-]++)\"?\s*+\)\s*+FROM\s++(?:SCHEMA\s*+\(\s*+)?"
    r"\"?(?P<namespace>[^\s\",)]++)",
    re.IGNORECASE,
)
_WHERE = re.compile(r"\sWHERE\s++(.*?)(?:\s(?:GROUP|ORDER)\sBY\s|\sLIMIT\s|$)", re.IGNORECASE | re.DOTALL)
_GROUP = re.compile(r"\sGROUP\sBY\s++(.*?)(?:\sORDER\sBY\s|\sLIMIT\s|$)", re.IGNORECASE | re.DOTALL)
_IDENTIFIER = re.compile(r"\w++")


def watches(change: AlarmChange) -> str:
    """What the alarm measures, as a person says it: `ModelLatency p95 of variant AllTraffic, over 1 minute`.

    Returns
    -------
    str
        One printable line of at most 300 characters; "" when the event does not tell.
    """
    configuration = change.configuration or AlarmConfiguration()
    if configuration.alarm_rule:
        return plain(_children_words(configuration.alarm_rule), _LINE)
    query = _returned(configuration)
    if query is None:
        return plain(configuration.promql, _LINE)
    contributor = change.alarm_contributor
    series = (contributor.attributes if contributor else None) or {}
    words = _measure_words(query, configuration.metrics, series)
    if not words:
        return ""
    words += _of(series)
    band = any((other.expression or "").startswith(_BAND) for other in configuration.metrics)
    return plain(
        words + _over(query, configuration.metrics) + (", against its expected band" if band else ""), _LINE
    )


def _children_words(text: str) -> str:
    rule = read_rule(text)
    if len(rule.children) < 2:
        return f"the alarm {rule.children[0]}" if rule.children else ""
    how = {"any": "any", "all": "all", "otherwise": "a combination"}[rule.joined]
    return f"{how} of {count(len(rule.children), 'alarm')}"


def _returned(configuration: AlarmConfiguration) -> MetricQuery | None:
    """The metric or expression that is compared with the threshold; of an anomaly alarm, the metric, not the band."""
    candidates = [query for query in configuration.metrics if not (query.expression or "").startswith(_BAND)]
    asked = [query for query in candidates if query.return_data]
    return next(
        iter([*asked, *(query for query in candidates if query.return_data is None), *candidates]), None
    )


def _measure_words(
    query: MetricQuery, metrics: tuple[MetricQuery, ...], series: Mapping[str, str | None]
) -> str:
    stat = query.metric_stat
    if stat and stat.metric and stat.metric.name:
        words = " ".join(filter(None, (stat.metric.name, _statistic(stat.stat))))
        return words + _of(stat.metric.dimensions or {})
    if query.label:
        return query.label
    expression = (query.expression or "")[:_READ_EXPRESSION]
    insights = _INSIGHTS.match(expression)
    if insights:
        where, by = _WHERE.search(expression), _GROUP.search(expression)
        return (
            f"{insights['metric']} {_statistic(insights['function'])}"
            + (f" where {where[1].strip()}" if where else "")
            + (f" by {by[1].strip()}" if by and not series else "")
        )
    names = {one.id: _plain_name(one) for one in metrics if one.id}
    return _IDENTIFIER.sub(lambda word: names.get(word[0]) or word[0], expression[:_LINE])


def _plain_name(query: MetricQuery) -> str:
    metric = query.metric_stat.metric if query.metric_stat else None
    return (query.label or (metric.name if metric else None) or "")[:_SHOWN_NAME]


def _statistic(stat: str | None) -> str:
    return _STATISTICS.get(stat or "", _STATISTICS.get((stat or "").upper(), stat or ""))


def _of(dimensions: Mapping[str, str | None]) -> str:
    """` of variant AllTraffic`; the endpoint only where nothing else tells what is measured: messages name it anyway."""
    named = [
        f"{_DIMENSIONS.get(name, name)} {value}"[:_SHOWN_NAME]
        for name, value in dimensions.items()
        if name != _ENDPOINT and value
    ]
    if not named:
        named = [f"endpoint {name}"] if (name := dimensions.get(_ENDPOINT)) else []
    return f" of {', '.join(named[:_MOST_NAMED])}" if named else ""


def _over(query: MetricQuery, metrics: tuple[MetricQuery, ...]) -> str:
    for one in (query, *metrics):
        seconds = one.period or (one.metric_stat.period if one.metric_stat else None)
        if seconds and 0 < seconds <= 7 * 24 * 3600:
            whole = seconds % 60 == 0
            return f", over {lasting(timedelta(seconds=seconds)) if whole else count(seconds, 'second')}"
    return ""


# What it found

_NUMBER = r"([-+]?(?:[\d.]{1,40}(?:E[-+]?\d{1,3})?|NaN|Infinity))"
_COUNTED = re.compile(
    r"(?:(?P<breaching>\d{1,4}) out of the last (?P<of>\d{1,4})|\b(?P<bare>\d{1,4})) datapoints?"
    rf"(?: \[(?P<newest>{_NUMBER}\b)?[^\]]*+\])? (?:was|were) (?P<rest>.*)",
    re.DOTALL,
)
_COMPARED = re.compile(rf"(not )?(greater|less) than (or equal to )?the threshold \({_NUMBER}\)")
_MOST_RECENT = re.compile(rf"most recent datapoint which crossed the threshold: \[{_NUMBER}")
_RECEIVED = re.compile(r"(no|\d{1,4}) datapoints? (?:was|were) received for (\d{1,4}) periods?")
_MISSING = re.compile(r"(\d{1,4}) missing datapoints? (?:was|were) treated as \[(\w{1,20})\]")
_LOWER = re.compile(rf"(not )?less than the lower thresholds? \[{_NUMBER}")
_UPPER = re.compile(rf"(not )?greater than the upper thresholds? \[{_NUMBER}")

_NOISE = (
    (re.compile(r"^(?:Thresholds? Crossed|Insufficient Data|Unchecked): "), ""),
    (re.compile(r" ?\(minimum \d{1,4} datapoints? for \w+ -> \w+ transition\)"), ""),
    (re.compile(r" \(\d\d/\d\d/\d\d \d\d:\d\d:\d\d\)"), ""),
    (re.compile(r"arn:[\w-]{1,20}:cloudwatch:[\w-]{0,30}:\d{0,12}:alarm:"), ""),
    (re.compile(r"\bdatapoint"), "value"),
    (re.compile(r" out of "), " of "),
)
_TREATED = {"Breaching": "breaching", "NonBreaching": "not breaching"}
_SEEN = {
    "PARTIAL_DATA": "CloudWatch saw only part of the data",
    "EVALUATION_ERROR": "CloudWatch could not evaluate the alarm as it is configured",
    "EVALUATION_FAILURE": "CloudWatch could not evaluate the alarm for the moment",
}

_MICROSECONDS = frozenset({
    "ModelLatency", "OverheadLatency", "ModelSetupTime", "ModelLoadingWaitTime", "ModelLoadingTime", "ModelDownloadingTime",
    "ModelUnloadingTime",
})  # fmt: skip
_SHARES = frozenset({"Invocation4XXErrors", "Invocation5XXErrors", "InvocationModelErrors", "ModelCacheHit"})
"""0 or 1 per call: their average is the share of calls."""


class _Unit(NamedTuple):
    """How values of what an alarm watches are written."""

    factor: float = 1
    suffix: str = ""

    def shown(self, value: float) -> str:
        return f"{figure(value * self.factor)}{self.suffix}"

    def apart(self, value: float | None, other: float) -> tuple[str, str]:
        """Two values with as many digits as it takes to tell them apart; "" for one that is not known."""
        if value is None:
            return "", self.shown(other)
        one, two = figures(value * self.factor, other * self.factor)
        return one + self.suffix, two + self.suffix


def measured(change: AlarmChange) -> str:
    """What the alarm found, as a person says it: `3 of the last 3 values were above 1,000 ms (latest 2,310 ms)`.

    Returns
    -------
    str
        One printable line of at most 300 characters; "" when the event does not tell.
    """
    reason = (change.state.reason or "")[:_READ_REASON]
    unit = _unit(change.configuration or AlarmConfiguration())
    said = (
        _triggers(change.state.reason_data)
        or _crossed(change.state.reason_data, reason, unit)
        or _too_little(reason)
        or _cleaned(reason)
        or _figures(change.state.reason_data, unit)
    )
    missing = _MISSING.search(reason)
    notes = [
        said,
        _treated(missing) if missing and "missing" not in said else "",
        _SEEN.get(change.state.evaluation_state or "", ""),
    ]
    return plain("; ".join(filter(None, notes)), _LINE)


def _triggers(data: ReasonData) -> str:
    """`churn-prod-5xx is in ALARM`, of the children that made a composite alarm change state."""
    states: dict[str, dict[str, None]] = {}
    for child in data.triggering_alarms:
        value = (child.state.value if child.state else None) or "?"
        states.setdefault(value, {})[plain(alarm_name_of(child.arn), _SHOWN_NAME)] = None
    parts = []
    for value, names in states.items():
        listed = list(names)[:_MOST_NAMED]
        more = len(names) - len(listed)
        head = [*listed, f"{more} more"] if more else listed
        together = " and ".join(filter(None, (", ".join(head[:-1]), head[-1])))
        where = {"ALARM": "in ALARM", "?": "in another state"}.get(value, plain(value, _SHOWN_NAME))
        parts.append(f"{together} {'is' if len(names) == 1 else 'are'} {where}")
    return "; ".join(parts)


def _crossed(data: ReasonData, reason: str, unit: _Unit) -> str:
    """`2 of the last 3 values were above 10 (the latest of them 12)`; "" when the reason is of another wording."""
    counted = _COUNTED.search(reason)
    if not counted:
        return ""
    value = _newest(data, reason, counted)
    compared = _COMPARED.match(counted["rest"])
    if compared:
        shown, how = _against_threshold(data, compared, value, unit)
    else:
        shown, how = _against_band(data, reason, value, unit)
    if not how:
        return ""
    number, of = int(counted["breaching"] or counted["bare"]), counted["of"]
    if number == 1 and of == "1":
        return f"the last value{f', {shown},' if shown else ''} was {how}"
    among = f"{number} of the last {count(int(of), 'value')}" if of else count(number, "value")
    which = "the latest of them" if of and number < int(of) else "latest"
    return f"{among} {'was' if number == 1 else 'were'} {how}{f' ({which} {shown})' if shown else ''}"


def _newest(data: ReasonData, reason: str, counted: re.Match[str]) -> float | None:
    """The newest value that counted: the reason lists those, the newest first; its data all of them, the newest last."""
    recent = _MOST_RECENT.search(reason)
    told = _number(recent[1] if recent else counted["newest"])
    return told if told is not None or not data.recent_datapoints else data.recent_datapoints[-1]


def _against_threshold(
    data: ReasonData, compared: re.Match[str], value: float | None, unit: _Unit
) -> tuple[str, str]:
    limit = data.threshold if data.threshold is not None else _number(compared[4])
    if limit is None:
        return "", ""
    shown, edge = unit.apart(value, limit)
    side = "above" if compared[2] == "greater" else "below"
    return shown, f"{'not ' if compared[1] else ''}{'at or ' if compared[3] else ''}{side} {edge}"


def _against_band(data: ReasonData, reason: str, value: float | None, unit: _Unit) -> tuple[str, str]:
    lower, upper = _LOWER.search(reason), _UPPER.search(reason)
    if not lower and not upper:
        return "", ""
    low = data.recent_lower_thresholds[-1] if data.recent_lower_thresholds else _number(lower and lower[2])
    high = data.recent_upper_thresholds[-1] if data.recent_upper_thresholds else _number(upper and upper[2])
    shown = "" if value is None else unit.shown(value)
    edges = [None if edge is None else unit.shown(edge) for edge in (low, high)]
    if any(side and side[1] for side in (lower, upper)):
        where = "inside" if lower and upper else ("not below" if lower else "not above")
    elif value is not None and low is not None and value < low:
        where, (shown, edges[0]) = "below", unit.apart(value, low)
    elif value is not None and high is not None and value > high:
        where, (shown, edges[1]) = "above", unit.apart(value, high)
    else:
        where = "outside" if lower and upper else ("below" if lower else "above")
    band = " to ".join(filter(None, edges))
    return shown, f"{where} the expected band{f' of {band}' if band else ''}"


def _too_little(reason: str) -> str:
    received = _RECEIVED.search(reason)
    if not received:
        return ""
    values = "no values" if received[1] == "no" else count(int(received[1]), "value")
    return f"{values} in {count(int(received[2]), 'period')}"


def _treated(missing: re.Match[str]) -> str:
    number = int(missing[1])
    how = _TREATED.get(missing[2], missing[2].lower())
    return f"{count(number, 'missing value')} {'counts' if number == 1 else 'count'} as {how}"


def _cleaned(reason: str) -> str:
    for noise, instead in _NOISE:
        reason = noise.sub(instead, reason)
    return reason.strip().removesuffix(".")


def _figures(data: ReasonData, unit: _Unit) -> str:
    latest = f"latest value {unit.shown(data.recent_datapoints[-1])}" if data.recent_datapoints else ""
    limit = f"threshold {unit.shown(data.threshold)}" if data.threshold is not None else ""
    return ", ".join(filter(None, (latest, limit)))


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:  # 1.2.3
        return None


def _unit(configuration: AlarmConfiguration) -> _Unit:
    query = _returned(configuration)
    if query is None:
        return _Unit()
    metric = query.metric_stat.metric if query.metric_stat else None
    insights = _INSIGHTS.match((query.expression or "")[:_READ_EXPRESSION])
    if query.metric_stat and metric:
        namespace, name, stat = metric.namespace, metric.name or "", query.metric_stat.stat
    elif insights:
        namespace, name, stat = insights["namespace"], insights["metric"], insights["function"]
    else:
        return _Unit()
    statistic = _statistic(stat)
    if statistic == "count" or statistic.startswith(
        ("PR(", "TC(", "tc")
    ):  # of samples, not in the metric's unit
        return _Unit()
    if namespace == "AWS/SageMaker" and name in _MICROSECONDS:
        return _Unit(1 / 1_000, " ms")
    if namespace == "AWS/SageMaker" and name in _SHARES and statistic == "average":
        return _Unit(100, " %")
    if namespace == "/aws/sagemaker/Endpoints" and name.endswith("Utilization") and statistic != "sum":
        return _Unit(1, " %")
    return _Unit()
