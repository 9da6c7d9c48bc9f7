"""S3 in moto: a bucket of a template gets little more than its name, and bucket policies are unknown there.

Copies know no conditions, multipart uploads only one, and the kind of a checksum is lost.
"""

import json
from contextlib import ExitStack
from threading import RLock
from typing import Any
from unittest import mock
from urllib.parse import parse_qs, unquote, urlsplit

from moto.core.common_models import CloudFormationModel
from moto.iam.access_control import IAMPolicy
from moto.s3.exceptions import MissingKey, PreconditionFailed, S3ClientError
from moto.s3.models import FakeBucket, FakeKey, FakeMultipart, S3Backend, s3_backends
from moto.s3.responses import S3Response
from moto.s3.utils import compute_checksum
from moto.utilities.utils import get_partition

from embedded_aws.moto_additions.attached_policy import AttachedPolicy

LARGEST_COPY_SOURCE = 5_368_709_120  # bytes; tests make it smaller
_WITHOUT_TLS = {"Bool": {"aws:SecureTransport": "false"}}
_COMPUTED = ("CRC32", "CRC64NVME", "SHA1", "SHA256")  # for CRC32C moto may take CRC32


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
    _install_policies(context)
    _install_conditions(context)
    _install_checksums(context)
    return context


def _install_policies(context: ExitStack) -> None:
    """Gap: conditions of a bucket's policy; a denial of what comes without TLS would be one of everything.

    Requests count as if they came over TLS, as all do in AWS where such a policy stands.
    """
    permission = FakeBucket.get_permission

    def get_permission(bucket: FakeBucket, action: str, resource: str) -> Any:
        if bucket.policy is None:
            return permission(bucket, action, resource)
        document = json.loads(bucket.policy)
        stated = document["Statement"]
        statements = stated if isinstance(stated, list) else [stated]
        document["Statement"] = [one for one in statements if one.get("Condition") != _WITHOUT_TLS]
        return IAMPolicy(json.dumps(document)).is_action_permitted(action, resource)

    context.enter_context(mock.patch.object(FakeBucket, "get_permission", get_permission))


def _install_conditions(context: ExitStack) -> None:
    """Gap: conditions of CopyObject, UploadPartCopy and CompleteMultipartUpload, and the largest source of a copy."""
    deciding = RLock()  # S3 decides conditions one after the other
    copy, copy_part, post = S3Response.copy_object, S3Response.upload_part_copy, S3Response._key_response_post

    def copy_object(response: S3Response) -> Any:
        with deciding:
            source = _refuse_other_source(response)
            if source is not None and source.size > LARGEST_COPY_SOURCE:
                raise S3ClientError(
                    "InvalidRequest",
                    "The specified copy source is larger than the maximum allowable size for a copy source: "
                    f"{LARGEST_COPY_SOURCE}",
                )
            _refuse_other_target(response, response.bucket_name, response.parse_key_name())
            status, headers, body = copy(response)
        return status, headers, _with_checksum_type(body)

    def upload_part_copy(response: S3Response) -> Any:
        _refuse_other_source(response)
        return copy_part(response)

    def complete_upload(
        response: S3Response,
        request: Any,
        body: bytes,
        bucket_name: str,
        query: dict[str, Any],
        key_name: str,
    ) -> Any:
        with deciding:
            upload_id = query.get("uploadId", [""])[0]
            upload = response.backend.get_bucket(bucket_name).multiparts.get(upload_id)
            if upload is not None:  # one that was completed before answers the same again
                _refuse_other_target(response, bucket_name, key_name)
                _refuse_other_checksum(response, upload, body)
            return post(response, request, body, bucket_name, query, key_name)

    context.enter_context(mock.patch.object(S3Response, "copy_object", copy_object))
    context.enter_context(mock.patch.object(S3Response, "upload_part_copy", upload_part_copy))
    context.enter_context(mock.patch.object(S3Response, "_key_response_post", complete_upload))


def _refuse_other_source(response: S3Response) -> FakeKey | None:
    """The source of a copy; refused when it is another than the request expects, None when there is none."""
    said = response.headers["x-amz-copy-source"]
    address = urlsplit(said.decode() if isinstance(said, bytes) else said)
    bucket, key = unquote(address.path).lstrip("/").split("/", 1)
    source: FakeKey | None = response.backend.get_object(
        bucket, key, version_id=parse_qs(address.query).get("versionId", [None])[0]
    )
    expected = response.headers.get("x-amz-copy-source-if-match")
    if source is not None and expected and not _same_etag(source, expected):
        raise PreconditionFailed("x-amz-copy-source-If-Match")
    return source


