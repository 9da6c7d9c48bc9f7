"""Alarms of endpoints: told once, connected with the release, and the version taken back while it bakes."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from embedded_aws.moto_additions.cloudwatch import set_contributor_state

from tests.release_world import ENDPOINT, nothing_is_left, variant
from tests.whole_world import WholeWorld, kinds_of, logged, whole_world
from tests.world import ACCOUNT, REGION

MINUTE = 60
HOUR = 60 * MINUTE
GUARD = {"stationkeeper:endpoint": ENDPOINT}
P95 = (
    "Threshold Crossed: 3 out of the last 3 datapoints [2310000.0 (23/11/26 14:25:00), 2210000.0 (23/11/26 14:24:00), "
    "2110000.0 (23/11/26 14:23:00)] were greater than the threshold (1000000.0) (minimum 3 datapoints for OK -> ALARM "
    "transition)."
)


@pytest.fixture
def system() -> Iterator[WholeWorld]:
    with whole_world() as running:
        yield running
        running.read_mail()
        nothing_is_left(running)
        assert not any(running.boxes.values())
        memory = running.alarms()
        assert (memory.pending, memory.outbox) == ((), ())


def released(system: WholeWorld, versions: int = 2, **tags: str) -> None:
    """An endpoint whose newest version came into service this moment; on-call has read all of it."""
    system.group(**tags)
    for _ in range(versions):
        system.approved()
        system.settle()
    system.read_mail()


def long_ago(system: WholeWorld) -> None:
    """An endpoint whose release is over for long."""
    released(system)
    system.advance(2 * HOUR)


def guard(system: WholeWorld, name: str = "churn-p95", **tags: str) -> str:
    """An alarm of people that guards the endpoint, and is OK."""
    more = {f"stationkeeper:{key}": value for key, value in tags.items()}
    system.alarm(name, tags=GUARD | more)
    system.turns(name, "OK")
    return name


def of_alarms(mail: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for one in mail if one["attributes"]["kind"].startswith("Alarm")]


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}+0000"


def event_of(system: WholeWorld, name: str, state: str = "ALARM", /, **detail: Any) -> dict[str, Any]:
    """An alarm's event as CloudWatch words it, on the latency of the endpoint; `detail` replaces its parts."""
    at = system.now
    return {
        "version": "0",
        "id": f"event-{name}-{state}-{at.isoformat()}",
        "detail-type": "CloudWatch Alarm State Change",
        "source": "aws.cloudwatch",
        "account": ACCOUNT,
        "region": REGION,
        "time": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "resources": [f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}"],
        "detail": {
            "alarmName": name,
            "state": {"value": state, "reason": P95, "timestamp": stamp(at)},
            "previousState": {"value": "OK", "timestamp": stamp(at - timedelta(hours=1))},
            "configuration": {"metrics": [metric("m1", ENDPOINT)]},
            **detail,
        },
    }


def metric(identity: str, endpoint: str, *, returned: bool = True) -> dict[str, Any]:
    named = {"EndpointName": endpoint, "VariantName": "AllTraffic"}
    stat = {
        "metric": {"namespace": "AWS/SageMaker", "name": "ModelLatency", "dimensions": named},
        "period": 60,
        "stat": "p95",
    }
    return {"id": identity, "metricStat": stat, "returnData": returned}


# ---------------------------------------------------------------- taken back


def test_an_alarm_that_guards_takes_the_version_back_within_the_bake_time(system: WholeWorld) -> None:
    released(system)
    alarm = guard(system)
    system.advance(12 * MINUTE)

    system.turns(alarm, "ALARM", P95)
    system.settle()

    assert system.live_version() == 1
    mail = system.read_mail()
    assert kinds_of(mail) == ["AlarmRaised", "ReleaseStarted", "ReleaseSucceeded"]
    raised, started, _ = mail
    assert raised["subject"].startswith(
        "[CRITICAL] churn-prod: alarm churn-p95: version 2 taken back after 12 minutes #"
    )
    assert raised["attributes"]["severity"] == "critical"
    assert "3 of the last 3 values were above 1,000 ms (latest 2,310 ms)" in raised["body"]
    assert "It rejected version 2 in the registry." in raised["body"]
    assert "the alarm churn-p95 became red after its release" in started["body"]
    assert len({one["attributes"]["incident"] for one in mail}) == 1
    second = system.versions()[1]
    assert second["ModelApprovalStatus"] == "Rejected"
    assert (
        second["ApprovalDescription"]
        == "Rejected by Stationkeeper: the alarm churn-p95 became red after its release"
    )


