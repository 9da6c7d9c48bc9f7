"""What is remembered of one pipeline's retrainings, and what that tells of a version a pipeline registered."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from stationkeeper.events.retraining_events import PassedParameter
from stationkeeper.reactions.known_retrainings import KnownRetrainings
from stationkeeper.retraining.record import Drift, Execution, RetrainingRecord, retrained
from stationkeeper.severity import Severity

from tests.unit.builders import hostile_text
from tests.unit.release_builders import ACCOUNT, ENDPOINT, GROUP_ARN, NOW, REGION

PIPELINE = "churn-retrain"
PIPELINE_ARN = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:pipeline/{PIPELINE}"
SCHEDULE_ARN = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:monitoring-schedule/churn-data-quality"


def drift(number: int = 1, **facts: Any) -> Drift:
    """The drift of an incident; its event and its incident have the same number."""
    defaults: dict[str, Any] = {
        "event_id": f"event-{number}",
        "incident": f"incident-{number}",
        "severity": Severity.CRITICAL,
        "since": NOW - timedelta(hours=3),
        "schedule": "churn-data-quality",
        "schedule_arn": SCHEDULE_ARN,
        "words": "12 violations (12 critical) found by the data-quality monitor",
        "kinds": frozenset({"DataQuality"}),
    }
    return Drift(**{**defaults, **facts})


def execution_arn(number: int = 1) -> str:
    return f"{PIPELINE_ARN}/execution/p{number:011d}"


def execution(number: int = 1, *, asked: bool = True, minutes_ago: float = 90, **facts: Any) -> Execution:
    """The execution that the drift of that number asked for; `asked` is False where a crash came between."""
    defaults: dict[str, Any] = {
        "name": f"stationkeeper-{number:012x}",
        "token": f"{number:032x}",
        "drift": drift(number),
        "endpoint": ENDPOINT,
        "group_arn": GROUP_ARN,
        "asked_at": NOW - timedelta(minutes=minutes_ago),
        "arn": execution_arn(number) if asked else "",
    }
    return Execution(**{**defaults, **facts})


def remembered(*executions: Execution, **facts: Any) -> RetrainingRecord:
    return RetrainingRecord(pipeline=PIPELINE, executions=executions, version=1, **facts)


def stored(record: RetrainingRecord) -> RetrainingRecord:
    """As the state table gives it back."""
    return RetrainingRecord.model_validate_json(record.model_dump_json())


# ---------------------------------------------------------------- executions


def test_empty_record_knows_nothing():
    record = RetrainingRecord()

    assert record.newest is None
    assert record.unfinished is None
    assert record.execution("") is None


def test_newest_is_the_one_begun_last():
    assert remembered(execution(2), execution(1)).newest == execution(1)


def test_only_the_newest_execution_can_be_unfinished():
    assert remembered(execution(1), execution(2, asked=False)).unfinished == execution(2, asked=False)
    assert remembered(execution(1, asked=False), execution(2)).unfinished is None


@pytest.mark.parametrize("arn", [execution_arn(2), execution_arn(2).upper(), execution_arn(2).title()])
def test_execution_is_found_by_its_arn_however_that_is_spelled(arn: str):
    record = remembered(execution(1), execution(2), execution(3, asked=False))

    assert record.execution(arn) == execution(2)


@pytest.mark.parametrize("arn", ["", execution_arn(9), PIPELINE_ARN, execution_arn(2) + "0"])
def test_execution_of_somebody_else_is_not_found(arn: str):
    assert remembered(execution(2), execution(3, asked=False)).execution(arn) is None


def test_begun_execution_that_was_taken_replaces_itself():
    begun = remembered(execution(1)).with_execution(execution(2, asked=False))

    taken = begun.with_execution(execution(2))

    assert begun.executions == (execution(1), execution(2, asked=False))
    assert taken.executions == (execution(1), execution(2))
    assert taken.unfinished is None


def test_given_up_execution_is_forgotten_and_no_other():
    record = remembered(execution(1), execution(2, asked=False))

    assert record.without(execution(2)).executions == (execution(1),)
    assert record.without(execution(3)) == record


def test_event_is_handled_once():
    once = remembered().handling("event-1")

    assert once.handled == ("event-1",)
    assert once.handling("event-1") is once


# ---------------------------------------------------------------- bounds


def test_record_is_bounded_however_long_a_pipeline_lives():
    record = RetrainingRecord()
    longest = {"words": "w" * 600, "schedule": "s" * 63, "schedule_arn": "a" * 300, "event_id": "e" * 100}

    for number in range(300):
        told = record.telling_once(
            f"skipped incident-{number}", f"running:{execution_arn(number)}:", NOW + timedelta(minutes=number)
        )
        assert told is not None
        record = (
            told.handling(f"{number:0100d}")
            .with_execution(execution(number, drift=drift(number, **longest)))
            .with_execution(execution(number, drift=drift(number, **longest)))
        )

    assert [one.token for one in record.executions] == [f"{number:032x}" for number in range(280, 300)]
    assert record.handled == tuple(f"{number:0100d}" for number in range(200, 300))
    assert list(record.told) == [f"skipped incident-{number}" for number in range(260, 300)]
    assert len(record.model_dump_json().encode()) < 100_000  # an item of DynamoDB holds 400 kB


@given(st.lists(st.integers(0, 30), max_size=60))
def test_tokens_stay_unique_and_the_last_begun_is_the_newest(numbers: list[int]):
    record = RetrainingRecord()

    for number in numbers:
        record = record.with_execution(execution(number))

    tokens = [one.token for one in record.executions]
    assert len(set(tokens)) == len(tokens) <= 20
    assert record.newest == (execution(numbers[-1]) if numbers else None)


# ---------------------------------------------------------------- told once a day


def test_obstacle_is_told_when_it_begins_and_once_a_day_while_it_lasts():
    heard = []
    record = RetrainingRecord()

    for hour in range(72):
        news = record.telling_once("skipped incident-1", "cool-down::", NOW + timedelta(hours=hour))
        if news is not None:
            heard.append(hour)
            record = stored(news)

    assert heard == [0, 24, 48]


def test_another_obstacle_or_another_incident_is_told_at_once():
    record = RetrainingRecord().telling_once("skipped incident-1", "running:a:", NOW)
    assert record is not None
    assert record.telling_once("skipped incident-1", "running:a:", NOW) is None

    for subject, about in [
        ("skipped incident-1", "running:b:"),
        ("skipped incident-1", "cool-down::"),
        ("skipped incident-2", "running:a:"),
    ]:
        assert record.telling_once(subject, about, NOW) is not None


@given(hostile_text(), hostile_text(visible=True))
def test_obstacle_of_any_name_is_told_once(subject: str, about: str):
    record = RetrainingRecord().telling_once(subject, about, NOW)

    assert record is not None
    assert record.telling_once(subject, about, NOW + timedelta(hours=23)) is None


# ---------------------------------------------------------------- storing


@given(
    st.lists(st.tuples(st.integers(0, 30), st.booleans(), st.frozensets(st.text(max_size=5))), max_size=5),
    st.lists(st.text(st.characters(codec="utf-8"), max_size=20), max_size=5),
)
def test_record_comes_back_from_json_as_it_was(begun: list[tuple[int, bool, frozenset[str]]], ids: list[str]):
    record = remembered(
        *(
            execution(
                number,
                asked=asked,
                drift=drift(
                    number, kinds=frozenset(kind.encode("utf-8", "ignore").decode() for kind in kinds)
                ),
                parameters=(PassedParameter(name="A", value="", why="tag"),),
                notes=tuple(ids),
            )
            for number, asked, kinds in begun
        ),
        handled=tuple(ids),
        told=dict.fromkeys(ids, "about@since@when"),
        outbox=({"id": "1", "detail_type": "RetrainingStarted", "detail": "{}"},),
    )

    assert stored(record) == record


def test_record_of_a_later_version_is_read_and_an_older_one_too():
    later = remembered(execution(1)).model_dump(mode="json")
    later["executions"][0]["drift"]["colour"] = "red"
    later["budget"] = 7

    assert RetrainingRecord.model_validate(later) == remembered(execution(1))
    assert RetrainingRecord.model_validate_json("{}") == RetrainingRecord()


def test_record_without_a_time_zone_is_refused():
    with pytest.raises(ValidationError, match="asked_at"):
        execution(asked_at=datetime(2026, 11, 23))  # noqa: DTZ001


# ---------------------------------------------------------------- what came out of it


@dataclass
class Remembered:
    """Records by their pipeline's ARN in lower case, as the state table keeps them; counts its reads."""

    kept: dict[str, RetrainingRecord] = field(default_factory=dict)
    reads: int = 0

    def recall(self, pipeline_arn: str) -> RetrainingRecord:
        self.reads += 1
        return self.kept.get(pipeline_arn.lower(), RetrainingRecord())


