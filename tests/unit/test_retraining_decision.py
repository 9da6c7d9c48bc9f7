"""Whether drift starts a pipeline now: the specification as a table, what never happens whatever is seen, and what SageMaker is asked for."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stationkeeper.errors import MemoryConflict, StepRefused
from stationkeeper.events.on_bus import DomainEventOnBus
from stationkeeper.events.retraining_events import PassedParameter
from stationkeeper.reactions.opt_in import OptIn
from stationkeeper.reactions.retraining import Retraining
from stationkeeper.releases.record import Record
from stationkeeper.releases.registry import Version
from stationkeeper.reports.newest import NewestRun
from stationkeeper.retraining.decision import (
    Begin,
    Decision,
    GiveUp,
    Leave,
    Listed,
    Pipeline,
    RetrainingLook,
    Skip,
    Started,
    decide,
)
from stationkeeper.retraining.parameters import Declared
from stationkeeper.retraining.record import Execution, RetrainingRecord
from stationkeeper.severity import Severity
from stationkeeper.tags import TAG_PREFIX

from tests.unit.builders import hostile_text
from tests.unit.release_builders import (
    ACCOUNT,
    ENDPOINT,
    GROUP_ARN,
    NOW,
    REGION,
    Bus,
    live,
    record,
    version,
)
from tests.unit.test_monitoring import assert_taken
from tests.unit.test_retraining_parameters import ALL, checks_of
from tests.unit.test_retraining_record import (
    PIPELINE,
    PIPELINE_ARN,
    SCHEDULE_ARN,
    drift,
    execution,
    execution_arn,
    remembered,
)
from tests.unit.test_retraining_settings import read

OTHER_SCHEDULE_ARN = SCHEDULE_ARN.replace("data-quality", "bias")
DISPLAY_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,81}")
ENDED = ["Succeeded", "Failed", "Stopped"]
RUNNING = ["Executing", "Stopping"]
PIPELINE_SEEN = Pipeline(PIPELINE_ARN, PIPELINE, ALL)


def listed(
    number: int = 1, status: str = "Executing", minutes_ago: float | None = 30, *, ours: bool = True
) -> Listed:
    """An execution in SageMaker's list: the one the drift of that number asked for, or somebody else's."""
    of = execution(number)
    return Listed(
        of.arn if ours else execution_arn(1_000 + number),
        of.name if ours else f"somebody-{number}",
        status,
        None if minutes_ago is None else NOW - timedelta(minutes=minutes_ago),
    )


def look(**facts: Any) -> RetrainingLook:
    """The first drift of an endpoint, with nothing in the way of its retraining."""
    defaults: dict[str, Any] = {
        "drift": drift(1),
        "settings": read(),
        "group_arn": GROUP_ARN,
        "endpoint": ENDPOINT,
        "pipeline": PIPELINE_SEEN,
        "executions": (),
        "waiting": (),
        "newest_runs": (),
        "record": RetrainingRecord(),
        "now": NOW,
        "serving": 7,
    }
    return RetrainingLook(**{**defaults, **facts})


def run(
    violations: int | None, severity: str | None = None, arn: str = SCHEDULE_ARN, *kinds: str
) -> NewestRun:
    return NewestRun(
        arn, frozenset(kinds or ["DataQuality"]), violations, Severity(severity) if severity else None
    )


def words_of(decision: Decision) -> str:
    match decision:
        case Skip(code=code):
            return f"skip {code}"
        case Begin(of) | Started(of) | GiveUp(of):
            return f"{type(decision).__name__.lower()} {of.drift.event_id}"
        case Leave():
            return "leave"


def waiting(*numbers: int) -> tuple[Version, ...]:
    return tuple(version(number) for number in numbers)


LAST = remembered(execution(2, minutes_ago=90))
"""The drift of another incident started the pipeline 90 minutes ago."""
LATELY = remembered(execution(2, minutes_ago=5))
BEGUN = remembered(execution(1, asked=False, minutes_ago=5))
NO_COOL_DOWN = read(retraining_cool_down_hours="0")
NEEDS_DATA = replace(PIPELINE_SEEN, declared=(Declared("InputData"), Declared("Epochs"), *ALL))

ROWS: list[tuple[str, dict[str, Any], str]] = [
    ("first drift", {}, "begin event-1"),
    # answered before
    ("answered before", {"record": remembered(handled=("event-1",))}, "leave"),
    ("answered before, whatever else is", {"record": remembered(handled=("event-1",)), "pipeline": None}, "leave"),
    ("another was answered", {"record": remembered(handled=("event-2",))}, "begin event-1"),
    # eased
    ("nothing any more", {"newest_runs": (run(0),)}, "leave"),
    ("no pipeline, yet nothing any more", {"newest_runs": (run(0),), "pipeline": None}, "leave"),
    ("milder now", {"newest_runs": (run(3, "warning"),)}, "leave"),
    ("milder, yet bad enough", {"newest_runs": (run(3, "warning"),), "settings": read(retrain_at="warning")}, "begin event-1"),
    ("as bad as it was", {"newest_runs": (run(3, "critical"),)}, "begin event-1"),
    ("worse now", {"newest_runs": (run(3, "critical"),), "drift": drift(1, severity=Severity.WARNING)}, "begin event-1"),
    ("below the threshold", {"drift": drift(1, severity=Severity.WARNING)}, "leave"),
    ("at the threshold", {"drift": drift(1, severity=Severity.INFO), "settings": read(retrain_at="info")}, "begin event-1"),
    ("newest run is blind", {"newest_runs": (run(None),)}, "begin event-1"),
    ("newest run tells no severity", {"newest_runs": (run(3),)}, "begin event-1"),
    ("another monitor found nothing", {"newest_runs": (run(0, None, OTHER_SCHEDULE_ARN),)}, "begin event-1"),
    ("another monitor is milder", {"newest_runs": (run(1, "info", OTHER_SCHEDULE_ARN),)}, "begin event-1"),
    # no pipeline
    ("no pipeline", {"pipeline": None}, "skip no-pipeline"),
    ("no pipeline, and one in the cool-down", {"pipeline": None, "record": LAST}, "skip no-pipeline"),
    # running
    ("ours for this drift runs", {"record": remembered(execution(1)), "executions": (listed(1),)}, "leave"),
    ("ours for this incident runs", {"record": remembered(execution(2, drift=drift(1, event_id="event-2"))), "executions": (listed(2),)}, "leave"),
    ("ours for another incident runs", {"record": LAST, "executions": (listed(2),)}, "skip running"),
    ("people's runs", {"executions": (listed(9, ours=False),)}, "skip running"),
    ("people's is being stopped", {"executions": (listed(9, "Stopping", ours=False),)}, "skip running"),
    ("one that tells no start runs", {"executions": (listed(9, minutes_ago=None, ours=False),)}, "skip running"),
    ("one runs behind others that ended", {"executions": (listed(8, "Failed"), listed(9, ours=False))}, "skip running"),
    ("one runs, and a version waits", {"executions": (listed(9),), "waiting": waiting(8)}, "skip running"),
    ("all ended", {"executions": tuple(listed(n, status, ours=False) for n, status in enumerate(ENDED))}, "begin event-1"),
    # not listed yet
    ("begun lately, not listed yet", {"record": LATELY, "settings": NO_COOL_DOWN}, "skip running"),
    ("begun lately for this incident, not listed yet", {"record": remembered(execution(2, minutes_ago=5, drift=drift(1, event_id="event-2"))), "settings": NO_COOL_DOWN}, "leave"),
    ("begun lately, ended already", {"record": LATELY, "executions": (listed(2, "Failed", 4),), "settings": NO_COOL_DOWN}, "begin event-1"),
    ("begun just under ten minutes ago, not listed", {"record": remembered(execution(2, minutes_ago=9.9)), "settings": NO_COOL_DOWN}, "skip running"),
    ("begun ten minutes ago, never listed", {"record": remembered(execution(2, minutes_ago=10)), "settings": NO_COOL_DOWN}, "begin event-1"),
    ("begun by a clock ahead of ours", {"record": remembered(execution(2, minutes_ago=-3)), "settings": NO_COOL_DOWN}, "skip running"),
    # waiting for approval
    ("a newer version waits", {"waiting": waiting(8)}, "skip waiting-for-approval"),
    ("the serving version waits", {"waiting": waiting(7)}, "begin event-1"),
    ("older versions wait", {"waiting": waiting(1, 6)}, "begin event-1"),
    ("older and newer versions wait", {"waiting": waiting(6, 9, 8, 5)}, "skip waiting-for-approval"),
    ("nobody knows what serves", {"waiting": waiting(1), "serving": None}, "skip waiting-for-approval"),
    ("a version is being made", {"waiting": (version(8, "InProgress"),)}, "skip waiting-for-approval"),
    ("one waits, in the cool-down", {"waiting": waiting(8), "record": LAST}, "skip waiting-for-approval"),
    # cool-down
    ("within the cool-down", {"record": LAST}, "skip cool-down"),
    ("within the cool-down, though it failed", {"record": LAST, "executions": (listed(2, "Failed", 89),)}, "skip cool-down"),
    ("a moment before the cool-down ends", {"record": remembered(execution(2, minutes_ago=24 * 60 - 0.1))}, "skip cool-down"),
    ("when the cool-down ends", {"record": remembered(execution(2, minutes_ago=24 * 60))}, "begin event-1"),
    ("without a cool-down", {"record": LAST, "settings": NO_COOL_DOWN}, "begin event-1"),
    ("people's start no cool-down", {"executions": (listed(9, "Succeeded", 20, ours=False),)}, "begin event-1"),
    ("the cool-down counts before what is missing", {"record": LAST, "pipeline": NEEDS_DATA}, "skip cool-down"),
    # parameters
    ("a parameter has no value", {"pipeline": NEEDS_DATA}, "skip missing-parameter"),
    ("tags give the values", {"pipeline": NEEDS_DATA, "settings": read(**{"retraining-parameter/InputData": "s3://d", "retraining-parameter/Epochs": "3"})}, "begin event-1"),
    ("parameters cannot be read", {"pipeline": replace(PIPELINE_SEEN, declared=(), problem="no parameters are passed")}, "begin event-1"),
    # what was begun
    ("begun, not taken", {"record": BEGUN}, "begin event-1"),
    ("begun, and taken", {"record": BEGUN, "executions": (listed(1),)}, "started event-1"),
    ("begun and taken, ended since", {"record": BEGUN, "executions": (listed(9, ours=False), listed(1, "Succeeded"))}, "started event-1"),
    ("begun, something else runs", {"record": BEGUN, "executions": (listed(9, ours=False),)}, "giveup event-1"),
    ("begun, something else ended", {"record": BEGUN, "executions": (listed(9, "Failed", ours=False),)}, "begin event-1"),
    ("begun an hour ago", {"record": remembered(execution(1, asked=False, minutes_ago=60))}, "begin event-1"),
    ("begun longer ago", {"record": remembered(execution(1, asked=False, minutes_ago=61))}, "giveup event-1"),
    ("begun longer ago, and taken", {"record": remembered(execution(1, asked=False, minutes_ago=600)), "executions": (listed(1, "Failed"),)}, "started event-1"),
    ("begun for another drift", {"record": remembered(execution(2, asked=False, minutes_ago=5))}, "begin event-2"),
    ("begun for another drift, and taken", {"record": remembered(execution(2, asked=False)), "executions": (listed(2),)}, "started event-2"),
    ("begun, though this was answered", {"record": remembered(execution(2, asked=False, minutes_ago=5), handled=("event-1",))}, "begin event-2"),
    ("begun, and the drift eased since", {"record": BEGUN, "executions": (listed(1),), "newest_runs": (run(0),)}, "started event-1"),
]  # fmt: skip


@pytest.mark.parametrize(("facts", "expected"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_table(facts: dict[str, Any], expected: str):
    assert words_of(decide(look(**facts))) == expected


def test_version_that_failed_to_be_made_waits_for_nobody():
    assert words_of(decide(look(waiting=(version(8, "Failed"),)))) == "begin event-1"


def test_execution_is_listed_however_its_arn_is_spelled():
    seen = replace(listed(2, "Failed", 4), arn=execution_arn(2).replace(PIPELINE, "Churn-Retrain"))

    assert words_of(decide(look(record=LATELY, executions=(seen,), settings=NO_COOL_DOWN))) == "begin event-1"


def test_what_was_begun_is_not_asked_for_while_a_version_waits():
    assert not isinstance(decide(look(record=BEGUN, waiting=waiting(8))), Begin)


# ---------------------------------------------------------------- what is told of it


def skipped(**facts: Any) -> Skip:
    decision = decide(look(**facts))
    assert isinstance(decision, Skip)
    return decision


def test_missing_pipeline_is_named_with_what_to_do():
    skip = skipped(pipeline=None)

    assert skip.why == "There is no pipeline churn-retrain."
    assert skip.severity is Severity.WARNING
    assert skip.advice == f"Create it, or tag the group with another one ({TAG_PREFIX}retraining-pipeline)"


def test_running_execution_is_named_with_how_long_it_runs():
    skip = skipped(executions=(listed(8, "Failed"), listed(9, minutes_ago=90, ours=False)))

    assert skip.why == "The pipeline churn-retrain runs already, since 1 hour 30 minutes."
    assert skip.execution_arn == execution_arn(1_009)
    assert skip.severity is Severity.INFO


def test_running_execution_that_tells_no_start_is_named():
    assert (
        skipped(executions=(listed(9, minutes_ago=None),)).why == "The pipeline churn-retrain runs already."
    )


def test_execution_that_is_not_listed_yet_is_named():
    skip = skipped(record=LATELY, settings=NO_COOL_DOWN)

    assert skip.execution_arn == execution_arn(2)
    assert skip.why == "The pipeline churn-retrain runs already, since 5 minutes."


def test_highest_version_that_waits_is_named():
    skip = skipped(waiting=waiting(9, 10, 8))

    assert skip.version == version(10)
    assert skip.why == "Version 10 waits for approval; another one would wait behind it."
    assert skip.advice == "Approve or reject it"


def test_cool_down_is_told_with_its_end():
    skip = skipped(record=LAST)

    assert skip.until == NOW - timedelta(minutes=90) + timedelta(hours=24)
    assert skip.why == "The pipeline was started 1 hour 30 minutes ago, and not again within 1 day."


def test_cool_down_is_that_of_the_last_one_started():
    both = remembered(execution(3, minutes_ago=3_000), execution(2, minutes_ago=60))

    assert skipped(record=both).until == NOW + timedelta(hours=23)


def test_parameters_without_a_value_are_named_with_the_tag_that_sets_one():
    skip = skipped(pipeline=NEEDS_DATA)

    assert skip.why == (
        "The pipeline churn-retrain declares InputData, Epochs without a default, and no tag sets a value."
    )
    assert skip.advice == (
        f"Tag the group with {TAG_PREFIX}retraining-parameter/InputData, or give it a default"
    )
    assert skip.severity is Severity.WARNING


def test_obstacles_are_told_apart():
    skips = [
        skipped(pipeline=None),
        skipped(executions=(listed(8),)),
        skipped(executions=(listed(9),)),
        skipped(waiting=waiting(8)),
        skipped(waiting=waiting(9)),
        skipped(record=LAST),
        skipped(pipeline=NEEDS_DATA),
    ]

    assert len({skip.about for skip in skips}) == len(skips)


def test_same_obstacle_is_the_same_a_while_later():
    for facts in ({"executions": (listed(9),)}, {"record": LAST}, {"waiting": waiting(8)}):
        assert skipped(**facts).about == skipped(**facts, now=NOW + timedelta(minutes=1)).about


def test_eased_drift_says_why_nothing_is_done():
    assert decide(look(newest_runs=(run(0),))) == Leave("the monitor's newest run found nothing any more")
    assert decide(look(newest_runs=(run(2, "info"),))) == Leave(
        "the drift is info, and retraining starts at critical"
    )


# ---------------------------------------------------------------- what is begun


def begun(**facts: Any) -> Execution:
    decision = decide(look(**facts))
    assert isinstance(decision, Begin)
    return decision.execution


def test_execution_remembers_what_it_is_for():
    of = begun()

    assert (of.drift, of.endpoint, of.group_arn, of.asked_at, of.arn) == (
        drift(1),
        ENDPOINT,
        GROUP_ARN,
        NOW,
        "",
    )
    assert [(one.name, one.value) for one in of.parameters] == [
        (name, "True") for name in checks_of("DataQuality")
    ]
    assert of.notes == ()


def test_same_event_has_the_same_token_and_name_whatever_else_is_seen():
    first = begun()
    later = begun(
        now=NOW + timedelta(hours=30),
        serving=None,
        settings=NO_COOL_DOWN,
        record=LAST,
        pipeline=replace(PIPELINE_SEEN, arn=PIPELINE_ARN.upper(), declared=()),
        drift=drift(1, severity=Severity.CRITICAL, words="other words"),
    )

    assert (first.token, first.name) == (later.token, later.name)


def test_another_event_or_another_pipeline_has_another_token():
    other_pipeline = replace(PIPELINE_SEEN, arn=PIPELINE_ARN.replace(PIPELINE, "fraud-retrain"))

    executions = [begun(), begun(drift=drift(2)), begun(pipeline=other_pipeline)]

    assert len({one.token for one in executions}) == len({one.name for one in executions}) == 3


@given(hostile_text(), hostile_text())
def test_token_and_name_are_such_as_sagemaker_takes(event_id: str, arn: str):
    of = begun(drift=drift(1, event_id=event_id), pipeline=replace(PIPELINE_SEEN, arn=arn))

    assert re.fullmatch("[0-9a-f]{32}", of.token)
    assert DISPLAY_NAME.fullmatch(of.name)


def test_what_was_begun_is_asked_for_as_it_was():
    of = execution(
        1, asked=False, minutes_ago=5, parameters=(PassedParameter(name="Old", value="1"),), notes=("a note",)
    )

    assert decide(look(record=remembered(of), pipeline=None, drift=drift(9))) == Begin(of)
    taken = decide(look(record=remembered(of), executions=(listed(1),)))
    assert taken == Started(
        of.model_copy(update={"arn": execution_arn(1), "started_at": listed(1).started_at or NOW})
    )


def test_every_violated_monitor_of_the_endpoint_has_its_check_skipped():
    runs = (
        run(3, "critical"),
        run(1, "info", OTHER_SCHEDULE_ARN, "ModelBias"),
        run(0, None, OTHER_SCHEDULE_ARN, "ModelQuality"),
        run(None, None, OTHER_SCHEDULE_ARN, "ModelExplainability"),
    )

    of = begun(newest_runs=runs)

    assert {one.name for one in of.parameters} == {*checks_of("DataQuality"), *checks_of("ModelBias")}


def test_bias_of_the_data_does_not_skip_the_check_of_the_model():
    own = run(3, "critical", SCHEDULE_ARN, "ModelBias")

    of = begun(drift=drift(1, kinds=frozenset({"DataBias"})), newest_runs=(own,))

    assert {one.name for one in of.parameters} == set(checks_of("DataBias"))


def test_notes_tell_what_could_not_be_done():
    unreadable = replace(PIPELINE_SEEN, declared=(), problem="no parameters are passed: it is not JSON")

    of = begun(pipeline=unreadable, settings=read(retrainat="info", **{"retraining-parameter/Epochs": "3"}))

    assert [note.partition(":")[0] for note in of.notes] == [
        "tag stationkeeper",
        "no parameters are passed",
        "the pipeline declares neither SkipDataQualityCheck nor RegisterNewDataQualityBaseline",
        "the pipeline declares no parameter Epochs, which a tag sets",
    ]


# ---------------------------------------------------------------- whatever is seen

minutes = st.one_of(st.sampled_from([0, 5, 9, 10, 59, 60, 61, 24 * 60]), st.integers(0, 3_000))
some_executions = st.lists(
    st.builds(
        listed,
        st.integers(1, 4),
        st.sampled_from([*RUNNING, *ENDED, "SomethingNewOf2031"]),
        st.none() | minutes,
        ours=st.booleans(),
    ),
    max_size=4,
).map(tuple)
finished = st.lists(
    st.builds(execution, st.integers(1, 4), asked=st.just(value=True), minutes_ago=minutes),
    max_size=3,
    unique_by=lambda one: one.token,
)
some_settings = st.builds(
    lambda hours, at: read(retraining_cool_down_hours=hours, retrain_at=at),
    st.sampled_from(["0", "1", "24"]),
    st.sampled_from([*Severity]),
)
looks = st.builds(
    look,
    drift=st.builds(drift, st.integers(1, 4), severity=st.sampled_from([*Severity])),
    settings=some_settings,
    pipeline=st.sampled_from([None, PIPELINE_SEEN, PIPELINE_SEEN, NEEDS_DATA]),
    executions=some_executions,
    waiting=st.lists(st.integers(1, 9), max_size=3).map(lambda numbers: waiting(*numbers)),
    newest_runs=st.lists(
        st.builds(
            run,
            st.none() | st.integers(0, 3),
            st.none() | st.sampled_from([*Severity]),
            st.sampled_from([SCHEDULE_ARN, OTHER_SCHEDULE_ARN]),
        ),
        max_size=2,
    ).map(tuple),
    record=st.builds(
        lambda done, last, ids: remembered(*done, *last, handled=tuple(ids)),
        finished,
        st.lists(st.builds(execution, st.integers(5, 6), asked=st.just(value=False), minutes_ago=minutes), max_size=1),
        st.lists(st.integers(1, 4).map("event-{}".format), max_size=1),
    ),
    serving=st.none() | st.integers(1, 9),
)  # fmt: skip


@given(looks)
def test_nothing_is_begun_while_an_execution_of_the_pipeline_runs(seen: RetrainingLook):
    decision = decide(seen)

    if any(one.status in RUNNING for one in seen.executions):
        assert not isinstance(decision, Begin)


@given(looks)
def test_nothing_new_is_begun_within_the_cool_down_of_the_last_one_started(seen: RetrainingLook):
    decision = decide(seen)

    if isinstance(decision, Begin) and seen.record.unfinished is None and seen.record.newest is not None:
        since = seen.now - seen.record.newest.asked_at
        assert since >= seen.settings.cool_down
        # ... nor while nobody can know whether that one runs.
        arns = [one.arn for one in seen.executions]
        assert seen.record.newest.arn in arns or since >= timedelta(minutes=10)


@given(looks)
def test_nothing_new_is_begun_while_a_version_above_the_serving_one_waits(seen: RetrainingLook):
    decision = decide(seen)

    if isinstance(decision, Begin) and seen.record.unfinished is None:
        assert all(seen.serving is not None and one.number <= seen.serving for one in seen.waiting)


@given(looks)
def test_nothing_new_is_begun_twice_for_one_event_or_below_the_threshold(seen: RetrainingLook):
    decision = decide(seen)

    if isinstance(decision, Begin) and seen.record.unfinished is None:
        assert seen.pipeline is not None
        assert decision.execution.drift == seen.drift
        assert seen.drift.event_id not in seen.record.handled
        own = [one for one in seen.newest_runs if one.schedule_arn == SCHEDULE_ARN][:1]
        severity = next((one.severity for one in own if one.violations and one.severity), seen.drift.severity)
        assert severity >= seen.settings.retrain_at
        assert all(one.violations != 0 for one in own)


@given(looks)
def test_what_was_begun_is_finished_first(seen: RetrainingLook):
    decision = decide(seen)

    unfinished = seen.record.unfinished
    assert isinstance(decision, Started | GiveUp) <= (unfinished is not None)
    if unfinished is not None:
        assert isinstance(decision, Begin | Started | GiveUp)
        assert decision.execution.token == unfinished.token
        assert decision.execution.model_copy(update={"arn": ""}) == unfinished


@given(looks)
def test_decision_is_the_same_for_the_same_look_and_always_says_why(seen: RetrainingLook):
    decision = decide(seen)

    assert decision == decide(seen)
    if isinstance(decision, Leave | Skip):
        assert decision.why
    if isinstance(decision, Skip):
        assert decision.why.endswith(".")
        assert (decision.until is not None) == (decision.code == "cool-down")
        assert decision.until is None or decision.until > seen.now
        assert (decision.version is not None) == (decision.code == "waiting-for-approval")
        assert bool(decision.execution_arn) == (decision.code == "running")


# ---------------------------------------------------------------- what SageMaker is asked for


class Throttled(Exception):
    """A passing fault."""


@dataclass
class Pipelines:
    """One pipeline, which takes what it is asked for, once for each token; `lists` is False while the list is behind."""

    seen: Pipeline | None = PIPELINE_SEEN
    asked: list[Mapping[str, Any]] = field(default_factory=list)
    fault: Exception | None = None
    lists: bool = True

    def arn(self, name: str) -> str:
        return f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:pipeline/{name.lower()}"

    def pipeline(self, name: str) -> Pipeline | None:
        return self.seen

    def executions(self, name: str) -> tuple[Listed, ...]:
        taken = {one["ClientRequestToken"]: one for one in self.asked}
        return tuple(
            Listed(f"{PIPELINE_ARN}/execution/{token[:12]}", one["PipelineExecutionDisplayName"], "Executing")
            for token, one in taken.items()
            if self.lists
        )

    def start(self, request: Mapping[str, Any]) -> str:
        if self.fault is not None:
            raise self.fault
        self.asked.append(request)
        return f"{PIPELINE_ARN}/execution/{request['ClientRequestToken'][:12]}"

    @property
    def started(self) -> set[str]:
        return {one["ClientRequestToken"] for one in self.asked}


@dataclass
class Records:
    kept: dict[str, RetrainingRecord] = field(default_factory=dict)

    def recall(self, pipeline_arn: str) -> RetrainingRecord:
        return self.kept.get(pipeline_arn.lower(), RetrainingRecord())

    def remember(self, pipeline_arn: str, record: RetrainingRecord) -> RetrainingRecord:
        if record.version != self.recall(pipeline_arn).version:
            raise MemoryConflict(pipeline_arn)
        stored = RetrainingRecord.model_validate_json(record.model_dump_json())
        self.kept[pipeline_arn.lower()] = stored.model_copy(update={"version": record.version + 1})
        return self.kept[pipeline_arn.lower()]


@dataclass
class Surroundings:
    """Everything else of one endpoint whose group is retrained: its group's tags, versions, monitors and release."""

    settings: dict[str, str] = field(default_factory=dict)

    def is_own(self, arn: str) -> bool:
        return True

    def tags(self, arn: str) -> dict[str, str]:
        return {
            f"{TAG_PREFIX}endpoint": ENDPOINT,
            f"{TAG_PREFIX}retraining-pipeline": PIPELINE,
            **self.settings,
        }

    def groups_of(self, endpoint: str) -> tuple[str, ...]:
        return (GROUP_ARN,)

    def waiting(self, group_arn: str) -> tuple[Version, ...]:
        return ()

    def of(self, endpoint: str) -> tuple[NewestRun, ...]:
        return ()

    def recall(self, endpoint: str) -> Record:
        return record(live=live())