@pytest.mark.parametrize("which", ["5xx-errors", "latency"])
def test_the_alarms_made_for_a_release_guard_it_without_a_tag(system: WholeWorld, which: str) -> None:
    released(system)
    (name,) = (name for name in system.alarm_names() if f"{ENDPOINT}-churn-v2" in name and which in name)
    system.advance(20 * MINUTE)

    system.turns(name, "ALARM")
    system.settle()

    assert system.live_version() == 1
    raised, *_ = system.read_mail()
    assert "version 2 taken back" in raised["subject"]


def test_the_bake_time_is_the_groups(system: WholeWorld) -> None:
    released(system, bake_minutes="10")
    alarm = guard(system)
    system.advance(12 * MINUTE)

    system.turns(alarm, "ALARM")
    system.settle()

    assert system.live_version() == 2
    (raised,) = system.read_mail()
    assert "the 10 minutes after the release in which an alarm counts are over" in raised["body"]


def test_outside_the_bake_time_an_alarm_is_only_told(system: WholeWorld) -> None:
    long_ago(system)
    alarm = guard(system)

    system.turns(alarm, "ALARM", P95)
    system.settle()

    assert system.live_version() == 2
    assert [one["ModelApprovalStatus"] for one in system.versions()] == ["Approved", "Approved"]
    (raised,) = system.read_mail()
    assert raised["subject"].startswith("[CRITICAL] churn-prod: alarm churn-p95 is red, 2 hours after")
    for said in (
        "version 2 of churn",
        "Replaced   version 1",
        "Approved",
        "It took nothing back: the 60 min",
    ):
        assert said in raised["body"]


def test_an_alarm_without_our_tag_is_told_and_takes_nothing_back(system: WholeWorld) -> None:
    released(system)
    system.alarm("theirs")
    system.advance(10 * MINUTE)

    system.turns("theirs", "ALARM")
    system.settle()

    assert system.live_version() == 2
    (raised,) = system.read_mail()
    assert raised["attributes"]["severity"] == "warning"
    assert "this alarm does not guard releases" in raised["body"]


def test_an_alarm_tagged_for_another_endpoint_does_not_guard_this_one(system: WholeWorld) -> None:
    released(system)
    system.alarm("theirs", tags={"stationkeeper:endpoint": "other-prod"})

    system.turns("theirs", "ALARM")
    system.settle()

    assert system.live_version() == 2
    assert "does not guard releases" in system.read_mail()[0]["body"]


def test_a_version_that_fell_back_is_not_taken_back_again(system: WholeWorld) -> None:
    """An outage of what models depend on must not eat version after version."""
    released(system, versions=3)
    alarm = guard(system)
    system.turns(alarm, "ALARM")
    system.settle()
    assert system.live_version() == 2
    system.turns(alarm, "OK")
    system.settle()
    system.read_mail()

    system.advance(5 * MINUTE)
    system.turns(alarm, "ALARM")
    system.settle()

    assert system.live_version() == 2
    assert [one["ModelApprovalStatus"] for one in system.versions()] == ["Approved", "Approved", "Rejected"]
    (again,) = of_alarms(system.read_mail())
    assert "It told you, and changed nothing." in again["body"]


def test_a_gathered_alarm_says_why_nothing_was_taken_back(system: WholeWorld) -> None:
    released(system, bake_minutes="0")
    system.advance(HOUR)
    for name in (guard(system, "one"), guard(system, "other")):
        system.turns(name, "ALARM")
    system.settle()

    first, gathered = system.read_mail()
    assert "It took nothing back: " in first["body"]
    assert "It took nothing back: " in gathered["body"]


def test_approved_anew_after_it_was_taken_back_it_is_tried_again(system: WholeWorld) -> None:
    released(system)
    alarm = guard(system)
    system.turns(alarm, "ALARM")
    system.settle()
    system.turns(alarm, "OK")
    system.settle()
    system.read_mail()

    system.approve(system.versions()[1]["ModelPackageArn"], "it was the network")
    system.settle()

    assert system.live_version() == 2
    system.advance(5 * MINUTE)
    system.turns(alarm, "ALARM")
    system.settle()
    assert system.live_version() == 1


def test_with_nothing_to_go_back_to_it_keeps_serving_and_says_so(system: WholeWorld) -> None:
    released(system, versions=1)
    alarm = guard(system)

    system.turns(alarm, "ALARM")
    system.settle()
    system.sweep()
    system.settle()

    assert system.live_version() == 1
    assert system.endpoint()["EndpointStatus"] == "InService"
    mail = system.read_mail()
    assert kinds_of(mail) == ["AlarmRaised", "ReleaseBlocked"]
    assert system.versions()[0]["ModelApprovalStatus"] == "Rejected"


