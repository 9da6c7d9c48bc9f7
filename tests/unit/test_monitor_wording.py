"""What on-call reads of monitors: safe whatever the world outside is called, and true."""

import json
import math
import re
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from stationkeeper.alerts.lifecycle import TellBlindness, TellRecovery, TellViolations
from stationkeeper.alerts.memory import Memory
from stationkeeper.alerts.phrases import BLIND
from stationkeeper.alerts.telling import OVER_TOLD, WORST_TOLD, domain_event
from stationkeeper.alerts.wording import BODY_BYTES, Message, message_for
from stationkeeper.events.domain import (
    DomainEvent,
    MonitorBlind,
    MonitorRecovered,
    ViolationsDetected,
)
from stationkeeper.events.on_bus import from_detail
from stationkeeper.reactions import monitor_report
from stationkeeper.reports.outcome import Blindness, BlindReason, Execution
from stationkeeper.reports.policy import Alerting, SeverityPolicy
from stationkeeper.reports.verdict import judge_all
from stationkeeper.reports.violation import Measure, Monitor

from tests.unit.builders import (
    DEFAULTS,
    START,
    context,
    drift,
    execution,
    hostile_text,
    remembered,
    verdict_of,
    violation,
)
from tests.unit.test_wording import PARAMETER, assert_deliverable, commands_of, subject_of

type Outcome = Any


def events_of(
    *outcomes: Outcome,
    alerting: Alerting | None = None,
    run: dict[str, Any] | None = None,
    said: dict[str, Any] | None = None,
    every_hours: float = 1,
) -> list[list[DomainEvent]]:
    """The domain events after each of these hourly outcomes, made the way the reaction makes them.

    `run` says what every execution has, `said` what every context has.
    """
    memory, events = Memory(), []
    for index, outcome in enumerate(outcomes):
        one = execution(index * every_hours, **(run or {}))
        names = {**memory.names, **names_of(one, outcome)}
        memory, findings = remembered(memory, one, outcome, alerting)
        violated = memory.standing_before(memory.runs[-1]).violated
        facts = {"open_violations": violated.outcome.total if violated else None, **(said or {})}
        events.append([domain_event(f, outcome, names, context(one, **facts)) for f in findings])
    return events


def last_message(*outcomes: Outcome, **more: Any) -> Message:
    """The only message after the last of these outcomes."""
    (event,) = events_of(*outcomes, **more)[-1]
    return message_for(event, PARAMETER)


CLEAN = verdict_of()
ONE = verdict_of(drift("fare", 0.2))
CRITICAL = verdict_of(drift("fare", 0.9))
NO_DATA = Blindness(BlindReason.NO_DATA, "Job inputs had no data")


# Subjects


SUBJECTS = {
    "first": ([ONE], "[WARNING] taxi-prod: 1 feature drifted"),
    "first, several": (
        [verdict_of(drift("a", 0.2), drift("b", 0.9))],
        "[CRITICAL] taxi-prod: 2 features drifted",
    ),
    "first, several checks": (
        [
            verdict_of(
                drift("a", 0.2),
                drift("b", 0.2),
                {"metric_name": "f1", "constraint_check_type": "LessThanThreshold"},
                {"feature_name": "x", "constraint_check_type": "mmd_check"},
            )
        ],
        "[WARNING] taxi-prod: 2 features drifted, 1 metric too low, 1 other violation",
    ),
    "new": (
        [ONE, verdict_of(drift("fare", 0.2), drift("tip", 0.9))],
        "[CRITICAL] taxi-prod: 2 features drifted (1 new)",
    ),
    "worse": ([ONE, CRITICAL], "[CRITICAL] taxi-prod: 1 feature drifted (1 worse)"),
    "new and worse": (
        [ONE, verdict_of(drift("fare", 0.9), drift("tip", 0.9), drift("toll", 0.9))],
        "[CRITICAL] taxi-prod: 3 features drifted (2 new, 1 worse)",
    ),
    "reminder": ([ONE] * 25, "[WARNING] taxi-prod: 1 feature drifted (ongoing)"),
    "recovered": ([ONE, ONE, CLEAN], "[OK] taxi-prod: recovered after 2 hours"),
    "recovered after days": ([ONE] * 51 + [CLEAN], "[OK] taxi-prod: recovered after 2 days 3 hours"),
    "sees again": ([NO_DATA, CLEAN], "[OK] taxi-prod: monitor sees again, no violations"),
    "blind again": ([NO_DATA] * 49, "[CRITICAL] taxi-prod: monitor is blind, no data to look at (ongoing)"),
}


