"""Updates phase by phase: guardrails, alarms, rollbacks."""

from typing import Any

import pytest
from embedded_aws.moto_additions.sagemaker import Outcome

from tests.embedded_aws.sagemaker_account import (
    DEPLOYMENT_STATE,
    ENDPOINT_STATE,
    Account,
    blue_green,
    percent,
    refused,
    serverless,
    variant,
)


def shares(account: Account) -> list[tuple[int, float]]:
    """(seconds since the first, weight of the new fleet) of each announced phase."""
    found = [
        (pending["VariantStatus"][0]["StartTime"], pending["CurrentWeight"])
        for event in account.of_type(DEPLOYMENT_STATE)
        for pending in event["detail"].get("PendingDeploymentSummary", {}).get("ProductionVariants", [])
    ]
    return [(round((at - found[0][0]) / 1000), weight) for at, weight in found]


@pytest.mark.parametrize(
    ("config", "expected", "seconds"),
    [
        (blue_green("ALL_AT_ONCE"), [(0, 0.0), (480, 1.0)], 1080),
        (blue_green("CANARY", CanarySize=percent(25)), [(0, 0.0), (480, 0.25), (780, 1.0)], 1380),
        (
            blue_green("LINEAR", LinearStepSize=percent(40), end_wait=0),
            [(0, 0.0), (480, 0.4), (780, 0.8), (1080, 1.0)],
            1080,
        ),
    ],
)
def test_traffic_shifts_as_the_policy_says(
    account: Account, config: dict[str, Any], expected: list[Any], seconds: int
) -> None:
    account.endpoint(variant(instances=4))
    account.config("churn-2", variant(instances=4))

    account.update("churn-2", DeploymentConfig=config)
    account.sim.advance(seconds - 5)
    before = account.state()
    account.sim.advance(10)

    assert before == ("Updating", "churn-1")
    assert account.state() == ("InService", "churn-2")
    assert shares(account) == expected
    assert account.describe()["LastDeploymentConfig"] == config
    assert account.statuses() == ["UPDATING", "IN_SERVICE"]


def test_rolling_update_bakes_batch_by_batch(account: Account) -> None:
    policy = {"MaximumBatchSize": percent(50), "WaitIntervalInSeconds": 60}
    account.endpoint()
    account.config("churn-2")

    account.update("churn-2", DeploymentConfig={"RollingUpdatePolicy": policy})
    account.sim.advance(2 * 480 + 60 + 55)
    assert account.state() == ("Updating", "churn-1")
    account.sim.advance(10)

    assert account.state() == ("InService", "churn-2")


def test_baking_is_visible_in_describe(account: Account) -> None:
    account.endpoint()
    account.config("churn-2")

    account.update("churn-2", DeploymentConfig=blue_green("CANARY", CanarySize=percent(50)))
    account.sim.advance(500)

    [pending] = account.describe()["PendingDeploymentSummary"]["ProductionVariants"]
    [status] = pending["VariantStatus"]
    assert status["Status"] == "Baking"
    assert status["StatusMessage"] == (
        "Baking for 300 seconds (WaitIntervalInSeconds) with traffic enabled on canary capacity of 1 instance(s)."
    )


def test_alarm_during_baking_rolls_back(account: Account) -> None:
    account.endpoint()
    account.config("churn-2")
    account.alarm("errors")
    account.update("churn-2", DeploymentConfig=blue_green("CANARY", "errors", CanarySize=percent(50)))
    account.sim.advance(500)

    account.trip("errors")
    account.sim.run_due()
    during = account.state()
    account.sim.settle()
    after = account.describe()

    assert during == ("RollingBack", "churn-1")
    assert (after["EndpointStatus"], after["EndpointConfigName"]) == ("InService", "churn-1")
    assert "errors" in after["FailureReason"]
    assert account.statuses() == ["UPDATING", "ROLLING_BACK", "IN_SERVICE"]


def test_alarm_before_baking_counts_when_baking_begins(account: Account) -> None:
    account.endpoint()
    account.config("churn-2")
    account.alarm("errors")
    account.update("churn-2", DeploymentConfig=blue_green("ALL_AT_ONCE", "errors"))

    account.sim.advance(100)
    account.trip("errors")
    account.sim.advance(100)
    assert account.state() == ("Updating", "churn-1")
    account.sim.advance(300)

    assert account.state() == ("RollingBack", "churn-1")


def test_alarm_that_is_red_already_rolls_back_at_once(account: Account) -> None:
    account.endpoint()
    account.config("churn-2")
    account.alarm("errors", "ALARM")

    account.update("churn-2", DeploymentConfig=blue_green("ALL_AT_ONCE", "errors"))
    account.sim.run_due()

    assert account.state() == ("RollingBack", "churn-1")


def test_alarm_without_auto_rollback_changes_nothing(account: Account) -> None:
    account.endpoint()
    account.config("churn-2")
    account.alarm("errors")
    account.update("churn-2", DeploymentConfig=blue_green("ALL_AT_ONCE"))
    account.sim.advance(500)

    account.trip("errors")
    account.sim.settle()

    assert account.state() == ("InService", "churn-2")


