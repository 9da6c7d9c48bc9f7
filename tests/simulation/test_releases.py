"""Whatever happens: when it is over, each endpoint runs the highest approved version, nothing that served was lost, and on-call was told.

Counterexamples are lists of commands; HYPOTHESIS_PROFILE=thorough looks for more of them, longer and at random.
"""

import os
import re
from collections import Counter
from pathlib import Path

import pytest
from embedded_aws.moto_additions.sagemaker import Outcome
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from tests.release_world import ReleaseWorld, nothing_is_left, release_world
from tests.simulation.commands import (
    COMMANDS,
    DAY,
    GROUPS,
    Decide,
    EndpointDeleted,
    NewVersion,
    OwnConfigOfOurs,
    OwnUpdate,
    Sweep,
    TimePasses,
)

_THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
NEXT = NewVersion("churn", Outcome.SUCCEEDS, 4_000)
WEEK = TimePasses(8 * DAY)
_BLOCKED = ("Failed", "UpdateRollbackFailed")
_READS = ("Describe", "List", "Get", "BatchGet", "Query", "Search", "SendMessage")
_SERVES = re.compile(r"version (\d+) in service|rolled back, version (\d+) serves")
_OF_A_VERSION = ("ApprovalRequested", "ReleaseStarted", "ReleaseSucceeded", "ReleaseRolledBack")
_ROLLED_BACK = re.compile(r"version (\d+) rolled back")


@pytest.fixture(autouse=True, scope="module")
def _quiet():
    """Log lines are made as always, and thrown away."""
    from stationkeeper.telemetry import logger

    handler = logger.registered_handler
    with Path(os.devnull).open("w") as nowhere:
        before = handler.setStream(nowhere)
        yield
        if before is not None:
            handler.setStream(before)


@pytest.mark.filterwarnings("ignore:No application metrics to publish")
@settings(
    max_examples=200 if _THOROUGH else 20,
    derandomize=not _THOROUGH,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@example([NEXT, OwnConfigOfOurs("churn", elsewhere=True), NEXT, NEXT, WEEK, Sweep()], True)
@example([NewVersion("churn", Outcome.ROLLS_BACK, 4_000), Decide("churn", 0, "Approved"), WEEK], True)
@given(st.lists(COMMANDS, min_size=8, max_size=40), st.sampled_from([True, True, True, False]))
def test_each_endpoint_ends_with_the_highest_approved_version(commands: list, released: bool) -> None:
    with release_world() as system:
        for group, endpoint in GROUPS.items():
            system.group(group, endpoint)
            if released:
                system.approved(group)
                system.settle()
        for command in commands:
            command.happen(system)
        comes_to_rest(system)

        nothing_is_left(system)
        for group, endpoint in GROUPS.items():
            runs_the_highest_approved(system, group, endpoint)
            was_told(system, group, endpoint, strictly=not any(map(_hides_a_rollback, commands)))
        rests(system)
        for kind in {one["attributes"]["kind"] for one in system.messages}:
            event(kind)


def comes_to_rest(system: ReleaseWorld) -> None:
    """All faults are over; every event that was held back comes; the sweep looks twice."""
    system.simulator.disturb()
    system.simulator.release_held()
    system.simulator._stage.plan._of_endpoints.clear()
    for name in system.alarm_names():
        system.cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="over")
    system.settle()
    for _ in range(2):
        system.sweep()
        system.settle()
    system.read_mail()


def statuses(system: ReleaseWorld) -> dict[str, str]:
    return {
        one["EndpointName"]: one["EndpointStatus"] for one in system.sagemaker.list_endpoints()["Endpoints"]
    }


def runs_the_highest_approved(system: ReleaseWorld, group: str, endpoint: str) -> None:
    status = statuses(system).get(endpoint)
    found = system.sagemaker.list_model_packages(ModelPackageGroupName=group, ModelApprovalStatus="Approved")
    approved = [package["ModelPackageVersion"] for package in found["ModelPackageSummaryList"]]
    if status in _BLOCKED or not approved:
        return
    assert status == "InService"
    assert system.live_version(endpoint) == max(approved)
    record = system.record(endpoint)
    assert record.target is None
    assert record.live.version == max(approved)


def _hides_a_rollback(command: object) -> bool:
    """After these nobody can tell any more how an attempt of ours ended."""
    match command:
        case EndpointDeleted() | OwnUpdate(scale=False) | OwnConfigOfOurs(elsewhere=False):
            return True
    return False


def was_told(system: ReleaseWorld, group: str, endpoint: str, *, strictly: bool) -> None:
    mail = [one for one in system.messages if one["attributes"]["endpoint"] == endpoint]
    subjects = [one["subject"] for one in mail]
    # Each attempt has one end.
    ends = Counter(
        (detail["version"], detail["started_at"])
        for detail in system.details("ReleaseSucceeded", "ReleaseRolledBack")
        if detail["endpoint"] == endpoint
    )
    assert not [attempt for attempt, number in ends.items() if number > 1], subjects
    one_thread_each(system, endpoint)
    # The last word is true.
    serving = [int(found[1] or found[2]) for subject in subjects if (found := _SERVES.search(subject))]
    if serving and statuses(system).get(endpoint) == "InService":
        assert serving[-1] == system.live_version(endpoint), subjects
    # Each rollback is told, once.
    told = Counter(int(found[1]) for subject in subjects if (found := _ROLLED_BACK.search(subject)))
    happened = rollbacks(system, group, endpoint)
    assert told <= happened, (told, happened, subjects)
    if strictly:
        assert told == happened, (told, happened, subjects)


def one_thread_each(system: ReleaseWorld, endpoint: str) -> None:
    """All that is told about a version is one thread; a fallback to a lower one may be told in it, too."""
    versions: dict[str, set[int]] = {}
    for detail in system.details(*_OF_A_VERSION):
        if detail["endpoint"] == endpoint:
            versions.setdefault(detail["incident"], set()).add(detail["version"])
    owners = Counter(map(max, versions.values()))
    assert not [version for version, number in owners.items() if number > 1], versions


def rollbacks(system: ReleaseWorld, group: str, endpoint: str) -> Counter[int]:
    """How often a version was on its way to an endpoint that came back into service without it."""
    found: Counter[int] = Counter()
    version, mixed = 0, False
    for name, status, live, coming in system.states:
        if name != endpoint:
            continue
        if status == "Updating":
            ours = re.match(rf"{group}-v(\d+)-", coming)
            if ours or not mixed:  # somebody mends the mixed fleet of ours: that ends it
                version = int(ours[1]) if ours else 0
        elif status == "InService" and version:
            found[version] += not live.startswith(f"{group}-v{version}-")
            version = 0
        mixed = status == "UpdateRollbackFailed"
    return +found


def rests(system: ReleaseWorld) -> None:
    """One more sweep finds nothing to do."""
    system.calls.clear()
    system.sweep()
    changing = [call for call in system.calls if not call.rpartition(":")[2].startswith(_READS)]
    assert changing == []
    assert system.read_mail() == []
