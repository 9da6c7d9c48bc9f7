"""Releases from approval to service and back: what the endpoint runs, and what on-call is told."""

from collections.abc import Iterator

import pytest
from embedded_aws.moto_additions.sagemaker import Outcome

from tests.release_world import ENDPOINT, ROLE, ReleaseWorld, headline, nothing_is_left, release_world

DAY = 24 * 3600
CREATING_1 = "[INFO] creating the endpoint with version 1"
SERVES_1 = "[OK] version 1 in service after 10 minutes"


@pytest.fixture
def system() -> Iterator[ReleaseWorld]:
    with release_world() as running:
        yield running
        nothing_is_left(running)


def released(system: ReleaseWorld, versions: int = 1) -> list[str]:
    """So many versions, released one after the other; on-call has read all of it."""
    arns = []
    for _ in range(versions):
        arns.append(system.approved())
        system.settle()
    system.told()
    return arns


# ---------------------------------------------------------------- into service


def test_an_approved_version_creates_the_endpoint_its_tags_describe(system: ReleaseWorld) -> None:
    system.group(
        instance_type="ml.c5.xlarge",
        min_instances="3",
        max_instances="6",
        invocations_per_instance="200",
        capture_percentage="25",
    )
    system.approved()
    system.settle()

    assert system.live_version() == 1
    (variant,) = system.config()["ProductionVariants"]
    assert (variant["InstanceType"], variant["InitialInstanceCount"]) == ("ml.c5.xlarge", 3)
    assert system.config()["DataCaptureConfig"]["InitialSamplingPercentage"] == 25
    (bounds,) = system.autoscaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    assert (bounds["MinCapacity"], bounds["MaxCapacity"]) == (3, 6)
    (policy,) = system.autoscaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
    assert policy["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 200
    assert system.told() == [CREATING_1, SERVES_1]


def test_without_tags_the_stack_decides(system: ReleaseWorld) -> None:
    system.group()
    system.approved()
    system.settle()

    (variant,) = system.config()["ProductionVariants"]
    assert (variant["InstanceType"], variant["InitialInstanceCount"]) == ("ml.m5.large", 2)
    model = system.sagemaker.describe_model(ModelName=variant["ModelName"])
    assert model["ExecutionRoleArn"] == ROLE
    assert system.config()["DataCaptureConfig"]["InitialSamplingPercentage"] == 100


def test_the_next_version_replaces_it_guarded_by_its_own_alarms(system: ReleaseWorld) -> None:
    system.group()
    released(system)
    second = system.approved()
    system.pump()

    (started,) = system.read_mail()
    assert headline(started).endswith("releasing version 2, replacing 1")
    pending = system.endpoint()["PendingDeploymentSummary"]["EndpointConfigName"]
    for name in (f"{ENDPOINT}-{pending}-5xx-errors", f"{ENDPOINT}-{pending}-latency"):
        assert name in system.alarm_names()
        assert name in started["body"]
    system.settle()

    assert system.live_version() == 2
    last = system.endpoint()["LastDeploymentConfig"]
    assert last["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]["Type"] == "CANARY"
    assert system.told() == ["[OK] version 2 in service after 28 minutes"]
    assert system.status(second) == "Approved"


@pytest.mark.parametrize("traffic", ["all-at-once", "linear-50", "canary-20"])
def test_traffic_moves_as_the_tag_says(system: ReleaseWorld, traffic: str) -> None:
    system.group(traffic=traffic)
    released(system, 2)

    assert system.live_version() == 2
    kind = system.endpoint()["LastDeploymentConfig"]["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"][
        "Type"
    ]
    assert kind == {"all": "ALL_AT_ONCE", "lin": "LINEAR", "can": "CANARY"}[traffic[:3]]


def test_three_approvals_within_a_second_end_with_the_newest(system: ReleaseWorld) -> None:
    system.group()
    released(system)
    versions = [system.register() for _ in range(3)]
    system.told()
    for version in versions:
        system.approve(version)
    system.settle()

    assert system.live_version() == 4
    told = system.told()
    assert [subject for subject in told if "in service" in subject] == [
        "[OK] version 4 in service after 28 minutes"
    ]
    assert not [subject for subject in told if "refused" in subject or "rolled back" in subject]


def test_a_version_approved_while_another_is_released_follows_it(system: ReleaseWorld) -> None:
    system.group()
    released(system)
    system.approved()
    system.advance(300)
    system.approved()
    system.settle()

    assert system.live_version() == 3
    assert [subject for subject in system.told() if "waits" not in subject] == [
        "[INFO] releasing version 2, replacing 1",
        "[OK] version 2 in service after 28 minutes",
        "[INFO] releasing version 3, replacing 2",
        "[OK] version 3 in service after 28 minutes",
    ]


def test_a_version_that_was_registered_asks_for_approval_once(system: ReleaseWorld) -> None:
    system.group()
    system.simulator.disturb(duplicate=3)
    system.register()
    system.pump()
    system.sweep()

    assert system.told() == ["[INFO] version 1 of churn waits for approval"]


# ---------------------------------------------------------------- back


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (Outcome.ROLLS_BACK_SILENTLY, "SageMaker gave no reason"),
        (Outcome.ROLLS_BACK, "did not pass the ping health check"),
    ],
)
def test_a_rollback_is_told_and_the_version_rejected(
    system: ReleaseWorld, outcome: Outcome, reason: str
) -> None:
    system.group()
    released(system)
    system.simulator.plan_outcome(ENDPOINT, outcome)
    second = system.approved()
    system.settle()

    assert system.live_version() == 1
    assert system.status(second) == "Rejected"
    *_, mail = system.read_mail()
    assert headline(mail) == "[CRITICAL] churn-prod: version 2 rolled back, version 1 serves"
    assert reason in mail["body"]


