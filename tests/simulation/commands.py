"""What people, SageMaker and the network may do to two releases, as data that hypothesis makes and shrinks."""

from dataclasses import dataclass

from botocore.exceptions import ClientError
from embedded_aws.moto_additions.sagemaker import Outcome
from hypothesis import strategies as st

from tests.release_world import ReleaseWorld, variant

GROUPS = {"churn": "churn-prod", "fraud": "fraud-prod"}
DAY = 24 * 3600


@dataclass(frozen=True)
class Register:
    group: str

    def happen(self, system: ReleaseWorld) -> None:
        system.register(self.group)


@dataclass(frozen=True)
class Decide:
    """Somebody approves, rejects or annotates a version; `which` counts back from the newest."""

    group: str
    which: int
    status: str | None

    def happen(self, system: ReleaseWorld) -> None:
        arns = versions(system, self.group)
        if self.which >= len(arns):
            return
        arn = arns[-1 - self.which]
        if self.status is None:
            system.sagemaker.update_model_package(
                ModelPackageArn=arn, CustomerMetadataProperties={"seen-by": "somebody"}
            )
        else:
            system.sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus=self.status)


@dataclass(frozen=True)
class NewVersion:
    """Registered and approved at once, as pipelines do; how its release is to end, and how much time passes after that."""

    group: str
    outcome: Outcome
    seconds: int

    def happen(self, system: ReleaseWorld) -> None:
        if self.outcome is not Outcome.SUCCEEDS:
            system.simulator.plan_outcome(GROUPS[self.group], self.outcome)
        system.approved(self.group)
        system.advance(self.seconds)


@dataclass(frozen=True)
class OwnUpdate:
    """Somebody puts an own config on the endpoint, or only scales it."""

    group: str
    scale: bool

    def happen(self, system: ReleaseWorld) -> None:
        endpoint = GROUPS[self.group]
        try:
            if self.scale:
                wanted = [{"VariantName": "AllTraffic", "DesiredInstanceCount": 3}]
                system.sagemaker.update_endpoint_weights_and_capacities(
                    EndpointName=endpoint, DesiredWeightsAndCapacities=wanted
                )
                return
            name = f"own-{len(system.config_names())}"
            system.model(name)
            system.user_config(name, variant(name))
            system.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=name)
        except ClientError as refused:
            if refused.response["Error"]["Code"] != "ValidationException":
                raise


@dataclass(frozen=True)
class OwnConfigOfOurs:
    """Somebody makes a config of the model that serves, and puts it on the endpoint or on one of their own."""

    group: str
    elsewhere: bool

    def happen(self, system: ReleaseWorld) -> None:
        endpoint = GROUPS[self.group]
        try:
            model = system.config(endpoint)["ProductionVariants"][0]["ModelName"]
            name = system.user_config(f"own-{len(system.config_names())}", variant(model, VolumeSizeInGB=50))
            if self.elsewhere:
                system.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
            else:
                system.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=name)
        except ClientError as refused:
            if refused.response["Error"]["Code"] != "ValidationException":
                raise


@dataclass(frozen=True)
class EndpointDeleted:
    """By somebody; the sweep makes it again."""

    group: str

    def happen(self, system: ReleaseWorld) -> None:
        try:
            system.sagemaker.delete_endpoint(EndpointName=GROUPS[self.group])
        except ClientError as refused:
            if refused.response["Error"]["Code"] != "ValidationException":
                raise


@dataclass(frozen=True)
class AlarmsTurn:
    """All alarms that guard the newest config of an endpoint."""

    group: str
    state: str

    def happen(self, system: ReleaseWorld) -> None:
        names = [name for name in system.alarm_names() if self.group in name]
        for name in sorted(names)[-2:]:
            system.cloudwatch.set_alarm_state(AlarmName=name, StateValue=self.state, StateReason="simulated")


@dataclass(frozen=True)
class TimePasses:
    seconds: int

    def happen(self, system: ReleaseWorld) -> None:
        system.advance(self.seconds)


@dataclass(frozen=True)
class NextUpdates:
    group: str
    outcome: Outcome
    times: int

    def happen(self, system: ReleaseWorld) -> None:
        system.simulator.plan_outcome(GROUPS[self.group], self.outcome, times=self.times)