@pytest.mark.parametrize(("outcomes", "subject"), SUBJECTS.values(), ids=SUBJECTS.keys())
def test_the_subject_says_it_all(outcomes, subject):
    assert subject_of(last_message(*outcomes)) == subject


BLIND_SUBJECTS = {
    BlindReason.NO_DATA: "[WARNING] taxi-prod: monitor is blind, no data to look at",
    BlindReason.JOB_FAILED: "[WARNING] taxi-prod: monitor is blind, job failed",
    BlindReason.JOB_STOPPED: "[WARNING] taxi-prod: monitor is blind, job was stopped",
    BlindReason.MERGE_FAILED: "[WARNING] taxi-prod: monitor is blind, ground truth could not be merged",
    BlindReason.REPORT_MISSING: "[WARNING] taxi-prod: monitor is blind, report is missing",
    BlindReason.REPORT_DENIED: "[WARNING] taxi-prod: monitor is blind, report may not be read",
    BlindReason.REPORT_MALFORMED: "[WARNING] taxi-prod: monitor is blind, report is unreadable",
    BlindReason.REPORT_TOO_LARGE: "[WARNING] taxi-prod: monitor is blind, report is too large",
    BlindReason.REPORT_CONTRADICTORY: "[WARNING] taxi-prod: monitor is blind, report is empty, violations were announced",
}


@pytest.mark.parametrize("reason", list(BlindReason))
def test_every_reason_for_blindness_has_its_words(reason):
    message = last_message(Blindness(reason, "what the service said"))

    assert subject_of(message) == BLIND_SUBJECTS[reason]
    assert BLIND[reason].sentence in message.body
    assert "Reason: what the service said" in message.body


def test_seeing_again_with_violations_says_how_many():
    seeing, violated = events_of(NO_DATA, verdict_of(drift("a", 0.2), drift("b", 0.2)))[-1]

    assert (
        subject_of(message_for(seeing, PARAMETER))
        == "[WARNING] taxi-prod: monitor sees again, 2 violations open"
    )
    assert subject_of(message_for(violated, PARAMETER)) == "[WARNING] taxi-prod: 2 features drifted"


def test_late_news_says_that_it_is_late():
    message = last_message(ONE, said={"newer_run_at": START + timedelta(hours=3)})

    assert subject_of(message) == "[WARNING] taxi-prod: 1 feature drifted (late news)"
    assert "a newer run, of 23 Nov 2026 03:00 UTC, was judged" in message.body


@pytest.mark.parametrize(
    ("checks", "headline"),
    [
        (["baseline_drift_check", "LessThanThreshold"], "2 violations"),
        (["feature_attribution_drift_check"] * 2, "2 violations"),
        (["mmd_check"] * 12_345, "violations"),
    ],
)
def test_a_long_endpoint_leaves_room_for_a_shorter_headline(checks, headline):
    found = verdict_of(
        *({"feature_name": str(n), "constraint_check_type": check} for n, check in enumerate(checks))
    )

    subject = subject_of(last_message(found, run={"endpoint": "e" * 63}))

    assert subject == f"[WARNING] {'e' * 63}: {headline}"


@pytest.mark.parametrize(
    ("outcomes", "headline"),
    [
        ([CRITICAL] * 25, "1 violation"),
        ([NO_DATA] * 49, "blind monitor"),
        ([NO_DATA, CRITICAL], "sees again"),
        ([ONE] * 51 + [CLEAN], "recovered"),
    ],
)
def test_beside_the_longest_endpoint_every_headline_is_whole(outcomes, headline):
    first = message_for(events_of(*outcomes, run={"endpoint": "e" * 63})[-1][0], PARAMETER)

    assert subject_of(first).endswith(f"{'e' * 63}: {headline}")