def test_a_rejection_the_registry_refuses_is_told_and_the_version_is_barred(system: WholeWorld) -> None:
    released(system)
    alarm = guard(system)
    denied(system, "UpdateModelPackage")

    system.turns(alarm, "ALARM")
    system.settle()
    system.sweep()
    system.settle()

    assert system.live_version() == 1
    assert system.versions()[1]["ModelApprovalStatus"] == "Approved"
    mail = system.read_mail()
    raised = mail[0]
    assert "version 2 could not be rejected" in raised["subject"]
    assert "It could NOT reject version 2 in the registry: access denied" in raised["body"]
    assert kinds_of(mail)[:3] == ["AlarmRaised", "ReleaseStarted", "ReleaseSucceeded"]


def denied(system: WholeWorld, operation: str) -> None:
    def deny(name: str) -> None:
        if name.endswith(f":{operation}"):
            error = {"Code": "AccessDeniedException", "Message": f"not authorized to perform {operation}"}
            raise ClientError({"Error": error, "ResponseMetadata": {"HTTPStatusCode": 400}}, operation)  # type: ignore[typeddict-item]

    system.before_each_call = deny


def test_while_a_release_is_under_way_sagemaker_itself_rolls_back(system: WholeWorld) -> None:
    released(system)
    alarm = guard(system)
    third = system.approved()
    system.advance(10 * MINUTE)
    assert system.endpoint()["EndpointStatus"] == "Updating"

    system.turns(alarm, "ALARM")
    system.settle()

    assert system.live_version() == 2
    assert [one["ModelApprovalStatus"] for one in system.versions()] == ["Approved", "Approved", "Rejected"]
    mail = system.read_mail()
    assert kinds_of(mail) == ["ApprovalRequested", "ReleaseStarted", "AlarmRaised", "ReleaseRolledBack"] or (
        kinds_of(mail) == ["ReleaseStarted", "AlarmRaised", "ReleaseRolledBack"]
    )
    (raised,) = of_alarms(mail)
    assert "red while version 3 is being released" in raised["subject"]
    assert third.endswith("/3")


def test_an_alarm_that_was_red_before_the_release_does_not_count_against_it(system: WholeWorld) -> None:
    released(system, versions=1)
    alarm = guard(system)
    system.advance(2 * HOUR)
    system.turns(alarm, "ALARM")
    system.settle()
    system.approved()
    system.settle()

    assert system.live_version() == 2
    system.turns(alarm, "INSUFFICIENT_DATA")
    system.advance(MINUTE)
    system.turns(alarm, "ALARM")
    system.settle()
    assert system.live_version() == 2


def test_an_event_heard_of_long_after_takes_nothing_back(system: WholeWorld) -> None:
    released(system)
    alarm = guard(system)
    system.pump()
    system.advance(10 * MINUTE)
    system.simulator.disturb(hold_back=True)
    system.turns(alarm, "ALARM")
    system.advance(2 * HOUR)

    system.simulator.disturb()
    system.simulator.release_held()
    system.settle()

    assert system.live_version() == 2
    (raised,) = system.read_mail()
    assert "heard of too late" in raised["body"]


def test_a_group_of_another_account_is_found_by_the_endpoints_tag(system: WholeWorld) -> None:
    from tests.integration.test_release_groups import FOLLOW, THEIR_GROUP, their_account

    their_account().create_model_package_group(ModelPackageGroupName="shared")
    system.model("old")
    tags = [{"Key": FOLLOW, "Value": THEIR_GROUP}, {"Key": "stationkeeper:bake-minutes", "Value": "30"}]
    system.user_endpoint(variant("old"), tags=tags)
    for _ in range(2):
        system.approved(THEIR_GROUP)
        system.settle()
    system.read_mail()
    alarm = guard(system)

    system.turns(alarm, "ALARM")
    system.settle()

    assert system.live_version() == 1
    assert [one["ModelApprovalStatus"] for one in system.versions(THEIR_GROUP)] == ["Approved", "Rejected"]
    mail = system.read_mail()
    assert kinds_of(mail) == ["AlarmRaised", "ReleaseStarted", "ReleaseSucceeded"]
    assert "within 30 minutes" in mail[0]["body"]


# ---------------------------------------------------------------- which alarms


def test_an_alarm_of_an_endpoint_nobody_manages_is_ignored(system: WholeWorld) -> None:
    with logged() as lines:
        system.alarm("theirs", endpoint="unmanaged")
        system.turns("theirs", "ALARM")
        system.settle()

    assert system.read_mail() == []
    assert [line["reason"] for line in lines() if line.get("decision") == "ignored"] == [
        "its endpoint is not managed, and it is not tagged for it"
    ]
    assert system.alarms("unmanaged").version == 0


