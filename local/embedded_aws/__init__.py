"""An AWS inside this process: runs what `sam build` made, without an account and without Docker."""

from embedded_aws.calls import CallRecord
from embedded_aws.embedded import ACCOUNT_ID, EmbeddedAws
from embedded_aws.faults import Fault
from embedded_aws.function import Result
from embedded_aws.moto_additions.sagemaker import Outcome, SageMakerSimulator
from embedded_aws.outbox import PublishedMessage
from embedded_aws.stack import Deployment, Skipped
from embedded_aws.summary import DrainSummary
from embedded_aws.template import TemplateError

__all__ = [
    "ACCOUNT_ID",
    "CallRecord",
    "Deployment",
    "DrainSummary",
    "EmbeddedAws",
    "Fault",
    "Outcome",
    "PublishedMessage",
    "Result",
    "SageMakerSimulator",
    "Skipped",
    "TemplateError",
]
