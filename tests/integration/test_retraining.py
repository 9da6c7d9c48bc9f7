"""Drift starts the pipeline that retrains the model, once and only when it should; why it does not is told."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from embedded_aws.moto_additions.sagemaker.outcomes import ExecutionOutcome

from tests.release_world import ENDPOINT, GROUP_ARN, nothing_is_left
from tests.whole_world import (
    PARAMETERS,
    PIPELINE,
    PIPELINE_ARN,
    SCHEDULE,
    WholeWorld,
    drifted,
    kinds_of,
    logged,
    whole_world,
)

HOUR = 3_600
DAY = 24 * HOUR


@pytest.fixture
def system() -> Iterator[WholeWorld]:
    with whole_world() as running:
        yield running
        running.read_mail()
        nothing_is_left(running)
        assert not any(running.boxes.values())
        assert running.retrainings().outbox == ()
        assert running.simulator.most_executions_at_once(PIPELINE) <= 1


def released(system: WholeWorld, *, retraining_pipeline: str = PIPELINE, **tags: str) -> None:
    """An endpoint in service, watched, with a group that names a pipeline; on-call has read all of it."""
    system.group(retraining_pipeline=retraining_pipeline, **tags)
    system.approved()
    system.settle()
    system.watched()
    system.settle()
    system.read_mail()


def drift(system: WholeWorld, **more: Any) -> None:
    system.monitor_runs(drifted(), **more)
    system.settle()


def executions(system: WholeWorld, name: str = PIPELINE) -> int:
    return len(system.simulator.executions(name))


def skipped(mail: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for one in mail if one["attributes"]["kind"] == "RetrainingSkipped"]


# ---------------------------------------------------------------- the whole story


def test_from_drift_to_the_new_version_in_service_it_is_one_thread(system: WholeWorld) -> None:
    released(system)
    system.pipeline()
    with logged() as lines:
        drift(system)
        system.approve(system.versions()[-1]["ModelPackageArn"])
        system.settle()

    mail = system.read_mail()
    assert kinds_of(mail) == [
        "ViolationsDetected",
        "RetrainingStarted",
        "ApprovalRequested",
        "JobSucceeded",
        "ReleaseStarted",
        "ReleaseSucceeded",
    ]
    (incident,) = {one["attributes"]["incident"] for one in mail}
    assert all(one["subject"].endswith(f"#{incident}") for one in mail)
    assert all(f"Incident {incident}" in one["body"] for one in mail)
    assert {one["attributes"]["endpoint"] for one in mail} == {ENDPOINT}
    assert {one["attributes"]["team"] for one in mail} == {"ml-on-call"}
    for message in ("Told", "Looked", "Tells"):
        told = [line["incident"] for line in lines() if line["message"] == message and "incident" in line]
        assert set(told) <= {incident}, message
    assert incident in {line.get("incident") for line in lines()}
    assert "It comes out of a retraining" in mail[2]["body"]
    assert system.live_version() == 2


def test_it_is_started_as_it_was_meant(system: WholeWorld) -> None:
    released(system)
    system.pipeline()
    drift(system)

    (execution,) = system.simulator.executions(PIPELINE)
    assert execution.parameters == {"SkipDataQualityCheck": "True", "RegisterNewDataQualityBaseline": "True"}
    assert execution.display_name.startswith("stationkeeper-")
    assert "Started by Stationkeeper: 1 violation" in (execution.description or "")
    (remembered,) = system.retrainings().executions
    assert (remembered.arn, remembered.name) == (execution.arn, execution.display_name)


def test_only_parameters_the_pipeline_declares_are_passed(system: WholeWorld) -> None:
    declared = [
        {"Name": "SkipDataQualityCheck", "Type": "Boolean", "DefaultValue": False},
        {"Name": "Region", "Type": "String"},
    ]
    released(system)
    tagged(system, {"Region": "EU", "Unheard": "1"})
    system.pipeline(parameters=declared)
    drift(system)

    (execution,) = system.simulator.executions(PIPELINE)
    assert execution.parameters == {"SkipDataQualityCheck": "True", "Region": "EU"}
    _, started, *_ = system.read_mail()
    assert "the pipeline declares no parameter Unheard, which a tag sets" in started["body"]


def tagged(system: WholeWorld, parameters: dict[str, str]) -> None:
    tags: Any = [
        {"Key": f"stationkeeper:retraining-parameter/{name}", "Value": value}
        for name, value in parameters.items()
    ]
    system.sagemaker.add_tags(ResourceArn=GROUP_ARN, Tags=tags)


def test_every_monitor_that_is_violated_counts(system: WholeWorld) -> None:
    released(system, retrain_at="critical")
    system.watched("churn-quality", kind="ModelQuality")
    system.settle()
    quality = {
        "constraint_check_type": "LessThanThreshold",
        "metric_name": "f1",
        "description": "Metric f1 with 0.70 was LessThanThreshold '0.7272'",
    }
    system.monitor_runs(quality, schedule="churn-quality", kind="model")
    system.settle()
    started_before = executions(system)
    system.pipeline()
    drift(system)

    assert started_before == 0
    (execution,) = system.simulator.executions(PIPELINE)
    assert execution.parameters == dict.fromkeys((one["Name"] for one in PARAMETERS), "True")


def test_a_pipeline_named_by_its_arn_is_not_started_and_that_is_told(system: WholeWorld) -> None:
    """It might be another account's; only one of this account can be started."""
    released(system, retraining_pipeline=PIPELINE_ARN)
    system.pipeline()
    drift(system)

    assert executions(system) == 0
    (told,) = skipped(system.read_mail())
    assert "must look like the name of a pipeline" in told["body"]