def test_version_a_retraining_registered_is_connected_to_the_drift():
    of = execution(1)
    known = KnownRetrainings(Remembered({PIPELINE_ARN: remembered(of)}))

    made = known.that_made(execution_arn(1))

    assert made == retrained(of, PIPELINE)
    assert made is not None
    assert (made.incident, made.execution_arn, made.pipeline) == ("incident-1", of.arn, PIPELINE)
    assert (made.started_at, made.drift, made.drift_since) == (of.asked_at, of.drift.words, of.drift.since)
    assert made.drift_severity is Severity.CRITICAL


def test_execution_is_known_however_its_arn_is_spelled():
    known = KnownRetrainings(Remembered({PIPELINE_ARN: remembered(execution(1))}))
    spelled = execution_arn(1).replace(PIPELINE, "Churn-Retrain")

    assert known.that_made(spelled) == retrained(execution(1), PIPELINE)


@pytest.mark.parametrize(
    "generated_by",
    [execution_arn(9), execution_arn(1).replace(PIPELINE, "fraud-retrain"), f"{PIPELINE_ARN}/execution/"],
    ids=["of people", "of another pipeline", "without an id"],
)
def test_execution_that_was_not_started_here_is_nobodys(generated_by: str):
    records = Remembered({PIPELINE_ARN: remembered(execution(1), execution(2, asked=False))})

    assert KnownRetrainings(records).that_made(generated_by) is None
    assert records.reads == 1


@pytest.mark.parametrize(
    "generated_by",
    [
        "",
        PIPELINE_ARN,
        f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/churn-1",
        "/execution/p1",
        "somebody/execution/else",
        "s3://code/commit",
    ],
)
def test_what_names_no_execution_costs_no_read(generated_by: str):
    records = Remembered({PIPELINE_ARN: remembered(execution(1, asked=False))})

    assert KnownRetrainings(records).that_made(generated_by) is None
    assert records.reads == 0


@given(hostile_text())
def test_whatever_people_write_there_is_nobodys(text: str):
    records = Remembered({PIPELINE_ARN: remembered(execution(1, asked=False))})

    assert KnownRetrainings(records).that_made(text) is None
    assert KnownRetrainings(records).that_made(f"{PIPELINE_ARN}/execution/{text}") is None
