"""SageMaker in moto: all is done at once and nothing is announced; here it takes its time, and says so.

`SageMakerSimulator` is the whole interface. Each module names the gaps of moto it fills.
"""

from embedded_aws.moto_additions.sagemaker.outcomes import ExecutionOutcome, Outcome
from embedded_aws.moto_additions.sagemaker.simulator import SageMakerSimulator

__all__ = ["ExecutionOutcome", "Outcome", "SageMakerSimulator"]
