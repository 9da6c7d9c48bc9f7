"""The model registry in moto: on the machine's clock; deleted versions' numbers come again; nothing is announced.

Gaps filled here: `DeleteModelPackage` and `DeleteModelPackageGroup` are missing; an update wipes the members
it does not name; members such as `SkipModelValidation` or `ModelLifeCycle` are lost; groups of other accounts
cannot be named by their ARN; a token given twice makes two versions.
"""

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from moto.sagemaker.models import SageMakerModelBackend, sagemaker_backends

from embedded_aws.moto_additions.sagemaker.errors import ConflictException, ValidationException
from embedded_aws.moto_additions.sagemaker.event_stream import iso
from embedded_aws.moto_additions.sagemaker.images import digest
from embedded_aws.moto_additions.sagemaker.resource import Resource, page, prefix_of
from embedded_aws.moto_additions.sagemaker.stage import Stage
from embedded_aws.moto_additions.sagemaker.wire import Answer, Operation, Request, given

STATE_CHANGE = "SageMaker Model Package State Change"
_SUMMARY = (
    "ModelPackageName",
    "ModelPackageGroupName",
    "ModelPackageVersion",
    "ModelPackageArn",
    "ModelPackageDescription",
    "CreationTime",
    "ModelPackageStatus",
    "ModelApprovalStatus",
    "ModelLifeCycle",
)


@dataclass(eq=False)
class ModelPackage(Resource):
    """`version` and `group` are None for an unversioned package."""

    group: str | None = None
    version: int | None = None
    status: str = "Completed"
    modified: datetime | None = None

    def description(self) -> Answer:
        return given(
            # A version has no name of its own, only the group's.
            ModelPackageName=self.name if self.group is None else None,
            ModelPackageGroupName=self.group,
            ModelPackageVersion=self.version,
            ModelPackageArn=self.arn,
            CreationTime=self.created,
            **self.fields,
            ModelPackageStatus=self.status,
            ModelPackageStatusDetails={"ValidationStatuses": [], "ImageScanStatuses": []},
            LastModifiedTime=self.modified,
        )


@dataclass(eq=False)
class ModelPackageGroup(Resource):
    """`versions` is the newest version's number, whether it still exists or not."""

    versions: int = 0

    def summary(self) -> Answer:
        return {
            "ModelPackageGroupName": self.name,
            "ModelPackageGroupArn": self.arn,
            "CreationTime": self.created,
            "ModelPackageGroupStatus": "Completed",
            **self.fields,
        }


