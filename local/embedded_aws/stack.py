"""Deploys a `sam build` into moto's CloudFormation, and knows afterwards what is what."""

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from embedded_aws.function_environment import FunctionDefinition
from embedded_aws.moto_additions.cloudformation import supported
from embedded_aws.template import CODE_BUCKET, ExpandedTemplate, TemplateError, expand

type ClientFactory = Callable[[str], Any]

_DEFAULT_RUNTIME = "python3.13"


@dataclass(frozen=True)
class Skipped:
    """A part of the template that is not there, and why."""

    logical_id: str
    type: str
    reason: str


@dataclass(frozen=True)
class Deployment:
    """A stack as deployed.

    `functions` are by logical id; `physical_ids` hold every created resource; `skipped` everything that was
    not created, or was but cannot run here.
    """

    stack_name: str
    outputs: dict[str, str]
    functions: dict[str, FunctionDefinition]
    physical_ids: dict[str, str]
    skipped: tuple[Skipped, ...] = ()
    _logical_ids: dict[str, str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        logical_ids = {physical: logical for logical, physical in self.physical_ids.items()}
        object.__setattr__(self, "_logical_ids", logical_ids)

    def physical_id(self, logical_id: str) -> str:
        """Name, ARN or URL of a resource; whichever its `Ref` gives.

        Raises
        ------
        KeyError
            There is no such resource, or it was skipped.
        """
        return self.physical_ids[logical_id]

    def logical_id(self, physical_id: str) -> str:
        """The template's name for a physical id, or for an ARN that ends with one.

        Raises
        ------
        KeyError
            It does not belong to this stack.
        """
        if physical_id in self._logical_ids:
            return self._logical_ids[physical_id]
        name = physical_id.rpartition(":")[2].rpartition("/")[2]
        for physical, logical in self._logical_ids.items():
            if physical.rpartition("/")[2] == name:
                return logical
        raise KeyError(physical_id)


def deploy(
    client: ClientFactory,
    build_folder: Path,
    stack_name: str,
    parameters: dict[str, str],
    region: str,
) -> Deployment:
    """Create the stack of a build folder.

    Parameters
    ----------
    client : makes boto3 clients bound to the embedded server.
    parameters : overrides of the template's defaults.

    Raises
    ------
    TemplateError
        The template cannot be expanded or created.
    """
    expanded = expand(build_folder, parameters, region)
    unknown = sorted(set(parameters) - set(expanded.template.get("Parameters", {})))
    if unknown:
        raise TemplateError(f"The template has no parameter {', '.join(unknown)}.")
    _upload_stubs(client, expanded, region)
    cloudformation = client("cloudformation")
    try:
        cloudformation.create_stack(
            StackName=stack_name,
            TemplateBody=json.dumps(expanded.template, default=str),
            Parameters=[
                {"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()
            ],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
    except ClientError as error:
        raise TemplateError(f"The stack cannot be created: {error}") from error
    stack = cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0]
    resources = cloudformation.describe_stack_resources(StackName=stack_name)["StackResources"]
    skipped = [
        Skipped(logical_id, resource["Type"], "not supported by moto's CloudFormation")
        for logical_id, resource in expanded.template["Resources"].items()
        if not supported(resource["Type"])
    ]
    missing = {resource.logical_id for resource in skipped}
    physical_ids = {
        resource["LogicalResourceId"]: resource["PhysicalResourceId"]
        for resource in resources
        # what a condition left out is listed without ids
        if resource.get("PhysicalResourceId") and resource["LogicalResourceId"] not in missing
    }
    functions = _functions(client, expanded, physical_ids, skipped)
    return Deployment(
        stack_name=stack_name,
        outputs={output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])},
        functions=functions,
        physical_ids=physical_ids,
        skipped=tuple(skipped),
    )


def _upload_stubs(client: ClientFactory, expanded: ExpandedTemplate, region: str) -> None:
    """The code runs from the build folder; Lambda only wants to see some zip."""
    s3 = client("s3")
    s3.create_bucket(Bucket=CODE_BUCKET, CreateBucketConfiguration={"LocationConstraint": region})
    for key, folder in expanded.code.items():
        stub = io.BytesIO()
        with zipfile.ZipFile(stub, "w") as archive:
            archive.writestr("where.txt", str(folder))
        s3.put_object(Bucket=CODE_BUCKET, Key=key, Body=stub.getvalue())


def _functions(
    client: ClientFactory,
    expanded: ExpandedTemplate,
    physical_ids: dict[str, str],
    skipped: list[Skipped],
) -> dict[str, FunctionDefinition]:
    """What each created function needs to run; those that cannot run here are added to `skipped`."""
    functions: dict[str, FunctionDefinition] = {}
    for logical_id, resource in expanded.template["Resources"].items():
        if resource["Type"] != "AWS::Lambda::Function" or logical_id not in physical_ids:
            continue
        folder = expanded.folder(logical_id)
        layers, foreign = expanded.layers(logical_id)
        runtime = str(resource.get("Properties", {}).get("Runtime", _DEFAULT_RUNTIME))
        if folder is None:
            skipped.append(Skipped(logical_id, resource["Type"], "its code is not part of the build folder"))
        elif not runtime.startswith("python"):
            skipped.append(Skipped(logical_id, resource["Type"], f"runtime {runtime} is not Python"))
        else:
            skipped.extend(
                Skipped(logical_id, "layer", f"{layer} is not part of the build") for layer in foreign
            )
            functions[logical_id] = _definition(
                client, logical_id, physical_ids, resource["Properties"], folder, tuple(layers)
            )
    return functions


def _definition(
    client: ClientFactory,
    logical_id: str,
    physical_ids: dict[str, str],
    properties: dict[str, Any],
    task_root: Path,
    layers: tuple[Path, ...],
) -> FunctionDefinition:
    # moto resolved parameters, conditions and references: ask it rather than the template.
    created = client("lambda").get_function_configuration(FunctionName=physical_ids[logical_id])
    variables = created.get("Environment", {}).get("Variables", {})
    logging = properties.get("LoggingConfig", {})
    group = logging.get("LogGroup", "")
    if isinstance(group, dict):
        group = physical_ids.get(str(group.get("Ref")), "")
    return FunctionDefinition(
        logical_id=logical_id,
        name=created["FunctionName"],
        arn=created["FunctionArn"].removesuffix(":$LATEST"),
        role_name=created["Role"].rpartition("/")[2],
        runtime=created.get("Runtime") or _DEFAULT_RUNTIME,
        handler=created["Handler"],
        task_root=task_root,
        layers=layers,
        timeout_seconds=float(created["Timeout"]),
        memory_mb=int(created["MemorySize"]),
        environment={name: str(value) for name, value in variables.items()},
        log_group=str(group),
        log_format=str(logging.get("LogFormat", "Text")),
    )