@dataclass(frozen=True)
class Events:
    """How events travel from now on."""

    duplicate: int = 1
    drop: bool = False
    hold_back: bool = False

    def happen(self, system: ReleaseWorld) -> None:
        system.simulator.disturb(self.duplicate, drop=self.drop, hold_back=self.hold_back)


@dataclass(frozen=True)
class HeldEventsCome:
    reverse: bool

    def happen(self, system: ReleaseWorld) -> None:
        system.simulator.release_held(reverse=self.reverse)


@dataclass(frozen=True)
class Crash:
    """The function is killed after a call of the next delivery."""

    after: int

    def happen(self, system: ReleaseWorld) -> None:
        if system.inbox:
            system.crash_next_delivery(self.after)


@dataclass(frozen=True)
class Fault:
    """A call of the next delivery is answered with an error, or another copy of the function runs before it."""

    at: int
    code: str
    """"" for another copy."""

    def happen(self, system: ReleaseWorld) -> None:
        if not system.inbox:
            return
        left = [self.at]

        def interfere(name: str) -> None:
            left[0] -= 1
            if left[0] != -1:
                return
            if self.code:
                raise ClientError({"Error": {"Code": self.code, "Message": "simulated"}}, name)
            if system.inbox:
                system.deliver_next()

        system.before_each_call = interfere
        system.deliver_next()
        system.before_each_call = None


@dataclass(frozen=True)
class Sweep:
    def happen(self, system: ReleaseWorld) -> None:
        system.sweep()


def versions(system: ReleaseWorld, group: str) -> list[str]:
    """ARNs of a group's versions, the oldest first."""
    found = system.sagemaker.list_model_packages(ModelPackageGroupName=group)["ModelPackageSummaryList"]
    return [one["ModelPackageArn"] for one in sorted(found, key=lambda one: one["ModelPackageVersion"])]


_GROUPS = st.sampled_from(["churn", "churn", "churn", "fraud"])
_CALLS = st.integers(0, 24)
_OUTCOMES = st.sampled_from(
    [
        *[Outcome.SUCCEEDS] * 6,
        *[Outcome.ROLLS_BACK] * 4,
        *[Outcome.ROLLS_BACK_SILENTLY] * 4,
        Outcome.UPDATE_ROLLBACK_FAILED,
        Outcome.FAILS,
    ]
)
_DECISIONS = st.builds(
    Decide, _GROUPS, st.integers(0, 3), st.sampled_from(["Approved", "Approved", "Rejected", None])
)
_TRAVEL = st.builds(
    Events,
    st.integers(1, 3),
    drop=st.sampled_from([False] * 4 + [True]),
    hold_back=st.sampled_from([False, False, True]),
)
_FAULTS = st.builds(Fault, _CALLS, st.sampled_from(["", "", "ThrottlingException", "AccessDeniedException"]))
_HOW_OFTEN = {
    st.builds(NewVersion, _GROUPS, _OUTCOMES, st.sampled_from([0, 1, 700, 4_000, 4_000])): 8,
    _DECISIONS: 5,
    st.builds(TimePasses, st.sampled_from([1, 60, 700, 2_000, 4_000, DAY + 60, 8 * DAY])): 4,
    st.builds(Sweep): 2,
    st.builds(Register, _GROUPS): 1,
    st.builds(NextUpdates, _GROUPS, _OUTCOMES, st.integers(1, 2)): 1,
    _TRAVEL: 2,
    st.builds(HeldEventsCome, st.booleans()): 2,
    st.builds(AlarmsTurn, _GROUPS, st.sampled_from(["ALARM", "OK"])): 2,
    st.builds(OwnUpdate, _GROUPS, st.booleans()): 1,
    st.builds(OwnConfigOfOurs, _GROUPS, st.booleans()): 1,
    st.builds(EndpointDeleted, _GROUPS): 1,
    st.builds(Crash, _CALLS): 3,
    _FAULTS: 3,
}
COMMANDS = st.sampled_from([one for one, times in _HOW_OFTEN.items() for _ in range(times)]).flatmap(
    lambda chosen: chosen
)