def test_tagged_it_is_told_though_nobody_manages_its_endpoint(system: WholeWorld) -> None:
    system.alarm("ours", endpoint="unmanaged", tags={"stationkeeper:endpoint": "unmanaged"})
    system.turns("ours", "ALARM")
    system.settle()

    (raised,) = system.read_mail()
    assert raised["attributes"]["endpoint"] == "unmanaged"
    assert "no version that Stationkeeper released" in raised["body"]


def test_an_alarm_on_something_else_is_found_by_its_tag(system: WholeWorld) -> None:
    long_ago(system)
    system.cloudwatch.put_metric_alarm(
        AlarmName="orders",
        Namespace="Shop",
        MetricName="Orders",
        Statistic="Sum",
        Period=300,
        EvaluationPeriods=1,
        Threshold=10.0,
        ComparisonOperator="LessThanThreshold",
        Tags=[{"Key": key, "Value": value} for key, value in GUARD.items()],
    )

    system.turns(
        "orders", "ALARM", "Threshold Crossed: 1 datapoint [3.0] was less than the threshold (10.0)."
    )
    system.settle()

    (raised,) = system.read_mail()
    assert "watches  Orders sum, over 5 minutes" in raised["body"]


def test_an_alarm_about_no_endpoint_is_ignored(system: WholeWorld) -> None:
    system.cloudwatch.put_metric_alarm(
        AlarmName="cpu",
        Namespace="AWS/EC2",
        MetricName="CPUUtilization",
        Dimensions=[{"Name": "InstanceId", "Value": "i-1"}],
        Statistic="Average",
        Period=300,
        EvaluationPeriods=1,
        Threshold=50.0,
        ComparisonOperator="GreaterThanThreshold",
    )
    with logged() as lines:
        system.turns("cpu", "ALARM")
        system.settle()

    assert system.read_mail() == []
    assert "it is about no endpoint that anybody named" in [line.get("reason") for line in lines()]


def test_autoscalings_own_alarms_are_no_news(system: WholeWorld) -> None:
    released(system)
    name = "TargetTracking-endpoint/churn-prod/variant/AllTraffic-AlarmHigh-1"
    system.alarm(name)
    system.turns(name, "ALARM")

    assert system.boxes["alarm_response"] == []  # the rule leaves them out
    assert system.invoke("alarm_response", json.dumps(event_of(system, name))) == []  # so does the code
    system.settle()
    assert system.read_mail() == []


@pytest.mark.parametrize("severity", ["info", "warning", "critical"])
def test_the_alarms_tag_says_how_bad_it_is(system: WholeWorld, severity: str) -> None:
    long_ago(system)
    alarm = guard(system, severity=severity)
    system.turns(alarm, "ALARM")
    system.settle()

    (raised,) = system.read_mail()
    assert raised["attributes"]["severity"] == severity


def test_open_violations_and_blind_monitors_are_in_the_message(system: WholeWorld) -> None:
    from tests.whole_world import SCHEDULE, drifted

    long_ago(system)
    system.watched()
    system.watched("churn-quality", kind="ModelQuality")
    system.settle()
    system.monitor_runs(drifted())
    system.monitor_runs(
        schedule="churn-quality",
        kind="model",
        status="Failed",
        FailureReason="Job inputs had no data",
        ExitMessage="",
    )
    system.settle()
    system.read_mail()
    alarm = guard(system)

    system.turns(alarm, "ALARM")
    system.settle()

    (raised,) = system.read_mail()
    assert "WHAT ITS MONITORS SAY" in raised["body"]
    assert f"{SCHEDULE}: 1 violation (critical)" in raised["body"]
    assert "churn-quality: blind, " in raised["body"]


# ---------------------------------------------------------------- edges and threads


def test_cleared_says_how_long_it_lasted(system: WholeWorld) -> None:
    long_ago(system)
    alarm = guard(system)
    system.turns(alarm, "ALARM")
    system.advance(42 * MINUTE)
    system.turns(alarm, "OK")
    system.settle()

    raised, cleared = system.read_mail()
    assert cleared["subject"].startswith("[OK] churn-prod: alarm churn-p95 clear after 4")
    assert "was red for 42 minutes" in cleared["body"]
    assert raised["attributes"]["incident"] == cleared["attributes"]["incident"]
    assert system.alarms().incident.closed_at is not None


def test_without_data_in_between_it_is_one_incident(system: WholeWorld) -> None:
    long_ago(system)
    alarm = guard(system)
    for state in ("ALARM", *("INSUFFICIENT_DATA", "ALARM") * 5):
        system.turns(alarm, state)
        system.advance(4 * MINUTE)
    system.turns(alarm, "OK")
    system.settle()

    mail = system.read_mail()
    assert kinds_of(mail) == ["AlarmRaised", "AlarmCleared"]
    assert "was red for 44 minutes" in mail[1]["body"]


