"""What on-call hears of monitoring runs: the real handlers, over moto."""

import json
from typing import Any

import pytest

from tests.runs import SCHEDULE_ARN, run_event
from tests.world import BUCKET, PARAMETER, World, headline


def drift(feature: str, distance: float) -> dict[str, str]:
    return {
        "feature_name": feature,
        "constraint_check_type": "baseline_drift_check",
        "description": f"Baseline drift distance: {distance} exceeds threshold: 0.1",
    }


def report(*violations: dict[str, Any]) -> str:
    return json.dumps({"violations": list(violations)})


def run(system: World, hour: int, *violations: dict[str, Any], **detail: Any) -> list[dict[str, Any]]:
    """A run with these violations; returns the messages it led to."""
    event = run_event(hour, violations=len(violations), **detail)
    system.put_report(event, report(*violations))
    return system.react(event)


def subjects(messages: list[dict[str, Any]]) -> list[str]:
    return [headline(message) for message in messages]


def test_a_clean_run_tells_nobody(system: World) -> None:
    assert run(system, 1) == []


def test_violations_are_told_at_once_with_attributes_to_filter_on(system: World) -> None:
    (message,) = run(system, 1, drift("tip", 0.8), drift("fare", 0.2))

    assert headline(message) == "[CRITICAL] taxi-prod: 2 features drifted"
    assert message["attributes"] == {
        "severity": "critical",
        "endpoint": "taxi-prod",
        "kind": "ViolationsDetected",
        "team": "ml-on-call",
        "incident": message["attributes"]["incident"],
    }
    assert "distance 0.8 from the baseline, 0.1 allowed" in message["body"]
    assert "aws s3 cp" in message["body"]


def test_an_ongoing_problem_is_repeated_once_a_day(system: World) -> None:
    told = [hour for hour in range(50) if run(system, hour, drift("tip", 0.8))]

    assert told == [0, 24, 48]
    assert subjects(system.messages)[1] == "[CRITICAL] taxi-prod: 1 feature drifted (ongoing)"


def test_news_is_told_and_recovery_once(system: World) -> None:
    told = [
        subjects(run(system, 1, drift("tip", 0.8))),
        subjects(run(system, 2, drift("tip", 0.8), drift("fare", 0.7))),
        subjects(run(system, 3, drift("tip", 0.8), drift("fare", 0.7), drift("tolls", 0.15))),
        subjects(run(system, 4)),
        subjects(run(system, 5)),
    ]

    assert told == [
        ["[CRITICAL] taxi-prod: 1 feature drifted"],
        ["[CRITICAL] taxi-prod: 2 features drifted (1 new)"],
        [],  # a further warning is no news within a critical incident
        ["[OK] taxi-prod: recovered after 3 hours"],
        [],
    ]
    assert len({message["attributes"]["incident"] for message in system.messages}) == 1


@pytest.mark.parametrize(
    ("detail", "reason", "words"),
    [
        (
            {"status": "Failed", "FailureReason": "Job inputs had no data"},
            "no data to look at",
            "data capture",
        ),
        (
            {
                "status": "Failed",
                "FailureReason": 'No S3 objects found under S3 URL "s3://b/c" given in input data source.',
            },
            "no data to look at",
            'No S3 objects found under S3 URL "s3://b/c"',
        ),
        (
            {
                "status": "Failed",
                "FailureReason": "Algorithm Error: (caused by CalledProcessError): spark failed",
            },
            "job failed",
            "spark failed",
        ),
        ({"status": "Failed", "FailureReason": ""}, "job failed", "aws logs tail"),
        ({"status": "Stopped"}, "job was stopped", "time limit"),
        (
            {"status": "Failed", "kind": "merge"},
            "ground truth could not be merged",
            "Check that ground truth",
        ),
    ],
)
def test_a_run_without_a_verdict_is_a_blind_monitor(
    system: World, detail: dict[str, Any], reason: str, words: str
) -> None:
    (message,) = system.react(run_event(1, **detail))

    assert headline(message) == f"[WARNING] taxi-prod: monitor is blind, {reason}"
    assert message["attributes"]["kind"] == "MonitorBlind"
    assert words in message["body"]


def test_a_missing_report_is_a_blind_monitor_even_when_the_job_says_no_violations(system: World) -> None:
    (message,) = system.react(run_event(1))

    assert headline(message) == "[WARNING] taxi-prod: monitor is blind, report is missing"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "report is unreadable"),
        ('{"violations": [', "report is unreadable"),
        ("[]", "report is unreadable"),
        ('{"violations": {}}', "report is unreadable"),
        (b"\xff\xfe\x00", "report is unreadable"),
        ('{"violations": ' + "[" * 200_000, "report is unreadable"),
        ('{"violations": [{"a": ' + '{"a": ' * 200_000, "report is unreadable"),
        ('{"violations": []}', "report is empty, violations were announced"),
    ],
)
def test_a_report_that_is_none_is_a_blind_monitor_and_not_a_crash(
    system: World, content: str | bytes, reason: str
) -> None:
    event = run_event(1, violations=3)
    system.put_report(event, content)

    (message,) = system.react(event)

    assert headline(message) == f"[WARNING] taxi-prod: monitor is blind, {reason}"