def test_an_endpoint_in_another_alphabet_is_told_in_ascii():
    assert (
        subject_of(last_message(ONE, run={"endpoint": "prix-élevé"}))
        == "[WARNING] prix-eleve: 1 feature drifted"
    )


# Bodies: true sentences


def test_the_first_message_names_what_is_wrong_worst_first():
    found = verdict_of(
        drift("tip", 0.2),
        {
            "feature_name": "fare",
            "constraint_check_type": "data_type_check",
            "description": "Data type match requirement is not met. Expected data type: Integral, Expected match: 100.0%. "
            "Observed: Only 0.0% of data is Integral.",
        },
        {"feature_name": "sentence", "constraint_check_type": "mmd_check", "note": "no description"},
    )

    body = last_message(found).body

    assert "The data-quality monitor of endpoint taxi-prod looked at the data from" in body
    assert "3 violations: 1 critical, 2 warning." in body
    assert "This is the first message about it." in body
    listed = [line.split() for line in body.splitlines() if line.startswith(("  critical", "  warning"))]
    assert [words[1] for words in listed] == ["fare", "tip", "sentence"]
    assert "0 % of values are Integral, 100 % expected" in body
    assert "violates mmd_check, with no description" in body
    assert "distance 0.2 from the baseline, 0.1 allowed" in body
    assert "NEW OR WORSE" not in body


def test_news_is_listed_before_what_was_known():
    body = last_message(ONE, verdict_of(drift("fare", 0.2), drift("tip", 0.9))).body

    assert "Since the last message 1 violation is new." in body
    assert (
        body.index("NEW OR WORSE, WORST FIRST") < body.index("tip") < body.index("KNOWN BEFORE, WORST FIRST")
    )
    assert body.index("KNOWN BEFORE, WORST FIRST") < body.index("fare  ")


def test_what_is_over_is_named():
    body = last_message(
        verdict_of(drift("fare", 0.9), drift("tip", 0.9)), verdict_of(drift("fare", 0.9), drift("toll", 0.9))
    ).body

    assert "OVER, OR CAME AND WENT, SINCE THE LAST MESSAGE\n  tip (baseline_drift_check)" in body


def test_a_reminder_of_nothing_new_says_so():
    assert "Nothing new since the last message; it lasts." in last_message(*[ONE] * 25).body


def test_a_reminder_does_not_call_nothing_new_what_it_lists_as_new():
    """What was less severe than the last message is told with the reminder, as new."""
    outcomes = [CRITICAL, *[verdict_of(drift("fare", 0.9), drift("tip", 0.2))] * 24]

    (event,) = events_of(*outcomes)[-1]
    body = message_for(event, PARAMETER).body

    assert isinstance(event, ViolationsDetected)
    assert (event.reminder, event.new) == (True, 1)
    assert ("NEW OR WORSE" in body) is not ("Nothing new since the last message" in body)


@pytest.mark.parametrize(("hours", "words"), [(24, "once a day"), (12, "every 12 hours"), (1, "every hour")])
def test_a_message_promises_the_reminders_that_will_come(hours, words):
    """`repeat_after_hours` is a setting: a message may not promise another rhythm."""
    body = last_message(ONE, alerting=Alerting(repeat_after_hours=hours)).body

    assert ("once a day" in body) is (words == "once a day")


def test_muted_violations_are_mentioned():
    by = SeverityPolicy.parse('{"mutes": [{"feature": "tip", "until": "2027-01-31"}]}').for_endpoint(
        "taxi-prod"
    )
    found = verdict_of(drift("fare", 0.2), drift("tip", 0.9), by=by)
    muted = verdict_of(drift("tip", 0.9), by=by)

    assert "1 violation: 1 warning; 1 more muted." in last_message(found).body
    assert "1 violation is there still, but muted." in last_message(found, muted).body


