"""Nothing happens to what nobody tagged: an account full of changes, and only looks and notes of our own come of them."""

from collections.abc import Iterator

import pytest
from embedded_aws.moto_additions.sagemaker.outcomes import ExecutionOutcome

from tests.release_world import ENDPOINT
from tests.whole_world import PIPELINE, WholeWorld, drifted, whole_world

LOOKS = ("Describe", "List", "Get", "BatchGet", "Head", "Search", "Query")
OF_OUR_OWN = {
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "eventbridge:PutEvents",
    "sns:Publish",
    "sqs:SendMessage",
    "sqs:SendMessageBatch",
}
"""What writes to the state table, our bus, topics and queues: there are no others in the account."""
OTHERS = {
    "team": "risk",
    "endpoint": ENDPOINT,
    "Stationkeeper:endpoint": ENDPOINT,
    "my:stationkeeper:endpoint": "x",
}
"""Tags that are not ours, though some resemble them."""


@pytest.fixture
def system() -> Iterator[WholeWorld]:
    with whole_world() as running:
        yield running


def changes(system: WholeWorld) -> set[str]:
    """Calls of the functions, up to now, that do more than look."""
    return {call for call in system.calls if not call.partition(":")[2].startswith(LOOKS)}


def tagged_by_others(system: WholeWorld, arn: str) -> None:
    system.sagemaker.add_tags(
        ResourceArn=arn, Tags=[{"Key": key, "Value": value} for key, value in OTHERS.items()]
    )


def everything_changes(system: WholeWorld, endpoint: str | None = None) -> None:
    """Versions, endpoints, alarms, jobs, pipelines of a team; `endpoint` is the tag that opts its group in."""
    tagged_by_others(system, system.group(endpoint=endpoint))
    system.user_endpoint(tags=[{"Key": key, "Value": value} for key, value in OTHERS.items()])
    system.multi_model_endpoint()
    version = system.approved()
    system.register()
    system.reject(version)
    system.approve(version)
    system.user_config("handmade-2")
    system.settle()
    system.sagemaker.update_endpoint(EndpointName=ENDPOINT, EndpointConfigName="handmade-2")
    system.settle()
    for name, of in (("latency", ENDPOINT), ("elsewhere", "no-such-endpoint")):
        system.alarm(name, of, tags=OTHERS)
        for state in ("ALARM", "OK", "INSUFFICIENT_DATA"):
            system.turns(name, state)
    system.simulator.plan_job_outcome("broken", ok=False)
    system.training_job("trained", tags=OTHERS)
    system.training_job("broken", tags=OTHERS)
    system.tuning_job("tuned", tags=OTHERS)
    system.simulator.plan_execution(PIPELINE, ExecutionOutcome.FAILS)
    system.pipeline(tags=OTHERS)
    system.sagemaker.start_pipeline_execution(PipelineName=PIPELINE, ClientRequestToken="1" * 32)
    system.settle()
    for _ in range(2):
        system.sweep()
        system.advance(3_600)


def test_changes_of_what_nobody_tagged_are_looked_at_and_left_alone(system: WholeWorld) -> None:
    everything_changes(system)

    assert "sagemaker:ListTags" in system.calls  # they were looked at
    assert changes(system) <= OF_OUR_OWN
    assert system.domain_events == []
    assert system.read_mail() == []


def test_drift_of_an_endpoint_that_nobody_tagged_is_told_and_nothing_else_is_done(system: WholeWorld) -> None:
    system.group(endpoint=None)
    system.user_endpoint()
    system.pipeline()
    system.watched()

    system.monitor_runs(drifted(share=0.9))
    system.settle()

    assert len(system.read_mail()) == 1
    assert changes(system) <= OF_OUR_OWN
    assert system.simulator.executions(PIPELINE) == []


def test_one_tag_makes_the_difference(system: WholeWorld) -> None:
    everything_changes(system, endpoint=ENDPOINT)

    assert "sagemaker:UpdateEndpoint" in changes(system) - OF_OUR_OWN
