"""The template is created as CloudFormation would; what cannot be is said."""

from pathlib import Path
from typing import Any

import pytest
from embedded_aws import EmbeddedAws, TemplateError

DO_NOTHING = "def handler(event, context):\n    pass\n"


def test_alarms_are_listed(run: Any) -> None:
    alarm = {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmDescription": "Something waits for a person.",
            "Namespace": "AWS/SQS",
            "MetricName": "ApproximateNumberOfMessagesVisible",
            "Dimensions": [{"Name": "QueueName", "Value": {"Fn::GetAtt": ["Queue", "QueueName"]}}],
            "Statistic": "Maximum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 0,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
            "AlarmActions": [{"Ref": "Topic"}],
        },
    }
    math = {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmName": "errors",
            "EvaluationPeriods": 1,
            "Threshold": 1,
            "ComparisonOperator": "GreaterThanThreshold",
            "Metrics": [
                {"Id": "rate", "Expression": "errors / 2", "ReturnData": True},
                {
                    "Id": "errors",
                    "ReturnData": False,
                    "MetricStat": {
                        "Metric": {"Namespace": "AWS/Lambda", "MetricName": "Errors"},
                        "Period": 60,
                        "Stat": "Sum",
                    },
                },
            ],
        },
    }
    composite = {"Type": "AWS::CloudWatch::CompositeAlarm", "Properties": {"AlarmRule": 'ALARM("errors")'}}
    aws = run(
        resources={
            "Queue": {"Type": "AWS::SQS::Queue"},
            "Topic": {"Type": "AWS::SNS::Topic"},
            "Waiting": alarm,
            "Errors": math,
            "Either": composite,
        },
        template={"Outputs": {"AlarmArn": {"Value": {"Fn::GetAtt": ["Waiting", "Arn"]}}}},
    )

    answer = aws.client("cloudwatch").describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"])

    waiting, errors = answer["MetricAlarms"]
    assert waiting["AlarmName"] == aws.deployment.physical_id("Waiting")
    assert waiting["AlarmArn"] == aws.deployment.outputs["AlarmArn"]
    assert waiting["AlarmActions"] == [aws.deployment.physical_id("Topic")]
    assert waiting["Dimensions"][0]["Value"] in aws.deployment.physical_id("Queue")
    assert errors["Metrics"][0]["Expression"] == "errors / 2"
    assert [alarm["AlarmRule"] for alarm in answer["CompositeAlarms"]] == ['ALARM("errors")']
    assert aws.deployment.skipped == ()


def test_everything_a_backend_like_ours_declares_is_created(run: Any) -> None:
    resources = {
        "Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": {"Ref": "AWS::StackName"}}},
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
                "SSESpecification": {"SSEEnabled": True},
                "TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": True},
            },
        },
        "Bucket": {
            "Type": "AWS::S3::Bucket",
            "Properties": {
                "BucketEncryption": {
                    "ServerSideEncryptionConfiguration": [
                        {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
                    ]
                },
                "LifecycleConfiguration": {
                    "Rules": [{"Id": "old", "Status": "Enabled", "Prefix": "pages/", "ExpirationInDays": 90}]
                },
                "PublicAccessBlockConfiguration": {"BlockPublicAcls": True, "BlockPublicPolicy": True},
            },
        },
        "BucketPolicy": {
            "Type": "AWS::S3::BucketPolicy",
            "Properties": {
                "Bucket": {"Ref": "Bucket"},
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Deny",
                            "Principal": "*",
                            "Action": "s3:*",
                            "Resource": {"Fn::Sub": "${Bucket.Arn}/*"},
                            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                        }
                    ],
                },
            },
        },
        "Topic": {"Type": "AWS::SNS::Topic"},
        "TopicPolicy": {
            "Type": "AWS::SNS::TopicPolicy",
            "Properties": {
                "Topics": [{"Ref": "Topic"}],
                "PolicyDocument": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Sid": "x"}]},
            },
        },
        "Parameter": {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Type": "String", "Name": "/policy", "Value": "{}"},
        },
        "Logs": {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {"LogGroupName": "/own/group", "RetentionInDays": 30},
        },
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}},
        },
        "Optional": {"Type": "AWS::SNS::Topic", "Condition": "Wanted"},
        "Schedule": {
            "Type": "AWS::Scheduler::Schedule",
            "Properties": {
                "ScheduleExpression": "rate(1 hour)",
                "FlexibleTimeWindow": {"Mode": "OFF"},
                "Target": {
                    "Arn": {"Fn::GetAtt": ["WorkerQueue", "Arn"]},
                    "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                    "Input": '{"source": "schedule", "id": "hourly"}',
                },
            },
        },
    }
    template = {
        "Parameters": {
            "Buckets": {"Type": "CommaDelimitedList", "Default": ""},
            "Wish": {"Type": "String", "Default": "no"},
        },
        "Conditions": {
            "Wanted": {"Fn::Equals": [{"Ref": "Wish"}, "yes"]},
            "HasBuckets": {"Fn::Not": [{"Fn::Equals": [{"Fn::Join": ["", {"Ref": "Buckets"}]}, ""]}]},
        },
        "Outputs": {
            "BusName": {"Value": {"Ref": "Bus"}},
            "Never": {"Condition": "Wanted", "Value": {"Ref": "Optional"}},
        },
    }
    environment = {
        "BUS": {"Ref": "Bus"},
        "BUCKETS": {
            "Fn::If": ["HasBuckets", {"Fn::Join": ["|", {"Ref": "Buckets"}]}, {"Ref": "AWS::NoValue"}]
        },
        "FIRST": {"Fn::Select": [0, {"Fn::Split": ["|", {"Fn::Join": ["|", {"Ref": "Buckets"}]}]}]},
    }
    aws = run(
        {"Worker": {"code": DO_NOTHING, "environment": environment}},
        resources=resources,
        template=template,
        parameters={"Buckets": "one,two"},
    )
    ids = aws.deployment.physical_ids

    assert aws.deployment.skipped == ()
    assert aws.deployment.outputs == {"BusName": "embedded"}
    assert "Optional" not in ids
    variables = aws.functions["Worker"].definition.environment
    assert variables == {"BUS": "embedded", "BUCKETS": "one|two", "FIRST": "one"}
    table = aws.client("dynamodb").describe_table(TableName=ids["Table"])["Table"]
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    backups = aws.client("dynamodb").describe_continuous_backups(TableName=ids["Table"])
    recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"
    ttl = aws.client("dynamodb").describe_time_to_live(TableName=ids["Table"])["TimeToLiveDescription"]
    assert ttl["AttributeName"] == "expires"
    assert aws.client("s3").get_bucket_policy(Bucket=ids["Bucket"])["Policy"]
    rules = aws.client("s3").get_bucket_lifecycle_configuration(Bucket=ids["Bucket"])["Rules"]
    assert rules[0]["Expiration"]["Days"] == 90
    topic = aws.client("sns").get_topic_attributes(TopicArn=ids["Topic"])["Attributes"]
    assert '"Sid": "x"' in topic["Policy"] or '"Sid":"x"' in topic["Policy"]
    groups = aws.client("logs").describe_log_groups(logGroupNamePrefix="/own/")["logGroups"]
    assert groups[0]["retentionInDays"] == 30
    schedules = aws.client("scheduler").list_schedules()["Schedules"]
    assert [schedule["Name"] for schedule in schedules] == [ids["Schedule"]]
    aws.run_schedule("Schedule")
    assert aws.drain(20).invocations[0]["event_ids"] == ["hourly"]