def test_the_token_follows_from_the_drift(system: WholeWorld) -> None:
    released(system)
    system.pipeline()
    tokens: list[str] = []
    with system.hooked(
        "sagemaker",
        "provide-client-params.sagemaker.StartPipelineExecution",
        lambda params, **_: tokens.append(params["ClientRequestToken"]),
    ):
        drift(system)
    event = next(one for one in system.domain_events if one["detail-type"] == "ViolationsDetected")

    from stationkeeper.events.domain import stable_id

    assert tokens == [stable_id(PIPELINE_ARN.lower(), event["detail"]["id"])]
    assert 32 <= len(tokens[0]) <= 128


# ---------------------------------------------------------------- refusals, told once and again after a day


def told_once_and_daily(system: WholeWorld, code_words: str) -> dict[str, Any]:
    """The refusal of a drift that goes on for a day and a half: told when it begins and after a day; returns the first."""
    drift(system)
    for _ in range(5):
        system.advance(HOUR)
        system.monitor_runs(drifted())
        system.pump()
    mail = system.read_mail()
    (first,) = skipped(mail)
    assert code_words in first["body"]
    assert first["attributes"]["incident"] == mail[0]["attributes"]["incident"]
    for _ in range(30):
        system.advance(HOUR)
        system.monitor_runs(drifted())
        system.pump()
    (again,) = skipped(system.read_mail())
    assert again["attributes"]["incident"] == first["attributes"]["incident"]
    return first


def test_not_while_people_run_it(system: WholeWorld) -> None:
    released(system)
    system.pipeline()
    system.simulator.durations.training = 3 * DAY
    theirs = system.sagemaker.start_pipeline_execution(PipelineName=PIPELINE, ClientRequestToken="1" * 32)[
        "PipelineExecutionArn"
    ]
    system.monitor_runs(drifted())
    system.pump()
    for _ in range(30):
        system.advance(HOUR)
        system.monitor_runs(drifted())
        system.pump()

    assert executions(system) == 1
    first, second = skipped(system.read_mail())
    assert f"The pipeline {PIPELINE} runs already" in first["body"]
    assert theirs in first["body"]
    assert second["attributes"]["incident"] == first["attributes"]["incident"]


