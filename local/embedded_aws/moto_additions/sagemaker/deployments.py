"""Endpoints over time: created, updated phase by phase, rolled back, taken down; each change is announced."""

from collections.abc import Callable
from functools import partial
from typing import Any

from moto.cloudwatch.models import Alarm, cloudwatch_backends
from moto.sagemaker.models import sagemaker_backends

from embedded_aws.moto_additions.sagemaker.deployment_config import validate
from embedded_aws.moto_additions.sagemaker.endpoint import Deployment, Endpoint, endpoints_of
from embedded_aws.moto_additions.sagemaker.outcomes import Outcome
from embedded_aws.moto_additions.sagemaker.rollout import Phase, phases
from embedded_aws.moto_additions.sagemaker.stage import Stage
from embedded_aws.moto_additions.sagemaker.variants import instances, start

STATE_CHANGE = "SageMaker Endpoint State Change"
DEPLOYMENT_STATE_CHANGE = "SageMaker Endpoint Deployment State Change"
_UNHEALTHY = (
    "The primary container for production variant {variant} did not pass the ping health check. "
    "Please check CloudWatch logs for this endpoint."
)
# endpoint name, status as the API spells it (or `Deleted`), name of its configuration
type OnStatus = Callable[[str, str, str], None]


class Deployments:
    """Keeps no endpoints itself: they are moto's, and everything known of one is in it."""

    def __init__(self, stage: Stage, on_status: OnStatus) -> None:
        self._stage = stage
        self._on_status = on_status

    def create(self, endpoint: Endpoint) -> None:
        outcome = self._stage.plan.take(endpoint.name)
        self._enter(endpoint, "Creating")

        def end() -> None:
            if outcome is Outcome.SUCCEEDS:
                self._finish(endpoint)
            else:
                self._fail(endpoint)

        self._next(endpoint, self._stage.durations.creating, end)

    def update(self, endpoint: Endpoint, coming: Deployment) -> None:
        """Begin to replace what runs.

        Raises
        ------
        ValidationException
            The `DeploymentConfig` is not possible for these variants. Nothing has begun.
        """
        if coming.deployment_config is not None:
            validate(
                coming.deployment_config, endpoint.variants, coming.variants, set(self._alarms(endpoint))
            )
        outcome = self._stage.plan.take(endpoint.name)
        endpoint.pending = coming
        endpoint.failure_reason = None
        self._enter(endpoint, "Updating")
        if tripped := self._tripped(endpoint):
            self._next(endpoint, 0.0, partial(self._roll_back, endpoint, _tripped_reason(tripped)))
            return
        course = phases(
            coming.deployment_config, instances(coming.variants), self._stage.durations.provisioning
        )
        self._go_on(endpoint, course, outcome)

    def scale(self, endpoint: Endpoint) -> None:
        """Bring what is there to what is desired now."""
        self._enter(endpoint, "Updating")

        def end() -> None:
            start(endpoint.variants)
            self._enter(endpoint, "InService")

        self._next(endpoint, self._stage.durations.scaling, end)

    def delete(self, endpoint: Endpoint) -> None:
        if endpoint.next_step is not None:
            endpoint.next_step.cancelled = True
        self._enter(endpoint, "Deleting")

        def end() -> None:
            endpoints_of(endpoint.backend).pop(endpoint.name, None)
            self._enter(endpoint, "Deleted")

        self._next(endpoint, self._stage.durations.deleting, end)

    def alarm_changed(self, account_id: str, region_name: str) -> None:
        """Call off every deployment that bakes under an alarm that is in ALARM now."""
        for endpoint in endpoints_of(sagemaker_backends[account_id][region_name]).values():
            if endpoint.pending is None or not endpoint.pending.baking:
                continue
            if tripped := self._tripped(endpoint):
                # Decided now, whatever the alarm does next.
                endpoint.pending.baking = False
                self._next(endpoint, 0.0, partial(self._roll_back, endpoint, _tripped_reason(tripped)))

    def _go_on(self, endpoint: Endpoint, course: list[Phase], outcome: Outcome) -> None:
        """Enter the first phase of the course, and what comes after it in the agenda."""
        coming = endpoint.pending
        assert coming is not None
        if not course:
            self._finish(endpoint)
            return
        phase, *rest = course
        coming.baking = phase.status == "Baking"
        if coming.baking and (tripped := self._tripped(endpoint)):
            self._roll_back(endpoint, _tripped_reason(tripped))
            return
        self._show(endpoint, coming, phase)

        def end() -> None:
            if phase.status == "Creating" and outcome is not Outcome.SUCCEEDS:
                self._miss(endpoint, outcome)
            else:
                self._go_on(endpoint, rest, outcome)

        self._next(endpoint, phase.seconds, end)

    def _show(self, endpoint: Endpoint, coming: Deployment, phase: Phase) -> None:
        """Let the pending variants say which phase they are in; guarded deployments announce it."""
        status = {"Status": phase.status, "StatusMessage": phase.message, "StartTime": self._stage.now()}
        for variant in coming.variants:
            variant["VariantStatus"] = [status]
            if coming.baking:
                variant["CurrentWeight"] = round(variant["DesiredWeight"] * phase.percent / 100, 4)
                if "DesiredInstanceCount" in variant:
                    variant["CurrentInstanceCount"] = variant["DesiredInstanceCount"]
        if coming.deployment_config is not None:
            self._announce(endpoint, DEPLOYMENT_STATE_CHANGE, endpoint.deployment_event_detail())

    def _miss(self, endpoint: Endpoint, outcome: Outcome) -> None:
        """The new fleet did not come up as it should."""
        match outcome:
            case Outcome.FAILS:
                self._fail(endpoint)
            case Outcome.ROLLS_BACK_SILENTLY:
                endpoint.pending = None
                self._enter(endpoint, "InService")
            case _:
                reason = _unhealthy_reason(endpoint)
                self._roll_back(endpoint, reason, ends_well=outcome is not Outcome.UPDATE_ROLLBACK_FAILED)

    def _roll_back(self, endpoint: Endpoint, reason: str, *, ends_well: bool = True) -> None:
        guarded = endpoint.pending is not None and endpoint.pending.deployment_config is not None
        endpoint.pending = None
        self._enter(endpoint, "RollingBack")
        if guarded:
            self._announce(endpoint, DEPLOYMENT_STATE_CHANGE, endpoint.deployment_event_detail())

        def end() -> None:
            endpoint.failure_reason = reason
            self._enter(endpoint, "InService" if ends_well else "UpdateRollbackFailed")

        self._next(endpoint, self._stage.durations.rolling_back, end)

    def _finish(self, endpoint: Endpoint) -> None:
        coming, endpoint.pending = endpoint.pending, None
        assert coming is not None
        start(coming.variants)
        start(coming.shadow_variants)
        endpoint.config = coming.config
        endpoint.variants, endpoint.shadow_variants = coming.variants, coming.shadow_variants
        endpoint.containers = coming.containers
        endpoint.loaded, endpoint.loading = {}, {}  # the new fleet has loaded nothing yet
        if coming.deployment_config is not None:
            endpoint.last_deployment_config = coming.deployment_config
        self._enter(endpoint, "InService")
        if coming.deployment_config is not None:
            self._announce(endpoint, DEPLOYMENT_STATE_CHANGE, endpoint.deployment_event_detail())

    def _fail(self, endpoint: Endpoint) -> None:
        endpoint.failure_reason = _unhealthy_reason(endpoint)
        endpoint.pending = None
        self._enter(endpoint, "Failed")

    def _enter(self, endpoint: Endpoint, status: str) -> None:
        endpoint.modified = self._stage.now()
        if status != "Deleted":
            endpoint.status = status
        self._on_status(endpoint.name, status, endpoint.config.name)
        self._announce(endpoint, STATE_CHANGE, endpoint.event_detail(status))

    def _next(self, endpoint: Endpoint, seconds: float, action: Callable[[], None]) -> None:
        """What happens to the endpoint next, instead of what was entered before."""
        if endpoint.next_step is not None:
            endpoint.next_step.cancelled = True
        endpoint.next_step = self._stage.agenda.after(seconds, action)

    def _announce(self, endpoint: Endpoint, detail_type: str, detail: dict[str, Any]) -> None:
        self._stage.events.emit("aws.sagemaker", detail_type, endpoint.arn, detail)

    def _tripped(self, endpoint: Endpoint) -> list[str]:
        alarms = self._alarms(endpoint)
        names = endpoint.pending.alarms if endpoint.pending else []
        return [name for name in names if name in alarms and alarms[name].state_value == "ALARM"]

    @staticmethod
    def _alarms(endpoint: Endpoint) -> dict[str, Alarm]:
        """CloudWatch's alarms beside the endpoint, by name."""
        return cloudwatch_backends[endpoint.backend.account_id][endpoint.backend.region_name].alarms


def _unhealthy_reason(endpoint: Endpoint) -> str:
    variants = endpoint.pending.variants if endpoint.pending else endpoint.variants
    return _UNHEALTHY.format(variant=variants[0]["VariantName"])


def _tripped_reason(names: list[str]) -> str:
    # ? The service's own words are in no record.
    return f"The deployment was rolled back because alarm(s) {names} went into ALARM state."
