"""How the monitoring jobs of one endpoint run, and the parts of a request that say so."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from stationkeeper.releases.analyzer_images import RUN_CLARIFY, analyzer_image
from stationkeeper.reports.violation import Monitor

type Request = dict[str, Any]
"""Parameters of one boto3 call."""
type Cadence = Literal["hourly", "daily"]
"""How often a monitor runs: at the full hour, or at midnight; UTC, 0-20 minutes late."""
type ProblemType = Literal["Regression", "BinaryClassification", "MulticlassClassification"]
"""What a model predicts, in SageMaker's spelling."""


@dataclass(frozen=True, slots=True)
class GroundTruth:
    """The labels predictions are compared with, and where in the captured data the predictions are.

    Attributes
    ----------
    uri : S3 prefix the labels are uploaded to, above `yyyy/mm/dd/hh`.
    problem_type : only the model-quality monitor reads it.
    start_offset, end_offset : ISO 8601 durations, such as `-P1D` and `-PT1H`: which hours of captures a run compares, before its
        own time, for labels that come late.
    inference_attribute, probability_attribute : index (CSV) or JSONPath of the prediction and of its probability.
    probability_threshold : 0..1; from which probability on the prediction counts as positive.
    features_attribute : JSONPath of the features in JSON lines; bias and explainability only.
    """

    uri: str
    problem_type: ProblemType
    start_offset: str | None = None
    end_offset: str | None = None
    inference_attribute: str | None = None
    probability_attribute: str | None = None
    probability_threshold: float | None = None
    features_attribute: str | None = None


@dataclass(frozen=True, slots=True)
class Vpc:
    """Where jobs run: 1-16 subnets, 1-5 security groups."""

    subnets: tuple[str, ...]
    security_group_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MonitorSettings:
    """How monitors of one endpoint run.

    Attributes
    ----------
    role_arn : role of the jobs, not of the function that asks for them.
    output_uri : S3 prefix of reports and baselines; a folder per endpoint and kind is made below it.
    volume_gb : 1-16384.
    max_runtime_seconds : 1-86400; less where the cadence allows less.
    output_kms_key, volume_kms_key : key ids or ARNs; None leaves it to the bucket and to SageMaker's own key.
    publish_metrics : whether runs publish CloudWatch metrics.
    analyzer_image, clarify_image : images to run instead of SageMaker's own, for regions that lack them.
    """

    endpoint: str
    role_arn: str
    region: str
    output_uri: str
    cadence: Cadence = "hourly"
    instance_type: str = "ml.m5.xlarge"
    volume_gb: int = 30
    max_runtime_seconds: int = 3600
    output_kms_key: str | None = None
    volume_kms_key: str | None = None
    network_isolation: bool = False
    encrypt_traffic_between_instances: bool = False
    vpc: Vpc | None = None
    publish_metrics: bool = True
    analyzer_image: str | None = None
    clarify_image: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        """Where all of the endpoint's reports and baselines lie, without "/" at its end."""
        return f"{self.output_uri.rstrip('/')}/{self.endpoint}"

    def image(self, monitor: Monitor) -> str:
        """The image a monitor runs; `UnsupportedRegion` where neither SageMaker nor the settings have one."""
        own = self.clarify_image if monitor in RUN_CLARIFY else self.analyzer_image
        return own or analyzer_image(monitor, self.region)

    def resources(self) -> Request:
        """`JobResources` of a job definition, `ProcessingResources` of a job."""
        cluster: Request = {
            "InstanceCount": 1,
            "InstanceType": self.instance_type,
            "VolumeSizeInGB": self.volume_gb,
        }
        if self.volume_kms_key:
            cluster["VolumeKmsKeyId"] = self.volume_kms_key
        return {"ClusterConfig": cluster}

    def output_key(self) -> Request:
        """`KmsKeyId` of an output config, where there is one."""
        return {"KmsKeyId": self.output_kms_key} if self.output_kms_key else {}

    def network(self) -> Request:
        """`NetworkConfig`, where there is anything to configure."""
        network: Request = {}
        if self.encrypt_traffic_between_instances:
            network["EnableInterContainerTrafficEncryption"] = True
        if self.vpc:
            network["VpcConfig"] = {
                "SecurityGroupIds": list(self.vpc.security_group_ids),
                "Subnets": list(self.vpc.subnets),
            }
        if not network and not self.network_isolation:
            return {}
        return {"NetworkConfig": {"EnableNetworkIsolation": self.network_isolation, **network}}

    def tag_list(self) -> Request:
        """`Tags`, where there are any; in the order of their keys."""
        tags = [{"Key": key, "Value": value} for key, value in sorted(self.tags.items())]
        return {"Tags": tags} if tags else {}
