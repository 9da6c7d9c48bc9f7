"""Which parameters an execution is started with: only those the pipeline declares.

Source: SageMaker guide, "Baseline calculation, drift detection and lifecycle with ClarifyCheck and QualityCheck steps": after a violation on
an endpoint the retraining run skips the check against the old baseline and registers a new one.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from stationkeeper.errors import StationkeeperError
from stationkeeper.events.retraining_events import PassedParameter
from stationkeeper.reports.violation import Monitor

_KINDS = {
    Monitor.DATA_QUALITY: "DataQuality",
    Monitor.MODEL_QUALITY: "ModelQuality",
    Monitor.BIAS: "ModelBias",
    Monitor.EXPLAINABILITY: "ModelExplainability",
}
_DATA_BIAS = "DataBias"
_DATA_BIAS_METRICS = frozenset(["CI", "DPL", "KL", "JS", "LP", "TVD", "KS", "CDDL"])
"""Clarify's pre-training metrics: they measure the data. All others measure the model."""
_TRUE = "True"


class DefinitionUnreadable(StationkeeperError):
    """A pipeline's definition is no JSON object with a list of parameters."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A parameter a pipeline declares. `kind` is String, Integer, Float or Boolean."""

    name: str
    kind: str = "String"
    has_default: bool = False


@dataclass(frozen=True, slots=True)
class Passed:
    """What an execution is started with. `missing` names parameters that have no value at all."""

    parameters: tuple[PassedParameter, ...] = ()
    notes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def declared_in(definition: str) -> tuple[Declared, ...]:
    """The parameters of a pipeline definition.

    Raises
    ------
    DefinitionUnreadable
        It is not what DescribePipeline documents.
    """
    try:
        content = json.loads(definition)
    except (ValueError, RecursionError) as error:
        raise DefinitionUnreadable("the pipeline's definition is not JSON") from error
    parameters = content.get("Parameters", []) if isinstance(content, dict) else None
    if not isinstance(parameters, list):
        raise DefinitionUnreadable("the pipeline's definition has no list of parameters")
    return tuple(
        Declared(
            name=str(one["Name"]),
            kind=str(one.get("Type", "String")),
            has_default=one.get("DefaultValue") is not None,
        )
        for one in parameters
        if isinstance(one, dict) and one.get("Name")
    )


def violated_kinds(monitor: Monitor | None, metrics: Iterable[str] = ()) -> frozenset[str]:
    """The kinds of check of a violated monitor, as pipelines call them.

    Parameters
    ----------
    metrics : names of the violated bias metrics: they tell the data from the model.
    """
    if monitor is None or monitor not in _KINDS:
        return frozenset()
    names = frozenset(metrics)
    if monitor is not Monitor.BIAS or not names & _DATA_BIAS_METRICS:
        return frozenset({_KINDS[monitor]})
    return frozenset({_DATA_BIAS} if names <= _DATA_BIAS_METRICS else {_DATA_BIAS, _KINDS[monitor]})


def parameters_for(kinds: Iterable[str], declared: Iterable[Declared], tagged: Mapping[str, str]) -> Passed:
    """What to start an execution with; what tags say goes before what the drift says."""
    known = {one.name: one for one in declared}
    passed: dict[str, PassedParameter] = {}
    notes = []
    for kind in sorted(kinds):
        wanted = {
            f"Skip{kind}Check": "the old baseline does not hold any more",
            f"RegisterNew{kind}Baseline": "the new model brings its own",
        }
        for name, why in wanted.items():
            if name in known and known[name].kind in ("Boolean", "String"):
                passed[name] = PassedParameter(name=name, value=_TRUE, why=why)
        if not wanted.keys() & known.keys():
            notes.append(f"the pipeline declares neither {' nor '.join(wanted)}: its own check decides")
    for name, value in sorted(tagged.items()):
        if name in known:
            passed[name] = PassedParameter(name=name, value=value, why="tag")
        else:
            notes.append(f"the pipeline declares no parameter {name}, which a tag sets")
    missing = tuple(name for name, one in known.items() if not one.has_default and name not in passed)
    return Passed(tuple(passed[name] for name in known if name in passed), tuple(notes), missing)