def test_blindness_does_not_hide_open_violations():
    body = last_message(verdict_of(drift("a", 0.9), drift("b", 0.9)), NO_DATA).body

    assert "nothing is known about the model there" in body
    assert "At the last run that could be judged, 2 violations were open" in body


def test_one_open_violation_is_told_in_the_singular():
    assert "At the last run that could be judged, 1 violation was open" in last_message(ONE, NO_DATA).body


def test_a_problem_of_the_policy_is_told_with_every_message():
    said = {"policy_problem": "/stationkeeper/severity-policy is not valid (rules.0: wrong)"}

    for outcomes in ([ONE], [NO_DATA], [ONE, CLEAN]):
        assert (
            "The severity policy needs you: /stationkeeper/severity-policy is not valid"
            in last_message(*outcomes, said=said).body
        )


@pytest.mark.parametrize("monitor", [*Monitor, None])
def test_every_monitor_has_its_name(monitor):
    message = last_message(NO_DATA, run={"monitor": monitor})

    name = {Monitor.MODEL_QUALITY: "model-quality", Monitor.DATA_QUALITY: "data-quality", None: ""}.get(
        monitor, monitor
    )
    assert f"{name} monitor of endpoint taxi-prod".strip() in message.body


def test_a_schedule_without_an_endpoint_is_named_as_a_schedule():
    body = last_message(ONE, run={"endpoint": "batch-schedule", "schedule": "batch-schedule"}).body

    assert "monitor of schedule batch-schedule" in body
    assert "/endpoints/" not in body


def test_a_long_list_says_how_many_more():
    found = verdict_of(*(drift(f"feature {n:02}", 0.9 - n / 1_000) for n in range(60)))

    body = last_message(found).body

    assert sum(line.startswith("  critical") for line in body.splitlines()) == 15
    assert "  ... and 45 more" in body


NUMBERS = [
    ("data_type_check", Measure.SHARE, 99.7, 100.0, "99.7 % of values have the right type, 100 % expected"),
    ("completeness_check", Measure.SHARE, 99.996, 100.0, "99.996 % of values present, 100 % expected"),
    ("categorical_values_check", Measure.SHARE, 50.0, 100.0, "50 % of values are known ones, 100 % expected"),
    ("mmd_check", Measure.SHARE, 50.0, 100.0, "50 % match, 100 % expected"),
    ("data_type_check", Measure.FRACTION, 0.4994994994994995, None, "only 49.9 % fit the constraint"),
    ("baseline_drift_check", Measure.DISTANCE, 0.145, 0.1, "distance 0.145 from the baseline, 0.1 allowed"),
    ("missing_column_check", Measure.COLUMNS, 1.0, 8.0, "1 column, 8 in the baseline"),
    ("LessThanThreshold", Measure.BELOW, 0.1717, 0.7272, "0.172, at least 0.727 wanted"),
    ("LessThanThreshold", Measure.BELOW, -math.inf, 0.9, "minus infinite, at least 0.9 wanted"),
    ("GreaterThanThreshold", Measure.ABOVE, 48.73, 38.29, "48.7, at most 38.3 allowed"),
    ("bias_drift_check", Measure.DIFFERENCE, math.inf, 2.9166, "infinite, 2.92 in the baseline"),
    ("bias_drift_check", Measure.DIFFERENCE, 0.075, None, "0.075 is not within its constraint"),
    ("mmd_check", Measure.UNKNOWN, None, None, "violates mmd_check, with no description"),
]


@pytest.mark.parametrize(("check", "measure", "observed", "expected", "words"), NUMBERS)
def test_numbers_are_said_in_the_words_of_their_check(check, measure, observed, expected, words):
    one = violation("fare", check, measure=measure, observed=observed, expected=expected)

    body = last_message(judge_all([one], DEFAULTS, START)).body

    assert any(line.endswith(f"  {words}") for line in body.splitlines()), body


# Events


