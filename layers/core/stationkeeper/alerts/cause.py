"""What a failed job comes from, where its reason leaves no doubt: what to look at first."""

import re
from typing import NamedTuple

from stationkeeper.alerts.failure import Failure


class _Cause(NamedTuple):
    pattern: re.Pattern[str]
    hint: str


def _cause(pattern: str, hint: str) -> _Cause:
    return _Cause(re.compile(pattern, re.IGNORECASE), hint)


_CAUSES: tuple[_Cause, ...] = (
    _cause(
        r"no s3 objects? found|job inputs had no data",
        "Nothing lies under the input's S3 prefix, or the role may not list it",
    ),
    _cause(
        r"not available in this region",
        "SageMaker does not offer this in the region: use another instance type",
    ),
    _cause(
        r"service limit '([^'\n]{1,80})' is (\d[\d.,]*)",
        "The quota '{0}' is {1}: ask for more in Service Quotas, or wait until others have ended",
    ),
    _cause(
        r"service limit|\bResourceLimitExceeded\b|SAGEMAKER_RESOURCE_LIMIT",
        "A quota of the account is reached",
    ),
    _cause(
        r"(?:\.dkr\.ecr\.|(?:docker|container|training) image)\b.{0,200}\b(?:does not|doesn't) exist|manifest unknown"
        r"|(?:\.dkr\.ecr\.|(?:docker|container|training) image)\b.{0,200}\bnot found|RepositoryNotFound|ImageNotFound"
        r"|(?:cannot|unable to|failed to) pull (?:\w{1,20} )?image",
        "The container image is not there: check its address, tag and region",
    ),
    _cause(
        r"cuda.{0,40}out of memory|OutOfMemoryError: CUDA|CUBLAS_STATUS_ALLOC_FAILED",
        "The GPU ran out of memory: use a smaller batch, or GPUs with more memory",
    ),
    _cause(
        r"\bout of memory\b|instance type with more memory|cannot allocate memory|\bMemoryError\b|\bOutOfMemory|\bbad_alloc\b"
        r"|java heap space|unable to allocate \S{1,20} [KMGT]i?B",
        "It ran out of memory: use an instance type with more, or less data at a time",
    ),
    _cause(
        r"no space left on device|\bENOSPC\b|\bdisk (?:is )?full\b|not enough (?:disk )?space",
        "The disk is full: raise VolumeSizeInGB",
    ),
    _cause(
        r"MaxRuntimeExceeded|exceed.{0,60}(?:MaxRuntimeInSeconds|\bmax(?:imum)? (?:allowed )?run ?time)",
        "It ran out of time: raise MaxRuntimeInSeconds",
    ),
    _cause(
        r"MaxWaitTimeExceeded|exceed.{0,60}MaxWaitTimeInSeconds",
        "It waited too long for spot capacity: raise MaxWaitTimeInSeconds, or do not use spot instances",
    ),
    _cause(
        r"no module named '?([\w.]{1,100})",
        "The container lacks the Python module {0}: add it to requirements.txt, the source folder or the image",
    ),
)
_DENIED = re.compile(
    r"access ?denied(?! for user)|not authorized to perform|(?:lacks?|not have|missing|without) (?:the )?.{0,60}permissions?",
    re.IGNORECASE,
)
_ACTION = re.compile(r"\b(?:s3|kms|ecr|sagemaker|logs|ec2|iam|sts|glue|athena|secretsmanager):[A-Z]\w{2,60}")
_SERVICES = (
    (re.compile(r"\bkms\b|\bciphertext\b", re.IGNORECASE), "use the KMS key", "the key's policy"),
    (re.compile(r"\becr\b", re.IGNORECASE), "pull the image from ECR", "the repository's policy"),
    (
        re.compile(r"\bs3\b|bucket|upload|download", re.IGNORECASE),
        "use the S3 location",
        "the bucket's policy",
    ),
)
_KILLED = (137, -9)


def likely_cause(failure: Failure) -> str:
    """What to look at first, as a clause without a full stop, where the words leave no doubt; else ""."""
    said = f"{failure.code} {failure.said}"
    first, *others = _CAUSES
    if first.pattern.search(said):  # before the permissions it mentions
        return first.hint
    if _DENIED.search(said):
        return _denied(said)
    for cause in others:
        found = cause.pattern.search(said)
        if found:
            return cause.hint.format(*(group.strip(".,") for group in found.groups()))
    if failure.exit_code in _KILLED:
        return "The container was killed, nearly always because it ran out of memory: use an instance type with more"
    return ""


def _denied(said: str) -> str:
    action = _ACTION.search(said)
    for pattern, deed, policy in _SERVICES:
        if pattern.search(action[0] if action else said):
            return f"The job's role may not {f'call {action[0]}' if action else deed}: check its policies, and {policy}"
    return f"The job's role may not call {action[0]}" if action else ""