def test_a_version_that_was_rolled_back_is_not_tried_again(system: ReleaseWorld) -> None:
    system.group()
    released(system)
    system.simulator.plan_outcome(ENDPOINT, Outcome.ROLLS_BACK_SILENTLY)
    system.approved()
    system.settle()
    system.told()

    for _ in range(5):
        system.advance(3600)
        system.sweep()
        system.settle()

    assert system.live_version() == 1
    assert system.told() == []


def test_approved_again_after_the_rollback_it_is_tried_again(system: ReleaseWorld) -> None:
    system.group()
    released(system)
    system.simulator.plan_outcome(ENDPOINT, Outcome.ROLLS_BACK)
    second = system.approved()
    system.settle()
    system.told()

    system.approve(second, "cause is gone")
    system.settle()

    assert system.live_version() == 2
    mail = system.read_mail()
    assert [headline(one).partition(": ")[2] for one in mail] == [
        "releasing version 2, replacing 1",
        "version 2 in service after 28 minutes",
    ]
    assert "cause is gone" in mail[0]["body"]


def test_rolled_back_twice_it_is_told_twice(system: ReleaseWorld) -> None:
    system.group()
    released(system)
    system.simulator.plan_outcome(ENDPOINT, Outcome.ROLLS_BACK, times=2)
    second = system.approved()
    system.settle()
    system.approve(second)
    system.settle()

    assert system.live_version() == 1
    assert len([subject for subject in system.told() if "rolled back" in subject]) == 2
    assert system.status(second) == "Rejected"


def test_an_alarm_that_goes_red_while_it_bakes_rolls_back(system: ReleaseWorld) -> None:
    system.group()
    released(system)
    second = system.approved()
    system.advance(600)  # the new fleet bakes
    pending = system.endpoint()["PendingDeploymentSummary"]["EndpointConfigName"]
    alarm = f"{ENDPOINT}-{pending}-5xx-errors"
    system.cloudwatch.set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="5 % of calls failed")
    system.settle()

    assert system.live_version() == 1
    assert system.status(second) == "Rejected"
    *_, mail = system.read_mail()
    assert "version 2 rolled back" in mail["subject"]
    assert "RED ALARM" in mail["body"]
    assert alarm in mail["body"]


