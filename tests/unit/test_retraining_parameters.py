"""Which parameters a retraining is started with: those the pipeline declares, and no other."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stationkeeper.reports.violation import Monitor
from stationkeeper.retraining.parameters import (
    Declared,
    DefinitionUnreadable,
    Passed,
    declared_in,
    parameters_for,
    violated_kinds,
)

KINDS = ("DataQuality", "ModelQuality", "DataBias", "ModelBias", "ModelExplainability")
DATA_BIAS = ("CI", "DPL", "KL", "JS", "LP", "TVD", "KS", "CDDL")
MODEL_BIAS = ("DPPL", "DI", "DCAcc", "DCR", "RD", "DAR", "DRR", "AD", "CDDPL", "TE", "FT", "GE", "SD")


def checks_of(kind: str) -> tuple[str, str]:
    """The two parameters of a kind of check, as SageMaker's own samples call them."""
    return f"Skip{kind}Check", f"RegisterNew{kind}Baseline"


def definition(*parameters: Any) -> str:
    """As the SageMaker SDK writes it."""
    return json.dumps(
        {
            "Version": "2020-12-01",
            "Metadata": {},
            "Parameters": list(parameters),
            "PipelineExperimentConfig": {"ExperimentName": {"Get": "Execution.PipelineName"}},
            "Steps": [{"Name": "Train", "Type": "Training", "Arguments": {}}],
        }
    )


def declared(*names: str, has_default: bool = True) -> tuple[Declared, ...]:
    return tuple(Declared(name, "Boolean", has_default) for name in names)


ALL = declared(*(name for kind in KINDS for name in checks_of(kind)))


def values(passed: Passed) -> dict[str, str]:
    return {one.name: one.value for one in passed.parameters}


# ---------------------------------------------------------------- definitions


def test_parameters_are_read_as_the_sdk_writes_them():
    read = declared_in(
        definition(
            {"Name": "SkipDataQualityCheck", "Type": "Boolean", "DefaultValue": False},
            {"Name": "InstanceType", "Type": "String", "DefaultValue": ""},
            {"Name": "Epochs", "Type": "Integer", "DefaultValue": 0},
            {"Name": "Rate", "Type": "Float", "DefaultValue": 0.0},
            {"Name": "InputData", "Type": "String"},
            {"Name": "Approval", "Type": "String", "DefaultValue": "Pending", "EnumValues": ["Pending"]},
            {"Name": "Untold"},
            {"Name": "Nothing", "Type": "String", "DefaultValue": None},
        )
    )

    assert read == (
        Declared("SkipDataQualityCheck", "Boolean", has_default=True),
        Declared("InstanceType", "String", has_default=True),
        Declared("Epochs", "Integer", has_default=True),
        Declared("Rate", "Float", has_default=True),
        Declared("InputData", "String", has_default=False),
        Declared("Approval", "String", has_default=True),
        Declared("Untold", "String", has_default=False),
        Declared("Nothing", "String", has_default=False),
    )


@pytest.mark.parametrize("text", ['{"Version": "2020-12-01", "Steps": []}', "{}", definition()])
def test_pipeline_without_parameters_declares_none(text: str):
    assert declared_in(text) == ()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not JSON"),
        ("not JSON", "not JSON"),
        ('{"Parameters": [', "not JSON"),
        (definition({"Name": "A"})[:40], "not JSON"),
        ('{"Parameters": ' + "9" * 5_000 + "}", "not JSON"),
        ("[" * 200_000, "not JSON"),
        ("[]", "no list of parameters"),
        ("null", "no list of parameters"),
        ('"Parameters"', "no list of parameters"),
        ("7", "no list of parameters"),
        ('{"Parameters": null}', "no list of parameters"),
        ('{"Parameters": {"Name": "A"}}', "no list of parameters"),
        ('{"Parameters": "A"}', "no list of parameters"),
        ("﻿{}", "not JSON"),
    ],
)
def test_definition_that_cannot_be_read_says_so_without_repeating_itself(text: str, why: str):
    with pytest.raises(DefinitionUnreadable, match=why) as raised:
        declared_in(text)

    assert len(str(raised.value)) < 100