def test_an_alarm_that_lost_its_data_and_came_back_ok_is_clear(system: WholeWorld) -> None:
    long_ago(system)
    alarm = guard(system)
    for state in ("ALARM", "INSUFFICIENT_DATA", "OK"):
        system.turns(alarm, state)
        system.advance(5 * MINUTE)
    system.settle()

    assert kinds_of(system.read_mail()) == ["AlarmRaised", "AlarmCleared"]


def test_flapping_is_one_thread_of_few_messages_and_every_edge_is_told_once(system: WholeWorld) -> None:
    long_ago(system)
    alarm = guard(system)
    for _ in range(20):
        system.turns(alarm, "ALARM")
        system.advance(MINUTE)
        system.turns(alarm, "OK")
        system.advance(MINUTE)
    system.settle()

    mail = system.read_mail()
    assert len(mail) <= 6
    assert len({one["attributes"]["incident"] for one in mail}) == 1
    assert edges_told(system) == 40
    assert kinds_of(mail)[-1] == "AlarmCleared"


def edges_told(system: WholeWorld) -> int:
    """Changes of alarms in all domain events so far, each counted once."""
    told = [
        (edge["alarm"], edge["state"], edge["at"])
        for event in system.domain_events
        if event["detail-type"].startswith("Alarm")
        for edge in event["detail"]["edges"]
    ]
    assert len(told) == len(set(told))
    return len(told)


def test_forty_alarms_at_once_are_two_messages_in_the_first_ten_minutes(system: WholeWorld) -> None:
    long_ago(system)
    names = [guard(system, f"alarm-{number:02}") for number in range(40)]
    for name in names:
        system.turns(name, "ALARM")
    system.advance(10 * MINUTE)

    mail = system.read_mail()
    assert len(mail) <= 2
    assert len({one["attributes"]["incident"] for one in mail}) == 1
    assert edges_told(system) == 40
    for name in names:
        system.turns(name, "OK")
    system.settle()

    (cleared,) = system.read_mail()
    assert cleared["subject"].startswith("[OK] churn-prod: alarms clear after ")
    assert edges_told(system) == 80


def test_a_storm_within_the_bake_time_takes_one_version_back(system: WholeWorld) -> None:
    released(system, versions=3)
    names = [guard(system, f"alarm-{number:02}") for number in range(20)]
    for name in names:
        system.turns(name, "ALARM")
    system.settle()

    assert system.live_version() == 2
    assert [one["ModelApprovalStatus"] for one in system.versions()] == ["Approved", "Approved", "Rejected"]
    mail = system.read_mail()
    assert len({one["attributes"]["incident"] for one in mail}) == 1
    assert len(of_alarms(mail)) <= 3
    assert edges_told(system) == 20


def test_red_again_within_the_hour_is_the_same_thread_and_later_another(system: WholeWorld) -> None:
    long_ago(system)
    alarm = guard(system)
    incidents = []
    for pause in (30 * MINUTE, 3 * HOUR, 0):
        system.turns(alarm, "ALARM")
        system.advance(5 * MINUTE)
        system.turns(alarm, "OK")
        system.settle()
        incidents.append({one["attributes"]["incident"] for one in system.read_mail()})
        system.advance(pause)

    assert all(len(some) == 1 for some in incidents)
    assert incidents[0] == incidents[1] != incidents[2]


def test_one_clear_of_two_is_told_with_what_stays_red(system: WholeWorld) -> None:
    long_ago(system)
    one, other = guard(system, "one"), guard(system, "other")
    system.turns(one, "ALARM")
    system.turns(other, "ALARM")
    system.advance(20 * MINUTE)
    system.turns(one, "OK")
    system.advance(20 * MINUTE)

    *_, told = system.read_mail()
    assert "other stays red" in told["subject"]
    system.turns(other, "OK")
    system.settle()
    assert kinds_of(system.read_mail()) == ["AlarmCleared"]
    assert edges_told(system) == 4


# ---------------------------------------------------------------- delivery


@pytest.mark.parametrize("same_id", [True, False])
def test_duplicates_change_nothing(system: WholeWorld, same_id: bool) -> None:
    released(system)
    alarm = guard(system)
    system.simulator.disturb(duplicate=4, same_id=same_id)
    system.turns(alarm, "ALARM")
    system.settle()
    system.advance(20 * MINUTE)
    system.turns(alarm, "OK")
    system.settle()

    assert kinds_of(system.read_mail()) == [
        "AlarmRaised",
        "ReleaseStarted",
        "ReleaseSucceeded",
        "AlarmCleared",
    ]
    assert edges_told(system) == 2