def test_an_event_tells_the_worst_and_leaves_room_for_news():
    known = [drift(f"known {n:03}", 0.95) for n in range(100)]
    fresh = [drift(f"fresh {n:03}", 0.5) for n in range(100)]

    (event,) = events_of(verdict_of(*known), verdict_of(*known, *fresh))[-1]

    assert isinstance(event, ViolationsDetected)
    assert len(event.worst) == WORST_TOLD
    assert sum(v.status == "new" for v in event.worst) == WORST_TOLD // 2
    assert (event.total, event.new, event.worse) == (200, 100, 0)


def test_an_event_tells_twenty_of_what_is_over():
    (event,) = events_of(verdict_of(*(drift(f"{n:03}", 0.9) for n in range(50))), CLEAN)[-1]

    assert isinstance(event, MonitorRecovered)
    assert (len(event.over), event.over_count) == (OVER_TOLD, 50)


def test_ids_follow_from_what_happened():
    """A retry says the same again under the same id; different findings never share one."""
    story = [ONE, NO_DATA, verdict_of(drift("fare", 0.9)), CLEAN, NO_DATA, CLEAN]

    first = [event.id for events in events_of(*story) for event in events]
    again = [event.id for events in events_of(*story) for event in events]

    assert first == again
    assert len(set(first)) == len(first) == 7


def test_all_events_of_an_incident_share_its_number():
    (found,), (worse,), (over,) = events_of(ONE, CRITICAL, CLEAN)
    (blind,), (sees,), (another,) = events_of(NO_DATA, CLEAN, NO_DATA)

    assert found.incident == worse.incident == over.incident
    assert blind.incident == sees.incident
    assert len({found.incident, blind.incident, another.incident}) == 3


def test_infinite_numbers_cross_the_bus():
    found = judge_all(
        [violation("r2", "LessThanThreshold", measure=Measure.BELOW, observed=-math.inf, expected=0.9)],
        DEFAULTS,
        START,
    )

    (event,) = events_of(found)[-1]
    detail = json.loads(event.model_dump_json(), parse_constant=pytest.fail)

    assert detail["worst"][0]["observed"] == "-Infinity"
    assert from_detail("ViolationsDetected", detail) == event


# Whatever the world outside is called

NUMBER = st.one_of(st.none(), st.floats(allow_nan=False))
HOSTILE_ENTRY = st.fixed_dictionaries(
    {
        "feature_name": hostile_text(),
        "constraint_check_type": st.one_of(hostile_text(), st.sampled_from(["baseline_drift_check", "mmd"])),
    },
    optional={
        "description": hostile_text(),
        "label": hostile_text(),
        "facet": hostile_text(),
        "facet_value": hostile_text(),
        "metric_name": hostile_text(),
        "value": NUMBER,
        "threshold": NUMBER,
    },
)
HOSTILE_VERDICT = st.lists(HOSTILE_ENTRY, max_size=4).map(lambda entries: verdict_of(*entries))
HOSTILE_OUTCOME = st.one_of(
    HOSTILE_VERDICT, st.builds(Blindness, st.sampled_from(list(BlindReason)), hostile_text())
)
HOSTILE_RUN = st.fixed_dictionaries(
    {},
    optional={
        "endpoint": hostile_text(visible=True),
        "schedule": hostile_text(visible=True),
        "job": hostile_text(visible=True),
        "report_uri": hostile_text(visible=True).map("s3://bucket/{}/constraint_violations.json".format),
        "monitor": st.sampled_from([*Monitor, None]),
        "window": st.none(),
    },
)
STORIES = st.tuples(st.lists(HOSTILE_OUTCOME, min_size=1, max_size=3), HOSTILE_RUN)
KEPT_WORDS = re.compile(
    r"(The |Reason: |This |Since |Nothing |There |At |Violated |Blind |Lasted |Run|Schedule|On call|NEW |KNOWN |WORST |OVER, |STILL |TO CHECK |Newer |Only |WHAT |  |--$|Stationkeeper,|$)"
)


def names_of(one: Execution, outcome: Outcome) -> dict[str, str]:
    return monitor_report._run(one, outcome)[1]


