"""What `react` measures of every reaction, whatever it does: how much came in, how much failed, how long it took."""

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from stationkeeper.errors import UnderWay
from stationkeeper.events.envelope import Envelope
from stationkeeper.react import react
from stationkeeper.telemetry import metrics

HOUR = timedelta(hours=1)


def batch(*ages: timedelta) -> dict[str, Any]:
    """An SQS batch of events that happened so long ago."""
    now = datetime.now(UTC)
    return {"Records": [record(str(number), now - age) for number, age in enumerate(ages)]}


def record(number: str, time: datetime) -> dict[str, Any]:
    event = {
        "id": f"event-{number}",
        "source": "aws.sagemaker",
        "detail-type": "something",
        "account": "123456789012",
        "region": "eu-west-1",
        "time": time.isoformat(),
    }
    return {
        "messageId": number,
        "receiptHandle": "handle",
        "body": json.dumps(event),
        "attributes": {"ApproximateReceiveCount": "3"},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:queue",
    }


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str]) -> Any:
    """Values of one metric of the reaction `watch`, as CloudWatch would read them off the log."""

    metrics.of_invocation.clear_metrics()  # what other tests counted outside of any invocation

    def read() -> dict[str, list[float]]:
        found: dict[str, list[float]] = {}
        for line in capsys.readouterr().out.splitlines():
            entry = json.loads(line)
            for metric in entry.get("_aws", {}).get("CloudWatchMetrics", [{}])[0].get("Metrics", []):
                assert entry["reaction"] == "watch"
                assert entry["service"] == "stationkeeper"
                found.setdefault(metric["Name"], []).extend(entry[metric["Name"]])
        return found

    return read


def reacting(event: dict[str, Any], reaction: Any) -> Any:
    return react(event, Envelope, reaction, SimpleNamespace(), name="watch")


def test_every_event_that_ended_well_says_how_long_it_took_since_it_happened(written):
    reacting(batch(timedelta(seconds=2), 3 * 24 * HOUR), lambda event: None)

    [fresh, redriven] = written()["ReactionLatency"]
    assert 2_000 <= fresh < 60_000
    assert redriven == pytest.approx(3 * 24 * 3_600_000, abs=60_000)


def test_an_event_that_failed_says_how_long_it_took_once_it_is_done(written):
    def fails(event: Envelope) -> None:
        raise ValueError("not now")

    answer = reacting(batch(HOUR), fails)
    after_failure = written()
    reacting(batch(HOUR), lambda event: None)

    assert answer == {"batchItemFailures": [{"itemIdentifier": "0"}]}
    assert after_failure == {"EventsReceived": [1.0], "ReactionFailures": [1.0]}
    assert written()["ReactionLatency"] == [pytest.approx(3_600_000, abs=60_000)]


def test_waiting_for_another_copy_is_no_failure_and_no_end(written):
    def waits(event: Envelope) -> None:
        raise UnderWay("another copy is at it")

    reacting(batch(HOUR), waits)

    assert written() == {"EventsReceived": [1.0]}


def test_an_event_from_a_clock_that_runs_ahead_took_no_time(written):
    reacting(batch(-HOUR), lambda event: None)

    assert written()["ReactionLatency"] == [0.0]


def test_a_batch_counts_all_its_events(written):
    reacting(batch(HOUR, HOUR, HOUR), lambda event: None)

    assert written()["EventsReceived"] == [3.0]


def test_an_invocation_with_nothing_but_metrics_of_their_own_dimensions_warns_of_nothing(written):
    """Warnings are errors in tests."""
    handler = metrics.of_invocation.log_metrics(lambda event, context: reacting(event, lambda one: None))

    handler(batch(HOUR), SimpleNamespace())

    assert set(written()) == {"EventsReceived", "ReactionLatency"}


def test_metrics_without_further_dimensions_are_printed_with_the_invocation(capsys):
    handler = metrics.of_invocation.log_metrics(lambda event, context: metrics.count("ReportsJudged", 2))

    handler({}, SimpleNamespace())

    entry = json.loads(capsys.readouterr().out)
    assert entry["ReportsJudged"] == [2.0]
    assert entry["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["service"]]
    assert entry["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Stationkeeper"