@pytest.mark.parametrize(
    "parameter",
    [
        "A",
        7,
        None,
        True,
        [],
        ["Name", "A"],
        {},
        {"name": "A"},
        {"Name": ""},
        {"Name": None},
        {"Type": "String"},
    ],
)
def test_what_is_no_parameter_is_left_out(parameter: Any):
    assert [one.name for one in declared_in(definition(parameter, {"Name": "B"}))] == ["B"]


@pytest.mark.parametrize("kind", [None, 7, ["String"], {"a": 1}, "Object", ""])
def test_type_nobody_knows_is_kept_as_text(kind: Any):
    [one] = declared_in(definition({"Name": "A", "Type": kind, "DefaultValue": 1}))

    assert (one.name, one.kind, one.has_default) == ("A", str(kind), True)


def test_huge_definition_is_read():
    text = json.dumps(
        {
            "Parameters": [{"Name": f"P{number}", "DefaultValue": "x" * 100} for number in range(5_000)],
            "Steps": [{"Name": f"S{number}", "Arguments": {"Text": "y" * 1_000}} for number in range(2_000)],
        }
    )

    assert len(declared_in(text)) == 5_000


documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["Name", "Type", "DefaultValue", "Parameters"]) | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(documents, st.lists(documents, max_size=4))
def test_any_json_is_read_or_refused(document: Any, parameters: list[Any]):
    for text in (json.dumps(document), json.dumps({"Parameters": document}), definition(*parameters)):
        try:
            read = declared_in(text)
        except DefinitionUnreadable:
            continue
        assert all(one.name and isinstance(one.name, str) and isinstance(one.kind, str) for one in read)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str):
    with suppress(DefinitionUnreadable):
        assert all(one.name for one in declared_in(text))


# ---------------------------------------------------------------- kinds of check


@pytest.mark.parametrize(
    ("monitor", "kinds"),
    [
        (Monitor.DATA_QUALITY, {"DataQuality"}),
        (Monitor.MODEL_QUALITY, {"ModelQuality"}),
        (Monitor.BIAS, {"ModelBias"}),
        (Monitor.EXPLAINABILITY, {"ModelExplainability"}),
        (Monitor.CUSTOM, set()),
        (None, set()),
    ],
)
def test_monitor_violates_its_own_kind_of_check(monitor: Monitor | None, kinds: set[str]):
    assert violated_kinds(monitor) == kinds
    assert violated_kinds(monitor, ["", "accuracy"]) == kinds


@pytest.mark.parametrize("metric", DATA_BIAS)
def test_bias_before_training_is_of_the_data(metric: str):
    assert violated_kinds(Monitor.BIAS, [metric]) == {"DataBias"}
    assert violated_kinds(Monitor.BIAS, [metric, "CI"]) == {"DataBias"}


@pytest.mark.parametrize("metric", [*MODEL_BIAS, "", "NewMetricOf2031"])
def test_bias_after_training_is_of_the_model(metric: str):
    assert violated_kinds(Monitor.BIAS, [metric]) == {"ModelBias"}
    assert violated_kinds(Monitor.BIAS, [metric, "CI"]) == {"DataBias", "ModelBias"}


@pytest.mark.parametrize("monitor", [Monitor.DATA_QUALITY, Monitor.MODEL_QUALITY, Monitor.EXPLAINABILITY])
def test_metrics_tell_nothing_where_no_bias_is_measured(monitor: Monitor):
    assert violated_kinds(monitor, DATA_BIAS) == violated_kinds(monitor)


@given(st.sampled_from([*Monitor, None]), st.lists(st.sampled_from([*DATA_BIAS, *MODEL_BIAS, "", "x"])))
def test_kinds_are_those_pipelines_know(monitor: Monitor | None, metrics: list[str]):
    kinds = violated_kinds(monitor, metrics)

    assert kinds <= set(KINDS)
    assert bool(kinds) == (monitor not in (None, Monitor.CUSTOM))
    assert violated_kinds(monitor, reversed(metrics)) == kinds


# ---------------------------------------------------------------- what is passed


