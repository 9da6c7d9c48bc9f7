"""The page of a run: drawn once all that is known, whatever order it becomes known in. The real handlers, over moto."""

import html
import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.test_monitor_report import drift, report
from tests.page_world import PageWorld, page_key, page_world, words
from tests.runs import SCHEDULE_ARN, run_event
from tests.world import ACCOUNT, BUCKET, PARAMETER, REGION, REPORT_BUCKET, TABLE

BASELINE = f"s3://{BUCKET}/baselines/taxi"
STATISTICS: dict[str, Any] = {
    "version": 0.0,
    "dataset": {"item_count": 100},
    "features": [
        {
            "name": "tip",
            "inferred_type": "Fractional",
            "numerical_statistics": {
                "common": {"num_present": 100, "num_missing": 0},
                "mean": 5.0,
                "std_dev": 1.0,
                "min": 0.0,
                "max": 10.0,
                "distribution": {
                    "kll": {
                        "buckets": [
                            {"lower_bound": 0.0, "upper_bound": 5.0, "count": 60.0},
                            {"lower_bound": 5.0, "upper_bound": 10.0, "count": 40.0},
                        ]
                    }
                },
            },
        }
    ],
}


@pytest.fixture
def system() -> Iterator[PageWorld]:
    with page_world() as running:
        running.s3.put_object(
            Bucket=BUCKET, Key="baselines/taxi/statistics.json", Body=json.dumps(STATISTICS)
        )
        yield running


def violated(system: PageWorld, hour: int, *violations: dict[str, Any], **detail: Any) -> dict[str, Any]:
    """The end of a run with a baseline, its report and its statistics in place."""
    event = run_event(hour, violations=len(violations), **detail)
    event["detail"]["ProcessingInputs"] = [
        {
            "InputName": "baseline",
            "S3Input": {"S3Uri": f"{BASELINE}/statistics.json", "LocalPath": "/opt/base"},
        },
        {
            "InputName": "constraints",
            "S3Input": {"S3Uri": f"{BASELINE}/constraints.json", "LocalPath": "/opt/con"},
        },
    ]
    event["detail"]["Environment"]["baseline_statistics"] = "/opt/base/statistics.json"
    system.put_report(event, report(*violations))
    system.put_beside(event, "statistics.json", json.dumps(STATISTICS))
    return event


def test_a_run_has_a_page_where_its_message_links_to(system: PageWorld) -> None:
    event = violated(system, 1, drift("tip", 0.8))

    page = system.judged_and_drawn(event)

    assert system.invoke_notification() == []
    (message,) = system.read_mail()
    address = f"s3://{REPORT_BUCKET}/{page_key(event)}"
    assert f"aws s3 cp --region {REGION} {address} drift.html" in message["body"]
    console = f"https://{REGION}.console.aws.amazon.com/s3/object/{REPORT_BUCKET}?region={REGION}&prefix={page_key(event)}"
    assert console in message["body"]
    text = words(page)
    assert "Critical. 1 violation" in text
    assert "tip" in text
    assert "distance 0.8 from the baseline, 0.1 allowed" in text
    assert (
        f"Message to on-call (ml-on-call): 1 violation, for the first time; incident #{message['attributes']['incident']}."
        in text
    )
    assert page.count("<svg") >= 2  # the run in the strip, and the picture of the feature
    head = system.s3.head_object(Bucket=REPORT_BUCKET, Key=page_key(event))
    assert head["ContentType"] == "text/html; charset=utf-8"


def test_a_clean_run_and_a_blind_one_have_pages_too(system: PageWorld) -> None:
    clean = words(system.judged_and_drawn(violated(system, 1)))
    failed = run_event(2, status="Failed", FailureReason="Job inputs had no data")
    blind = words(system.judged_and_drawn(failed))

    assert "No violations" in clean
    assert "Blind" in blind
    assert "Job inputs had no data" in blind


def _with_columns(*names: str) -> str:
    return json.dumps(
        {**STATISTICS, "features": [{**STATISTICS["features"][0], "name": name} for name in names]}
    )


