"""S3 in moto: a bucket of a template gets little more than its name, and bucket policies are unknown there."""

import json
from contextlib import ExitStack
from typing import Any
from unittest import mock

from moto.core.common_models import CloudFormationModel
from moto.s3.models import FakeBucket, S3Backend, s3_backends
from moto.utilities.utils import get_partition

from embedded_aws.moto_additions.attached_policy import AttachedPolicy


def installed() -> ExitStack:
    create = FakeBucket.create_from_cloudformation_json.__func__  # type: ignore[attr-defined]

    def create_with_settings(
        cls: type[FakeBucket],
        /,
        resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
        **kwargs: Any,
    ) -> FakeBucket:
        bucket: FakeBucket = create(
            cls, resource_name, cloudformation_json, account_id, region_name, **kwargs
        )
        backend = s3_backends[account_id][get_partition(region_name)]
        _configure(backend, bucket.name, cloudformation_json.get("Properties", {}))
        return bucket

    context = ExitStack()
    context.enter_context(
        mock.patch.object(FakeBucket, "create_from_cloudformation_json", classmethod(create_with_settings))
    )
    return context


def _configure(backend: S3Backend, bucket: str, properties: dict[str, Any]) -> None:
    """Gap: versioning, public access block and lifecycle are left out."""
    if versioning := properties.get("VersioningConfiguration"):
        backend.put_bucket_versioning(bucket, versioning["Status"])
    if block := properties.get("PublicAccessBlockConfiguration"):
        backend.put_public_access_block(bucket, block)
    if lifecycle := properties.get("LifecycleConfiguration"):
        backend.put_bucket_lifecycle(bucket, [lifecycle_rule(rule) for rule in lifecycle["Rules"]])


def lifecycle_rule(rule: dict[str, Any]) -> dict[str, Any]:
    """A rule of a template in the words of the API; filters by tag or size are left out."""
    spelled: dict[str, Any] = {"ID": rule.get("Id"), "Status": rule["Status"]}
    spelled["Filter"] = {"Prefix": rule.get("Prefix", "")}
    if days := rule.get("ExpirationInDays"):
        spelled["Expiration"] = {"Days": days}
    elif "ExpiredObjectDeleteMarker" in rule:
        spelled["Expiration"] = {"ExpiredObjectDeleteMarker": rule["ExpiredObjectDeleteMarker"]}
    for same in ("NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"):
        if same in rule:
            spelled[same] = rule[same]
    if transitions := rule.get("Transitions"):
        spelled["Transition"] = [
            {"Days": transition["TransitionInDays"], "StorageClass": transition["StorageClass"]}
            for transition in transitions
        ]
    return spelled


class BucketPolicy(AttachedPolicy, CloudFormationModel):
    """Gap: `AWS::S3::BucketPolicy`."""

    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::S3::BucketPolicy"

    @staticmethod
    def attach(properties: dict[str, Any], account_id: str, region_name: str) -> None:
        policy = json.dumps(properties["PolicyDocument"]).encode()
        s3_backends[account_id][get_partition(region_name)].put_bucket_policy(properties["Bucket"], policy)
