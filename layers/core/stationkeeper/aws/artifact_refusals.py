"""What S3 and KMS refuse of artifacts, said so that it can be mended: which right is lacking, on what, and who can give it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from stationkeeper.artifacts.refusal import ArtifactRefused, Refusal
from stationkeeper.aws.errors import code_of, is_denied, said_by
from stationkeeper.aws.s3_addresses import s3_address

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

# HeadObject's answers have no body: their codes are statuses.
MISSING = ("NoSuchKey", "NoSuchVersion", "NoSuchBucket", "404")
_ARCHIVED = ("InvalidObjectState", "ObjectNotInActiveTierError")
NO_BUCKET_NAME = ("InvalidBucketName", "InvalidURI", "KeyTooLongError")
_SSE_C = ("form of server side encryption", "encryption parameters")
_DEAD_KEY = ("KMS.DisabledException", "KMS.NotFoundException", "KMS.KMSInvalidStateException")

_LACKING = re.compile(
    r"User: (?P<user>\S+) is not authorized to perform: (?P<action>[\w-]+:\w+)"
    r' on resource: (?:"(?P<quoted>[^"]*)"|(?P<resource>\S+))(?: (?P<because>.*))?',
    re.DOTALL,
)


def uri_of(bucket: str, key: str) -> str:
    return f"s3://{bucket}/{key}"


def file_at(uri: str) -> tuple[str, str]:
    address = s3_address(uri)
    if address is None:
        raise ArtifactRefused(no_file(uri))
    if address[1].endswith("/"):
        raise ArtifactRefused(
            Refusal(
                "not-s3",
                f"{uri} is a prefix in S3, not a file.",
                "Let the training job compress its output: a multi-model endpoint loads model.tar.gz only",
            )
        )
    return address


def no_file(uri: str) -> Refusal:
    return Refusal(
        "not-s3",
        f"{uri or 'The artifact'} is no file in S3.",
        "Register an address like s3://bucket/model.tar.gz",
    )


def missing(thing: tuple[str, str], bucket: str = "") -> Refusal:
    why = f"There is no bucket {bucket}." if bucket else f"There is no file {uri_of(*thing)}."
    return Refusal("missing", why, "Find out who deleted it, and train again or put it back", passing=True)


def refuse(
    error: ClientError, what: str, source: tuple[str, str], target: tuple[str, str] = ("", "")
) -> None:
    """Raise `ArtifactRefused` where trying again changes nothing; other errors are the caller's to raise.

    Parameters
    ----------
    what : cannot be done.
    source, target : bucket and key of what is read and of what is written, "" for nothing.
    """
    code, said = code_of(error), said_by(error)
    if code in MISSING:
        gone = str(error.response.get("Error", {}).get("BucketName", "")) or source[0]
        raise ArtifactRefused(missing(source, gone if code == "NoSuchBucket" else "")) from error
    if code in _ARCHIVED:
        why = f"{what}: it is archived in S3 Glacier."
        raise ArtifactRefused(Refusal("archived", why, "Restore it first", passing=True)) from error
    if code == "InvalidRequest" and any(words in said.lower() for words in _SSE_C):
        why = f"{what}: it is encrypted with a key that only its owner has (SSE-C)."
        advice = "Upload it with SSE-S3 or SSE-KMS instead; SageMaker could not read it either"
        raise ArtifactRefused(Refusal("customer-key", why, advice)) from error
    if code in _DEAD_KEY:
        why = f"{what}: its KMS key cannot be used: {said.rstrip('.')}."
        advice = "Enable the key, or let it not be deleted"
        raise ArtifactRefused(Refusal("denied", why, advice, passing=True)) from error
    if is_denied(error) or code == "403":
        raise ArtifactRefused(_denied(said, what, source, target)) from error


def _denied(said: str, what: str, source: tuple[str, str], target: tuple[str, str]) -> Refusal:
    """Which right is lacking, and who can give it."""
    found = _LACKING.search(said)
    if found:
        action, resource = found["action"], found["quoted"] or found["resource"]
        because = f" ({found['because'].rstrip('.')})" if found["because"] else ""
        why = f"{what}: {found['user']} may not {action} on {resource}{because}."
    elif "ciphertext" in said:  # how KMS said it, and for some keys says it still
        action, resource, why = (
            "kms:Decrypt",
            "",
            f"{what}: its KMS key may not be used ({said.rstrip('.')}).",
        )
    else:
        bucket, key = target if target[0] and target != source else source
        action = "s3:PutObject" if target[0] and target != source else "s3:GetObject"
        resource = f"arn:aws:s3:::{bucket}/{key}"
        why = f"{what}: S3 denies it without saying why; what is lacking is {action} on {uri_of(bucket, key)}"
        why += (
            "."
            if action == "s3:PutObject"
            else f", or, where it may not be there, s3:ListBucket on {bucket}."
        )
    return Refusal("denied", why, _who_allows(action, resource, target[0]), passing=True)


def _who_allows(action: str, resource: str, target_bucket: str) -> str:
    if action.startswith("kms:"):
        return f"Name the key in the stack's parameter ArtifactKeyArns, and allow {action} in the key's own policy, too"
    _, _, place = resource.partition(":s3:::")
    ours = bool(target_bucket) and place.partition("/")[0] == target_bucket
    parameter = "MultiModelBuckets" if ours else "ArtifactBuckets"
    return f"Name the bucket in the stack's parameter {parameter}; its own policy must not deny {action}, and must allow it to another account"