@pytest.mark.parametrize(
    ("kind", "now", "was", "said"),
    [
        ("missing", ["tip"], ["fare", "tip", "zone"], "1 column, 3 in the baseline; missing: fare, zone"),
        ("extra", ["b", "tip", "a"], ["tip"], "3 columns, 1 in the baseline; not known before: b, a"),
    ],
)
def test_missing_and_extra_columns_are_named(
    system: PageWorld, kind: str, now: list[str], was: list[str], said: str
) -> None:
    counted = {
        "feature_name": f"{kind.capitalize()} columns",
        "constraint_check_type": f"{kind}_column_check",
        "description": f"There are {kind} columns in current dataset. Number of columns in current dataset: {len(now)}, "
        f"Number of columns in baseline constraints: {len(was)}",
    }
    event = violated(system, 1, counted)
    system.put_beside(event, "statistics.json", _with_columns(*now))
    system.s3.put_object(Bucket=BUCKET, Key="baselines/taxi/statistics.json", Body=_with_columns(*was))

    assert system.draw(event) == []

    assert said in words(system.page(event))


def test_a_clean_run_counts_every_feature_it_looked_at(system: PageWorld) -> None:
    event = violated(system, 1)
    system.put_beside(event, "statistics.json", _with_columns(*(f"f{i}" for i in range(6_000))))

    assert system.draw(event) == []

    assert "The monitor looked at 6,000 features in 100 records." in words(system.page(event))


def test_a_muted_metric_is_not_shown_within_its_limits(system: PageWorld) -> None:
    system.ssm.put_parameter(
        Name=PARAMETER,
        Type="String",
        Value='{"mutes": [{"endpoint": "taxi-*", "feature": "f1", "until": "2099-01-01"}]}',
        Overwrite=True,
    )
    low = {
        "constraint_check_type": "LessThanThreshold",
        "metric_name": "f1",
        "description": "Metric f1 with 0.17 was LessThanThreshold '0.72'",
    }
    event = violated(system, 1, low, kind="model")
    metrics = {"f1": {"value": 0.17}, "recall": {"value": 0.9}}
    system.put_beside(event, "statistics.json", json.dumps({"binary_classification_metrics": metrics}))
    limits = {name: {"threshold": 0.72, "comparison_operator": "LessThanThreshold"} for name in metrics}
    system.s3.put_object(
        Bucket=BUCKET,
        Key="baselines/taxi/constraints.json",
        Body=json.dumps({"binary_classification_constraints": limits}),
    )

    assert system.draw(event) == []

    text = words(system.page(event))
    assert "Past the limit, muted f1 0.17, at least 0.72 wanted" in text
    assert "Within limits recall 0.9, at least 0.72 wanted" in text


def test_what_is_no_run_has_no_page(system: PageWorld) -> None:
    assert system.draw(run_event(1, kind="merge")) == []
    assert system.draw(run_event(1, MonitoringScheduleArn=None, Environment={})) == []

    assert system.pages() == []
    assert system.calls == []


def test_an_endpoint_the_policy_ignores_has_no_pages(system: PageWorld) -> None:
    system.ssm.put_parameter(
        Name=PARAMETER,
        Type="String",
        Value='{"alerting": [{"endpoint": "taxi-*", "ignore": true}]}',
        Overwrite=True,
    )

    assert system.draw(violated(system, 1, drift("tip", 0.8))) == []

    assert system.pages() == []


def test_later_pages_show_the_runs_before_them(system: PageWorld) -> None:
    runs = [
        violated(system, 1),
        violated(system, 2, drift("tip", 0.2)),
        violated(system, 3, drift("tip", 0.8)),
    ]

    pages = [system.judged_and_drawn(event) for event in runs]

    for page, event in itertools.product(pages, runs):
        linked = f"prefix={page_key(event)}" in html.unescape(page)
        assert linked is (runs.index(event) < pages.index(page))


def test_at_most_thirty_runs_are_shown(system: PageWorld) -> None:
    events = [violated(system, hour) for hour in range(33)]
    for event in events:
        assert system.draw(event) == []

    last = html.unescape(system.page(events[-1]))
    assert [f"prefix={page_key(event)}" in last for event in events] == [False] * 3 + [True] * 29 + [False]


