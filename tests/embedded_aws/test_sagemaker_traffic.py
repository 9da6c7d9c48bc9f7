"""Invocations and autoscaling of an endpoint."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.embedded_aws.sagemaker_account import Account, refused, variant

TARGET = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/churn/variant/AllTraffic",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}
POLICY = {
    "PolicyName": "scale",
    "PolicyType": "TargetTrackingScaling",
    "TargetTrackingScalingPolicyConfiguration": {
        "TargetValue": 100.0,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
    },
}


def register(account: Account, **more: Any) -> None:
    account.scaling.register_scalable_target(**TARGET | {"MinCapacity": 1, "MaxCapacity": 4, **more})


def test_endpoint_in_service_answers(account: Account) -> None:
    account.endpoint()

    answer = account.runtime.invoke_endpoint(EndpointName="churn", Body=b"1,2", ContentType="text/csv")

    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert answer["Body"].read() == b'{"predictions": [0.5]}'
    assert answer["InvokedProductionVariant"] == "AllTraffic"
    assert answer["ContentType"] == "application/json"


def test_endpoint_answers_while_it_is_updated_and_not_before_it_is_there(account: Account) -> None:
    with refused("Endpoint churn of account 123456789012 not found.", "ValidationError"):
        account.runtime.invoke_endpoint(EndpointName="churn", Body=b"")
    account.config("churn-1")
    account.sagemaker.create_endpoint(EndpointName="churn", EndpointConfigName="churn-1")
    with refused("Endpoint churn of account 123456789012 not found.", "ValidationError"):
        account.runtime.invoke_endpoint(EndpointName="churn", Body=b"")
    account.sim.settle()
    account.config("churn-2")
    account.update("churn-2")

    assert account.runtime.invoke_endpoint(EndpointName="churn", Body=b"")["Body"].read()


def test_model_error_has_the_services_shape(account: Account) -> None:
    account.endpoint()
    account.sim.plan_invocation("churn", status=500, body="no such column")

    with pytest.raises(ClientError) as raised:
        account.runtime.invoke_endpoint(EndpointName="churn", Body=b"")
    account.runtime.invoke_endpoint(EndpointName="churn", Body=b"")

    response = raised.value.response
    assert response["Error"]["Code"] == "ModelError"
    assert response["Error"]["Message"].startswith(
        'Received server error (500) from primary with message "no such column".'
    )
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert (response["OriginalStatusCode"], response["OriginalMessage"]) == (500, "no such column")
    assert "/aws/sagemaker/Endpoints/churn" in response["LogStreamArn"]


def test_planned_answer_is_given(account: Account) -> None:
    account.endpoint()
    account.sim.plan_invocation("churn", 200, '{"score": 1}')

    assert account.runtime.invoke_endpoint(EndpointName="churn", Body=b"")["Body"].read() == b'{"score": 1}'


def test_variant_is_registered_and_described(account: Account) -> None:
    account.endpoint()

    register(account)
    account.scaling.put_scaling_policy(**TARGET, **POLICY)

    [target] = account.scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    [policy] = account.scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
    assert (target["ResourceId"], target["MaxCapacity"]) == (TARGET["ResourceId"], 4)
    assert policy["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 100.0


def test_registration_needs_an_endpoint_a_variant_and_peace(account: Account) -> None:
    with refused("Could not find endpoint churn"):
        register(account)
    account.endpoint()
    with refused("Could not find variant Other"):
        register(account, ResourceId="endpoint/churn/variant/Other")
    with refused("No scalable target registered", "ObjectNotFoundException"):
        account.scaling.put_scaling_policy(**TARGET, **POLICY)
    account.config("churn-2")
    account.update("churn-2")
    with refused("Endpoint churn is in status Updating"):
        register(account)


def test_registered_variant_keeps_name_and_instance_type(account: Account) -> None:
    account.endpoint()
    register(account)
    account.config("bigger", variant(InstanceType="ml.m5.xlarge"))
    account.config("renamed", variant("Other"))
    account.config("churn-2")

    for config in ("bigger", "renamed"):
        with refused("registered with Application Auto Scaling"):
            account.update(config)
    account.update("churn-2")
    account.sim.settle()
    account.scaling.deregister_scalable_target(**TARGET)
    account.update("bigger")
    account.sim.settle()

    assert account.state() == ("InService", "bigger")
    assert account.scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"] == []