def hostile_events(story: tuple[list[Outcome], dict[str, Any]]) -> list[DomainEvent]:
    outcomes, run = story
    # each execution needs a job of its own; a hostile name is kept as the beginning of it
    memory, events = Memory(), []
    for hour, outcome in enumerate(outcomes):
        one = execution(hour, **{**run, "job": f"{run.get('job', 'job')}-{hour}"})
        names = {**memory.names, **names_of(one, outcome)}
        memory, findings = remembered(memory, one, outcome)
        events += [domain_event(f, outcome, names, context(one, on_call="ml-on-call")) for f in findings]
    return events


@given(STORIES)
def test_a_message_is_what_sns_takes(story):
    for event in hostile_events(story):
        assert_deliverable(message_for(event, PARAMETER))


@given(STORIES)
def test_no_line_of_a_body_begins_with_text_from_outside(story):
    for event in hostile_events(story):
        body = message_for(event, PARAMETER).body

        assert [line for line in body.split("\n") if not KEPT_WORDS.match(line)] == []
        assert body.splitlines() == body.split("\n")[:-1]


@given(STORIES)
def test_an_event_crosses_the_bus_unchanged(story):
    for event in hostile_events(story):
        text = event.model_dump_json()

        assert len(text.encode("utf-8")) < 256_000
        read_back = from_detail(event.detail_type, json.loads(text, parse_constant=pytest.fail))
        assert read_back.model_dump_json() == text
        assert message_for(read_back, PARAMETER) == message_for(event, PARAMETER)


@given(STORIES)
def test_every_command_reads_as_it_was_meant(story):
    for event in hostile_events(story):
        commands = commands_of(message_for(event, PARAMETER).body)

        assert commands or isinstance(event, MonitorRecovered)
        for command in commands:
            match command[1:3]:
                case ["s3", "cp"]:
                    assert command[:6] == ["aws", "s3", "cp", "--region", "eu-west-1", event.report_uri]
                    assert command[6:] in (["-"], ["report.json"])
                case ["s3", "ls"]:
                    folder = f"{event.report_uri.rsplit('/', 1)[0]}/"
                    assert command == ["aws", "s3", "ls", "--region", "eu-west-1", "--recursive", folder]
                case ["s3api", "head-object"]:
                    assert command[3:6] == ["--region", "eu-west-1", "--bucket"]
                    assert f"s3://{command[6]}/{command[8]}" == event.report_uri
                    assert len(command) == 9
                case ["logs", "tail"]:
                    assert command[3:] == [
                        *("/aws/sagemaker/ProcessingJobs", "--region", "eu-west-1", "--since", "1d"),
                        *("--log-stream-name-prefix", event.cause.job),
                    ]
                case ["sagemaker", "describe-endpoint"]:
                    assert command[3:] == [
                        *("--region", "eu-west-1", "--endpoint-name", event.endpoint),
                        *("--query", "[EndpointStatus,DataCaptureConfig]"),
                    ]
                case ["sagemaker", "describe-processing-job"]:
                    assert command[3:] == ["--region", "eu-west-1", "--processing-job-name", event.cause.job]
                case ["ssm", "get-parameter"]:
                    mute = json.loads(command[command.index("--argjson") + 2])
                    assert mute.keys() == {"endpoint", "feature", "check", "until", "reason"}
                    of_parameter = ["--region", "eu-west-1", "--name", PARAMETER]
                    assert command == [
                        *(
                            "aws",
                            "ssm",
                            "get-parameter",
                            *of_parameter,
                            "--query",
                            "Parameter.Value",
                            "--output",
                            "text",
                        ),
                        *(
                            "|",
                            "jq",
                            "-nc",
                            "--argjson",
                            "mute",
                            json.dumps(mute),
                            "(input? // {}) | .mutes += [$mute]",
                            ">",
                            "severity-policy.json",
                        ),
                        *(
                            "&&",
                            "aws",
                            "ssm",
                            "put-parameter",
                            *of_parameter,
                            "--type",
                            "String",
                            "--tier",
                            "Intelligent-Tiering",
                            "--overwrite",
                        ),
                        *("--value", "file://severity-policy.json"),
                    ]
                case other:
                    pytest.fail(f"an unknown command: {other}")


