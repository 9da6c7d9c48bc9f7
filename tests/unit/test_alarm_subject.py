"""What an alarm is about, and what it says, in words on-call understands."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stationkeeper.alarms.rule import children_of_rule, read_rule
from stationkeeper.alarms.subject import (
    children_in_description,
    children_of,
    endpoints_in,
    endpoints_in_description,
)
from stationkeeper.alarms.words import measured, watches
from stationkeeper.errors import InvalidEvent
from stationkeeper.events.alarm import AlarmChange, AlarmStateChange
from stationkeeper.releases.names import is_resource_name

from tests.real import read, real_files
from tests.unit.builders import hostile_text

ARN = "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:"
SAMPLES = Path(__file__).resolve().parents[2] / "events"
LATENCY = {"namespace": "AWS/SageMaker", "name": "ModelLatency"}


def change(state: dict[str, Any] | None = None, **detail: Any) -> AlarmChange:
    return AlarmChange.model_validate(
        {"alarmName": "slow", "state": {"value": "ALARM", **(state or {})}, **detail}
    )


def watching(*metrics: dict[str, Any], **more: Any) -> AlarmChange:
    return change(configuration={"metrics": list(metrics)}, **more)


def metric(
    name: str = "ModelLatency",
    namespace: str = "AWS/SageMaker",
    stat: str = "p95",
    period: int = 60,
    dimensions: dict[str, str] | None = None,
    **query: Any,
) -> dict[str, Any]:
    dimensions = {"EndpointName": "churn", "VariantName": "AllTraffic"} if dimensions is None else dimensions
    measure = {"namespace": namespace, "name": name, "dimensions": dimensions}
    return {"id": "m1", "metricStat": {"metric": measure, "period": period, "stat": stat}, **query}


def expression(text: str, **more: Any) -> dict[str, Any]:
    return {"id": "e1", "expression": text, "returnData": True, **more}


def found(reason: str, data: dict[str, Any] | None = None, *metrics: dict[str, Any], **state: Any) -> str:
    told = {"reason": reason, "reasonData": json.dumps(data) if data is not None else None, **state}
    return measured(change(told, configuration={"metrics": list(metrics)}))


# The service's own events, and our samples


@pytest.mark.parametrize(
    ("pattern", "children", "watched", "measure"),
    [
        (
            "1db40d",
            (),
            "CPUUtilization average of InstanceId i-12345678901234567, over 1 minute, against its expected band",
            "the last value, 0, was below the expected band of 0.0206 to 0.301",
        ),
        (
            "63dc80",
            (),
            "PartialDataTestMetric sum, over 1 minute",
            "3 of the last 3 values were above 0 (latest 20,000); CloudWatch saw only part of the data",
        ),
        (
            "a45272",
            ("ServerCpuTooHigh", "TotalNetworkTrafficTooHigh"),
            "any of 2 alarms",
            "ServerCpuTooHigh is in ALARM",
        ),
        ("c41850", (), "Total Network Traffic, over 5 minutes", "the last value, 45,628, was above 10,000"),
        (
            "fc9e8c",
            (),
            "CPUUtilization average of InstanceId i-12345678901234567, over 5 minutes",
            "the last value, 99.5, was above 50",
        ),
    ],
)
def test_real_alarm_is_put_into_words(pattern, children, watched, measure):
    [path] = real_files(f"events/cloudwatch-alarm-state-change--*{pattern}.json")

    alarm = AlarmStateChange.parse(read(path.values[0])).detail

    assert (endpoints_in(alarm), children_of(alarm)) == ((), children)
    assert (watches(alarm), measured(alarm)) == (watched, measure)


def test_every_real_alarm_has_its_expectation():
    assert len(real_files("events/cloudwatch-alarm-state-change*.json")) in (1, 5)


@pytest.mark.parametrize(
    ("name", "endpoints", "children", "watched", "measure"),
    [
        (
            "alarm-raised",
            ("churn-prod",),
            (),
            "ModelLatency p95 of variant AllTraffic, over 1 minute",
            "3 of the last 3 values were above 1,000 ms (latest 2,310 ms)",
        ),
        (
            "alarm-cleared",
            ("churn-prod",),
            (),
            "ModelLatency p95 of variant AllTraffic, over 1 minute",
            "3 of the last 3 values were not above 1,000 ms (latest 203.7 ms)",
        ),
        (
            "alarm-composite",
            (),
            ("churn-prod-latency", "churn-prod-5xx"),
            "any of 2 alarms",
            "churn-prod-latency is in ALARM",
        ),
        (
            "alarm-contributor",
            ("churn-prod",),
            (),
            "ModelLatency average of variant AllTraffic, over 1 minute",
            "3 values were above 1,000 ms (latest 1,630 ms)",
        ),
    ],
)
def test_sample_is_put_into_words(name, endpoints, children, watched, measure):
    alarm = AlarmStateChange.parse((SAMPLES / f"{name}.json").read_text()).detail

    assert (endpoints_in(alarm), children_of(alarm)) == (endpoints, children)
    assert (watches(alarm), measured(alarm)) == (watched, measure)


# A composite's rule


@pytest.mark.parametrize(
    ("rule", "children", "joined"),
    [
        ("ALARM(a)", ("a",), "any"),
        ('ALARM("name with spaces")', ("name with spaces",), "any"),
        ("ALARM( name with spaces )", ("name with spaces",), "any"),
        (f"ALARM({ARN}a) OR ALARM(b)", ("a", "b"), "any"),
        (f'ALARM("{ARN}a: b (c)") AND ALARM(b)', ("a: b (c)", "b"), "all"),
        ("ALARM(a) AND NOT ALARM(b)", ("a", "b"), "otherwise"),
        ("NOT (OK(a) OR INSUFFICIENT_DATA(b))", ("a", "b"), "otherwise"),
        ("(ALARM(a) OR ALARM(b)) AND ALARM(c)", ("a", "b", "c"), "otherwise"),
        ('ALARM("a \\"quoted\\" b") OR ALARM("back\\\\slash")', ('a "quoted" b', "back\\slash"), "any"),
        ('ALARM("ALARM(x)")', ("ALARM(x)",), "any"),
        ('ALARM("a OR b")', ("a OR b",), "any"),
        ('ALARM("a)") OR ALARM("(b")', ("a)", "(b"), "any"),
        ("ALARM(a, b)", ("a, b",), "any"),
        ("ALARM(a) OR ALARM(a) OR OK(a)", ("a",), "otherwise"),
        ("alarm(a) or\n\talarm(b)", ("a", "b"), "any"),
        ("ALARM(a)OR ALARM(b)", ("a", "b"), "any"),
        ('AT_LEAST(2, ALARM, (a, "b, c", d e))', ("a", "b, c", "d e"), "otherwise"),
        (f'AT_LEAST("50%", NOT OK, (a, {ARN}b)) AND ALARM(c)', ("a", "b", "c"), "otherwise"),
        ("TRUE", (), "otherwise"),
        ("", (), "any"),
        ("ALARM()", (), "any"),
        ('ALARM("")', (), "any"),
        ("ALARM(a", (), "any"),
        ('ALARM("a', (), "any"),
        ('ALARM("a\\', (), "any"),
        (f"ALARM({'x' * 256}) OR ALARM({'x' * 255})", ("x" * 255,), "any"),
    ],
)
def test_rule_tells_its_children(rule, children, joined):
    assert read_rule(rule) == (children, joined)


def test_rule_has_at_most_a_hundred_children():
    rule = " OR ".join(f"ALARM(a{number})" for number in range(150))

    assert children_of_rule(rule) == tuple(f"a{number}" for number in range(100))


@pytest.mark.parametrize(
    "piece",
    [
        'ALARM("',
        'ALARM("\\"',
        "ALARM(",
        "ALARM(    ",
        '"',
        "\\",
        ", (",
        ", (a, ",
        '"a"b',
        "OK ",
        '\\"',
        "(",
        "ALARM(a) ",
    ],
)
@pytest.mark.parametrize("before", ["", "ALARM(", "AT_LEAST(1, ALARM, ("])
def test_odd_rule_takes_no_time(before, piece):
    started = time.process_time()

    children_of_rule(before + piece * (400_000 // len(piece)))

    assert time.process_time() - started < 5


@given(
    st.lists(
        st.sampled_from(["ALARM", "OK", "(", ")", ",", '"', "\\", " ", "AND", "NOT", "AT_LEAST", "a b", ARN]),
        max_size=40,
    ).map("".join)
    | hostile_text()
)
def test_any_rule_is_read(rule):
    children = children_of_rule(rule)

    assert len(children) == len(set(children)) <= 100
    assert all(child == child.strip() and 0 < len(child) <= 255 for child in children)


@given(st.lists(st.text(min_size=1, max_size=40).map(str.strip).filter(bool), max_size=8, unique=True))
def test_quoted_names_come_back_as_they_are(names):
    names = [name for name in names if not name.startswith("arn:")]
    escaped = [name.replace("\\", "\\\\").replace('"', '\\"') for name in names]

    assert children_of_rule(" OR ".join(f'ALARM("{name}")' for name in escaped)) == tuple(names)


def test_triggering_children_come_first():
    data = {"triggeringAlarms": [{"arn": f"{ARN}c"}, {"arn": f"{ARN}a"}, {"arn": None}, {"arn": "d"}]}

    alarm = change({"reasonData": json.dumps(data)}, configuration={"alarmRule": "ALARM(a) OR ALARM(b)"})

    assert children_of(alarm) == ("c", "a", "d", "b")


@pytest.mark.parametrize(
    ("alarm", "children"),
    [
        ({"AlarmRule": f"ALARM(a) OR ALARM({ARN}b)"}, ("a", "b")),
        ({"AlarmRule": None}, ()),
        ({"MetricName": "ModelLatency"}, ()),
        ({}, ()),
    ],
)
def test_children_of_a_described_alarm(alarm, children):
    assert children_in_description(alarm) == children


# Which endpoints


@pytest.mark.parametrize(
    "namespace",
    ["AWS/SageMaker", "/aws/sagemaker/Endpoints", "/aws/sagemaker/Endpoints/data-metrics", "Own/Things"],
)
def test_dimension_names_the_endpoint_in_any_namespace(namespace):
    assert endpoints_in(watching(metric(namespace=namespace))) == ("churn",)


@pytest.mark.parametrize(
    ("text", "endpoints"),
    [
        (
            "SELECT AVG(ModelLatency) FROM \"AWS/SageMaker\" WHERE EndpointName = 'churn' AND VariantName = 'a'",
            ("churn",),
        ),
        (
            "select max(ModelLatency) from SCHEMA(\"AWS/SageMaker\", EndpointName) where EndpointName='churn'",
            ("churn",),
        ),
        ('SELECT MAX(ModelLatency) FROM "AWS/SageMaker" WHERE "EndpointName" = "churn"', ("churn",)),
        ("... WHERE EndpointName = 'a' OR EndpointName = 'b' OR EndpointName='a'", ("a", "b")),
        ("... WHERE EndpointName != 'churn'", ()),
        ("... WHERE NOT EndpointName = 'churn'", ()),
        ("... WHERE EndpointName IN ('churn')", ()),
        ("... WHERE endpointname = 'churn'", ()),
        ("... WHERE tag.EndpointName = 'churn'", ()),
        ("... WHERE MyEndpointName = 'churn'", ()),
        ("... WHERE EndpointName = 'churn\"", ()),
        ("... WHERE EndpointName = 'under_score'", ()),
        ("... WHERE EndpointName = '-churn'", ()),
        (f"... WHERE EndpointName = '{'x' * 64}'", ()),
        ('SELECT AVG(ModelLatency) FROM SCHEMA("AWS/SageMaker", EndpointName) GROUP BY EndpointName', ()),
        (
            "SEARCH('{AWS/SageMaker,EndpointName,VariantName} EndpointName=\"churn\"', 'Average', 60)",
            ("churn",),
        ),
        ("SEARCH('{AWS/SageMaker,EndpointName} EndpointName=(\"churn\")', 'Average')", ()),
        ("SEARCH('{AWS/SageMaker,EndpointName} EndpointName=churn', 'Average')", ()),
        (
            "SEARCH('{AWS/SageMaker,EndpointName} NOT EndpointName=\"churn\" EndpointName=\"taxi\"', 'Sum')",
            ("taxi",),
        ),
        ("SUM(METRICS())", ()),
    ],
)
def test_expression_names_the_endpoint_where_it_says_it_equals(text, endpoints):
    assert endpoints_in(watching(expression(text))) == endpoints


@pytest.mark.parametrize("spelled", ["promQLCriteria", "promQlCriteria"])
def test_promql_names_the_endpoint(spelled):
    query = 'latency{EndpointName="churn", VariantName!="b"} > 5'

    alarm = change(configuration={"evaluationCriteria": {spelled: {"query": query}}})

    assert (endpoints_in(alarm), watches(alarm)) == (("churn",), query)


def test_every_endpoint_counts_in_order_and_once():
    alarm = watching(
        metric(dimensions={"EndpointName": "b"}),
        expression("... WHERE EndpointName = 'a'"),
        metric(dimensions={"EndpointName": "b"}),
        metric(dimensions={"EndpointName": "no/name"}),
        metric(dimensions={"Endpoint": "c"}),
    )

    assert endpoints_in(alarm) == ("b", "a")


def test_at_most_ten_endpoints():
    alarm = watching(*(metric(dimensions={"EndpointName": f"e{number}"}) for number in range(50)))

    assert endpoints_in(alarm) == tuple(f"e{number}" for number in range(10))


def test_contributor_is_about_its_own_endpoint_only():
    query = expression("... WHERE EndpointName = 'a' OR EndpointName = 'b' GROUP BY EndpointName")

    assert endpoints_in(watching(query, alarmContributor={"attributes": {"EndpointName": "b"}})) == ("b",)
    assert endpoints_in(watching(query, alarmContributor={"attributes": {"VariantName": "v"}})) == ("a", "b")


def test_metric_of_another_account_is_about_no_endpoint_here():
    """An endpoint there may be called like one here."""
    there = metric(accountId="444455556666")
    query = expression("... WHERE EndpointName = 'taxi' AND AWS.AccountId = '444455556666'")

    assert endpoints_in(watching(there, query), account="123456789012") == ()
    assert endpoints_in(watching(there, query), account="444455556666") == ("churn", "taxi")
    assert endpoints_in(watching(there, query)) == ("churn", "taxi")


@pytest.mark.parametrize(
    ("alarm", "endpoints"),
    [
        (
            {"MetricName": "ModelLatency", "Dimensions": [{"Name": "EndpointName", "Value": "churn"}]},
            ("churn",),
        ),
        (
            {
                "Metrics": [
                    {
                        "Id": "m1",
                        "MetricStat": {
                            "Metric": {
                                "MetricName": "Invocations",
                                "Dimensions": [{"Name": "EndpointName", "Value": "a"}],
                            },
                            "Period": 60,
                            "Stat": "Sum",
                        },
                    },
                    {"Id": "q", "Expression": "SELECT SUM(x) FROM y WHERE EndpointName = 'b'"},
                ]
            },
            ("a", "b"),
        ),
        ({"EvaluationCriteria": {"PromQLCriteria": {"Query": 'm{EndpointName="churn"} > 1'}}}, ("churn",)),
        (
            {
                "AlarmArn": f"{ARN}x",
                "Metrics": [{"Expression": "WHERE EndpointName='a'", "AccountId": "444455556666"}],
            },
            (),
        ),
        ({"AlarmRule": "ALARM(a)"}, ()),
        ({"Dimensions": "?", "Metrics": 3, "AlarmArn": 4}, ()),
        ({}, ()),
    ],
)
def test_endpoints_of_a_described_alarm(alarm, endpoints):
    assert endpoints_in_description(alarm) == endpoints


# What it watches

ERRORS = metric("Invocation5XXErrors", stat="Sum", id="m1", returnData=False)
CALLS = {**metric("Invocations", stat="Sum", returnData=False), "id": "m2"}


@pytest.mark.parametrize(
    ("metrics", "words"),
    [
        ([metric()], "ModelLatency p95 of variant AllTraffic, over 1 minute"),
        (
            [metric(stat="Average", dimensions={"EndpointName": "churn"}, period=300)],
            "ModelLatency average of endpoint churn, over 5 minutes",
        ),
        ([metric(stat="SampleCount", dimensions={}, period=10)], "ModelLatency count, over 10 seconds"),
        (
            [metric(dimensions={"EndpointName": "e", "VariantName": "v", "EndpointConfigName": "c-v3"})],
            "ModelLatency p95 of variant v, config c-v3, over 1 minute",
        ),
        (
            [metric("GPU", "Own", dimensions={"InferenceComponentName": "c", "Team": "x"}, period=86_400)],
            "GPU p95 of inference component c, Team x, over 1 day",
        ),
        ([ERRORS, CALLS, expression("m1 / m2")], "Invocation5XXErrors / Invocations, over 1 minute"),
        ([ERRORS, CALLS, expression("m1 / m2", label="5XX errors / invocations")], "5XX errors / invocations, over 1 minute"),
        ([ERRORS, CALLS, expression("100 * m1 / FILL(m2, 1)")], "100 * Invocation5XXErrors / FILL(Invocations, 1), over 1 minute"),
        (
            [metric(returnData=True), expression("ANOMALY_DETECTION_BAND(m1, 2)", label="expected")],
            "ModelLatency p95 of variant AllTraffic, over 1 minute, against its expected band",
        ),
        ([metric(label="my label")], "ModelLatency p95 of variant AllTraffic, over 1 minute"),
        (
            [expression("SELECT MAX(ModelLatency) FROM \"AWS/SageMaker\" WHERE VariantName = 'a' GROUP BY EndpointName ORDER BY MAX() DESC", period=60)],
            "ModelLatency maximum where VariantName = 'a' by EndpointName, over 1 minute",
        ),
        ([expression("SELECT nothing")], "SELECT nothing"),
        ([metric(period=0)], "ModelLatency p95 of variant AllTraffic"),
        ([metric(period=10**12)], "ModelLatency p95 of variant AllTraffic"),
        ([expression("ANOMALY_DETECTION_BAND(m1, 2)")], ""),
        ([{"id": "m1"}], ""),
        ([], ""),
    ],
)  # fmt: skip
def test_what_is_measured_is_said(metrics, words):
    assert watches(watching(*metrics)) == words


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("ALARM(a) OR ALARM(b) OR ALARM(c)", "any of 3 alarms"),
        ("ALARM(a) AND ALARM(b)", "all of 2 alarms"),
        ("ALARM(a) AND NOT OK(b)", "a combination of 2 alarms"),
        ("AT_LEAST(2, ALARM, (a, b, c))", "a combination of 3 alarms"),
        ("ALARM(a)", "the alarm a"),
        ("TRUE", ""),
        ("ALARM(a) OR FALSE", "the alarm a"),
    ],
)
def test_composite_watches_its_children(rule, words):
    assert watches(change(configuration={"alarmRule": rule})) == words


def test_alarm_that_tells_nothing_says_nothing():
    assert (watches(change()), measured(change())) == ("", "")


# What it found

ONE = "1 out of the last 1 datapoints [{} (02/10/19 16:59:00)] was"
TO_ALARM = "(minimum 1 datapoint for OK -> ALARM transition)."


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (
            f"Threshold Crossed: {ONE.format('99.5')} greater than the threshold (50.0) {TO_ALARM}",
            "the last value, 99.5, was above 50",
        ),
        (
            f"Threshold Crossed: {ONE.format('1.0E7')} not greater than or equal to the threshold (5.0E-5) {TO_ALARM}",
            "the last value, 10,000,000, was not at or above 5.00e-05",
        ),
        (
            (
                "Threshold Crossed: 2 out of the last 3 datapoints [12.0 (02/10/19 16:59:00), 11.0 (02/10/19 16:57:00)] "
                f"were less than or equal to the threshold (20.0) {TO_ALARM}"
            ),
            "2 of the last 3 values were at or below 20 (the latest of them 12)",
        ),
        (
            (
                "Threshold Crossed: 1 out of the last 3 datapoints [12.0 (02/10/19 16:59:00)] was greater than the "
                f"threshold (10.0) {TO_ALARM}"
            ),
            "1 of the last 3 values was above 10 (the latest of them 12)",
        ),
        (
            (
                "Threshold Crossed: 3 datapoints [3.0 (21/01/26 20:17:00), 4.0 (21/01/26 20:16:00), 5.0 (21/01/26 20:15:00)] "
                "were greater than or equal to the threshold (3.0)."
            ),
            "3 values were at or above 3 (latest 3)",
        ),
        (
            (
                "Threshold Crossed: 1 datapoint was less than the threshold (1.0). The most recent datapoint which crossed "
                "the threshold: [0.0 (01/12/25 13:34:00)]."
            ),
            "1 value was below 1 (latest 0)",
        ),
        (
            (
                "Threshold Crossed: no datapoints were received for 3 periods and 3 missing datapoints were treated as "
                "[Breaching]."
            ),
            "no values in 3 periods; 3 missing values count as breaching",
        ),
        (
            (
                "Threshold Crossed: 1 datapoint was received for 2 periods and 1 missing datapoint was treated as "
                "[NonBreaching]."
            ),
            "1 value in 2 periods; 1 missing value counts as not breaching",
        ),
        (
            (
                "Threshold Crossed: 2 out of the last 5 datapoints [0.0 (02/10/19 16:59:00), 0.0 (02/10/19 16:58:00)] were "
                f"less than the threshold (1.0) and 3 missing datapoints were treated as [Breaching] {TO_ALARM}"
            ),
            "2 of the last 5 values were below 1 (the latest of them 0); 3 missing values count as breaching",
        ),
        ("Insufficient Data: 5 datapoints were unknown.", "5 values were unknown"),
        ("Unchecked: Initial alarm creation", "Initial alarm creation"),
        ("6 out of 6 time series evaluated to ALARM", "6 of 6 time series evaluated to ALARM"),
        ("testing only", "testing only"),
        (f"{ARN}a b transitioned to ALARM at Friday", "a b transitioned to ALARM at Friday"),
        ("a new attempt at this release begins", "a new attempt at this release begins"),
        ("1 out of the last 1 datapoints [1.2.3] was greater than the threshold (.)", None),
        ("line\r\nbreak \x1b[31m \u202e", "line break \\u001b[31m \\u202e"),
        ("", ""),
    ],
)
def test_reason_alone_is_enough(reason, words):
    said = found(reason)

    assert said == words if words is not None else said.isprintable()


@pytest.mark.parametrize("data", ["{", "[]", "[" * 1_000, "x" * 300_000])
def test_broken_reason_data_leaves_the_reason(data):
    reason = f"Threshold Crossed: {ONE.format('99.5')} greater than the threshold (50.0) {TO_ALARM}"

    assert measured(change({"reason": reason, "reasonData": data})) == "the last value, 99.5, was above 50"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"recentDatapoints": [1, 2], "threshold": 5}, "latest value 2, threshold 5"),
        ({"recentDatapoints": [2]}, "latest value 2"),
        ({"threshold": 5}, "threshold 5"),
        ({}, ""),
    ],
)
def test_data_without_a_reason_is_told(data, words):
    assert found("", data) == words


def test_data_fills_in_what_the_reason_leaves_out():
    reason = "Threshold Crossed: 1 out of the last 1 datapoints was greater than the threshold (5.0)."

    assert found(reason, {"recentDatapoints": [3, 7]}) == "the last value, 7, was above 5"
    assert found(reason) == "the last value was above 5"


BAND = "Thresholds Crossed: " + ONE
DATA = {"recentLowerThresholds": [1, 0.25], "recentUpperThresholds": [9, 0.75]}


@pytest.mark.parametrize(
    ("reason", "data", "words"),
    [
        (
            BAND.format("0.1") + " less than the lower thresholds [0.25] or greater than the upper thresholds [0.75]",
            None,
            "the last value, 0.1, was below the expected band of 0.25 to 0.75",
        ),
        (
            BAND.format("0.9") + " less than the lower thresholds [2] or greater than the upper thresholds [3]",
            DATA,
            "the last value, 0.9, was above the expected band of 0.25 to 0.75",
        ),
        (
            BAND.format("0.9") + " greater than the upper thresholds [0.75]",
            None,
            "the last value, 0.9, was above the expected band of 0.75",
        ),
        (
            BAND.format("0.5") + " not less than the lower thresholds [0.25] or not greater than the upper thresholds [0.75]",
            DATA,
            "the last value, 0.5, was inside the expected band of 0.25 to 0.75",
        ),
        (
            BAND.format("0.5") + " not greater than the upper thresholds [0.75]",
            DATA,
            "the last value, 0.5, was not above the expected band of 0.25 to 0.75",
        ),
    ],
)  # fmt: skip
def test_anomaly_tells_its_band(reason, data, words):
    assert found(reason, data) == words


@pytest.mark.parametrize(
    ("watched", "words"),
    [
        (metric(), "the last value, 2,310 ms, was above 1,000 ms"),
        (metric("OverheadLatency"), "the last value, 2,310 ms, was above 1,000 ms"),
        (metric(stat="SampleCount"), "the last value, 2.31e+06, was above 1.00e+06"),
        (metric(stat="PR(:100)"), "the last value, 2.31e+06, was above 1.00e+06"),
        (metric(namespace="Own/Things"), "the last value, 2.31e+06, was above 1.00e+06"),
        (
            expression('SELECT AVG(ModelLatency) FROM SCHEMA("AWS/SageMaker", EndpointName)'),
            "the last value, 2,310 ms, was above 1,000 ms",
        ),
        (expression("m1 / 1000"), "the last value, 2.31e+06, was above 1.00e+06"),
    ],
)
def test_latency_is_said_in_milliseconds(watched, words):
    reason = "1 out of the last 1 datapoints [2310400.0 (x)] was greater than the threshold (1000000.0)"

    assert (
        found(reason, None, watched).replace("2,310,400", "2.31e+06").replace("1,000,000", "1.00e+06")
        == words
    )


@pytest.mark.parametrize(
    ("watched", "words"),
    [
        (metric("Invocation5XXErrors", stat="Average"), "the last value, 40 %, was above 7 %"),
        (metric("Invocation5XXErrors", stat="Sum"), "the last value, 0.4, was above 0.07"),
        (
            metric("DiskUtilization", "/aws/sagemaker/Endpoints", stat="Maximum"),
            "the last value, 0.4 %, was above 0.07 %",
        ),
    ],
)
def test_shares_are_said_in_percent(watched, words):
    reason = "1 out of the last 1 datapoints [0.4 (x)] was greater than the threshold (0.07)"

    assert found(reason, None, watched) == words


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (
            "1 out of the last 1 datapoints [1000.2 (x)] was greater than the threshold (1000.0)",
            "the last value, 1000.2, was above 1000",
        ),
        (
            "1 out of the last 1 datapoints [99.996 (x)] was less than the lower thresholds [100.0]",
            "the last value, 99.996, was below the expected band of 100",
        ),
    ],
)
def test_value_and_limit_are_told_apart(reason, words):
    assert found(reason) == words


@pytest.mark.parametrize(
    ("triggering", "words"),
    [
        ([("a", "ALARM")], "a is in ALARM"),
        ([("a", "ALARM"), ("b", "ALARM"), ("a", "ALARM")], "a and b are in ALARM"),
        ([("a", "OK"), ("b", "ALARM")], "a is OK; b is in ALARM"),
        ([(name, "ALARM") for name in "abcdef"], "a, b, c, d and 2 more are in ALARM"),
        ([("a", "INSUFFICIENT_DATA")], "a is INSUFFICIENT_DATA"),
        ([("a", None)], "a is in another state"),
        ([("line\nbreak", "ALARM")], "line break is in ALARM"),
    ],
)
def test_composite_names_the_children_that_triggered_it(triggering, words):
    alarms = [{"arn": ARN + name, "state": {"value": value}} for name, value in triggering]

    assert found("whatever", {"triggeringAlarms": alarms}) == words


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("PARTIAL_DATA", "why; CloudWatch saw only part of the data"),
        ("EVALUATION_ERROR", "why; CloudWatch could not evaluate the alarm as it is configured"),
        ("SOMETHING_NEW", "why"),
    ],
)
def test_what_cloudwatch_could_not_see_is_said(state, words):
    assert found("why", evaluationState=state) == words


# Whatever comes

NUMBERS = st.floats() | st.integers() | st.just(10**400) | st.text(max_size=5)
TEXT = hostile_text() | st.sampled_from(
    [
        "Threshold Crossed: 9999 out of the last 1 datapoints [NaN (] were greater than the threshold (-Infinity)",
        "1 datapoint [] was less than the lower thresholds [",
        "SELECT AVG(",
        "SELECT MAX(ModelLatency) FROM SCHEMA(\"AWS/SageMaker\") WHERE EndpointName = 'a' GROUP BY ",
        "ANOMALY_DETECTION_BAND(",
        'ALARM("a") OR ALARM(b',
        "EndpointName",
        "churn",
        ARN,
    ]
)
QUERY = st.fixed_dictionaries(
    {},
    optional={
        "id": TEXT,
        "expression": TEXT,
        "label": TEXT,
        "period": NUMBERS,
        "returnData": st.booleans(),
        "metricStat": st.fixed_dictionaries(
            {},
            optional={
                "metric": st.fixed_dictionaries(
                    {},
                    optional={
                        "name": TEXT | st.just("ModelLatency"),
                        "namespace": st.just("AWS/SageMaker"),
                        "dimensions": st.dictionaries(TEXT, TEXT, max_size=3),
                    },
                ),
                "period": NUMBERS,
                "stat": TEXT,
            },
        ),
    },
)
REASON_DATA = st.fixed_dictionaries(
    {},
    optional={
        "threshold": NUMBERS,
        "recentDatapoints": st.lists(NUMBERS, max_size=3),
        "recentLowerThresholds": st.lists(NUMBERS, max_size=2),
        "recentUpperThresholds": st.lists(NUMBERS, max_size=2),
        "triggeringAlarms": st.lists(
            st.fixed_dictionaries(
                {"arn": TEXT.map(ARN.__add__), "state": st.fixed_dictionaries({"value": TEXT})}
            ),
            max_size=3,
        ),
    },
)
DETAIL = st.fixed_dictionaries(
    {
        "alarmName": TEXT,
        "state": st.fixed_dictionaries(
            {"value": st.just("ALARM")},
            optional={"reason": TEXT, "reasonData": REASON_DATA | TEXT, "evaluationState": TEXT},
        ),
    },
    optional={
        "configuration": st.fixed_dictionaries(
            {}, optional={"metrics": st.lists(QUERY, max_size=3), "alarmRule": TEXT}
        ),
        "alarmContributor": st.fixed_dictionaries(
            {}, optional={"id": TEXT, "attributes": st.dictionaries(TEXT, TEXT, max_size=3)}
        ),
    },
)
ENVELOPE = {
    "id": "1",
    "source": "aws.cloudwatch",
    "detail-type": "CloudWatch Alarm State Change",
    "account": "123456789012",
    "region": "eu-west-1",
    "time": "2026-11-23T17:21:12Z",
}


@given(DETAIL)
def test_whatever_comes_is_one_printable_line(detail):
    try:
        alarm = AlarmStateChange.parse({**ENVELOPE, "detail": detail}).detail
    except InvalidEvent:
        return

    for line in (watches(alarm), measured(alarm)):
        assert len(line) <= 300
        assert line.isprintable()
        assert line == line.strip()
    endpoints = endpoints_in(alarm, account="123456789012")
    assert len(endpoints) == len(set(endpoints)) <= 10
    assert all(is_resource_name(name) for name in endpoints)
    assert len(children_of(alarm)) <= 100


@pytest.mark.parametrize(
    "piece",
    [
        "SELECT ",
        "SELECT AVG(",
        " WHERE ",
        "NOT ",
        "NOT(",
        "EndpointName ",
        "EndpointName = '",
        " ",
        "1",
        "a1 ",
        "[",
    ],
)
def test_odd_expression_and_reason_take_no_time(piece):
    text = piece * (200_000 // len(piece))
    started = time.process_time()

    alarm = change(
        {"reason": text},
        configuration={"metrics": [expression(text), expression(f"SELECT AVG(x) FROM y{text}")]},
    )
    lines = watches(alarm), measured(alarm)
    endpoints_in(alarm, account="123456789012")

    assert time.process_time() - started < 5
    assert all(len(line) <= 300 for line in lines)