def test_tried_again_while_its_own_alarm_is_still_red(system: ReleaseWorld) -> None:
    system.group()
    released(system)
    second = system.approved()
    system.advance(600)
    alarm = f"{ENDPOINT}-{system.endpoint()['PendingDeploymentSummary']['EndpointConfigName']}-5xx-errors"
    system.cloudwatch.set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="5 % of calls failed")
    system.settle()
    system.told()

    def as_cloudwatch_keeps_it(call: str) -> None:
        # moto forgets the state when an alarm is put again; CloudWatch leaves it unchanged.
        if call == "cloudwatch:PutMetricAlarm" and alarm in system.alarm_names():
            system.cloudwatch.set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="as before")

    system.after_each_call = as_cloudwatch_keeps_it
    system.approve(second)
    system.settle()

    assert system.live_version() == 2


def test_an_alarm_of_a_user_that_is_red_already_is_left_out_and_said(system: ReleaseWorld) -> None:
    system.group()
    released(system)
    user_alarm(system, "business", "ALARM")
    user_alarm(system, "traffic", "OK")
    system.approved()
    system.pump()

    (started,) = system.read_mail()
    assert (
        "the alarm business is red already and would roll the release back at once; it is left out"
        in started["body"]
    )
    system.settle()
    assert system.live_version() == 2
    names = {
        one["AlarmName"]
        for one in system.endpoint()["LastDeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"]
    }
    assert "traffic" in names
    assert "business" not in names


def user_alarm(system: ReleaseWorld, name: str, state: str) -> None:
    system.cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="AWS/SageMaker",
        MetricName="Invocations",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="LessThanThreshold",
        Dimensions=[{"Name": "EndpointName", "Value": ENDPOINT}],
        Tags=[{"Key": "stationkeeper:endpoint", "Value": ENDPOINT}],
    )
    system.cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="test")


# ---------------------------------------------------------------- what people decide


def test_rejecting_the_live_version_hands_over_to_the_previous_one(system: ReleaseWorld) -> None:
    system.group()
    _, second = released(system, 2)
    configs = system.config_names()

    system.reject(second)
    system.settle()

    assert system.live_version() == 1
    assert system.told() == [
        "[INFO] releasing version 1, replacing 2",
        "[OK] version 1 in service after 28 minutes",
    ]
    assert system.config_names() == configs  # the config of version 1 was still there


def test_when_none_is_left_on_call_hears_once_a_day_and_the_endpoint_stays(system: ReleaseWorld) -> None:
    system.group()
    (first,) = released(system)
    system.reject(first)
    system.settle()
    assert system.told() == ["[WARNING] no version is approved any more"]

    for _ in range(23):
        system.advance(3600)
        system.sweep()
    assert system.told() == []
    system.advance(2 * 3600)
    system.sweep()
    assert system.told() == ["[WARNING] no version is approved any more"]
    assert system.endpoint()["EndpointStatus"] == "InService"

    system.approve(first)
    system.settle()
    system.reject(first)
    system.settle()
    assert system.told() == ["[WARNING] no version is approved any more"]  # another incident


def test_approving_an_older_version_is_explained_once_and_changes_nothing(system: ReleaseWorld) -> None:
    system.group()
    first = system.register()
    released(system)
    system.approve(first)
    system.settle()
    (mail,) = system.read_mail()
    assert headline(mail) == "[INFO] churn-prod: version 1 approved, a higher one stays"
    assert "version 2 is approved too" in mail["body"]
    system.approve(first)
    system.sweep()
    system.settle()

    assert system.live_version() == 2
    assert system.told() == []