def _refuse_other_target(response: S3Response, bucket: str, key: str) -> None:
    there = response.backend.get_object(bucket, key)
    if response.headers.get("If-None-Match") == "*" and there is not None:
        raise PreconditionFailed("If-None-Match")
    if expected := response.headers.get("If-Match"):
        if there is None:
            raise MissingKey(key=key)
        if not _same_etag(there, expected):
            raise PreconditionFailed("If-Match")


def _same_etag(key: FakeKey, etag: str) -> bool:
    return key.etag.strip('"') == etag.strip('"')


def _refuse_other_checksum(response: S3Response, upload: FakeMultipart, body: bytes) -> None:
    """Gap: what an upload says of the whole object is not compared with it."""
    algorithm = str(upload.metadata.get("x-amz-checksum-algorithm") or "CRC64NVME")
    expected = response.headers.get(f"x-amz-checksum-{algorithm.lower()}")
    if not expected or algorithm not in _COMPUTED:
        return
    _, _, checksum = upload.complete(response._complete_multipart_body(body))
    if checksum is not None and checksum[0] == "FULL_OBJECT" and checksum[1] != expected:
        raise S3ClientError(
            "BadDigest", f"The {algorithm} you specified did not match the calculated checksum."
        )


def _with_checksum_type(body: str | bytes) -> str | bytes:
    """A single copy has a checksum of the whole object, and says so."""
    text = body.decode() if isinstance(body, bytes) else body
    if "<Checksum" in text and "<ChecksumType>" not in text:
        return text.replace(
            "</CopyObjectResult>", "<ChecksumType>FULL_OBJECT</ChecksumType></CopyObjectResult>"
        )
    return body


def _install_checksums(context: ExitStack) -> None:
    """Gap: whether a checksum is of the whole object or of its parts is lost by copies, and not told by HeadObject."""
    put, copy, complete = S3Backend.put_object, S3Backend.copy_object, S3Backend.complete_multipart_upload
    head = S3Response.head_object

    def put_object(backend: S3Backend, *args: Any, **kwargs: Any) -> FakeKey:
        key: FakeKey = put(backend, *args, **kwargs)
        if key.checksum_value and not key.checksum_type:
            key.checksum_type = "FULL_OBJECT"
        return key

    def copy_object(backend: S3Backend, src_key: FakeKey, bucket: str, name: str, **kwargs: Any) -> None:
        copy(backend, src_key, bucket, name, **kwargs)
        _describe_copy(src_key, backend.get_object(bucket, name))

    def complete_multipart_upload(backend: S3Backend, *args: Any, **kwargs: Any) -> FakeKey | None:
        key: FakeKey | None = complete(backend, *args, **kwargs)
        if key is not None and key.checksum_value:
            key.checksum_algorithm = key.checksum_algorithm or "CRC64NVME"  # S3's choice where none is named
            key.metadata.pop("x-amz-checksum-type", None)  # copies would take it over
        return key

    def head_object(
        response: S3Response, bucket_name: str, query: dict[str, Any], key_name: str, headers: dict[str, Any]
    ) -> Any:
        status, told, body = head(response, bucket_name, query, key_name, headers)
        if status == 200:
            version = query.get("versionId", [None])[0]
            _tell_checksum(response.backend.get_object(bucket_name, key_name, version), told)
        return status, told, body

    context.enter_context(mock.patch.object(S3Backend, "put_object", put_object))
    context.enter_context(mock.patch.object(S3Backend, "copy_object", copy_object))
    context.enter_context(
        mock.patch.object(S3Backend, "complete_multipart_upload", complete_multipart_upload)
    )
    context.enter_context(mock.patch.object(S3Response, "head_object", head_object))


def _describe_copy(source: FakeKey, copied: FakeKey | None) -> None:
    if copied is None or not copied.checksum_value:
        return
    copied.checksum_type = "FULL_OBJECT"
    if source.checksum_type == "COMPOSITE":  # there are no parts any more
        copied.checksum_value = compute_checksum(source.value, copied.checksum_algorithm or "").decode()


def _tell_checksum(key: FakeKey | None, told: dict[str, Any]) -> None:
    """As GetObject does; `told` holds a checksum where the request asks for one."""
    if key is None or not key.checksum_algorithm or not key.checksum_type:
        return
    name = f"x-amz-checksum-{key.checksum_algorithm.lower()}"
    if name in told:
        told["x-amz-checksum-type"] = key.checksum_type
        if key.checksum_type == "COMPOSITE":
            told[name] = f"{key.checksum_value}-{key.checksum_parts}"


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
