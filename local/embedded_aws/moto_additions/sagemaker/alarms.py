"""CloudWatch alarms on the simulator's clock and bus; deployments that bake hear of their changes."""

from collections.abc import Callable
from contextlib import ExitStack

from embedded_aws.moto_additions.cloudwatch.alarm_states import AlarmStates
from embedded_aws.moto_additions.sagemaker.stage import Stage


def installed(stage: Stage, on_change: Callable[[str, str], None]) -> ExitStack:
    """`on_change` is called with the account and region of every alarm whose state has become another."""
    return AlarmStates(stage.now, stage.events.emit, on_change).installed()