def test_metrics_of_the_last_runs_are_kept_for_their_line(system: PageWorld) -> None:
    constraints = {
        "regression_constraints": {"mae": {"threshold": 1.0, "comparison_operator": "GreaterThanThreshold"}}
    }
    system.s3.put_object(Bucket=BUCKET, Key="baselines/taxi/constraints.json", Body=json.dumps(constraints))
    pages = []
    for hour, mae in enumerate((0.5, 0.7, 2.25)):
        worse = {
            "metric_name": "mae",
            "constraint_check_type": "GreaterThanThreshold",
            "description": f"Metric mae with {mae} was GreaterThanThreshold '1.0'",
        }
        event = violated(system, hour, *([worse] if mae > 1 else []), kind="model")
        measured = {"regression_metrics": {"mae": {"value": mae, "standard_deviation": "NaN"}}}
        system.put_beside(event, "statistics.json", json.dumps(measured))
        pages.append(system.judged_and_drawn(event))

    assert "mae" in words(pages[0])
    records = run_records(system)
    assert [record["run"]["found"]["values"] for record in records] == [
        {"mae": 0.5},
        {"mae": 0.7},
        {"mae": 2.25},
    ]
    assert "2.25, at most 1 allowed" in words(pages[2])


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("baselines/taxi/statistics.json", "baselines/taxi/statistics.json is not there"),
        ("statistics.json", "statistics.json is not there"),
    ],
)
def test_a_file_that_is_not_there_is_said_and_the_rest_is_drawn(
    system: PageWorld, missing: str, said: str
) -> None:
    event = violated(system, 1, drift("tip", 0.8))
    uri = event["detail"]["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"]
    key = missing if "/" in missing else f"{uri.removeprefix(f's3://{BUCKET}/')}/{missing}"
    system.s3.delete_object(Bucket=BUCKET, Key=key)

    text = words(system.judged_and_drawn(event))

    assert said in text
    assert "distance 0.8 from the baseline, 0.1 allowed" in text


def test_a_file_that_may_not_be_read_is_said_and_a_passing_fault_is_not_drawn(system: PageWorld) -> None:
    event = violated(system, 1, drift("tip", 0.8))

    def refuse(code: str) -> Any:
        def refused(params: dict[str, Any], **_: Any) -> None:
            if params["url_path"].endswith("baselines/taxi/statistics.json"):
                raise ClientError({"Error": {"Code": code, "Message": "injected"}}, "GetObject")

        return refused

    with system.hooked("s3", "before-call.s3.GetObject", refuse("SlowDown")):
        assert system.draw(event) == ["0"]
    assert system.pages() == []

    with system.hooked("s3", "before-call.s3.GetObject", refuse("AccessDenied")):
        assert system.draw(event) == []
    assert "may not be read" in words(system.page(event))


def test_a_repeated_event_changes_nothing(system: PageWorld) -> None:
    event = violated(system, 1, drift("tip", 0.8))
    page = system.judged_and_drawn(event)
    before = system.s3.head_object(Bucket=REPORT_BUCKET, Key=page_key(event))["LastModified"]
    system.calls.clear()

    assert system.draw(event, event, event) == []

    assert system.page(event) == page
    assert system.s3.head_object(Bucket=REPORT_BUCKET, Key=page_key(event))["LastModified"] == before
    assert system.calls[:6] == ["s3:HeadObject", "dynamodb:Query"] * 3


def story(system: PageWorld) -> list[dict[str, Any]]:
    """All events that lead to the page of one run that started a retraining."""
    event = violated(system, 1, drift("tip", 0.8))
    assert system.invoke_monitor_report(event) == []
    (found,) = system.done()
    found["time"] = "2026-11-23T01:13:00Z"
    detail = found["detail"]
    started = {
        **found,
        "id": "retraining",
        "detail-type": "RetrainingStarted",
        "time": "2026-11-23T02:00:00Z",
        "detail": {
            **{key: detail[key] for key in ("endpoint", "account", "region", "on_call", "cause", "incident")},
            "id": "0123456789abcdef",
            "severity": "info",
            "at": "2026-11-23T02:00:00Z",
            "group": "taxi",
            "group_arn": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package-group/taxi",
            "pipeline": "taxi-retraining",
            "pipeline_arn": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:pipeline/taxi-retraining",
            "schedule": detail["schedule"],
            "schedule_arn": SCHEDULE_ARN,
            "run_at": detail["run_at"],
            "drift": "1 violation",
            "drift_severity": "critical",
            "drift_since": detail["run_at"],
            "execution_arn": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:pipeline/taxi-retraining/execution/x1",
        },
    }
    return [event, found, started]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
