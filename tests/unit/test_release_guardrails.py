"""What guards a release: how traffic moves, which alarms roll back, and that the services take all of it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stationkeeper.releases.guardrails import Guard, alarm_names, alarm_steps, guard, latency_limit
from stationkeeper.releases.observed import Alarm, EndpointConfig
from stationkeeper.releases.steps import Action, Step

from tests.unit.release_builders import ENDPOINT, assert_taken, config, endpoint, settings, variant

NEW = "churn-v8-12345678"
OURS = (f"{ENDPOINT}-{NEW}-5xx-errors", f"{ENDPOINT}-{NEW}-latency")
SERVERLESS = {"ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5}}
ASYNC = {"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://answers/"}}}


def guarded(
    of: EndpointConfig | None = None,
    *alarms: Alarm,
    instances: int | None = 2,
    marketplace: bool = False,
    **tags: str,
) -> Guard:
    made = guard(
        settings(**tags),
        of or config(),
        NEW,
        endpoint(instances=instances),
        alarms,
        marketplace=marketplace,
    )
    assert_within_limits(made)
    if made.deployment is not None:
        assert_model_allows(made)
    return made


def assert_within_limits(made: Guard) -> None:
    """The limits the service documents, beyond what its model says; and its model.

    Source: API reference, BlueGreenUpdatePolicy, TrafficRoutingConfig, AutoRollbackConfig.
    """
    if made.deployment is None:
        return
    policy = made.deployment["BlueGreenUpdatePolicy"]
    routing = policy["TrafficRoutingConfiguration"]
    wait = routing.get("WaitIntervalInSeconds", 0)
    stands_by = policy["TerminationWaitInSeconds"]
    longest = policy["MaximumExecutionTimeoutInSeconds"]
    assert 0 <= wait <= 3_600
    assert 0 <= stands_by <= 3_600
    assert 600 <= longest <= 28_800
    percent, stages = 100, 0
    if routing["Type"] == "CANARY":
        percent, stages = routing["CanarySize"]["Value"], 1
        assert 1 <= percent <= 50
    if routing["Type"] == "LINEAR":
        percent = routing["LinearStepSize"]["Value"]
        stages = -(-100 // percent)
        assert 10 <= percent <= 50
    assert longest > stages * wait + stands_by
    names = [
        one["AlarmName"] for one in made.deployment.get("AutoRollbackConfiguration", {}).get("Alarms", [])
    ]
    assert tuple(names) == made.alarms
    assert len(set(names)) == len(names) <= 10
    assert ("AutoRollbackConfiguration" in made.deployment) is bool(names)


def assert_model_allows(made: Guard) -> None:
    """botocore sends it."""
    request = {"EndpointName": ENDPOINT, "EndpointConfigName": NEW, "DeploymentConfig": made.deployment or {}}
    assert_taken(Step(Action.UPDATE_ENDPOINT, request, ""))


def routing_of(made: Guard) -> dict[str, Any]:
    assert made.deployment is not None
    return made.deployment["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]


@pytest.mark.parametrize(("asked", "instances"), [("", 1), ("all-at-once", 4), ("linear-20", 1)])
def test_all_at_once_waits_for_nothing(asked: str, instances: int):
    """The member is required, though there is no step to wait for."""
    made = guarded(instances=instances, traffic=asked)

    assert routing_of(made) == {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}


TRAFFIC = [
    # what is asked for, instances, what comes, whether it is said
    ("", 2, "CANARY 10", False),
    ("", 1, "ALL_AT_ONCE", False),
    ("", None, "CANARY 10", False),  # nobody counts: the config's two
    ("all-at-once", 4, "ALL_AT_ONCE", False),
    ("all-at-once", 1, "ALL_AT_ONCE", False),
    ("canary-25", 2, "CANARY 25", False),
    ("canary-25", 1, "ALL_AT_ONCE", True),
    ("canary-90", 2, "CANARY 50", False),
    ("linear-20", 3, "LINEAR 20", False),
    ("linear-20", 1, "ALL_AT_ONCE", True),
    ("linear-33", 2, "LINEAR 33", False),
    ("linear-1", 2, "LINEAR 10", False),
]


@pytest.mark.parametrize(("asked", "instances", "expected", "said"), TRAFFIC)
def test_traffic_moves_as_asked_for_where_there_are_instances_enough(
    asked: str, instances: int | None, expected: str, said: bool
):
    made = guarded(instances=instances, traffic=asked)

    routing = routing_of(made)
    size = routing.get("CanarySize", routing.get("LinearStepSize"))
    kind = routing["Type"]
    assert f"{kind} {size['Value']}" == expected if size else kind == expected
    assert [note for note in made.notes if "needs two instances" in note] == [
        note for note in made.notes if said
    ]


def test_fewest_instances_of_all_variants_count():
    both = config(variants=[variant("blue"), variant("green", InitialInstanceCount=1)])

    assert routing_of(guarded(both, instances=5))["Type"] == "ALL_AT_ONCE"


def test_live_count_counts_before_the_one_the_config_was_made_with():
    one = config(variants=[variant(InitialInstanceCount=1)])

    assert routing_of(guarded(one, instances=3))["Type"] == "CANARY"
    assert (
        routing_of(guarded(one, instances=0))["Type"] == "ALL_AT_ONCE"
    )  # scaled in to nothing: the config's


@pytest.mark.parametrize(
    ("of", "marketplace", "why"),
    [
        (
            config(variants=[variant(InstanceType=None, InitialInstanceCount=None, **SERVERLESS)]),
            False,
            "serverless",
        ),
        (config(variants=[variant(InstanceType="ml.inf1.xlarge")]), False, "Inf1"),
        (config(variants=[variant("a"), variant("b", InstanceType="ml.inf1.6xlarge")]), False, "Inf1"),
        (config(), True, "Marketplace"),
    ],
)
def test_what_sagemaker_guards_not_is_said(of: EndpointConfig, marketplace: bool, why: str):
    made = guarded(of, marketplace=marketplace, traffic="canary-10")

    assert (made.deployment, made.alarms, made.words) == (None, (), "all at once")
    assert len(made.notes) == 1
    assert why in made.notes[0]
    assert "no automatic rollback" in made.notes[0]


@pytest.mark.parametrize(
    "of",
    [
        config(**ASYNC),
        config(variants=[variant(InstanceType="ml.inf2.xlarge")]),
        config(variants=[variant("a"), variant("b")]),
    ],
    ids=["asynchronous", "Inf2", "two variants"],
)
def test_what_sagemaker_guards_is_guarded(of: EndpointConfig):
    made = guarded(of)

    assert routing_of(made)["Type"] == "CANARY"
    assert made.alarms == OURS
    assert made.notes == ()


@pytest.mark.parametrize(
    ("minutes", "stage"), [("1", 600), ("5", 300), ("10", 600), ("60", 600), ("1440", 600)]
)
def test_stage_bakes_as_long_as_asked_for_and_ten_minutes_at_most(minutes: str, stage: int):
    made = guarded(bake_minutes=minutes)

    assert routing_of(made)["WaitIntervalInSeconds"] == stage
    assert made.deployment is not None
    assert made.deployment["BlueGreenUpdatePolicy"]["TerminationWaitInSeconds"] == stage
    assert f"for {stage // 60} minute" in made.words


def test_words_say_how_traffic_moves():
    assert (
        guarded().words == "10 % for 10 minutes, then all; the old fleet stands by for 10 minutes after that"
    )
    assert guarded(bake_minutes="5", traffic="linear-25").words == (
        "25 % more every 5 minutes; the old fleet stands by for 5 minutes after that"
    )
    assert (
        guarded(traffic="all-at-once").words
        == "all at once; the old fleet stands by for 10 minutes after that"
    )


def test_red_alarm_of_people_is_left_out_and_said():
    made = guarded(None, Alarm("disk", red=True), Alarm("errors", red=False))

    assert made.alarms == (*OURS, "errors")
    assert [note.split()[2] for note in made.notes] == ["disk"]


def test_red_alarm_of_ours_is_none_to_fear():
    """It is of an earlier attempt, and set to OK before traffic moves."""
    assert guarded(None, *(Alarm(name, red=True) for name in OURS)) == guarded()


def test_ten_alarms_at_most_and_ours_first():
    theirs = [Alarm(f"their-{number:02}", red=False) for number in reversed(range(12))]

    made = guarded(None, *theirs)

    assert made.alarms == (*OURS, *(f"their-{number:02}" for number in range(8)))
    assert made.notes == ("SageMaker takes 10 alarms; left out: their-08, their-09, their-10, their-11",)


def test_ours_guard_where_everything_of_people_is_red():
    made = guarded(None, *(Alarm(f"their-{number:02}", red=True) for number in range(12)))

    assert made.alarms == OURS
    assert len(made.notes) == 12


@given(
    kind=st.sampled_from(["all-at-once", "canary", "linear", "what"]),
    percent=st.integers(0, 999),
    minutes=st.integers(-5, 2_000),
    counts=st.lists(st.integers(0, 500), min_size=1, max_size=4),
    alarms=st.dictionaries(st.sampled_from([*OURS, *map(str, range(20))]), st.booleans()),
    marketplace=st.booleans(),
)
def test_deployment_is_within_the_limits_of_the_service(
    kind: str, percent: int, minutes: int, counts: list[int], alarms: dict[str, bool], marketplace: bool
):
    traffic = kind if kind == "all-at-once" else f"{kind}-{percent}"
    variants = [variant(f"v{number}", InitialInstanceCount=count) for number, count in enumerate(counts)]
    states = [Alarm(name, red=red) for name, red in alarms.items()]

    made = guarded(
        config(variants=variants),
        *states,
        marketplace=marketplace,
        traffic=traffic,
        bake_minutes=str(minutes),
    )

    red = {name for name, is_red in alarms.items() if is_red} - set(OURS)
    assert not red & set(made.alarms)
    assert made.deployment is None or set(OURS) <= set(made.alarms)
    assert marketplace or all(any(name in note for note in made.notes) for name in red)


# ---------------------------------------------------------------- alarms


def reset(*alarms: Alarm) -> list[str]:
    """Names of the alarms that are set to OK, after they were made and in the order they are."""
    steps = alarm_steps(settings(), NEW, "blue", [], alarms)
    for step in steps:
        assert_taken(step)
    actions = [step.action for step in steps]
    assert actions[:2] == [Action.PUT_METRIC_ALARM] * 2
    assert set(actions[2:]) <= {Action.SET_ALARM_STATE}
    assert {step.request["StateValue"] for step in steps[2:]} <= {"OK"}
    return [step.name for step in steps[2:]]


@pytest.mark.parametrize(
    ("alarms", "expected"),
    [
        ([], []),
        ([Alarm(OURS[0], red=False), Alarm(OURS[1], red=False)], []),
        ([Alarm(OURS[1], red=True)], [OURS[1]]),
        ([Alarm(OURS[1], red=True), Alarm(OURS[0], red=True)], list(OURS)),
        ([Alarm("disk", red=True), Alarm(OURS[0], red=False)], []),
        ([Alarm(f"churn-eu-{NEW}-latency", red=True)], []),
    ],
    ids=["new", "green", "one red", "both red", "people's", "of another endpoint"],
)
def test_our_alarm_that_is_red_of_an_earlier_attempt_is_set_to_ok(alarms: list[Alarm], expected: list[str]):
    assert reset(*alarms) == expected


def alarms_of(new_config: str = NEW, of: str = "blue", **tags: str) -> list[dict[str, Any]]:
    steps = alarm_steps(settings(**tags), new_config, of, [{"Key": "stationkeeper:version", "Value": "8"}])
    for step in steps:
        assert step.action is Action.PUT_METRIC_ALARM
        assert_taken(step)
    return [dict(step.request) for step in steps]


def test_alarms_watch_the_new_fleet_only():
    errors, latency = alarms_of()

    for alarm in (errors, latency):
        dimensions = {one["Name"]: one["Value"] for one in alarm["Dimensions"]}
        assert dimensions == {"EndpointName": ENDPOINT, "VariantName": "blue", "EndpointConfigName": NEW}
        assert alarm["TreatMissingData"] == "notBreaching"
    assert (errors["AlarmName"], latency["AlarmName"]) == alarm_names(ENDPOINT, NEW) == OURS


def test_error_share_is_a_fraction_and_latency_is_in_microseconds():
    errors, latency = alarms_of(error_percent="2", latency_milliseconds="250")

    assert (errors["MetricName"], errors["Statistic"], errors["Threshold"]) == (
        "Invocation5XXErrors",
        "Average",
        0.02,
    )
    assert (latency["MetricName"], latency["ExtendedStatistic"], latency["Threshold"]) == (
        "ModelLatency",
        "p95",
        250_000.0,
    )


names = st.from_regex(r"[a-zA-Z0-9](-?[a-zA-Z0-9]){0,31}", fullmatch=True)


@given(names, names, names)
def test_alarm_names_are_taken_and_differ_per_config(endpoint_name: str, one: str, other: str):
    all_names = [*alarm_names(endpoint_name, one), *alarm_names(endpoint_name, other)]

    assert all(0 < len(name) <= 255 for name in all_names)
    assert len(set(all_names)) == (2 if one == other else 4)


def test_alarms_of_the_longest_names_are_taken():
    for alarm in alarms_of("c" * 63, "v" * 63, error_percent="100", latency_milliseconds="3600000"):
        assert len(alarm["AlarmName"]) <= 255
        assert len(alarm["AlarmDescription"]) <= 1_024


def test_alarms_of_two_endpoints_that_share_a_config_differ():
    one = alarm_steps(settings(endpoint="churn-eu"), NEW, "blue", [])
    other = alarm_steps(settings(endpoint="churn-us"), NEW, "blue", [])

    assert {step.name for step in one}.isdisjoint(step.name for step in other)


@pytest.mark.parametrize(
    ("tag", "live", "limit"),
    [(None, None, 1_000), (None, 20.0, 1_000), (None, 2_500.5, 7_502), ("300", 2_500.0, 300)],
    ids=["nobody calls it", "fast", "slow by nature", "a tag says so"],
)
def test_a_model_that_is_slow_by_nature_does_not_lose_its_first_release(
    tag: str | None, live: float | None, limit: int
):
    read = settings(**({"latency_milliseconds": tag} if tag else {}))

    assert latency_limit(read, live) == limit
    _, latency = alarm_steps(read, "c8", "blue", [], live_latency_milliseconds=live)
    assert latency.request["Threshold"] == limit * 1_000


def test_time_that_a_model_takes_to_load_does_not_end_its_release():
    slow = variant(ModelDataDownloadTimeoutInSeconds=3_600, ContainerStartupHealthCheckTimeoutInSeconds=1_200)

    made = guarded(config("c7", [slow]))

    assert made.deployment is not None
    policy = made.deployment["BlueGreenUpdatePolicy"]
    assert policy["MaximumExecutionTimeoutInSeconds"] >= 3_600 + 4_800