@dataclass
class World:
    pipelines: Pipelines = field(default_factory=Pipelines)
    records: Records = field(default_factory=Records)
    bus: Bus = field(default_factory=Bus)
    tags: dict[str, str] = field(default_factory=dict)

    def react(self, event: Mapping[str, Any], now: datetime = NOW) -> None:
        around = Surroundings(self.tags)
        Retraining(
            groups=around,
            opt_in=OptIn(around, "aws", REGION, ACCOUNT),
            pipelines=self.pipelines,
            records=self.records,
            releases=around,
            newest_runs=around,
            bus=self.bus,
            on_call="ml-on-call",
            cool_down_hours=24,
            now=lambda: now,
        ).react(DomainEventOnBus.parse(dict(event)))


def violations_detected(number: int = 1, **said: Any) -> dict[str, Any]:
    """`ViolationsDetected` as it comes from the bus."""
    detail = {
        "id": f"event-{number}",
        "incident": f"incident-{number}",
        "severity": "critical",
        "endpoint": ENDPOINT,
        "account": ACCOUNT,
        "region": REGION,
        "on_call": "ml-on-call",
        "cause": {"event_id": f"cause-{number}"},
        "schedule": "churn-data-quality",
        "schedule_arn": SCHEDULE_ARN,
        "monitor": "data_quality",
        "run_at": NOW.isoformat(),
        "since": NOW.isoformat(),
        "runs": 1,
        "counts": {"critical": 12},
        "by_check": {"baseline_drift_check": 12},
        "total": 12,
        **said,
    }
    return {
        "id": f"envelope-{number}",
        "source": "stationkeeper",
        "detail-type": "ViolationsDetected",
        "account": ACCOUNT,
        "region": REGION,
        "time": (NOW - timedelta(minutes=1)).isoformat(),
        "detail": detail,
    }