class Registry:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def operations(self) -> dict[str, Operation]:
        return {
            "CreateModelPackageGroup": self.create_group,
            "DescribeModelPackageGroup": self.describe_group,
            "ListModelPackageGroups": self.list_groups,
            "DeleteModelPackageGroup": self.delete_group,
            "CreateModelPackage": self.create,
            "DescribeModelPackage": self.describe,
            "UpdateModelPackage": self.update,
            "DeleteModelPackage": self.delete,
            "ListModelPackages": self.list,
        }

    def create_group(self, backend: SageMakerModelBackend, request: Request) -> Answer:
        name = request.pop("ModelPackageGroupName")
        arn = f"{prefix_of(backend)}model-package-group/{name}"
        if name in groups_of(backend):
            raise ValidationException(f"Model Package Group already exists: {arn}")
        tags = request.pop("Tags", [])
        groups_of(backend)[name] = ModelPackageGroup(name, arn, self._stage.now(), request, tags)
        return {"ModelPackageGroupArn": arn}

    def describe_group(self, backend: SageMakerModelBackend, request: Request) -> Answer:
        user = {"IamIdentity": {"Arn": f"arn:aws:iam::{backend.account_id}:user/developer"}}
        return {**find_group(backend, request["ModelPackageGroupName"]).summary(), "CreatedBy": user}

    def list_groups(self, backend: SageMakerModelBackend, request: Request) -> Answer:
        groups, token = page(
            groups_of(backend).values(),
            request,
            name=lambda it: it.name,
            created=lambda it: it.created,
            default_order="Ascending",
        )
        return given(ModelPackageGroupSummaryList=[group.summary() for group in groups], NextToken=token)

    def delete_group(self, backend: SageMakerModelBackend, request: Request) -> None:
        group = find_group(backend, request["ModelPackageGroupName"])
        if any(package.group == group.name for package in packages_of(backend).values()):
            raise ConflictException(
                f"Model Package Group {group.arn} cannot be deleted because it still contains model packages."
            )
        del groups_of(backend)[group.name]

    def create(self, backend: SageMakerModelBackend, request: Request) -> Answer:
        name, group_name = request.pop("ModelPackageName", None), request.pop("ModelPackageGroupName", None)
        if (name is None) == (group_name is None):
            raise ValidationException(
                "Exactly one of ModelPackageName and ModelPackageGroupName is needed."
            )  # ?
        tags, token = request.pop("Tags", []), request.pop("ClientToken", None)
        request.setdefault("CertifyForMarketplace", False)
        version = None
        if group_name is not None:
            if tags:
                raise ValidationException(
                    "Tags cannot be specified for a versioned model package; it has those of its group."
                )  # ?
            group = find_group(backend, group_name)
            backend = owner(backend, group_name)
        if token is not None and token in _tokens_of(backend):
            return {"ModelPackageArn": _tokens_of(backend)[token]}
        if group_name is not None:
            group.versions += 1
            name, version = group.name, group.versions
            path = f"{name}/{version}"
            request.setdefault("ModelApprovalStatus", "PendingManualApproval")
        else:
            path = name
        arn = f"{prefix_of(backend)}model-package/{path}"
        if arn in packages_of(backend):
            raise ValidationException(f"Model Package already exists: {arn}")
        for container in request.get("InferenceSpecification", {}).get("Containers", []):
            container.setdefault("ImageDigest", digest(container["Image"]))
        package = ModelPackage(name, arn, self._stage.now(), request, tags, version=version)
        package.group = name if version is not None else None
        packages_of(backend)[arn] = package
        if token is not None:
            _tokens_of(backend)[token] = arn
        self._complete(package)
        return {"ModelPackageArn": arn}

    def describe(self, backend: SageMakerModelBackend, request: Request) -> Answer:
        return find_package(backend, request["ModelPackageName"]).description()

    def update(self, backend: SageMakerModelBackend, request: Request) -> Answer:
        package = find_package(backend, request.pop("ModelPackageArn"))
        request.pop("ClientToken", None)
        updated = sorted({_FIELD.get(name, name) for name in request})
        for name, change in _CHANGES.items():
            if name in request:
                change(package.fields, request.pop(name))
        package.fields |= request
        package.modified = self._stage.now()
        self._announce(package, UpdatedModelPackageFields=updated)
        return {"ModelPackageArn": package.arn}

    def delete(self, backend: SageMakerModelBackend, request: Request) -> None:
        package = find_package(backend, request["ModelPackageName"])
        del packages_of(owner(backend, package.arn))[package.arn]

    def list(self, backend: SageMakerModelBackend, request: Request) -> Answer:
        group = request.get("ModelPackageGroupName")
        kind = "Versioned" if group else request.get("ModelPackageType", "Unversioned")
        found = (
            package
            for package in packages_of(owner(backend, group) if group else backend).values()
            if (group is None or package.group == group.rpartition("/")[2])
            and (kind == "Both" or (kind == "Versioned") == (package.version is not None))
            and request.get("ModelApprovalStatus") in (None, package.fields.get("ModelApprovalStatus"))
        )
        packages, token = page(
            found,
            request,
            name=lambda it: it.name,
            created=lambda it: it.created,
            default_order="Ascending",
        )
        summaries = [_summary(package) for package in packages]
        return given(ModelPackageSummaryList=summaries, NextToken=token)

    def _complete(self, package: ModelPackage) -> None:
        """At once, or after the checks that a package may have to pass first."""
        seconds = self._stage.durations.model_package
        if seconds:
            package.status = "InProgress"

            def end() -> None:
                package.status = "Completed"
                package.modified = self._stage.now()
                self._announce(package)

            self._stage.agenda.after(seconds, end)
        self._announce(package)

    def _announce(self, package: ModelPackage, **more: Any) -> None:
        detail = {
            name: iso(value) if isinstance(value, datetime) else value
            for name, value in package.description().items()
        }
        # The event has the time of the creation, too, where the API leaves it out.
        detail.setdefault("LastModifiedTime", detail["CreationTime"])
        self._stage.events.emit("aws.sagemaker", STATE_CHANGE, package.arn, detail | more)