def test_unsupported_resources_are_named(run: Any) -> None:
    aws = run(
        resources={
            "Web": {"Type": "AWS::CloudFront::Function", "Properties": {"Name": "x"}},
            "Topic": {"Type": "AWS::SNS::Topic"},
        }
    )

    [skipped] = aws.deployment.skipped
    assert (skipped.logical_id, skipped.type) == ("Web", "AWS::CloudFront::Function")
    with pytest.raises(KeyError):
        aws.deployment.physical_id("Web")


def test_logical_and_physical_ids_lead_to_each_other(run: Any) -> None:
    aws = run({"Worker": {"code": DO_NOTHING}})

    for logical_id, physical_id in aws.deployment.physical_ids.items():
        assert aws.deployment.logical_id(physical_id) == logical_id
    queue = aws.deployment.physical_id("WorkerQueue").rpartition("/")[2]
    assert aws.deployment.logical_id(f"arn:aws:sqs:eu-west-1:123456789012:{queue}") == "WorkerQueue"
    with pytest.raises(KeyError):
        aws.deployment.logical_id("arn:aws:sqs:eu-west-1:123456789012:stranger")


def test_log_group_and_format_of_the_template_reach_the_function(run: Any, build_folder: Path) -> None:
    code = """
        import os
        def handler(event, context):
            return [os.environ["AWS_LAMBDA_LOG_GROUP_NAME"], os.environ["AWS_LAMBDA_LOG_FORMAT"]]
    """
    logging = {"LogGroup": {"Ref": "Logs"}, "LogFormat": "JSON"}
    aws = run(
        {"Worker": {"code": code}},
        resources={"Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/own"}}},
        template={"Globals": {"Function": {"LoggingConfig": logging}}},
    )

    assert aws.invoke("Worker", {}).answer == ["/own", "JSON"]


def test_missing_build_is_said(tmp_path: Path, runtime_python: Path) -> None:
    with pytest.raises(TemplateError, match="sam build"):
        EmbeddedAws(tmp_path, tmp_path / "state", runtime_python).start()


def test_unknown_parameter_is_refused(run: Any) -> None:
    with pytest.raises(TemplateError, match="no parameter Nonsense"):
        run(resources={"Topic": {"Type": "AWS::SNS::Topic"}}, parameters={"Nonsense": "1"})


def test_template_sam_refuses_is_told_with_its_reason(run: Any) -> None:
    with pytest.raises(TemplateError, match="Worker"):
        run(resources={"Worker": {"Type": "AWS::Serverless::Function", "Properties": {"Handler": "a.b"}}})
