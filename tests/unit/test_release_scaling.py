"""Autoscaling of a released variant: as tags say, and otherwise as it was."""

from typing import Any

import pytest
from stationkeeper.releases.observed import EndpointConfig, Scaling
from stationkeeper.releases.scaling import POLICY, ScalingPlan, plan_scaling
from stationkeeper.releases.steps import Action

from tests.unit.release_builders import ENDPOINT, VARIANT, assert_taken, config, settings, variant

TARGET, PUT = Action.REGISTER_SCALABLE_TARGET, Action.PUT_SCALING_POLICY
SERVERLESS = {"ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5}}
MANAGED = {"ManagedInstanceScaling": {"Status": "ENABLED"}}


def planned(
    scaling: Scaling | None = None, of: EndpointConfig | None = None, *, created: bool = False, **tags: str
) -> ScalingPlan:
    plan = plan_scaling(settings(**tags), of or config(), VARIANT, scaling or Scaling(), created=created)
    for step in plan.steps:
        assert_taken(step)
    return plan


def applied(plan: ScalingPlan, before: Scaling) -> Scaling:
    """What scales the variant after the plan was carried out."""
    bounds, policies = before.bounds, dict(before.policies)
    for step in plan.steps:
        if step.action is TARGET:
            bounds = (step.request["MinCapacity"], step.request["MaxCapacity"])
        else:
            policies[step.request["PolicyName"]] = step.request["TargetTrackingScalingPolicyConfiguration"]
    return Scaling(bounds, policies)


@pytest.mark.parametrize("scaling", [Scaling(), Scaling((1, 9)), Scaling((1, 9), {"theirs": {}, POLICY: {}})])
def test_endpoint_that_was_there_before_keeps_what_it_has(scaling: Scaling):
    assert planned(scaling) == ScalingPlan()


@pytest.mark.parametrize(
    ("tags", "created", "actions", "words"),
    [
        ({}, True, [TARGET, PUT], "2 to 4 instances, 1,000 calls a minute each"),
        ({"max_instances": "6"}, False, [TARGET, PUT], "2 to 6 instances, 1,000 calls a minute each"),
        (
            {"invocations_per_instance": "50"},
            False,
            [TARGET, PUT],
            "2 to 4 instances, 50 calls a minute each",
        ),
        ({"min_instances": "3", "max_instances": "3"}, False, [TARGET], "3 instances, fixed"),
    ],
)
def test_variant_is_scaled_as_asked_for(tags: Any, created: bool, actions: list[Action], words: str):
    plan = planned(created=created, **tags)

    assert ([step.action for step in plan.steps], plan.words) == (actions, words)
    assert all(step.request["ResourceId"] == f"endpoint/{ENDPOINT}/variant/{VARIANT}" for step in plan.steps)


@pytest.mark.parametrize(
    "before", [Scaling(), Scaling((1, 1)), Scaling((2, 4), {"theirs": {}}), Scaling((2, 4), {POLICY: {}})]
)
@pytest.mark.parametrize(
    "tags", [{"min_instances": "2"}, {"max_instances": "2"}, {"invocations_per_instance": "7"}]
)
def test_what_was_done_is_not_done_again(before: Scaling, tags: dict[str, str]):
    after = applied(planned(before, **tags), before)

    assert planned(after, **tags).steps == ()


def test_policies_of_people_are_kept():
    plan = planned(Scaling((1, 1), {"theirs": {"TargetValue": 70}}), max_instances="6")

    assert [step.action for step in plan.steps] == [TARGET]
    assert "by the policy theirs that was there before" in plan.words


def test_policy_that_was_changed_is_put_right():
    done = applied(planned(max_instances="6"), Scaling())
    changed = Scaling(done.bounds, {POLICY: {**done.policies[POLICY], "TargetValue": 1.0}})
    grown = Scaling(done.bounds, {POLICY: {**done.policies[POLICY], "DisableScaleIn": False}})

    assert [step.action for step in planned(changed, max_instances="6").steps] == [PUT]
    assert planned(grown, max_instances="6").steps == ()


@pytest.mark.parametrize(
    ("of", "why"),
    [
        (config(variants=[variant(**SERVERLESS)]), "serverless"),
        (config(AsyncInferenceConfig={"OutputConfig": {"S3OutputPath": "s3://b/"}}), "asynchronous"),
        (config(variants=[variant(**MANAGED)]), "managed instance scaling"),
        (config(variants=[variant(InstanceType="ml.t2.medium")]), "T2"),
    ],
)
def test_what_cannot_be_scaled_is_said_where_it_was_asked_for(of: EndpointConfig, why: str):
    asked = planned(of=of, max_instances="6")

    assert asked.steps == ()
    assert why in asked.note
    assert planned(of=of, created=True) == ScalingPlan()


@pytest.mark.parametrize("managed", [{"Status": "DISABLED"}, {"MinInstanceCount": 1}, {}, None])
def test_managed_scaling_that_is_off_does_not_stop_ours(managed: Any):
    off = config(variants=[variant(ManagedInstanceScaling=managed)])

    assert planned(of=off, max_instances="6").steps