@pytest.mark.parametrize("kind", KINDS)
def test_violated_check_is_skipped_and_its_baseline_renewed(kind: str):
    passed = parameters_for({kind}, ALL, {})

    assert values(passed) == {f"Skip{kind}Check": "True", f"RegisterNew{kind}Baseline": "True"}
    assert passed.notes == passed.missing == ()
    assert all(one.why for one in passed.parameters)


def test_every_violated_kind_is_passed_in_the_order_of_the_pipeline():
    passed = parameters_for(KINDS, reversed(ALL), {})

    assert [one.name for one in passed.parameters] == [one.name for one in reversed(ALL)]


def test_only_the_half_a_pipeline_declares_is_passed():
    passed = parameters_for({"DataQuality"}, declared("SkipDataQualityCheck"), {})

    assert values(passed) == {"SkipDataQualityCheck": "True"}
    assert passed.notes == ()


def test_kind_the_pipeline_does_not_declare_is_told():
    passed = parameters_for({"ModelBias", "DataQuality"}, declared(*checks_of("DataQuality")), {})

    assert values(passed).keys() == set(checks_of("DataQuality"))
    assert passed.notes == (
        "the pipeline declares neither SkipModelBiasCheck nor RegisterNewModelBiasBaseline: its own check decides",
    )


def test_names_are_compared_letter_by_letter():
    passed = parameters_for({"DataQuality"}, declared("skipdataqualitycheck", "SkipDataQualityChecks"), {})

    assert passed.parameters == ()
    assert len(passed.notes) == 1


def test_tags_win_over_what_the_drift_says():
    passed = parameters_for(
        {"DataQuality"}, ALL, {"RegisterNewDataQualityBaseline": "False", "SkipModelBiasCheck": "True"}
    )

    assert values(passed) == {
        "SkipDataQualityCheck": "True",
        "RegisterNewDataQualityBaseline": "False",
        "SkipModelBiasCheck": "True",
    }
    assert {one.name for one in passed.parameters if one.why == "tag"} == {
        "RegisterNewDataQualityBaseline",
        "SkipModelBiasCheck",
    }


def test_tag_of_a_parameter_the_pipeline_does_not_declare_is_told_and_not_passed():
    passed = parameters_for((), declared("Epochs"), {"epochs": "10", "Rate": "0.1"})

    assert passed == Passed(
        notes=(
            "the pipeline declares no parameter Rate, which a tag sets",
            "the pipeline declares no parameter epochs, which a tag sets",
        )
    )


def test_parameters_without_any_value_are_named():
    required = declared("InputData", "SkipDataQualityCheck", "Epochs", "Rate", has_default=False)

    passed = parameters_for({"DataQuality"}, required, {"Epochs": ""})

    assert values(passed) == {"SkipDataQualityCheck": "True", "Epochs": ""}
    assert passed.missing == ("InputData", "Rate")


def test_pipeline_whose_definition_cannot_be_read_gets_no_parameters():
    passed = parameters_for({"DataQuality"}, (), {"Epochs": "10"})

    assert passed.parameters == ()
    assert passed.missing == ()
    assert len(passed.notes) == 2


names = st.sampled_from(
    [*(name for kind in KINDS for name in checks_of(kind)), "Epochs", "Rate", "InputData"]
)


@given(
    st.frozensets(st.sampled_from(KINDS)),
    st.lists(st.builds(Declared, names, st.just("String"), st.booleans()), unique_by=lambda one: one.name),
    st.dictionaries(names, st.text(max_size=10)),
)
def test_only_what_is_declared_is_passed_and_nothing_is_lost(
    kinds: frozenset[str], of: list[Declared], tagged: dict[str, str]
):
    passed = parameters_for(kinds, of, tagged)

    wanted = {name: "True" for kind in kinds for name in checks_of(kind)} | tagged
    known = [one.name for one in of]
    assert values(passed) == {name: value for name, value in wanted.items() if name in known}
    assert [one.name for one in passed.parameters] == [name for name in known if name in wanted]
    assert passed.missing == tuple(one.name for one in of if not one.has_default and one.name not in wanted)
    assert len(passed.notes) == len(tagged.keys() - set(known)) + sum(
        not set(checks_of(kind)) & set(known) for kind in kinds
    )
    assert passed == parameters_for(sorted(kinds, reverse=True), iter(of), dict(reversed(tagged.items())))
