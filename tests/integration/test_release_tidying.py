"""What releases replaced goes after the grace period: only what is ours, and what nothing refers to."""

from collections.abc import Iterator

import pytest
from embedded_aws.moto_additions.sagemaker import Outcome

from tests.release_world import ENDPOINT, ReleaseWorld, nothing_is_left, release_world, variant

DAY = 24 * 3600


@pytest.fixture
def system() -> Iterator[ReleaseWorld]:
    with release_world() as running:
        yield running
        nothing_is_left(running)


def days(system: ReleaseWorld, number: float) -> None:
    system.advance(number * DAY)
    system.sweep()
    system.settle()


def test_what_was_replaced_stays_for_a_week_then_goes(system: ReleaseWorld) -> None:
    system.group()
    system.approved()
    system.settle()
    first = (system.config_names(), system.model_names(), system.alarm_names())
    system.approved()
    system.settle()
    days(system, 6.9)
    assert all(before <= now for before, now in zip(first, everything(system), strict=True))

    days(system, 0.2)

    config = system.config()
    assert everything(system) == (
        {config["EndpointConfigName"]},
        {config["ProductionVariants"][0]["ModelName"]},
        {f"{ENDPOINT}-{config['EndpointConfigName']}-{about}" for about in ("5xx-errors", "latency")},
    )
    assert system.live_version() == 2


def everything(system: ReleaseWorld) -> tuple[set[str], set[str], set[str]]:
    return system.config_names(), system.model_names(), system.alarm_names()


def test_what_a_rollback_left_goes_too(system: ReleaseWorld) -> None:
    system.group()
    system.approved()
    system.settle()
    before = everything(system)
    system.simulator.plan_outcome(ENDPOINT, Outcome.ROLLS_BACK)
    system.approved()
    system.settle()
    assert everything(system) != before
    days(system, 7.1)

    assert everything(system) == before


def test_what_is_used_again_stays(system: ReleaseWorld) -> None:
    system.group()
    system.approved()
    system.settle()
    config = system.config()["EndpointConfigName"]
    second = system.approved()
    system.settle()
    days(system, 6)
    system.reject(second)
    system.settle()
    days(system, 8)

    assert system.config()["EndpointConfigName"] == config
    assert system.config_names() == {config}


def test_a_version_can_come_back_after_all_of_it_was_tidied(system: ReleaseWorld) -> None:
    system.group()
    system.approved()
    system.settle()
    second = system.approved()
    system.settle()
    days(system, 8)
    system.reject(second)
    system.settle()

    assert system.live_version() == 1


def test_what_somebody_made_stays_for_ever(system: ReleaseWorld) -> None:
    system.group()
    system.user_endpoint()
    system.approved()
    system.settle()
    system.approved()
    system.settle()
    days(system, 8)
    days(system, 8)

    assert "handmade" in system.config_names()
    assert "old" in system.model_names()
    assert system.live_version() == 2


def test_what_somebody_else_uses_stays(system: ReleaseWorld) -> None:
    system.group()
    system.approved()
    system.settle()
    config = system.config()
    model = config["ProductionVariants"][0]["ModelName"]
    system.sagemaker.create_endpoint(EndpointName="shares", EndpointConfigName=config["EndpointConfigName"])
    system.approved()
    system.settle()
    days(system, 8)
    assert config["EndpointConfigName"] in system.config_names()
    assert model in system.model_names()

    system.user_config("theirs", variant(model))
    system.sagemaker.update_endpoint(EndpointName="shares", EndpointConfigName="theirs")
    system.settle()
    days(system, 8)
    assert config["EndpointConfigName"] not in system.config_names()
    assert model in system.model_names()


def test_what_somebody_else_uses_costs_no_call_every_hour(system: ReleaseWorld) -> None:
    system.group()
    system.approved()
    system.settle()
    system.simulator.plan_outcome(ENDPOINT, Outcome.ROLLS_BACK)
    system.approved()
    system.settle()
    (model,) = (name for name in system.model_names() if name.startswith("churn-v2"))
    system.user_config("theirs", variant(model))
    days(system, 8)
    system.calls.clear()
    system.advance(3600)
    system.sweep()

    assert "dynamodb:PutItem" not in system.calls
    assert "sagemaker:ListEndpoints" not in system.calls


@pytest.mark.parametrize("how", ["rolled back", "left out next time"])
def test_an_alarm_of_a_user_that_guarded_a_release_is_not_ours_to_delete(
    system: ReleaseWorld, how: str
) -> None:
    system.group()
    system.approved()
    system.settle()
    system.cloudwatch.put_metric_alarm(
        AlarmName="business",
        Namespace="Shop",
        MetricName="Orders",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="LessThanThreshold",
        Tags=[{"Key": "stationkeeper:endpoint", "Value": ENDPOINT}],
    )
    if how == "rolled back":
        system.simulator.plan_outcome(ENDPOINT, Outcome.ROLLS_BACK)
    system.approved()
    system.settle()
    if how == "left out next time":
        system.cloudwatch.set_alarm_state(AlarmName="business", StateValue="ALARM", StateReason="few orders")
        system.approved()
        system.settle()
    days(system, 8)

    assert "business" in system.alarm_names()