def test_not_while_a_version_waits_for_approval(system: WholeWorld) -> None:
    released(system)
    system.pipeline()
    system.register()
    system.settle()
    system.read_mail()

    first = told_once_and_daily(system, "Version 2 waits for approval; another one would wait behind it.")
    assert executions(system) == 0
    assert "model-package/churn/2" in first["body"]


def test_a_version_that_waits_below_the_live_one_is_no_obstacle(system: WholeWorld) -> None:
    system.group(retraining_pipeline=PIPELINE)
    system.register()
    system.approved()
    system.settle()
    system.watched()
    system.pipeline()
    system.settle()
    drift(system)

    assert executions(system) == 1


def test_not_within_the_cool_down(system: WholeWorld) -> None:
    released(system, retraining_cool_down_hours="72")
    system.pipeline(registers=False)
    drift(system)
    assert executions(system) == 1
    system.advance(HOUR)
    system.monitor_runs()
    system.settle()
    system.read_mail()
    system.advance(HOUR)

    first = told_once_and_daily(system, "and not again within 3 days")
    assert executions(system) == 1
    assert "Not before" in first["body"]


def test_after_the_cool_down_it_starts_again(system: WholeWorld) -> None:
    released(system, retraining_cool_down_hours="12")
    system.pipeline(registers=False)
    drift(system)
    system.advance(13 * HOUR)
    system.monitor_runs()
    system.settle()
    system.advance(HOUR)
    drift(system)

    assert executions(system) == 2


def test_a_pipeline_that_does_not_exist(system: WholeWorld) -> None:
    released(system)

    first = told_once_and_daily(system, f"There is no pipeline {PIPELINE}.")
    assert first["attributes"]["severity"] == "warning"


def test_a_parameter_without_a_value(system: WholeWorld) -> None:
    released(system)
    system.pipeline(parameters=[*PARAMETERS, {"Name": "Region", "Type": "String"}])

    told_once_and_daily(system, "declares Region without a default, and no tag sets a value")
    assert executions(system) == 0


def test_a_pipeline_that_may_not_be_started(system: WholeWorld) -> None:
    released(system)
    system.pipeline()

    def deny(name: str) -> None:
        if name.endswith(":StartPipelineExecution"):
            error = {"Code": "AccessDeniedException", "Message": "not authorized to perform it"}
            raise ClientError({"Error": error, "ResponseMetadata": {"HTTPStatusCode": 400}}, name)  # type: ignore[typeddict-item]

    system.before_each_call = deny
    told_once_and_daily(
        system, "Add the pipeline to the stack's parameter RetrainingPipelineArns, and deploy"
    )

    assert executions(system) == 0
    assert system.retrainings().executions == ()


def test_a_tag_that_cannot_be_read(system: WholeWorld) -> None:
    released(system, retraining_pipeline="not a name!")

    told_once_and_daily(system, "retraining-pipeline")


def test_tags_that_cannot_be_asked_for_are_an_error(system: WholeWorld) -> None:
    """The queue tries again; nothing is taken for a group without a pipeline."""
    released(system)
    system.pipeline()
    system.monitor_runs(drifted())
    system.deliver_to("monitor_report")
    system.collect()
    (body,) = system.boxes["retraining"]

    def throttle(name: str) -> None:
        if name.endswith(":ListTags"):
            error = {"Code": "ThrottlingException", "Message": "Rate exceeded"}
            raise ClientError({"Error": error, "ResponseMetadata": {"HTTPStatusCode": 400}}, name)  # type: ignore[typeddict-item]

    system.before_each_call = throttle
    assert system.invoke("retraining", body) == ["0"]
    system.before_each_call = None
    system.settle()

    assert executions(system) == 1


def test_below_the_threshold_nothing_happens(system: WholeWorld) -> None:
    released(system)
    system.pipeline()
    with logged() as lines:
        system.monitor_runs(drifted(share=99.7))
        system.settle()

    assert executions(system) == 0
    assert kinds_of(system.read_mail()) in (["ViolationsDetected"], [])
    assert system.retrainings().version == 0
    if any(one["detail-type"] == "ViolationsDetected" for one in system.domain_events):
        assert "below critical, where retraining starts" in [line.get("reason") for line in lines()]