def test_a_report_that_may_not_be_read_says_what_to_do(system: World) -> None:
    event = run_event(1, violations=1)
    system.put_report(event, report(drift("tip", 0.8)))
    denied = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{BUCKET}/*",
        },
    }
    system.s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(denied))

    (message,) = system.react(event)

    assert headline(message) == "[WARNING] taxi-prod: monitor is blind, report may not be read"
    assert "MonitoredBuckets" in message["body"]


def test_a_report_beyond_the_limit_is_not_even_downloaded(
    system: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPORT_SIZE_LIMIT_MEGABYTES", "1")
    system.start_containers()
    event = run_event(1, violations=1)
    system.put_report(event, report(drift("tip", 0.8)) + " " * 1_200_000)

    (message,) = system.react(event)

    assert headline(message) == "[WARNING] taxi-prod: monitor is blind, report is too large"
    assert "1 MB; the limit is 1 MB" in message["body"]


def test_numbers_that_are_none_are_kept(system: World) -> None:
    event = run_event(1, violations=2)
    system.put_report(
        event,
        '{"violations": [{"facet": "age", "facet_value": "1", "metric_name": "DI", '
        '"constraint_check_type": "bias_drift_check", '
        '"description": "Metric value Infinity doesn\'t meet the baseline constraint requirement 1.2"},'
        '{"feature_name": "x", "constraint_check_type": "own_check", "score": NaN, "limit": -Infinity}]}',
    )

    (message,) = system.react(event)

    assert "age (1 DI)" in message["body"]
    assert "infinite, 1.2 in the baseline" in message["body"]
    assert "own_check" in message["body"] or "x " in message["body"]


def test_blindness_neither_ends_nor_hides_what_was_found(system: World) -> None:
    told = [
        subjects(run(system, 1, drift("tip", 0.8))),
        subjects(system.react(run_event(2, status="Stopped"))),
        subjects(run(system, 3, drift("tip", 0.8))),
        subjects(run(system, 4)),
    ]

    assert told == [
        ["[CRITICAL] taxi-prod: 1 feature drifted"],
        ["[WARNING] taxi-prod: monitor is blind, job was stopped"],
        ["[CRITICAL] taxi-prod: monitor sees again, 1 violation open"],
        ["[OK] taxi-prod: recovered after 3 hours"],
    ]


@pytest.mark.parametrize(
    "detail",
    [
        {"MonitoringScheduleArn": "", "Environment": {}},
        {"MonitoringScheduleArn": None, "Environment": None},
        {"kind": "merge"},
        {"status": "InProgress"},
    ],
)
def test_what_is_no_run_is_ignored(system: World, detail: dict[str, Any]) -> None:
    assert system.react(run_event(1, **detail)) == []
    assert system.calls == []


def test_an_invalid_event_goes_back_to_the_queue_and_takes_no_other_with_it(system: World) -> None:
    good = run_event(1, violations=1)
    system.put_report(good, report(drift("tip", 0.8)))

    failed = system.invoke_monitor_report({"detail-type": "nonsense"}, good)

    assert failed == ["0"]
    assert system.invoke_notification() == []
    assert len(system.read_mail()) == 1


def test_what_the_event_leaves_out_is_asked_of_sagemaker(system: World) -> None:
    import boto3

    event = run_event(1, violations=1)
    system.put_report(event, report(drift("tip", 0.8)))
    detail = event["detail"]
    boto3.client("sagemaker").create_processing_job(
        ProcessingJobName=detail["ProcessingJobName"],
        ProcessingResources={
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 20}
        },
        AppSpecification={"ImageUri": detail["AppSpecification"]["ImageUri"]},
        RoleArn="arn:aws:iam::123456789012:role/Monitoring",
        ProcessingOutputConfig={
            "Outputs": [
                {
                    "OutputName": "result",
                    "S3Output": detail["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]
                    | {"S3UploadMode": "Continuous"},
                }
            ]
        },
    )
    detail["ProcessingOutputConfig"] = ""

    messages = system.react(event)

    assert subjects(messages) == ["[CRITICAL] taxi-prod: 1 feature drifted"]
    assert "sagemaker:DescribeProcessingJob" in system.calls


def set_policy(system: World, policy: str) -> None:
    system.ssm.put_parameter(Name=PARAMETER, Type="String", Value=policy, Overwrite=True)
    system.start_containers()  # a warm container keeps a policy for five minutes


def test_a_mute_hides_one_check_until_its_date(system: World) -> None:
    set_policy(system, '{"mutes": [{"endpoint": "taxi-*", "feature": "tip", "until": "2999-12-31"}]}')

    assert run(system, 1, drift("tip", 0.8)) == []
    assert "1 more muted" in run(system, 2, drift("tip", 0.8), drift("fare", 0.8))[0]["body"]

    set_policy(system, '{"mutes": [{"endpoint": "taxi-*", "feature": "tip", "until": "2020-12-31"}]}')

    assert subjects(run(system, 3, drift("tip", 0.8), drift("fare", 0.8))) == [
        "[CRITICAL] taxi-prod: 2 features drifted (1 new)"
    ]


def test_what_is_muted_is_not_called_over(system: World) -> None:
    run(system, 1, drift("tip", 0.8), drift("fare", 0.8))
    set_policy(system, '{"mutes": [{"feature": "tip", "until": "2999-12-31"}]}')

    (news,) = run(system, 2, drift("tip", 0.8), drift("fare", 0.8), drift("tolls", 0.8))
    set_policy(system, '{"mutes": [{"until": "2999-12-31"}]}')
    silence = run(system, 3, drift("tip", 0.8), drift("fare", 0.8), drift("tolls", 0.8))

    assert "OVER" not in news["body"]
    assert silence == []


def test_a_recovery_beside_mutes_names_only_what_is_over(system: World) -> None:
    run(system, 1, drift("tip", 0.8), drift("fare", 0.8))
    set_policy(system, '{"mutes": [{"feature": "tip", "until": "2999-12-31"}]}')

    (message,) = run(system, 2, drift("tip", 0.8))

    assert headline(message) == "[OK] taxi-prod: recovered after 1 hour"
    assert "fare (baseline_drift_check)" in message["body"]
    assert "tip (" not in message["body"]
    assert "1 violation is there still, but muted" in message["body"]


def test_a_job_nobody_knows_any_more_is_a_blind_monitor(system: World) -> None:
    (message,) = system.react(run_event(1, ProcessingOutputConfig={"Outputs": []}))

    assert headline(message) == "[WARNING] taxi-prod: monitor is blind, report is missing"


def test_an_invalid_policy_keeps_the_last_good_one_and_says_so(system: World) -> None:
    set_policy(system, '{"rules": [{"feature": "tip", "severity": "info"}]}')
    set_policy(system, '{"rules": [{"feature": "tip", "severity": "dreadful"}]}')

    (message,) = run(system, 1, drift("tip", 0.8))

    assert message["subject"].startswith("[INFO]")
    assert "its version 2 is used" in message["body"]
    assert "rules.0.severity" in message["body"]


def test_without_a_policy_the_defaults_hold_and_nobody_asks_for_it_again(system: World) -> None:
    system.ssm.delete_parameter(Name=PARAMETER)

    (message,) = run(system, 1, drift("tip", 0.8))
    run(system, 2)

    assert message["subject"].startswith("[CRITICAL]")
    assert "severity policy needs you" not in message["body"]
    assert system.calls.count("ssm:GetParameter") == 1


def test_a_run_known_only_by_its_environment_is_judged(system: World) -> None:
    told = run(system, 1, drift("tip", 0.8), MonitoringScheduleArn="")

    assert subjects(told) == ["[CRITICAL] taxi-prod: 1 feature drifted"]
    assert system.memory(SCHEDULE_ARN)["runs"]


def test_an_endpoint_can_be_ignored_and_alerting_can_wait_for_three_runs(system: World) -> None:
    set_policy(system, '{"alerting": [{"endpoint": "*", "runs_before_alert": 3}]}')
    told = [bool(run(system, hour, drift("tip", 0.8))) for hour in range(1, 5)]

    set_policy(system, '{"alerting": [{"endpoint": "taxi-*", "ignore": true}]}')

    assert told == [False, False, True, False]
    assert run(system, 5) == []


def test_the_memory_names_what_other_reactions_ask_for(system: World) -> None:
    run(system, 1, drift("tip", 0.8), drift("fare", 0.2))

    items = system.dynamodb.scan(TableName="state")["Items"]
    (item,) = [item for item in items if item["pk"]["S"] == f"monitor#{SCHEDULE_ARN}"]

    assert item["endpoint"] == {"S": "taxi-prod"}
    assert item["violations"] == {"N": "2"}
    assert item["severity"] == {"S": "critical"}
    assert int(item["expires_at"]["N"]) > 0