def test_the_page_ends_the_same_in_whichever_order_its_events_come(
    system: PageWorld, order: tuple[int, ...]
) -> None:
    events = story(system)

    for number in (*order, *order):
        assert system.draw(events[number]) == []

    text = words(system.page(events[0]))
    told = text.index("Message to on-call (ml-on-call): 1 violation, for the first time")
    assert told < text.index("Started the retraining pipeline taxi-retraining (execution x1)")
    assert text.count("Message to on-call") == text.count("Started the retraining") == 1


# A first look at what was done asks SageMaker for the run, if its own event did not come yet.
CALLS = [
    "ssm:GetParameter",
    "s3:HeadObject",
    "dynamodb:Query",
    "dynamodb:GetItem",
    *["s3:GetObject"] * 3,
    "dynamodb:PutItem",
    "s3:PutObject",
]


def test_a_page_costs_few_calls(system: PageWorld) -> None:
    event, found, _ = story(system)
    system.calls.clear()

    system.draw(event)
    first = list(system.calls)
    system.calls.clear()
    system.draw(found)

    assert first == CALLS
    looked = ["s3:HeadObject", "dynamodb:Query"]
    assert system.calls == [*looked, *["s3:GetObject"] * 3, "dynamodb:PutItem", "s3:PutObject"]

    system.calls.clear()
    system.draw(violated(system, 2))  # clean: its statistics only
    assert system.calls == [
        *looked,
        "dynamodb:GetItem",
        *["s3:GetObject"] * 2,
        "dynamodb:PutItem",
        "s3:PutObject",
    ]


@pytest.mark.parametrize("crash_after", range(len(CALLS)))
def test_a_crash_after_any_call_ends_with_the_whole_page(system: PageWorld, crash_after: int) -> None:
    event, found, started = story(system)

    with system.crashing_after(crash_after) as crash:
        system.draw(event)
    assert crash.happened
    for one in (started, event, found):
        assert system.draw(one) == []

    text = words(system.page(event))
    assert "distance 0.8" in text
    assert "Message to on-call" in text
    assert "Started the retraining" in text
    assert len(run_records(system)) == 1


@pytest.mark.parametrize(
    "between",
    [
        f"{service}.{name}"
        for service, name in (
            ("s3", "HeadObject"),
            ("dynamodb", "Query"),
            ("dynamodb", "GetItem"),
            ("dynamodb", "PutItem"),
            ("s3", "PutObject"),
        )
    ],
)
@pytest.mark.parametrize(
    ("before", "slow", "fast"), [([], 0, 1), ([], 1, 0), ([0], 1, 2), ([0], 2, 1), ([1], 0, 2)], ids=str
)
@pytest.mark.filterwarnings(
    "ignore:No application metrics"
)  # two copies of a test share what two containers would not
def test_two_copies_at_once_leave_the_page_that_knows_most(
    system: PageWorld, between: str, before: list[int], slow: int, fast: int
) -> None:
    events = story(system)
    for number in before:
        assert system.draw(events[number]) == []
    inside = itertools.count()

    def another_copy_gets_in_between(**_: Any) -> None:
        if next(inside) == 0:
            assert system.draw(events[fast]) == []

    service, _, name = between.partition(".")
    with system.hooked(service, f"before-call.{service}.{name}", another_copy_gets_in_between):
        assert system.draw(events[slow]) == []
    if next(inside) == 0:  # it makes no such call: the other one comes after it
        assert system.draw(events[fast]) == []

    text = words(system.page(events[0]))
    assert "distance 0.8" in text
    known = {*before, slow, fast}
    assert ("Message to on-call" in text, "Started the retraining" in text) == (1 in known, 2 in known)