def test_execution_is_asked_for_with_what_the_decision_says():
    world = World()

    world.react(violations_detected())

    [request] = world.pipelines.asked
    assert request == {
        "PipelineName": PIPELINE,
        "PipelineExecutionDisplayName": begun().name,
        "PipelineExecutionDescription": "Started by Stationkeeper: 12 violations (12 critical) found by the data-quality "
        f"monitor on endpoint {ENDPOINT}, incident incident-1",
        "PipelineParameters": [{"Name": name, "Value": "True"} for name in checks_of("DataQuality")],
        "ClientRequestToken": begun().token,
    }
    assert_taken("StartPipelineExecution", dict(request))


@given(
    hostile_text(visible=True),
    hostile_text(),
    st.sampled_from(["data_quality", "model_quality", "bias", "explainability", "custom", None]),
    st.dictionaries(
        st.text("ABCdef019-_", min_size=1, max_size=100),
        st.text(st.characters(categories=["L", "Z", "N"], include_characters="_.:/=+-@"), max_size=256),
        max_size=5,
    ),
)
def test_sagemaker_takes_the_request_whatever_drifts(
    event_id: str, incident: str, monitor: str | None, tagged: dict[str, str]
):
    declared = (*ALL, *(Declared(name) for name in tagged))
    world = World(
        Pipelines(replace(PIPELINE_SEEN, declared=declared)),
        tags={f"{TAG_PREFIX}retraining-parameter/{name}": value for name, value in tagged.items()},
    )

    world.react(violations_detected(id=event_id, incident=incident, monitor=monitor))

    [request] = world.pipelines.asked
    assert_taken("StartPipelineExecution", dict(request))
    assert len(request["ClientRequestToken"]) == 32
    assert request["PipelineExecutionDescription"].isprintable()
    assert {one["Name"]: one["Value"] for one in request["PipelineParameters"]}.items() >= tagged.items()


