"""The template of a `sam build` as CloudFormation gets it: code replaced by stubs, SAM expanded."""

import os
from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, cast
from unittest import mock

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.utils.py27hash_fix import (
    to_py27_compatible_template,
    undo_mark_unicode_str_in_template,
)
from samtranslator.yaml_helper import yaml_parse

CODE_BUCKET = "embedded-aws-code"
# resource type -> (property with the local folder, property of the expanded resource that names the stub)
_CODE_PROPERTIES = {
    "AWS::Serverless::Function": "CodeUri",
    "AWS::Serverless::LayerVersion": "ContentUri",
    "AWS::Lambda::Function": "Code",
    "AWS::Lambda::LayerVersion": "Content",
}


class TemplateError(Exception):
    """The build folder cannot be deployed; says what is wrong with it and what to do."""


@dataclass(frozen=True)
class ExpandedTemplate:
    """Plain CloudFormation, and where the code of its functions and layers lies.

    `code` maps the S3 key of a stub to the build folder it stands for.
    """

    template: dict[str, Any]
    code: dict[str, Path]

    def folder(self, logical_id: str) -> Path | None:
        """The build folder of a function or layer of the expanded template."""
        properties = self.template["Resources"][logical_id].get("Properties", {})
        source = properties.get("Code") or properties.get("Content") or {}
        return self.code.get(str(source.get("S3Key"))) if isinstance(source, dict) else None

    def layers(self, logical_id: str) -> tuple[list[Path], list[Any]]:
        """Build folders of a function's layers in order, and those that are not part of the build."""
        folders: list[Path] = []
        foreign: list[Any] = []
        for layer in self.template["Resources"][logical_id].get("Properties", {}).get("Layers", []):
            reference = str(layer.get("Ref")) if isinstance(layer, dict) else ""
            folder = self.folder(reference) if reference in self.template["Resources"] else None
            if folder is None:
                foreign.append(layer)
            else:
                folders.append(folder)
        return folders, foreign


@lru_cache(maxsize=2)
def _parsed(text: str) -> dict[str, Any]:
    """A template's text as YAML, which takes half a second for a long one."""
    return cast(dict[str, Any], yaml_parse(text))


def expand(build_folder: Path, parameters: dict[str, str], region: str) -> ExpandedTemplate:
    """Read `<build_folder>/template.yaml` and expand it with SAM's own translator.

    Raises
    ------
    TemplateError
        No template there, a folder it names is missing, or SAM refuses it.
    """
    path = build_folder / "template.yaml"
    if not path.is_file():
        raise TemplateError(f"No {path}: run `sam build` first.")
    template = deepcopy(_parsed(path.read_text(encoding="utf-8")))
    code = _replace_code(template, build_folder)
    return ExpandedTemplate(_translated(template, parameters, region), code)


def _replace_code(template: dict[str, Any], build_folder: Path) -> dict[str, Path]:
    code: dict[str, Path] = {}
    for logical_id, resource in template.get("Resources", {}).items():
        name = _CODE_PROPERTIES.get(resource.get("Type"))
        properties = resource.get("Properties", {})
        local = properties.get(name) if name else None
        if not isinstance(local, str) or local.startswith("s3://"):
            continue
        folder = (build_folder / local).resolve()
        if not folder.is_dir():
            raise TemplateError(f"{logical_id}: its {name} {folder} does not exist; run `sam build` again.")
        key = f"{logical_id}.zip"
        code[key] = folder
        plain = not resource["Type"].startswith("AWS::Serverless")
        properties[name] = {"S3Bucket": CODE_BUCKET, "S3Key": key} if plain else f"s3://{CODE_BUCKET}/{key}"
    return code


def _translated(template: dict[str, Any], parameters: dict[str, str], region: str) -> dict[str, Any]:
    if "AWS::Serverless-2016-10-31" not in _transforms(template):
        return template
    values = {"AWS::Region": region, "AWS::Partition": "aws", **parameters}
    sam = deepcopy(template)
    to_py27_compatible_template(sam, values)
    # The translator asks boto3 for its region; nothing of the developer's configuration may answer.
    with mock.patch.dict(os.environ, {"AWS_DEFAULT_REGION": region, "AWS_CONFIG_FILE": os.devnull}):
        os.environ.pop("AWS_PROFILE", None)
        translator = Translator(None, Parser(), boto_session=boto3.Session(region_name=region))
        try:
            expanded = translator.translate(
                sam, parameter_values=values, get_managed_policy_map=_managed_policies
            )
        except Exception as error:  # SAM's exceptions share no base; all of them mean "not this template"
            causes = [str(cause) for cause in getattr(error, "causes", [])] or [str(error)]
            raise TemplateError("SAM refuses the template: " + "; ".join(causes)) from error
        finally:
            translator.metrics.publish()  # to nowhere; unpublished ones are complained about
    return cast(dict[str, Any], undo_mark_unicode_str_in_template(expanded))


def _transforms(template: dict[str, Any]) -> list[str]:
    transform = template.get("Transform", [])
    return [transform] if isinstance(transform, str) else list(transform)


def _managed_policies() -> dict[str, str]:
    """AWS's managed policies by name, which SAM would ask IAM for."""
    names = ("AWSLambdaBasicExecutionRole", "AWSLambdaSQSQueueExecutionRole", "AWSXRayDaemonWriteAccess")
    return {name: f"arn:aws:iam::aws:policy/service-role/{name}" for name in names}