def test_reversed_events_are_told_once_each_and_in_the_order_they_happened(system: WholeWorld) -> None:
    long_ago(system)
    alarm = guard(system)
    system.pump()
    system.simulator.disturb(hold_back=True)
    for state in ("ALARM", "OK", "ALARM", "OK"):
        system.turns(alarm, state)
        system.advance(MINUTE)
    system.simulator.disturb()
    system.simulator.release_held(reverse=True)
    system.settle()

    assert edges_told(system) == 4
    assert system.alarms().red == ()
    assert len({one["attributes"]["incident"] for one in system.read_mail()}) == 1


def test_an_ok_that_never_came_is_seen_when_something_else_is_told(system: WholeWorld) -> None:
    long_ago(system)
    one, other = guard(system, "one"), guard(system, "other")
    system.turns(one, "ALARM")
    system.settle()
    system.lost = 1
    system.turns(one, "OK")
    system.advance(30 * MINUTE)

    system.turns(other, "ALARM")
    system.settle()

    assert system.alarms().red == ("other",)
    assert edges_told(system) == 3


def test_an_alarm_deleted_while_red_is_clear_when_something_else_is_told(system: WholeWorld) -> None:
    long_ago(system)
    one, other = guard(system, "one"), guard(system, "other")
    system.turns(one, "ALARM")
    system.settle()
    system.cloudwatch.delete_alarms(AlarmNames=[one])
    system.turns(other, "ALARM")
    system.advance(30 * MINUTE)
    system.turns(other, "OK")
    system.settle()

    assert system.alarms().red == ()
    assert kinds_of(system.read_mail())[-1] == "AlarmCleared"
    assert system.alarms().incident.closed_at is not None


@pytest.mark.parametrize("how", ["deleted", "its OK was lost"])
def test_an_alarm_that_is_red_no_more_is_told_by_the_sweep(system: WholeWorld, how: str) -> None:
    long_ago(system)
    alarm = guard(system)
    system.turns(alarm, "ALARM")
    system.settle()
    if how == "deleted":
        system.cloudwatch.delete_alarms(AlarmNames=[alarm])
    else:
        system.lost = 1
        system.turns(alarm, "OK")
    system.advance(2 * HOUR)
    system.sweep()
    system.settle()

    assert kinds_of(system.read_mail()) == ["AlarmRaised", "AlarmCleared"]


