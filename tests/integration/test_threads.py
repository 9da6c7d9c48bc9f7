"""Every message belongs to an incident: the same id in its subject, its attributes, the domain event and the logs; filters can route it."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from embedded_aws.moto_additions.sagemaker import Outcome
from embedded_aws.moto_additions.sagemaker.outcomes import ExecutionOutcome

from tests.integration.test_alarm_response import guard
from tests.release_world import ENDPOINT
from tests.whole_world import PIPELINE, WholeWorld, drifted, kinds_of, logged, whole_world

HOUR = 3_600


@pytest.fixture
def system() -> Iterator[WholeWorld]:
    with whole_world() as running:
        yield running


def ready(system: WholeWorld, **tags: str) -> None:
    system.group(retraining_pipeline=PIPELINE, **tags)
    for _ in range(2):
        system.approved()
        system.settle()
    system.watched()
    system.pipeline()
    system.settle()
    system.read_mail()


# ---------------------------------------------------------------- stories


def alarm_that_takes_back(system: WholeWorld) -> None:
    system.turns(guard(system), "ALARM")
    system.settle()
    system.turns("churn-p95", "OK")
    system.settle()


def storm(system: WholeWorld) -> None:
    system.advance(2 * HOUR)
    names = [guard(system, f"a-{number}") for number in range(12)]
    for state in ("ALARM", "OK"):
        for name in names:
            system.turns(name, state)
        system.advance(15 * 60)
    system.settle()


def drift_to_release(system: WholeWorld) -> None:
    system.monitor_runs(drifted())
    system.settle()
    system.approve(system.versions()[-1]["ModelPackageArn"])
    system.settle()


def failed_retraining(system: WholeWorld) -> None:
    system.simulator.plan_execution(PIPELINE, ExecutionOutcome.FAILS, step="Train")
    system.monitor_runs(drifted())
    system.settle()


def retrained_version_that_rolls_back(system: WholeWorld) -> None:
    system.monitor_runs(drifted())
    system.settle()
    system.simulator.plan_outcome(ENDPOINT, Outcome.ROLLS_BACK)
    system.approve(system.versions()[-1]["ModelPackageArn"])
    system.settle()


STORIES: dict[Callable[[WholeWorld], None], list[str]] = {
    alarm_that_takes_back: ["AlarmRaised", "ReleaseStarted", "ReleaseSucceeded", "AlarmCleared"],
    storm: ["AlarmRaised", "AlarmCleared"],
    drift_to_release: [
        "ViolationsDetected",
        "RetrainingStarted",
        "ApprovalRequested",
        "JobSucceeded",
        "ReleaseStarted",
        "ReleaseSucceeded",
    ],
    failed_retraining: ["ViolationsDetected", "RetrainingStarted", "JobFailed"],
    retrained_version_that_rolls_back: [
        "ViolationsDetected",
        "RetrainingStarted",
        "ApprovalRequested",
        "JobSucceeded",
        "ReleaseStarted",
        "ReleaseRolledBack",
    ],
}


@pytest.mark.parametrize(("story", "kinds"), STORIES.items(), ids=[one.__name__ for one in STORIES])
def test_a_story_is_one_thread(
    system: WholeWorld, story: Callable[[WholeWorld], None], kinds: list[str]
) -> None:
    ready(system, on_call="churn-team")
    before = len(system.domain_events)
    with logged() as lines:
        story(system)

    mail = system.read_mail()
    # How a storm is gathered is test_alarm_response's business.
    assert list(dict.fromkeys(kinds_of(mail))) == kinds
    assert len(mail) == len(kinds) or (story is storm and len(mail) <= 4)
    (incident,) = {one["attributes"]["incident"] for one in mail}
    assert re.fullmatch(r"[0-9a-f]{8}", incident)
    for one in mail:
        assert one["subject"].endswith(f" #{incident}")
        assert f"Incident {incident}" in one["body"]
    assert {event["detail"]["incident"] for event in system.domain_events[before:]} == {incident}
    logs = [line for line in lines() if "incident" in line]
    assert {line["incident"] for line in logs} == {incident}
    assert {"told"} <= {line.get("decision") for line in logs}


@pytest.mark.parametrize("story", STORIES, ids=[one.__name__ for one in STORIES])
def test_messages_can_be_filtered_and_read_anywhere(
    system: WholeWorld, story: Callable[[WholeWorld], None]
) -> None:
    ready(system, on_call="churn-team")
    story(system)

    for one in system.read_mail():
        attributes = one["attributes"]
        assert set(attributes) == {"severity", "endpoint", "kind", "team", "incident"}
        assert attributes["severity"] in ("info", "warning", "critical")
        assert attributes["endpoint"] == ENDPOINT
        # A monitor does not know the group its endpoint is released from, nor who is on call for that.
        if attributes["kind"] not in ("ViolationsDetected", "JobSucceeded", "JobFailed"):
            assert attributes["team"] == "churn-team"
        assert one["subject"].isascii()
        assert len(one["subject"]) < 100
        assert len(one["body"].encode()) < 262_144


@pytest.mark.parametrize("story", [drift_to_release, failed_retraining])
def test_how_a_retraining_ended_is_told_to_who_is_on_call_for_the_group(
    system: WholeWorld, story: Callable[[WholeWorld], None]
) -> None:
    ready(system, on_call="churn-team")
    story(system)

    (ended,) = (one for one in system.read_mail() if one["attributes"]["kind"].startswith("Job"))
    assert ended["attributes"]["team"] == "churn-team"


def test_two_endpoints_are_two_threads(system: WholeWorld) -> None:
    ready(system)
    system.group("other", endpoint="other-prod")
    system.approved("other")
    system.settle()
    system.advance(3 * HOUR)
    system.read_mail()
    for endpoint in (ENDPOINT, "other-prod"):
        system.alarm(f"{endpoint}-mine", endpoint=endpoint)
        system.turns(f"{endpoint}-mine", "ALARM")
    system.settle()

    mail = system.read_mail()
    assert len({one["attributes"]["incident"] for one in mail}) == 2
    assert len({one["attributes"]["endpoint"] for one in mail}) == 2


def test_alarms_and_drift_of_one_endpoint_are_two_threads(system: WholeWorld) -> None:
    ready(system)
    system.advance(3 * HOUR)
    system.turns(guard(system), "ALARM")
    system.monitor_runs(drifted())
    system.settle()

    threads: dict[str, set[str]] = {}
    for one in system.read_mail():
        threads.setdefault(one["attributes"]["incident"], set()).add(one["attributes"]["kind"])
    assert len(threads) == 2
    assert {"AlarmRaised"} in threads.values()


def test_a_refused_retraining_is_in_the_drifts_thread(system: WholeWorld) -> None:
    ready(system)
    system.register()
    system.settle()
    system.read_mail()
    system.monitor_runs(drifted())
    system.settle()

    mail: list[dict[str, Any]] = system.read_mail()
    assert kinds_of(mail) == ["ViolationsDetected", "RetrainingSkipped"]
    assert len({one["attributes"]["incident"] for one in mail}) == 1


def crash_leaves_it_to_another_endpoint(system: WholeWorld) -> list[dict[str, Any]]:
    """Drift of one endpoint begins an execution and is killed; drift of the other one comes next, and finishes it."""
    ready(system)
    system.group("other", endpoint="other-prod", retraining_pipeline=PIPELINE)
    system.approved("other")
    system.settle()
    system.watched("other-watch", endpoint="other-prod")
    system.settle()
    system.read_mail()
    system.monitor_runs(drifted())
    system.monitor_runs(drifted(), schedule="other-watch", endpoint="other-prod")
    system.deliver_to("monitor_report")
    system.deliver_to("monitor_report")
    system.collect()
    calls = 8  # up to the record that says what is meant
    with system.crashing_after(calls) as crash:
        system.deliver_to("retraining")
    assert crash.happened
    assert system.retrainings().unfinished is not None
    system.settle()
    return system.read_mail()


def test_an_execution_that_another_drift_finishes_is_started_once(system: WholeWorld) -> None:
    mail = crash_leaves_it_to_another_endpoint(system)

    assert len(system.simulator.executions(PIPELINE)) == 1
    assert kinds_of(mail).count("RetrainingStarted") == 1


def test_an_execution_that_another_drift_finishes_is_told_of_its_own_endpoint(system: WholeWorld) -> None:
    mail = crash_leaves_it_to_another_endpoint(system)

    (started,) = (one for one in mail if one["attributes"]["kind"] == "RetrainingStarted")
    (execution,) = system.retrainings().executions
    assert started["attributes"]["endpoint"] == execution.endpoint
