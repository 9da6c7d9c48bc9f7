"""SageMaker's time behind the embedded server: functions see each state, nobody sleeps."""

import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import ClientError
from embedded_aws import Outcome

from tests.embedded_aws.sagemaker_account import ENDPOINT_STATE, IMAGE, ROLE, refused, variant

WATCH = """
    import boto3, json
    sagemaker = boto3.client("sagemaker")
    def handler(event, context):
        for record in event["Records"]:
            told = json.loads(record["body"])["detail"]
            found = sagemaker.describe_endpoint(EndpointName=told["EndpointName"])
            print("SAW", told["EndpointStatus"], found["EndpointStatus"], found["EndpointConfigName"])
"""
PATTERN = {"source": ["aws.sagemaker"], "detail-type": [ENDPOINT_STATE]}
FAIL_ONCE = """
    import json
    def handler(event, context):
        for record in event["Records"]:
            if record["attributes"]["ApproximateReceiveCount"] == "1":
                raise RuntimeError("again, please")
            print("AT", json.loads(record["body"])["detail"]["n"])
"""


def saw(aws: Any) -> list[str]:
    lines = aws.log("Watch").splitlines()
    return [line.removeprefix("SAW ") for line in lines if line.startswith("SAW ")]


def prepare(aws: Any) -> Any:
    sagemaker = aws.client("sagemaker")
    sagemaker.create_model(ModelName="model-1", PrimaryContainer={"Image": IMAGE}, ExecutionRoleArn=ROLE)
    for name in ("churn-1", "churn-2"):
        sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant()])
    sagemaker.create_endpoint(EndpointName="churn", EndpointConfigName="churn-1")
    return sagemaker


def post(aws: Any, route: str, **body: Any) -> Any:
    request = urllib.request.Request(
        f"{aws.endpoint_url}/_embedded/{route}", json.dumps(body).encode(), method="POST"
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())


def test_functions_see_each_state_as_time_passes(run: Any) -> None:
    aws = run({"Watch": {"code": WATCH, "pattern": PATTERN}})
    sagemaker = prepare(aws)

    first = aws.advance(300)
    second = aws.advance(400)
    aws.sagemaker.plan_outcome("churn", Outcome.ROLLS_BACK)
    sagemaker.update_endpoint(EndpointName="churn", EndpointConfigName="churn-2")
    third = aws.settle()

    assert (first.delivered, second.delivered, third.delivered) == (1, 1, 3)
    assert first.skipped_seconds == pytest.approx(300, abs=5)
    assert saw(aws) == [
        "CREATING Creating churn-1",
        "IN_SERVICE InService churn-1",
        "UPDATING Updating churn-1",
        "ROLLING_BACK RollingBack churn-1",
        "IN_SERVICE InService churn-1",
    ]
    journal = [(entry.facts["name"], entry.facts["status"]) for entry in aws.journal.since(0, ["endpoint"])]
    assert journal == [
        ("churn", status) for status in ("Creating", "InService", "Updating", "RollingBack", "InService")
    ]
    assert len(aws.journal.since(0, ["event"])) == 5


def test_drain_does_not_wait_for_endpoints(run: Any) -> None:
    aws = run({"Watch": {"code": WATCH, "pattern": PATTERN}})
    sagemaker = prepare(aws)

    aws.drain(20)

    assert sagemaker.describe_endpoint(EndpointName="churn")["EndpointStatus"] == "Creating"


def test_endpoint_changes_on_the_way_to_a_late_message(run: Any, event: Any) -> None:
    aws = run({"Watch": {"code": FAIL_ONCE, "visibility": 900}})
    sagemaker = prepare(aws)

    aws.send(event(n=1))
    aws.drain(30)  # the second delivery comes after 15 minutes

    found = sagemaker.describe_endpoint(EndpointName="churn")
    assert found["EndpointStatus"] == "InService"
    assert 595 < (found["LastModifiedTime"] - found["CreationTime"]).total_seconds() < 605


def test_control_routes_advance_settle_and_plan(run: Any) -> None:
    aws = run({"Watch": {"code": WATCH, "pattern": PATTERN}})
    sagemaker = prepare(aws)

    assert post(aws, "advance", seconds=700)["delivered"] == 2
    post(aws, "sagemaker/outcome", endpoint_name="churn", outcome="rolls_back_silently")
    sagemaker.update_endpoint(EndpointName="churn", EndpointConfigName="churn-2")
    assert post(aws, "settle")["delivered"] == 2

    assert saw(aws)[-1] == "IN_SERVICE InService churn-1"
    with pytest.raises(urllib.error.HTTPError, match="400"):
        post(aws, "sagemaker/outcome", endpoint_name="churn", outcome="explodes")


def test_refusals_and_answers_pass_the_server(run: Any) -> None:
    aws = run()
    sagemaker = prepare(aws)

    with refused("Cannot update in-progress endpoint"):
        sagemaker.update_endpoint(EndpointName="churn", EndpointConfigName="churn-2")
    aws.settle()
    aws.sagemaker.plan_invocation("churn", status=500, body="boom")
    runtime = aws.client("sagemaker-runtime")
    with pytest.raises(ClientError) as raised:
        runtime.invoke_endpoint(EndpointName="churn", Body=b"1")
    answer = runtime.invoke_endpoint(EndpointName="churn", Body=b"1")

    assert raised.value.response["OriginalMessage"] == "boom"
    assert answer["Body"].read() == b'{"predictions": [0.5]}'


def test_calls_are_named_as_boto3_names_them(run: Any) -> None:
    aws = run()
    sagemaker = prepare(aws)
    aws.settle()
    since = len(aws.calls())

    sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="churn",
        DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 3}],
    )
    aws.settle()
    aws.client("sagemaker-runtime").invoke_endpoint(EndpointName="churn", Body=b"1")
    aws.client("application-autoscaling").register_scalable_target(
        ServiceNamespace="sagemaker",
        ResourceId="endpoint/churn/variant/AllTraffic",
        ScalableDimension="sagemaker:variant:DesiredInstanceCount",
        MinCapacity=1,
        MaxCapacity=2,
    )
    aws.client("resourcegroupstaggingapi").get_resources(ResourceTypeFilters=["sagemaker:endpoint"])
    aws.client("cloudwatch").describe_alarms()

    calls = [(call.service, call.action, call.status) for call in aws.calls()[since:]]
    assert calls == [
        ("sagemaker", "UpdateEndpointWeightsAndCapacities", 200),
        ("sagemaker-runtime", "InvokeEndpoint", 200),
        ("application-autoscaling", "RegisterScalableTarget", 200),
        ("resourcegroupstaggingapi", "GetResources", 200),
        ("cloudwatch", "DescribeAlarms", 200),
    ]
    assert aws.calls(service="sagemaker")[-1].resources == {"EndpointName": "churn"}


def test_moto_is_left_as_it_was(run: Any) -> None:
    from moto.sagemaker.responses import SageMakerResponse

    before = SageMakerResponse.create_endpoint
    aws = run()
    assert SageMakerResponse.create_endpoint is not before
    assert hasattr(SageMakerResponse, "update_endpoint")

    aws.stop()

    assert SageMakerResponse.create_endpoint is before
    assert not hasattr(SageMakerResponse, "update_endpoint")