def test_the_threshold_is_the_groups(system: WholeWorld) -> None:
    released(system, retrain_at="info")
    system.pipeline()
    system.monitor_runs(drifted(share=99.7))
    system.settle()

    assert executions(system) == 1


def test_a_group_without_a_pipeline_is_not_retrained(system: WholeWorld) -> None:
    system.group()
    system.approved()
    system.settle()
    system.watched()
    system.settle()
    system.read_mail()
    drift(system)

    assert kinds_of(system.read_mail()) == ["ViolationsDetected"]


def test_drift_that_is_over_when_it_is_heard_of_starts_nothing(system: WholeWorld) -> None:
    released(system)
    system.pipeline()
    system.monitor_runs(drifted())
    system.deliver_to("monitor_report")
    system.collect()
    (late,) = system.boxes["retraining"]
    system.boxes["retraining"].clear()
    system.advance(HOUR)
    system.monitor_runs()
    system.settle()

    assert system.invoke("retraining", late) == []
    system.settle()
    assert executions(system) == 0


# ---------------------------------------------------------------- how it goes on


def test_a_failed_execution_is_told_with_its_step_reason_and_log_in_the_drifts_thread(
    system: WholeWorld,
) -> None:
    released(system)
    system.pipeline()
    reason = 'AlgorithmError: ExecuteUserScriptError:\nErrorMessage "ValueError: Input contains NaN"\nCommand "python train.py", exit code: 1'
    system.simulator.plan_execution(PIPELINE, ExecutionOutcome.FAILS, step="Train", reason=reason)
    drift(system)

    mail = system.read_mail()
    assert kinds_of(mail) == ["ViolationsDetected", "RetrainingStarted", "JobFailed"]
    assert len({one["attributes"]["incident"] for one in mail}) == 1
    failed = mail[-1]
    assert failed["subject"].startswith("[WARNING] churn-prod: retraining failed at step Train after ")
    assert "Reason: ValueError: Input contains NaN" in failed["body"]
    assert "/aws/sagemaker/TrainingJobs" in failed["body"]
    assert "The drift was told in this thread" in failed["body"] or "because of drift" in failed["body"]


def test_a_stopped_execution_is_told_in_the_drifts_thread(system: WholeWorld) -> None:
    released(system)
    system.pipeline()
    system.simulator.plan_execution(PIPELINE, ExecutionOutcome.STOPPED)
    drift(system)

    mail = system.read_mail()
    assert kinds_of(mail) == ["ViolationsDetected", "RetrainingStarted", "JobStopped"]
    assert len({one["attributes"]["incident"] for one in mail}) == 1


def test_an_execution_that_brings_no_version_says_so(system: WholeWorld) -> None:
    released(system)
    system.pipeline(registers=False)
    drift(system)

    mail = system.read_mail()
    assert kinds_of(mail) == ["ViolationsDetected", "RetrainingStarted", "JobSucceeded"]
    assert len({one["attributes"]["incident"] for one in mail}) == 1


def test_a_pipeline_whose_definition_is_no_json_is_started_with_its_own_defaults(system: WholeWorld) -> None:
    released(system)
    system.pipeline(parameters=[])
    with system.hooked(
        "sagemaker", "after-call.sagemaker.DescribePipeline", lambda parsed, **_: spoil(parsed)
    ):
        drift(system)

    (execution,) = system.simulator.executions(PIPELINE)
    assert execution.parameters == {}
    started = next(one for one in system.read_mail() if one["attributes"]["kind"] == "RetrainingStarted")
    assert "no parameters are passed: the pipeline's definition is not JSON" in started["body"]


def spoil(answer: dict[str, Any]) -> None:
    answer["PipelineDefinition"] = '{"Version": "2020-12-01", "Param'