def _merge(fields: dict[str, Any], properties: dict[str, str]) -> None:
    fields["CustomerMetadataProperties"] = fields.get("CustomerMetadataProperties", {}) | properties


def _remove(fields: dict[str, Any], names: Iterable[str]) -> None:
    for name in names:
        fields.get("CustomerMetadataProperties", {}).pop(name, None)


def _add(fields: dict[str, Any], specifications: list[dict[str, Any]]) -> None:
    fields["AdditionalInferenceSpecifications"] = [
        *fields.get("AdditionalInferenceSpecifications", []),
        *copy.deepcopy(specifications),
    ]


# Members of UpdateModelPackage that change a field of another name, or do not replace it.
_CHANGES: dict[str, Callable[[dict[str, Any], Any], None]] = {
    "CustomerMetadataProperties": _merge,
    "CustomerMetadataPropertiesToRemove": _remove,
    "AdditionalInferenceSpecificationsToAdd": _add,
}
_FIELD = {
    "CustomerMetadataPropertiesToRemove": "CustomerMetadataProperties",
    "AdditionalInferenceSpecificationsToAdd": "AdditionalInferenceSpecifications",
}


def _summary(package: ModelPackage) -> Answer:
    return {name: value for name, value in package.description().items() if name in _SUMMARY}


def owner(backend: SageMakerModelBackend, name_or_arn: str) -> SageMakerModelBackend:
    """The backend of the account and region an ARN names; the caller's own for a mere name.

    AWS asks the owner's resource policy first; this does not.
    """
    if not name_or_arn.startswith("arn:"):
        return backend
    _, _, _, region, account, _ = name_or_arn.split(":", 5)
    return sagemaker_backends[account][region]


def packages_of(backend: SageMakerModelBackend) -> dict[str, ModelPackage]:
    """By ARN."""
    kept: dict[str, ModelPackage] = vars(backend)["model_packages"]
    return kept


def _tokens_of(backend: SageMakerModelBackend) -> dict[str, str]:
    """Tokens of the requests so far, and the ARN of what each of them made."""
    kept: dict[str, str] = vars(backend).setdefault("model_package_tokens", {})
    return kept


def groups_of(backend: SageMakerModelBackend) -> dict[str, ModelPackageGroup]:
    kept: dict[str, ModelPackageGroup] = vars(backend)["model_package_groups"]
    return kept


def find_group(backend: SageMakerModelBackend, name_or_arn: str) -> ModelPackageGroup:
    there, name = owner(backend, name_or_arn), name_or_arn.rpartition("/")[2]
    try:
        return groups_of(there)[name]
    except KeyError:
        arn = f"{prefix_of(there)}model-package-group/{name}"
        raise ValidationException(f"ModelPackageGroup {arn} does not exist.") from None


def find_package(backend: SageMakerModelBackend, name_or_arn: str) -> ModelPackage:
    there = owner(backend, name_or_arn)
    arn = name_or_arn if name_or_arn.startswith("arn:") else f"{prefix_of(there)}model-package/{name_or_arn}"
    try:
        return packages_of(there)[arn]
    except KeyError:
        raise ValidationException(f"ModelPackage {arn} does not exist.") from None
