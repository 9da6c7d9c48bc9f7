"""Domain events of retraining: from the drift's own event, the same id for the same thing, clean whatever people wrote."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stationkeeper.alerts import telling as telling_of_alerts
from stationkeeper.events.domain import DomainEvent, ReportedViolation, ViolationsDetected
from stationkeeper.events.on_bus import from_detail
from stationkeeper.events.retraining_events import PassedParameter, RetrainingSkipped, RetrainingStarted
from stationkeeper.reports.reader import read_violations
from stationkeeper.reports.verdict import Judged
from stationkeeper.reports.violation import Monitor
from stationkeeper.retraining.decision import Skip
from stationkeeper.retraining.record import Drift
from stationkeeper.retraining.telling import Telling, drift_of
from stationkeeper.severity import Severity

from tests.unit.builders import hostile_text, report, violation
from tests.unit.release_builders import ACCOUNT, ENDPOINT, GROUP_ARN, NOW, OTHER_GROUP_ARN, REGION, version
from tests.unit.test_release_telling import texts_of
from tests.unit.test_retraining_decision import violations_detected
from tests.unit.test_retraining_record import (
    PIPELINE,
    PIPELINE_ARN,
    SCHEDULE_ARN,
    drift,
    execution,
    execution_arn,
)

TELLING = Telling(
    drift(1), GROUP_ARN, ENDPOINT, PIPELINE, PIPELINE_ARN, ACCOUNT, REGION, "team-risk", "cause-1", NOW, 7
)
RUNNING = Skip("running", "The pipeline runs already.", execution_arn=execution_arn(9))
WAITING = Skip("waiting-for-approval", "Version 8 waits.", advice="Approve or reject it", version=version(8))
COOLING = Skip("cool-down", "It was started.", until=NOW + timedelta(hours=3))
MISSING = Skip("no-pipeline", "There is no pipeline.", Severity.WARNING, "Create it")

type Tell = Callable[[Telling, str], DomainEvent]
TELLS: dict[str, Tell] = {
    "started": lambda telling, text: telling.started(
        execution(
            1,
            drift=telling.drift,
            arn=execution_arn(1) + text,
            parameters=(PassedParameter(name=text, value=text, why=text),) * 60,
            notes=(text,) * 60,
        ),
        NOW,
    ),
    "running": lambda telling, text: telling.skipped(replace(RUNNING, why=text, advice=text)),
    "waiting": lambda telling, text: telling.skipped(replace(WAITING, why=text, advice=text)),
    "cooling": lambda telling, text: telling.skipped(replace(COOLING, why=text, advice=text)),
    "missing": lambda telling, text: telling.skipped(replace(MISSING, why=text, advice=text)),
}
every_kind = pytest.mark.parametrize("tell", TELLS.values(), ids=TELLS)


def detected(**said: Any) -> ViolationsDetected:
    return ViolationsDetected.model_validate(violations_detected(1, **said)["detail"])


def of_bias(*qualifiers: str) -> dict[str, Any]:
    return {"monitor": "bias", "worst": [worst(qualifier) for qualifier in qualifiers]}


def worst(qualifier: str) -> ReportedViolation:
    return ReportedViolation(
        subject="sex",
        qualifier=qualifier,
        check="bias_drift_check",
        measure="difference",
        severity=Severity.CRITICAL,
        description="",
    )


# ---------------------------------------------------------------- from the event of the drift


def test_drift_is_what_its_event_tells():
    event = detected()

    assert drift_of(event) == drift(1, since=NOW, run_at=event.run_at, job=event.cause.job)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({}, "12 violations (12 critical) found by the data-quality monitor"),
        ({"total": 1, "counts": {"warning": 1}}, "1 violation (1 warning) found by the data-quality monitor"),
        (
            {"total": 1_236, "counts": {"info": 1, "critical": 1_234, "warning": 1}},
            "1,236 violations (1,234 critical, 1 warning, 1 info) found by the data-quality monitor",
        ),
        (
            {"monitor": "model_quality"},
            "12 violations (12 critical) found by the model-quality monitor",
        ),
        ({"monitor": "bias"}, "12 violations (12 critical) found by the bias monitor"),
        ({"monitor": "explainability"}, "12 violations (12 critical) found by the explainability monitor"),
        ({"monitor": "custom"}, "12 violations (12 critical) found by the custom monitor"),
        ({"monitor": None}, "12 violations (12 critical) found by the monitor"),
        ({"total": 2, "counts": {"critical": 2, "info": 0}}, "2 violations (2 critical) found by the data-quality monitor"),
    ],
)  # fmt: skip
def test_drift_in_words_is_worst_first(said: dict[str, Any], words: str):
    assert drift_of(detected(**said)).words == words


@pytest.mark.parametrize(
    ("severity", "counts", "expected"),
    [
        ("info", {"critical": 3, "info": 1}, Severity.CRITICAL),
        ("warning", {"critical": 0, "info": 1}, Severity.WARNING),
        ("critical", {}, Severity.CRITICAL),
    ],
)
def test_drift_is_as_bad_as_the_worst_that_is_violated(
    severity: str, counts: dict[str, int], expected: Severity
):
    assert drift_of(detected(severity=severity, counts=counts)).severity is expected


@pytest.mark.parametrize(
    ("said", "kinds"),
    [
        ({"monitor": "data_quality"}, {"DataQuality"}),
        ({"monitor": "model_quality"}, {"ModelQuality"}),
        ({"monitor": "explainability"}, {"ModelExplainability"}),
        ({"monitor": "custom"}, set()),
        ({"monitor": None}, set()),
        (of_bias(), {"ModelBias"}),
        (of_bias("CI"), {"DataBias"}),
        (of_bias("Female CI", "0 DPL", "two words KL"), {"DataBias"}),
        (of_bias("Female CI", "Female DPPL"), {"DataBias", "ModelBias"}),
        (of_bias("CI DPPL"), {"ModelBias"}),
        ({**of_bias("Female CI"), "monitor": "data_quality"}, {"DataQuality"}),
    ],
)
def test_kinds_of_check_are_those_of_the_monitor(said: dict[str, Any], kinds: set[str]):
    assert drift_of(detected(**said)).kinds == kinds


@pytest.mark.parametrize(("metric", "kind"), [("CDDL", "DataBias"), ("CDDPL", "ModelBias")])
def test_metric_of_a_bias_report_is_where_the_reader_puts_it(metric: str, kind: str):
    [found] = read_violations(
        report(
            {
                "facet": "Account Length",
                "facet_value": "(1.0, 95.0]",
                "metric_name": metric,
                "constraint_check_type": "bias_drift_check",
                "description": "Value 0.9 does not meet the constraint requirement",
            }
        )
    )

    assert found.monitor is Monitor.BIAS
    assert drift_of(detected(**of_bias(found.qualifier))).kinds == {kind}


def test_metric_behind_a_long_facet_value_is_seen():
    found = violation("sex", "bias_drift_check", monitor=Monitor.BIAS, qualifier=f"{'v' * 100} CI")
    told = telling_of_alerts._reported(Judged(found, Severity.CRITICAL, 300, None), None)

    assert drift_of(detected(monitor="bias", worst=[told])).kinds == {"DataBias"}


@given(hostile_text(), hostile_text(), hostile_text(), st.lists(hostile_text(), max_size=3))
def test_drift_is_clean_and_bounded(one: str, two: str, three: str, qualifiers: list[str]):
    of = drift_of(detected(id=one, incident=two, schedule=three, schedule_arn=one, **of_bias(*qualifiers)))

    assert all(text.isprintable() for text in texts_of(of.model_dump(mode="json")))
    assert (len(of.event_id) <= 100, len(of.incident) <= 32, len(of.schedule) <= 63) == (True, True, True)
    assert len(of.schedule_arn) <= 300
    assert Drift.model_validate_json(of.model_dump_json()) == of


# ---------------------------------------------------------------- what is told


def test_started_tells_what_was_started_with_what_and_why():
    of = execution(
        1, parameters=(PassedParameter(name="SkipDataQualityCheck", value="True", why="it drifted"),), notes=("n",)
    )  # fmt: skip

    event = TELLING.started(of, NOW + timedelta(hours=1))

    assert isinstance(event, RetrainingStarted)
    assert (event.severity, event.incident) == (Severity.INFO, "incident-1")
    assert (event.at, event.not_again_before) == (of.asked_at, NOW + timedelta(hours=1))
    assert (event.execution_arn, event.parameters, event.notes) == (of.arn, of.parameters, of.notes)
    assert (event.group, event.group_arn, event.endpoint) == ("churn", GROUP_ARN, ENDPOINT)
    assert (event.pipeline, event.pipeline_arn) == (PIPELINE, PIPELINE_ARN)
    assert (event.drift, event.drift_severity) == (of.drift.words, Severity.CRITICAL)
    assert (event.drift_since, event.schedule, event.serving) == (of.drift.since, "churn-data-quality", 7)
    assert (event.account, event.region, event.on_call) == (ACCOUNT, REGION, "team-risk")
    assert event.cause.event_id == "cause-1"


@pytest.mark.parametrize(
    ("skip", "told"),
    [
        (RUNNING, {"execution_arn": execution_arn(9)}),
        (WAITING, {"version": 8, "package_arn": version(8).model_package_arn, "advice": WAITING.advice}),
        (COOLING, {"until": COOLING.until}),
        (MISSING, {"severity": Severity.WARNING, "advice": "Create it"}),
    ],
    ids=["running", "waiting", "cooling", "missing"],
)
def test_skipped_tells_what_stood_in_the_way(skip: Skip, told: dict[str, Any]):
    event = TELLING.skipped(skip)

    assert isinstance(event, RetrainingSkipped)
    expected = {
        "code": skip.code,
        "why": skip.why,
        "severity": Severity.INFO,
        "advice": "",
        "execution_arn": "",
        "version": None,
        "package_arn": None,
        "until": None,
        "at": NOW,
        "incident": "incident-1",
        "drift": drift(1).words,
        **told,
    }
    assert {name: getattr(event, name) for name in expected} == expected


@pytest.mark.parametrize("tell", TELLS.values(), ids=TELLS)
@given(text=hostile_text())
def test_event_survives_the_bus_and_is_clean(tell: Tell, text: str):
    of = drift_of(detected(id=text, incident=text, schedule=text, schedule_arn=text))
    hostile = replace(
        TELLING,
        drift=of,
        group_arn=GROUP_ARN + text,
        endpoint=text,
        pipeline=text,
        pipeline_arn=PIPELINE_ARN + text,
        on_call=text,
        event_id=text,
    )

    event = tell(hostile, text)

    document = event.model_dump_json()
    document.encode()
    assert from_detail(event.detail_type, event.model_dump(mode="json")) == event
    assert type(event).model_validate_json(document) == event
    assert all(shown.isprintable() for shown in texts_of(event.model_dump(mode="json")))
    assert len(document) < 100_000


@every_kind
def test_incident_is_the_drifts(tell: Tell):
    assert tell(replace(TELLING, drift=drift(5)), "x").incident == "incident-5"


@every_kind
def test_same_thing_has_the_same_id_whoever_sees_it(tell: Tell):
    again = replace(
        TELLING,
        event_id="cause-2",
        at=NOW + timedelta(minutes=5),
        serving=None,
        on_call="",
        pipeline_arn=PIPELINE_ARN.upper(),
    )

    assert tell(TELLING, "x").id == tell(again, "x").id


@every_kind
def test_another_drift_or_another_pipeline_has_another_id(tell: Tell):
    def started_of(telling: Telling, number: int) -> str:
        return telling.started(execution(number), None).id

    other_pipeline = replace(TELLING, pipeline_arn=PIPELINE_ARN.replace(PIPELINE, "fraud-retrain"))
    assert tell(TELLING, "x").id != tell(other_pipeline, "x").id
    if tell is TELLS["started"]:
        assert started_of(TELLING, 1) != started_of(TELLING, 2)
    else:
        assert tell(TELLING, "x").id != tell(replace(TELLING, drift=drift(2)), "x").id


def test_other_obstacles_have_other_ids():
    events = [
        *(tell(TELLING, "x") for tell in TELLS.values()),
        TELLING.skipped(replace(RUNNING, execution_arn=execution_arn(10))),
        TELLING.skipped(replace(WAITING, version=version(9))),
        TELLING.skipped(replace(MISSING, code="missing-parameter")),
    ]

    assert len({event.id for event in events}) == len(events)


def test_obstacle_has_the_same_id_though_its_words_move_on():
    first = TELLING.skipped(replace(RUNNING, why="It runs, since 5 minutes."))
    later = TELLING.skipped(replace(RUNNING, why="It runs, since 6 minutes."))

    assert first.id == later.id


def test_what_is_finished_for_another_drift_is_told_as_that_ones():
    event = TELLING.started(execution(2, drift=drift(2, words="other words", schedule="other")), None)

    assert isinstance(event, RetrainingStarted)
    assert (event.incident, event.drift, event.schedule) == ("incident-2", "other words", "other")
    assert event.id == replace(TELLING, drift=drift(2)).started(execution(2), None).id


def test_what_is_finished_for_another_endpoint_is_told_of_that_one():
    event = TELLING.started(execution(2, endpoint="fraud-prod", group_arn=OTHER_GROUP_ARN), None)

    assert isinstance(event, RetrainingStarted)
    assert (event.endpoint, event.group, event.group_arn) == ("fraud-prod", "fraud", OTHER_GROUP_ARN)


def test_what_would_never_end_is_cut():
    event = TELLS["started"](TELLING, "x")

    assert isinstance(event, RetrainingStarted)
    assert (len(event.parameters), len(event.notes)) == (30, 30)


def test_schedule_is_found_by_the_arn_of_the_drift():
    assert drift_of(detected()).schedule_arn == SCHEDULE_ARN
