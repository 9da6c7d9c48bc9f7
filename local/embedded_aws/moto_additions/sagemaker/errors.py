"""The service's refusals, in its own words.

Words not found in any real record are marked `?`; only their code is certain.
"""

from moto.sagemaker.exceptions import ConflictException, ResourceInUseException, ResourceNotFound
from moto.sagemaker.exceptions import ValidationError as ValidationException

__all__ = [
    "ConflictException",
    "ResourceInUseException",
    "ResourceNotFound",
    "ValidationException",
    "already_exists",
    "in_progress",
    "not_found",
]


def not_found(kind: str, arn: str) -> ValidationException:
    """`kind` as the service calls it: `endpoint`, `endpoint configuration`, `model`."""
    return ValidationException(f'Could not find {kind} "{arn}".')


def already_exists(kind: str, arn: str) -> ValidationException:
    return ValidationException(f'Cannot create already existing {kind} "{arn}".')


def in_progress(arn: str) -> ValidationException:
    """What updates, deletions and weight changes are told while an endpoint is busy."""
    return ValidationException(f'Cannot update in-progress endpoint "{arn}".')