@pytest.mark.parametrize("how", ["its OK was lost", "deleted and made anew", "it cleared while muted"])
def test_red_again_after_an_ok_nobody_heard_of_is_told(system: WholeWorld, how: str) -> None:
    long_ago(system)
    alarm = guard(system)
    system.turns(alarm, "ALARM")
    system.settle()
    if how == "deleted and made anew":
        system.cloudwatch.delete_alarms(AlarmNames=[alarm])
        system.alarm(alarm, tags=GUARD)
    elif how == "it cleared while muted":
        muted = {
            "muteDetail": {"mutedByArn": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm-mute-rule:weekend"}
        }
        system.on_event(event_of(system, alarm, "OK", **muted))
        system.lost = 1
        system.turns(alarm, "OK")
    else:
        system.lost = 1
        system.turns(alarm, "OK")
    system.advance(3 * HOUR)
    system.read_mail()

    system.turns(alarm, "ALARM")
    system.settle()

    assert kinds_of(system.read_mail()) == ["AlarmRaised"]


# Powertools keeps one set of metrics per process, where AWS has a process per copy.
@pytest.mark.filterwarnings("ignore:No application metrics to publish")
@pytest.mark.parametrize("call", range(8))
def test_two_copies_at_once_tell_a_plain_alarm_once(system: WholeWorld, call: int) -> None:
    long_ago(system)
    alarm = guard(system)
    system.pump()
    system.turns(alarm, "ALARM")
    (body,) = system.boxes["alarm_response"]
    left = [call]

    def another_copy(_: str) -> None:
        left[0] -= 1
        if left[0] == -1 and system.invoke("alarm_response", body):
            system.boxes["alarm_response"].append(body)

    system.after_each_call = another_copy
    system.deliver_to("alarm_response")
    system.after_each_call = None
    system.settle()

    assert left[0] < 0
    assert kinds_of(system.read_mail()) == ["AlarmRaised"]
    assert edges_told(system) == 1


# ---------------------------------------------------------------- shapes


def composite(system: WholeWorld, name: str, rule: str, **more: Any) -> str:
    system.cloudwatch.put_composite_alarm(AlarmName=name, AlarmRule=rule, **more)
    return name


def test_a_composite_alarm_is_about_its_childrens_endpoint(system: WholeWorld) -> None:
    long_ago(system)
    system.alarm("slow")
    system.alarm("broken")
    composite(system, "unwell", 'ALARM("slow") OR ALARM(broken)')
    system.turns("slow", "OK")
    system.turns("broken", "OK")
    system.pump()
    system.turns("slow", "ALARM")
    system.settle()

    mail = system.read_mail()
    assert len({one["attributes"]["incident"] for one in mail}) == 1
    assert edges_told(system) == 2
    assert set(system.alarms().red) == {"slow", "unwell"}
    assert "unwell" in "".join(one["body"] for one in mail)


def test_a_composite_of_composites_is_followed_down(system: WholeWorld) -> None:
    long_ago(system)
    system.alarm("slow")
    composite(system, "unwell", "ALARM(slow)")
    composite(system, "very-unwell", "ALARM(unwell)")
    system.pump()
    system.turns("slow", "ALARM")
    system.settle()

    assert set(system.alarms().red) == {"slow", "unwell", "very-unwell"}


def test_a_tagged_composite_takes_the_version_back(system: WholeWorld) -> None:
    released(system)
    system.alarm("slow")
    composite(
        system,
        "unwell",
        "ALARM(slow)",
        Tags=[{"Key": key, "Value": value} for key, value in GUARD.items()],
    )
    system.pump()
    system.turns("slow", "ALARM")
    system.settle()

    assert system.live_version() == 1


def test_a_suppressed_composite_is_not_told(system: WholeWorld) -> None:
    long_ago(system)
    system.alarm("slow", endpoint=ENDPOINT)
    system.alarm("maintenance", endpoint="elsewhere")
    system.turns("maintenance", "ALARM")
    composite(
        system,
        "unwell",
        "ALARM(slow)",
        ActionsSuppressor="maintenance",
        ActionsSuppressorWaitPeriod=60,
        ActionsSuppressorExtensionPeriod=60,
    )
    system.pump()
    with logged() as lines:
        system.turns("slow", "ALARM")
        system.settle()

    assert system.alarms().red == ("slow",)
    assert "it is kept from acting by its suppressor alarm maintenance" in [
        line.get("reason") for line in lines()
    ]


def test_one_that_waits_for_its_suppressor_is_told_and_takes_nothing_back(system: WholeWorld) -> None:
    released(system)
    system.alarm("slow")
    system.alarm("maintenance", endpoint="elsewhere")
    composite(
        system,
        "unwell",
        "ALARM(slow)",
        ActionsSuppressor="maintenance",
        ActionsSuppressorWaitPeriod=600,
        ActionsSuppressorExtensionPeriod=60,
        Tags=[{"Key": key, "Value": value} for key, value in GUARD.items()],
    )
    system.pump()
    system.turns("slow", "ALARM")
    system.settle()

    assert set(system.alarms().red) == {"slow", "unwell"}
    assert system.live_version() == 2


def test_time_series_of_one_alarm_are_told_each(system: WholeWorld) -> None:
    long_ago(system)
    system.cloudwatch.put_metric_alarm(
        AlarmName="fleet",
        Metrics=[
            {
                "Id": "q1",
                "Expression": 'SELECT MAX(ModelLatency) FROM SCHEMA("AWS/SageMaker", EndpointName) GROUP BY EndpointName',
                "Period": 60,
                "ReturnData": True,
            }
        ],
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanThreshold",
    )
    here = {"account_id": ACCOUNT, "region_name": REGION}
    for endpoint in (ENDPOINT, "unmanaged"):
        set_contributor_state("fleet", {"EndpointName": endpoint}, "ALARM", **here)
    system.settle()

    (raised,) = system.read_mail()
    assert raised["attributes"]["endpoint"] == ENDPOINT
    assert len(system.alarms().red) == 1
    assert system.alarms().red[0].startswith("fleet#")
    set_contributor_state("fleet", {"EndpointName": ENDPOINT}, "OK", **here)
    system.settle()
    assert kinds_of(system.read_mail()) == ["AlarmCleared"]


BAND = {"id": "ad1", "expression": "ANOMALY_DETECTION_BAND(m1, 2)", "returnData": True}
SHAPES: dict[str, dict[str, Any]] = {
    "without previousState": {"previousState": None},
    "anomaly": {"configuration": {"metrics": [metric("m1", ENDPOINT), BAND]}},
    "50 metrics": {
        "configuration": {
            "metrics": [
                {"id": "e1", "expression": "SUM(METRICS())", "label": "Latency of all", "returnData": True},
                *(metric(f"m{number}", ENDPOINT, returned=False) for number in range(49)),
            ]
        }
    },
    "metrics insights": {
        "configuration": {
            "metrics": [
                {
                    "id": "q1",
                    "expression": f"SELECT MAX(ModelLatency) FROM \"AWS/SageMaker\" WHERE EndpointName = '{ENDPOINT}'",
                    "period": 60,
                }
            ]
        }
    },
    "broken reasonData": {
        "state": {
            "value": "ALARM",
            "reason": "x",
            "reasonData": '{"version":"1.0","thresh',
            "timestamp": "2026-11-23T20:00:00.000+0000",
        }
    },
    "no timestamp": {"state": {"value": "ALARM"}},
    "nonsense around it": {
        "alarmTags": 7,
        "muteDetail": None,
        "alarmContributor": "none",
        "previousState": [],
    },
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_is_told(system: WholeWorld, shape: str) -> None:
    long_ago(system)
    event = event_of(system, "shaped", **SHAPES[shape])
    system.alarm("shaped")
    system.on_event(event)
    system.settle()

    (raised,) = system.read_mail()
    assert "shaped" in raised["body"]
    assert system.alarms().red == ("shaped",)


def test_tags_that_came_with_the_event_are_not_asked_for(system: WholeWorld) -> None:
    released(system)
    system.calls.clear()
    system.on_event(event_of(system, "propagated", alarmTags=GUARD))
    system.settle()

    assert system.live_version() == 1
    assert "cloudwatch:ListTagsForResource" not in system.calls


def test_a_muted_alarm_is_not_told(system: WholeWorld) -> None:
    long_ago(system)
    mute = {
        "mutedByArn": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm-mute-rule:weekend",
        "muteWindowStart": stamp(system.now),
        "muteWindowEnd": stamp(system.now + timedelta(days=2)),
    }
    with logged() as lines:
        system.on_event(event_of(system, "muted", muteDetail=mute))
        system.settle()

    assert system.read_mail() == []
    (line,) = (line for line in lines() if line.get("decision") == "ignored")
    assert line["reason"].startswith("it is muted by the mute rule weekend until ")


def test_an_alarm_of_two_endpoints_is_told_for_each(system: WholeWorld) -> None:
    released(system)
    system.group("other", endpoint="other-prod")
    system.approved("other")
    system.settle()
    system.advance(2 * HOUR)
    system.read_mail()
    both = {"metrics": [metric("m1", ENDPOINT), metric("m2", "other-prod", returned=False)]}
    system.on_event(event_of(system, "both", configuration=both))
    system.settle()

    mail = system.read_mail()
    assert sorted(one["attributes"]["endpoint"] for one in mail) == [ENDPOINT, "other-prod"]


def test_logs_carry_the_incident_of_the_message(system: WholeWorld) -> None:
    long_ago(system)
    alarm = guard(system)
    with logged() as lines:
        system.turns(alarm, "ALARM")
        system.settle()

    (raised,) = system.read_mail()
    (line,) = (line for line in lines() if line["message"] == "Tells")
    assert line["incident"] == raised["attributes"]["incident"]
    assert raised["subject"].endswith(f"#{line['incident']}")
    assert (line["endpoint"], line["alarm"], line["severity"]) == (ENDPOINT, alarm, "critical")


def test_red_before_it_was_known_to_be_in_service_counts_all_the_same(system: WholeWorld) -> None:
    """SageMaker is done, and `release` has not heard of it: nobody rolls back any more but us."""
    released(system)
    alarm = guard(system)
    system.approved()
    system.pump()
    system.simulator.disturb(hold_back=True)
    while system.endpoint()["EndpointStatus"] != "InService":
        system.advance(MINUTE)
    assert system.record().target is not None
    system.simulator.disturb()
    system.turns(alarm, "ALARM")
    system.pump()

    system.simulator.release_held()
    system.settle()

    assert system.live_version() == 2
    kinds = kinds_of(system.read_mail())
    assert kinds.count("AlarmRaised") == 1
    assert kinds[-1] == "ReleaseSucceeded"


def test_a_group_that_names_another_endpoint_by_now_loses_no_version(system: WholeWorld) -> None:
    released(system)
    alarm = guard(system)
    system.tag(endpoint="elsewhere-prod")
    system.advance(10 * MINUTE)

    system.turns(alarm, "ALARM")
    system.advance(20 * MINUTE)

    assert [one["ModelApprovalStatus"] for one in system.versions()] == ["Approved", "Approved"]
    (raised,) = of_alarms(system.read_mail())
    assert "taken back" not in raised["subject"]


def test_an_alarm_is_told_though_monitors_cannot_be_read(system: WholeWorld) -> None:
    long_ago(system)
    alarm = guard(system)
    denied(system, "ListMonitoringSchedules")
    system.turns(alarm, "ALARM")
    system.pump()

    (raised,) = of_alarms(system.read_mail())
    assert "could not be read" in raised["body"]