def mute_offered(body: str) -> dict[str, str]:
    (command,) = [command for command in commands_of(body) if command[1] == "ssm"]
    return json.loads(command[command.index("--argjson") + 2])


def test_the_mute_offered_is_a_policy():
    offered = mute_offered(last_message(ONE).body)

    assert offered == {
        "endpoint": "taxi-prod",
        "feature": "fare",
        "check": "baseline_drift_check",
        "until": "2026-11-30",
        "reason": "why",
    }


@pytest.mark.parametrize(
    "name",
    [
        "fare",
        "driver's age",
        'the "fare"',
        "embedding[3]",
        "prix élevé",
        "価格",
        " age",
        "age ",
        "two  spaces",
        "no-break\u00a0space",
        "a\nb",
        "\x1b[31mred",
        "x" * 300,
        "x" * 10_000,
        "$(reboot)",
    ],
)
def test_the_mute_offered_mutes_what_it_is_offered_for(name):
    """On-call pastes the command; then the violation must be muted, whatever its name."""
    found = verdict_of(drift(name, 0.9))

    offered = mute_offered(last_message(found).body)

    by = SeverityPolicy.parse(json.dumps({"mutes": [offered]})).for_endpoint("taxi-prod")
    assert verdict_of(drift(name, 0.9), by=by).muted == 1
    assert verdict_of(drift("another feature", 0.9), by=by).muted == 0


@given(st.lists(HOSTILE_ENTRY, min_size=1, max_size=2))
@example([{"feature_name": " ", "constraint_check_type": "mmd"}])
@example([{"feature_name": "fare", "constraint_check_type": "\n"}])
@example([{"feature_name": "\u00a0" * 400, "constraint_check_type": "x" * 400}])
def test_the_mute_offered_is_always_a_valid_policy(entries):
    offered = mute_offered(last_message(verdict_of(*entries)).body)

    policy = SeverityPolicy.parse(json.dumps({"mutes": [offered]}))
    assert policy.mutes[0].endpoint == "taxi-prod"


def test_the_largest_message_fits():
    """A thousand violations, everything as long and as wide as it may be."""
    entries = [
        {
            "facet": f"{n:04}" + "\U0001f600" * 300,
            "facet_value": "\U0001f600" * 300,
            "constraint_check_type": "\U0001f600" * 300,
            "description": "\U0001f600" * 2_000,
        }
        for n in range(1_500)
    ]

    (event,) = events_of(verdict_of(*entries))[-1]

    assert len(event.model_dump_json().encode()) < 256_000
    assert len(message_for(event, PARAMETER).body.encode()) < BODY_BYTES


def test_findings_become_the_events_they_are():
    kinds = {TellViolations: ViolationsDetected, TellBlindness: MonitorBlind, TellRecovery: MonitorRecovered}

    (found,), (blind,), (sees, over) = events_of(ONE, NO_DATA, CLEAN)

    assert type(found) is kinds[TellViolations]
    assert type(blind) is kinds[TellBlindness]
    assert type(sees) is type(over) is kinds[TellRecovery]
    assert [event.detail_type for event in (found, blind, sees, over)] == [
        "ViolationsDetected",
        "MonitorBlind",
        "MonitorRecovered",
        "MonitorRecovered",
    ]


@pytest.mark.parametrize("runs_before_alert", [1, 3])
def test_a_subject_is_not_more_severe_than_what_it_is_about(runs_before_alert):
    """A critical violation seen once does not make critical a message that waits for three runs."""
    lasting = verdict_of(drift("fare", 0.2))
    flicker = verdict_of(drift("fare", 0.2), drift("tip", 0.9))

    (event,) = events_of(
        *[lasting] * (runs_before_alert - 1), flicker, alerting=Alerting(runs_before_alert=runs_before_alert)
    )[-1]

    assert event.severity == ("critical" if runs_before_alert == 1 else "warning")