def test_a_page_drawn_again_says_what_it_said_whatever_the_policy_says_meanwhile(system: PageWorld) -> None:
    event, found, _ = story(system)
    assert system.draw(event) == []
    mute = {"mutes": [{"endpoint": "*", "feature": "tip", "check": "*", "until": "2099-01-01"}]}
    system.ssm.put_parameter(Name=PARAMETER, Type="String", Value=json.dumps(mute), Overwrite=True)
    system.start_containers()

    assert system.draw(found) == []

    text = words(system.page(event))
    assert "Critical. 1 violation" in text
    assert "Message to on-call" in text


def test_a_page_is_not_replaced_by_one_that_knows_less(system: PageWorld) -> None:
    event, found, _ = story(system)
    assert system.draw(event) == []
    before = system.page(event)
    uri = event["detail"]["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"]
    key = uri.removeprefix(f"s3://{BUCKET}/") + "/constraint_violations.json"
    system.s3.delete_object(Bucket=BUCKET, Key=key)

    assert system.draw(found, found) == []

    assert system.page(event) == before
    assert [len(record["deeds"]) for record in run_records(system)] == [1]


def test_a_run_whose_own_event_never_came_is_drawn_when_something_was_done_about_it(
    system: PageWorld,
) -> None:
    event, found, _ = story(system)
    detail = event["detail"]
    system.processing_jobs[detail["ProcessingJobName"]] = detail

    assert system.draw(found) == []

    text = words(system.page(event))
    assert "Critical. 1 violation" in text
    assert "Message to on-call" in text


def test_names_too_long_to_keep_have_no_line_and_lose_no_page(system: PageWorld) -> None:
    violations = [
        {
            "metric_name": f"{number}{'x' * 9_000}",
            "constraint_check_type": "GreaterThanThreshold",
            "description": "Metric with 2.0 was GreaterThanThreshold '1.0'",
        }
        for number in range(80)
    ]

    page = system.judged_and_drawn(violated(system, 1, *violations, kind="model"))

    assert "80 violations" in words(page)
    assert run_records(system)[0]["run"]["found"]["values"] == {}


def test_a_name_nobody_would_give_is_a_key_all_the_same(system: PageWorld) -> None:
    event = violated(system, 1, drift("<script>alert(1)</script>", 0.8))
    event["detail"]["ProcessingJobName"] = "../../job é?"

    assert system.draw(event) == []

    (key,) = system.pages()
    assert key.startswith("drift-pages/taxi-data-quality/-job-")
    assert key.isascii()
    page = system.s3.get_object(Bucket=REPORT_BUCKET, Key=key)["Body"].read().decode()
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_the_version_that_served_is_named(system: PageWorld) -> None:
    from stationkeeper.aws.release_records import DynamoDbReleaseRecords
    from stationkeeper.releases.record import Live, Record

    live = Live(
        version=8,
        package_arn="arn",
        config="c",
        model="m",
        variant="v",
        started_at=datetime(2026, 11, 22, 12, tzinfo=UTC),
        released_at=datetime(2026, 11, 22, 12, 30, tzinfo=UTC),
    )
    records = DynamoDbReleaseRecords(lambda: system.dynamodb, TABLE)
    records.remember("taxi-prod", Record(endpoint="taxi-prod", live=live))

    text = words(system.judged_and_drawn(violated(system, 1, drift("tip", 0.8))))

    assert "version 8, in service since 22 Nov 2026 12:30 UTC" in text


def run_records(system: PageWorld) -> list[dict[str, Any]]:
    from stationkeeper.aws.run_records import DynamoDbRunRecords
    from stationkeeper.pages.record import RunKey

    everything = RunKey(SCHEDULE_ARN, datetime(2100, 1, 1, tzinfo=UTC), "z")
    records = DynamoDbRunRecords(lambda: system.dynamodb, TABLE).until(everything, 100)
    return [record.model_dump(mode="json") for record in records]