def test_a_metadata_update_changes_nothing(system: ReleaseWorld) -> None:
    system.group()
    (first,) = released(system)
    system.sagemaker.update_model_package(ModelPackageArn=first, CustomerMetadataProperties={"lineage": "a"})
    assert system.inbox
    system.settle()

    assert system.told() == []
    assert system.endpoint()["EndpointStatus"] == "InService"


def test_a_metadata_update_of_a_replaced_version_is_no_approval(system: ReleaseWorld) -> None:
    system.group()
    first, _ = released(system, 2)
    system.sagemaker.update_model_package(ModelPackageArn=first, CustomerMetadataProperties={"lineage": "a"})
    system.settle()

    assert system.told() == []


def test_a_package_that_is_still_being_made_is_released_when_it_is_ready(system: ReleaseWorld) -> None:
    system.group()
    released(system)
    system.simulator.package_takes(900)
    second = system.register()
    system.approve(second)
    system.pump()
    assert system.live_version() == 1
    assert system.endpoint()["EndpointStatus"] == "InService"
    system.settle()

    assert system.live_version() == 2


def test_a_package_that_is_still_being_made_is_approved(system: ReleaseWorld) -> None:
    system.group()
    (first,) = released(system)
    system.simulator.package_takes(900)
    second = system.register()
    system.approve(second)
    system.reject(first)
    system.pump()

    assert "[WARNING] no version is approved any more" not in system.told()
    system.settle()
    assert system.live_version() == 2


# ---------------------------------------------------------------- events


@pytest.mark.parametrize("same_id", [True, False])
def test_every_event_five_times_is_every_message_once(system: ReleaseWorld, same_id: bool) -> None:
    system.group()
    system.simulator.disturb(duplicate=5, same_id=same_id)
    system.approved()
    system.settle()
    system.simulator.plan_outcome(ENDPOINT, Outcome.ROLLS_BACK)
    system.approved()
    system.settle()
    system.approved()
    system.settle()

    assert system.live_version() == 3
    assert [subject for subject in system.told() if "waits" not in subject] == [
        CREATING_1,
        SERVES_1,
        "[INFO] releasing version 2, replacing 1",
        "[CRITICAL] version 2 rolled back, version 1 serves",
        "[INFO] releasing version 3, replacing 1",
        "[OK] version 3 in service after 28 minutes",
    ]


def test_events_in_reverse_order_end_the_same(system: ReleaseWorld) -> None:
    system.group()
    released(system)
    system.simulator.disturb(hold_back=True)
    versions = [system.register() for _ in range(3)]
    for version in versions:
        system.approve(version)
    system.reject(versions[-1])
    system.simulator.disturb()
    system.simulator.release_held(reverse=True)
    system.settle()

    assert system.live_version() == 3
    assert "[OK] version 3 in service after 28 minutes" in system.told()


def test_events_that_never_came_are_made_good_by_the_sweep(system: ReleaseWorld) -> None:
    system.group()
    system.simulator.disturb(drop=True)
    system.approved()
    system.settle()
    assert system.told() == []

    system.sweep()
    assert system.told() == [CREATING_1]
    system.advance(3600)
    system.sweep()
    assert system.told() == ["[OK] version 1 in service after 1 hour"]
    system.simulator.plan_outcome(ENDPOINT, Outcome.ROLLS_BACK_SILENTLY)
    second = system.approved()
    system.sweep()
    system.advance(3600)
    system.sweep()
    assert system.told()[-1] == "[CRITICAL] version 2 rolled back, version 1 serves"
    assert system.status(second) == "Rejected"
    assert system.live_version() == 1


def test_with_the_functions_clock_behind_all_is_the_same() -> None:
    with release_world(clocks_agree=False) as system:
        system.group()
        released(system, 2)
        system.simulator.plan_outcome(ENDPOINT, Outcome.ROLLS_BACK)
        third = system.approved()
        system.settle()
        assert system.live_version() == 2
        system.approve(third)
        system.settle()
        assert system.live_version() == 3
        system.sweep()
        nothing_is_left(system)