def test_event_that_comes_again_starts_nothing_again():
    world = World()

    for _ in range(3):
        world.react(violations_detected(1))

    assert len(world.pipelines.asked) == 1
    assert [kind for kind, _ in world.bus.said] == ["RetrainingStarted"]


def test_call_that_was_cut_off_is_made_again_with_the_same_token():
    world = World(Pipelines(fault=Throttled()))
    with pytest.raises(Throttled):
        world.react(violations_detected(1))

    world.pipelines.fault = None
    world.react(violations_detected(1), NOW + timedelta(minutes=2))

    assert world.pipelines.started == {begun().token}
    assert [kind for kind, _ in world.bus.said] == ["RetrainingStarted"]


def test_refused_execution_is_told_and_leaves_no_trace_in_the_record():
    world = World(
        Pipelines(fault=StepRefused("StartPipelineExecution", PIPELINE, "ValidationException", "no"))
    )

    world.react(violations_detected(1))

    [(kind, said)] = world.bus.said
    assert (kind, said["code"], said["severity"]) == ("RetrainingSkipped", "refused", "warning")
    assert world.records.recall(PIPELINE_ARN).executions == ()
    assert world.records.recall(PIPELINE_ARN).handled == ("event-1",)


def started_late() -> World:
    """The call failed; a retry a quarter of an hour later made it."""
    world = World(Pipelines(fault=Throttled()), tags={f"{TAG_PREFIX}retraining-cool-down-hours": "0"})
    with pytest.raises(Throttled):
        world.react(violations_detected(1))
    world.pipelines.fault = None
    world.react(violations_detected(1), NOW + timedelta(minutes=15))
    return world


def test_execution_started_by_a_late_retry_is_not_started_beside():
    world = started_late()

    world.pipelines.lists = False
    world.react(violations_detected(2), NOW + timedelta(minutes=16))

    assert len(world.pipelines.started) == 1


def test_cool_down_begins_when_a_late_retry_started_the_execution():
    world = started_late()

    world.pipelines.lists = False
    world.tags[f"{TAG_PREFIX}retraining-cool-down-hours"] = "1"
    world.react(violations_detected(2), NOW + timedelta(minutes=61))

    assert len(world.pipelines.started) == 1