@pytest.mark.parametrize(
    ("outcome", "status", "config", "reason", "events"),
    [
        (Outcome.SUCCEEDS, "InService", "churn-2", False, ["UPDATING", "IN_SERVICE"]),
        (Outcome.ROLLS_BACK, "InService", "churn-1", True, ["UPDATING", "ROLLING_BACK", "IN_SERVICE"]),
        (Outcome.ROLLS_BACK_SILENTLY, "InService", "churn-1", False, ["UPDATING", "IN_SERVICE"]),
        (
            Outcome.UPDATE_ROLLBACK_FAILED,
            "UpdateRollbackFailed",
            "churn-1",
            True,
            ["UPDATING", "ROLLING_BACK", "UPDATE_ROLLBACK_FAILED"],
        ),
        (Outcome.FAILS, "Failed", "churn-1", True, ["UPDATING", "FAILED"]),
    ],
)
def test_update_ends_as_planned(
    account: Account, outcome: Outcome, status: str, config: str, reason: bool, events: list[str]
) -> None:
    account.endpoint()
    account.config("churn-2")
    account.sim.plan_outcome("churn", outcome)

    account.update("churn-2")
    account.sim.settle()

    found = account.describe()
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == (status, config)
    assert bool(found.get("FailureReason")) is reason
    assert account.statuses() == events


def test_outcomes_are_planned_per_endpoint_and_times(account: Account) -> None:
    account.endpoint()
    account.config("churn-2")
    account.sim.plan_outcome("churn", Outcome.ROLLS_BACK, times=2)
    account.sim.plan_outcome("other", Outcome.FAILS)

    ends = []
    for _ in range(3):
        account.update("churn-2")
        account.sim.settle()
        ends.append(account.state()[1])

    assert ends == ["churn-1", "churn-1", "churn-2"]


def test_next_update_wipes_the_failure_reason(account: Account) -> None:
    account.endpoint()
    account.config("churn-2")
    account.sim.plan_outcome("churn", Outcome.ROLLS_BACK)
    account.update("churn-2")
    account.sim.settle()

    account.update("churn-2")

    assert "FailureReason" not in account.describe()


def test_last_deployment_config_is_reused_when_asked(account: Account) -> None:
    account.endpoint()
    account.config("churn-2")
    account.config("churn-3")
    account.update("churn-2", DeploymentConfig=blue_green("ALL_AT_ONCE", end_wait=600))
    account.sim.settle()

    account.update("churn-3", RetainDeploymentConfig=True)
    account.sim.advance(1000)

    assert account.state() == ("Updating", "churn-2")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (blue_green("CANARY", CanarySize=percent(51)), "CanarySize must be between 1% and 50%"),
        (
            blue_green("CANARY", CanarySize={"Type": "INSTANCE_COUNT", "Value": 3}),
            "CanarySize must be between",
        ),
        (blue_green("CANARY"), "CanarySize must be specified"),
        (blue_green("LINEAR", LinearStepSize=percent(9)), "LinearStepSize must be between 10% and 50%"),
        (blue_green("LINEAR", LinearStepSize=percent(51)), "LinearStepSize must be between 10% and 50%"),
        (blue_green("ALL_AT_ONCE", timeout=28801), "maximumExecutionTimeoutInSeconds"),
        (blue_green("ALL_AT_ONCE", wait=3601), "waitIntervalInSeconds"),
        (blue_green("ALL_AT_ONCE", end_wait=3601), "terminationWaitInSeconds"),
        (
            blue_green("LINEAR", LinearStepSize=percent(10), wait=3600, end_wait=0, timeout=28800),
            "sum of all waits, 32400 seconds",
        ),
        (blue_green("ALL_AT_ONCE", "none"), "Could not find CloudWatch alarm(s) ['none']"),
        (blue_green("ALL_AT_ONCE", *map(str, range(11))), "autoRollbackConfiguration.alarms"),
        (
            {"RollingUpdatePolicy": {"MaximumBatchSize": percent(51), "WaitIntervalInSeconds": 0}},
            "MaximumBatchSize must be between 5% and 50%",
        ),
    ],
)
def test_impossible_deployment_config_is_refused(
    account: Account, config: dict[str, Any], message: str
) -> None:
    account.endpoint(variant(instances=4))
    account.config("churn-2", variant(instances=4))

    try:
        with refused(message):
            account.update("churn-2", DeploymentConfig=config)
    finally:
        assert account.state() == ("InService", "churn-1")
        assert account.events == []


def test_canary_needs_two_instances(account: Account) -> None:
    account.endpoint(variant(instances=1))
    account.config("churn-2", variant(instances=1))

    with refused("needs at least 2 instances"):
        account.update("churn-2", DeploymentConfig=blue_green("CANARY", CanarySize=percent(10)))


def test_guardrails_exclude_serverless_and_other_variant_names(account: Account) -> None:
    account.endpoint()
    account.config("serverless", serverless())
    account.config("renamed", variant("Other"))

    with refused("not supported for serverless"):
        account.update("serverless", DeploymentConfig=blue_green("ALL_AT_ONCE"))
    with refused("change variant names"):
        account.update("renamed", DeploymentConfig=blue_green("ALL_AT_ONCE"))
    account.update("renamed")
    account.sim.settle()

    assert account.state() == ("InService", "renamed")


def test_update_without_guardrails_sends_no_deployment_events(account: Account) -> None:
    account.endpoint()
    account.config("churn-2")

    account.update("churn-2")
    account.sim.settle()

    assert account.of_type(DEPLOYMENT_STATE) == []
    assert len(account.of_type(ENDPOINT_STATE)) == 2