def test_a_condition_that_does_not_hold_is_no_failure(system: WholeWorld) -> None:
    """The drift is told, the execution ends well, and no version waits."""
    released(system)
    system.pipeline(registers=False)
    drift(system)

    assert "no version" in system.read_mail()[-1]["body"].lower()


# ---------------------------------------------------------------- one at a time


def two_endpoints(system: WholeWorld) -> None:
    """Two groups released to two endpoints, both watched, both retrained by one pipeline."""
    released(system, retraining_cool_down_hours="0")
    system.group("other", endpoint="other-prod", retraining_pipeline=PIPELINE, retraining_cool_down_hours="0")
    system.approved("other")
    system.settle()
    system.watched("other-watch", endpoint="other-prod")
    system.settle()
    system.pipeline(registers=False)
    system.read_mail()


def both_drift(system: WholeWorld) -> None:
    system.monitor_runs(drifted())
    system.monitor_runs(drifted(), schedule="other-watch", endpoint="other-prod")


def test_two_groups_that_share_a_pipeline_never_run_it_twice_at_once(system: WholeWorld) -> None:
    two_endpoints(system)
    for _ in range(4):
        both_drift(system)
        system.advance(HOUR)
        system.monitor_runs()
        system.monitor_runs(schedule="other-watch", endpoint="other-prod")
        system.advance(HOUR)
    system.settle()

    assert system.simulator.most_executions_at_once(PIPELINE) == 1
    assert executions(system) >= 2
    assert skipped(system.read_mail())


@pytest.mark.filterwarnings("ignore:No application metrics to publish")
@pytest.mark.parametrize("call", range(13))
def test_two_copies_of_two_drifts_start_one_execution_at_a_time(system: WholeWorld, call: int) -> None:
    two_endpoints(system)
    both_drift(system)
    system.deliver_to("monitor_report")
    system.deliver_to("monitor_report")
    system.collect()
    one, other = system.boxes["retraining"]
    system.boxes["retraining"].remove(other)
    left = [call]

    def another_copy(_: str) -> None:
        left[0] -= 1
        if left[0] == -1 and system.invoke("retraining", other):
            system.boxes["retraining"].append(other)

    system.after_each_call = another_copy
    system.deliver_to("retraining")
    system.after_each_call = None
    system.settle()

    assert left[0] < 0
    assert one != other
    assert system.simulator.most_executions_at_once(PIPELINE) == 1


@pytest.mark.parametrize("same_id", [True, False])
def test_duplicates_start_one_execution(system: WholeWorld, same_id: bool) -> None:
    released(system)
    system.pipeline()
    system.simulator.disturb(duplicate=3, same_id=same_id)
    system.monitor_runs(drifted())
    system.deliver_to("monitor_report")
    system.collect()
    system.boxes["retraining"] *= 3
    system.settle()

    assert executions(system) == 1
    assert kinds_of(system.read_mail()) == [
        "ViolationsDetected",
        "RetrainingStarted",
        "ApprovalRequested",
        "JobSucceeded",
    ]


def test_a_drift_heard_of_days_later_again_starts_nothing_anew(system: WholeWorld) -> None:
    released(system, retraining_cool_down_hours="0")
    system.pipeline(registers=False)
    system.monitor_runs(drifted())
    system.deliver_to("monitor_report")
    system.collect()
    (body,) = system.boxes["retraining"]
    system.settle()
    system.advance(3 * DAY)

    assert system.invoke("retraining", body) == []
    system.settle()
    assert executions(system) == 1


def test_a_replay_of_the_archive_reaches_retraining_not(system: WholeWorld) -> None:
    from tests.whole_world import rules_that_match

    released(system)
    drift(system)
    event = next(one for one in system.domain_events if one["detail-type"] == "ViolationsDetected")

    assert rules_that_match(event, on_our_bus=True).count("RetrainingRule") == 1
    assert "RetrainingRule" not in rules_that_match({**event, "replay-name": "again"}, on_our_bus=True)
    assert json.loads(json.dumps(event)) == event
    assert SCHEDULE in event["detail"]["schedule"]
