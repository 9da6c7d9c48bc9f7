"""What AWS refuses, or the README promises, and neither linter nor moto checks."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from moto.events.models import EventPattern
from samtranslator.yaml_helper import yaml_parse
from stationkeeper.events.on_bus import DETAIL_TYPES
from stationkeeper.events.scheduled import SweepDue
from stationkeeper.releases.monitoring import BASELINE_JOB_PREFIX
from stationkeeper.settings import (
    AlarmResponseSettings,
    ArtifactSyncSettings,
    DriftPageSettings,
    JobReportSettings,
    MonitorReportSettings,
    NotificationSettings,
    ReleaseSettings,
    RetrainingSettings,
    SweepSettings,
)

TEMPLATE = yaml_parse((Path(__file__).parents[2] / "template.yaml").read_text(encoding="utf-8"))
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]
FUNCTIONS_OF_RULES = {
    *(
        "Fn::And",
        "Fn::Contains",
        "Fn::EachMemberEquals",
        "Fn::EachMemberIn",
        "Fn::Equals",
        "Fn::Not",
        "Fn::Or",
    ),
    *("Fn::RefAll", "Fn::ValueOf", "Fn::ValueOfAll", "Ref"),
}
REACTIONS = [
    "MonitorReport",
    "DriftPage",
    "Release",
    "ArtifactSync",
    "AlarmResponse",
    "Retraining",
    "JobReport",
    "Notification",
    "Sweep",
]
SETTINGS = {
    "MonitorReport": MonitorReportSettings,
    "DriftPage": DriftPageSettings,
    "Release": ReleaseSettings,
    "ArtifactSync": ArtifactSyncSettings,
    "AlarmResponse": AlarmResponseSettings,
    "Retraining": RetrainingSettings,
    "JobReport": JobReportSettings,
    "Notification": NotificationSettings,
    "Sweep": SweepSettings,
}
FROM_LAMBDA_ITSELF = {"AWS_REGION"}
FOR_POWERTOOLS = {"POWERTOOLS_LOG_LEVEL"}
EVENTS = Path(__file__).parents[2] / "events"


def of_type(kind: str) -> dict[str, Any]:
    return {name: resource["Properties"] for name, resource in RESOURCES.items() if resource["Type"] == kind}


def functions_in(node: Any) -> set[str]:
    if isinstance(node, list):
        return set().union(*map(functions_in, node))
    if not isinstance(node, dict):
        return set()
    return {key for key in node if key.startswith("Fn::") or key == "Ref"}.union(
        *map(functions_in, node.values())
    )


def has_null(node: Any) -> bool:
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return node is None or any(map(has_null, children))


def rules_for(event: dict[str, Any]) -> set[str]:
    """Rules of the default bus that match an event."""
    return {
        name
        for name, rule in of_type("AWS::Events::Rule").items()
        if "EventBusName" not in rule
        and EventPattern.load(json.dumps(rule["EventPattern"])).matches_event(event)
    }


def sagemaker_event(detail_type: str, **detail: Any) -> dict[str, Any]:
    return {"source": "aws.sagemaker", "detail-type": detail_type, "detail": detail}


def version_event(**detail: Any) -> dict[str, Any]:
    return sagemaker_event("SageMaker Model Package State Change", **detail)


def environment(reaction: str) -> dict[str, Any]:
    function = RESOURCES[f"{reaction}Function"]["Properties"]
    return {
        **TEMPLATE["Globals"]["Function"]["Environment"]["Variables"],
        **function["Environment"]["Variables"],
    }


def with_defaults(value: Any) -> str:
    """What a variable holds when the stack is deployed with nothing but defaults."""
    match value:
        case {"Ref": name} if name in TEMPLATE["Parameters"]:
            return str(TEMPLATE["Parameters"][name]["Default"])
        case {"Ref": "AWS::AccountId"}:
            return "123456789012"
        case {"Fn::Join": [_, {"Ref": name}]}:
            return str(TEMPLATE["Parameters"][name]["Default"])
        case _:
            return "something"


def test_the_template_holds_no_null():
    """CloudFormation: "'null' values are not allowed in templates", in event patterns neither."""
    assert not has_null(TEMPLATE)


def test_every_parameter_is_asked_for_in_a_group_and_described():
    groups = TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]

    assert sorted(name for group in groups for name in group["Parameters"]) == sorted(TEMPLATE["Parameters"])
    assert all(parameter["Description"] for parameter in TEMPLATE["Parameters"].values())


@pytest.mark.parametrize(
    "name", [name for name, parameter in TEMPLATE["Parameters"].items() if "AllowedPattern" in parameter]
)
def test_a_default_is_what_its_own_pattern_allows(name):
    parameter = TEMPLATE["Parameters"][name]

    assert re.search(parameter["AllowedPattern"], parameter["Default"])


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        (
            "ExecutionRoleArns",
            "arn:aws-cn:iam::123456789012:role/team/SageMaker-Execution",
            "arn:aws:iam::123456789012:user/anna",
        ),
        ("DataBucket", "sagemaker-eu-west-1-123456789012", "s3://bucket"),
        ("DefaultInstanceType", "ml.inf2-x.24xlarge", "m5.large"),
        ("MonitoringInstanceType", "ml.m5.4xlarge", "ml.m5.4xlarge; "),
        (
            "EndpointKeyArn",
            "arn:aws:kms:eu-west-1:123456789012:key/mrk-12ab",
            "arn:aws:kms:eu-west-1:123456789012:alias/key",
        ),
        ("EndpointSubnetIds", "subnet-0123456789abcdef0", "vpc-0123456789abcdef0"),
        ("EndpointSecurityGroupIds", "sg-01234567", "default"),
        ("AlertEmail", "on-call@example.com", "Anna <anna@example.com>"),
        (
            "RunbookUrl",
            "https://git.example.com/ml/docs/operations.md",
            "https://git.example.com/x#violations",
        ),
        ("OnCall", "ML team @ risk #2", "ML team; risk"),
        ("MonitoredBuckets", "reports.of-2026", "s3://reports"),
        ("ArtifactBuckets", "artifacts", "artifacts/"),
        ("MultiModelBuckets", "models-1", "arn:aws:s3:::models-1"),
        (
            "MonitoredKeyArns",
            "arn:aws:kms:eu-west-1:123456789012:key/12ab-34cd",
            "arn:aws:kms:eu-west-1:123456789012:alias/reports",
        ),
        (
            "ArtifactKeyArns",
            "arn:aws:kms:eu-west-1:123456789012:key/12ab-34cd",
            "12ab-34cd",
        ),
        (
            "PublishedKeyArn",
            "arn:aws:kms:eu-west-1:123456789012:key/12ab-34cd",
            "12ab-34cd",
        ),
        (
            "RetrainingPipelineArns",
            "arn:aws:sagemaker:eu-west-1:123456789012:pipeline/churn-*",
            "churn-retraining",
        ),
        ("JobNamePrefixes", "nightly-", "-nightly"),
        ("SubnetIds", "subnet-0123456789abcdef0", "subnet-1"),
        ("SecurityGroupIds", "sg-0123456789abcdef0", "sg-1"),
    ],
)
def test_patterns_tell_what_is_meant_from_what_is_not(name, good, bad):
    pattern = TEMPLATE["Parameters"][name]["AllowedPattern"]

    assert re.search(pattern, good)
    assert not re.search(pattern, bad)


def test_every_pattern_has_its_examples_above():
    marks = test_patterns_tell_what_is_meant_from_what_is_not.pytestmark
    examples = {case[0] for mark in marks for case in mark.args[1]}

    assert examples == {name for name, about in TEMPLATE["Parameters"].items() if "AllowedPattern" in about}


@pytest.mark.parametrize(("name", "about"), TEMPLATE["Parameters"].items())
def test_every_parameter_is_bounded_and_says_what_it_takes(name, about):
    """CloudFormation refuses a wrong value before it makes anything, and says this instead of the pattern."""
    bounded = {"AllowedPattern", "ConstraintDescription"} <= set(about) or "AllowedValues" in about
    numbered = {"MinValue", "MaxValue"} <= set(about)

    assert numbered if about["Type"] == "Number" and "AllowedValues" not in about else bounded
    assert "Default" in about
    assert not about.get("NoEcho")


def test_what_matters_first_is_asked_first():
    """`sam deploy --guided` asks for parameters in the order of the template."""
    assert list(TEMPLATE["Parameters"])[:3] == ["AlertEmail", "ExecutionRoleArns", "MonitoredBuckets"]


def test_the_template_is_within_cloudformations_limits():
    """Source: CloudFormation user guide, quotas: 1 MB, 200 parameters, 200 outputs, 500 resources, 4,096 bytes of a description."""
    path = Path(__file__).parents[2] / "template.yaml"

    assert path.stat().st_size < 1_000_000 / 2  # SAM makes it larger
    assert len(TEMPLATE["Parameters"]) <= 200
    assert len(TEMPLATE["Outputs"]) <= 200
    assert len(RESOURCES) <= 500 / 2
    assert len(TEMPLATE["Description"]) <= 1024
    described = [*TEMPLATE["Parameters"].values(), *TEMPLATE["Outputs"].values()]
    assert all(len(about["Description"]) <= 1024 for about in described)


def test_outputs_begin_with_what_to_do_next():
    assert [name[:9] for name in TEMPLATE["Outputs"]][:4] == [f"NextStep{number}" for number in range(1, 5)]


@pytest.mark.parametrize("reaction", REACTIONS)
def test_a_function_is_told_exactly_what_its_settings_read(reaction):
    wanted = {field.upper() for field in SETTINGS[reaction].model_fields}

    assert set(environment(reaction)) - FOR_POWERTOOLS == wanted - FROM_LAMBDA_ITSELF


@pytest.mark.parametrize("reaction", REACTIONS)
def test_a_stack_with_nothing_but_defaults_has_valid_settings(reaction):
    variables = {name: with_defaults(value) for name, value in environment(reaction).items()}

    settings = SETTINGS[reaction].from_environment({**variables, "AWS_REGION": "eu-west-1"})

    if isinstance(settings, ReleaseSettings):
        assert settings.execution_role_arns == ()
        assert settings.default_min_instances <= settings.default_max_instances


def test_notification_hears_of_every_domain_event():
    pattern = RESOURCES["NotificationRule"]["Properties"]["EventPattern"]

    assert sorted(pattern["detail-type"]) == sorted(DETAIL_TYPES)


def test_what_was_told_is_never_told_again():
    """It comes from the function that the rule feeds: one that let it through would go round for ever."""
    ours = json.loads(
        (Path(__file__).parents[2] / "events" / "on-call-told.json").read_text(encoding="utf-8")
    )

    assert ours["detail-type"] == "OnCallTold"
    assert rules_for(ours) == set()


@pytest.mark.parametrize("approval", ["Approved", "Rejected", "PendingManualApproval", None])
def test_every_change_of_a_version_reaches_who_publishes_it_whatever_its_approval(approval):
    event = version_event(ModelPackageGroupName="churn", ModelPackageVersion=7, ModelApprovalStatus=approval)

    assert rules_for(event) == {"ReleaseVersionRule", "ArtifactSyncVersionRule"}


@pytest.mark.parametrize("group", [{}, {"ModelPackageGroupName": ""}])
def test_a_package_outside_any_group_is_no_version(group):
    assert rules_for(version_event(ModelPackageName="bought", **group)) == set()


@pytest.mark.parametrize(
    "status", ["IN_SERVICE", "InService", "FAILED", "OUT_OF_SERVICE", "UpdateRollbackFailed"]
)
@pytest.mark.parametrize(
    "detail_type",
    [
        "SageMaker Endpoint State Change",
        "SageMakerEndpointStateChange",
        "SageMaker Endpoint Deployment State Change",
    ],
)
def test_an_endpoint_that_came_to_rest_reaches_release(detail_type, status):
    event = sagemaker_event(detail_type, EndpointName="churn-prod", EndpointStatus=status)

    assert rules_for(event) == {"ReleaseEndpointRule"}


@pytest.mark.parametrize(
    "status",
    ["Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting", "Deleted"],
)
def test_a_busy_or_deleted_endpoint_does_not_reach_release(status):
    in_capitals = re.sub(r"(?<!^)([A-Z])", r"_\1", status).upper()

    for spelled in (status, in_capitals):
        event = sagemaker_event("SageMaker Endpoint State Change", EndpointName="a", EndpointStatus=spelled)
        assert rules_for(event) == set()


def test_a_job_that_suggests_baselines_is_for_release_and_a_monitors_job_for_monitor_report():
    monitors = json.loads((EVENTS / "monitor-violations.json").read_text(encoding="utf-8"))
    nameless = {**monitors, "detail": {**monitors["detail"], "MonitoringScheduleArn": None}}
    baselining = json.loads((EVENTS / "baseline-job.json").read_text(encoding="utf-8"))
    ours = {
        **baselining,
        "detail": {**baselining["detail"], "ProcessingJobName": f"{BASELINE_JOB_PREFIX}-churn-v7-0123abcd"},
    }

    assert rules_for(monitors) == {"MonitorReportRule"}
    assert rules_for(nameless) == {"MonitorReportByNameRule"}
    assert rules_for(baselining) == set()
    assert rules_for(ours) == {"ReleaseBaselineRule"}


@pytest.mark.parametrize("absent", [{}, {"MonitoringScheduleArn": ""}, {"MonitoringScheduleArn": None}])
def test_a_monitors_job_without_its_schedules_arn_is_known_by_its_environment(absent):
    monitors = json.loads((EVENTS / "monitor-violations.json").read_text(encoding="utf-8"))
    detail = {name: value for name, value in monitors["detail"].items() if name != "MonitoringScheduleArn"}

    assert rules_for({**monitors, "detail": {**detail, **absent}}) == {"MonitorReportByNameRule"}


def test_what_the_schedule_sends_is_what_sweep_reads():
    text = RESOURCES["SweepSchedule"]["Properties"]["Target"]["Input"]["Fn::Sub"]
    for placeholder, value in {
        "<aws.scheduler.execution-id>": "d32c5kddcf5bb8c3",
        "<aws.scheduler.scheduled-time>": "2026-03-22T18:59:43Z",
        "${AWS::AccountId}": "123456789012",
        "${AWS::Region}": "eu-west-1",
    }.items():
        assert placeholder in text
        text = text.replace(placeholder, value)

    due = SweepDue.parse(text)

    assert (due.id, due.account, due.region) == ("d32c5kddcf5bb8c3", "123456789012", "eu-west-1")
    assert due.time.isoformat() == "2026-03-22T18:59:43+00:00"


def test_the_schedule_sends_to_sweeps_queue_and_keeps_what_it_cannot_send():
    target = RESOURCES["SweepSchedule"]["Properties"]["Target"]
    queues = [{"Fn::GetAtt": ["SweepQueue", "Arn"]}, {"Fn::GetAtt": ["SweepDeadLetters", "Arn"]}]
    role = RESOURCES["SweepScheduleRole"]["Properties"]
    [statement] = role["Policies"][0]["PolicyDocument"]["Statement"]

    assert [target["Arn"], target["DeadLetterConfig"]["Arn"]] == queues
    assert target["RoleArn"] == {"Fn::GetAtt": ["SweepScheduleRole", "Arn"]}
    assert (statement["Action"], statement["Resource"]) == ("sqs:SendMessage", queues)


def test_rules_of_parameters_use_only_what_cloudformation_allows_there():
    assert functions_in(TEMPLATE["Rules"]) <= FUNCTIONS_OF_RULES


def test_a_topic_policy_is_about_one_topic():
    policies = of_type("AWS::SNS::TopicPolicy").values()

    assert policies
    for policy in policies:
        assert len(policy["Topics"]) == 1
        for statement in policy["PolicyDocument"]["Statement"]:
            assert [statement["Resource"]] == policy["Topics"]


def test_a_statement_of_a_queue_policy_names_no_two_queues():
    for policy in of_type("AWS::SQS::QueuePolicy").values():
        assert all(statement["Resource"] == "*" for statement in policy["PolicyDocument"]["Statement"])


@pytest.mark.parametrize("reaction", REACTIONS)
def test_a_message_stays_hidden_for_six_times_the_functions_timeout(reaction):
    timeout = RESOURCES[f"{reaction}Function"]["Properties"]["Timeout"]

    assert RESOURCES[f"{reaction}Queue"]["Properties"]["VisibilityTimeout"] >= 6 * timeout


@pytest.mark.parametrize("reaction", REACTIONS)
def test_what_cannot_be_handled_is_kept_for_fourteen_days_and_told(reaction):
    dead_letters = f"{reaction}DeadLetters"

    assert RESOURCES[dead_letters]["Properties"]["MessageRetentionPeriod"] == 14 * 24 * 3600
    assert RESOURCES[f"{reaction}Queue"]["Properties"]["RedrivePolicy"]["deadLetterTargetArn"] == {
        "Fn::GetAtt": [dead_letters, "Arn"]
    }
    assert RESOURCES[f"{reaction}DeadLetterAlarm"]["Properties"]["AlarmActions"] == [
        {"Ref": "OperationsTopic"}
    ]


def test_every_rule_has_dead_letters_for_its_target_and_may_send_to_its_queue():
    allowed = [
        statement["Condition"]["ArnEquals"]["aws:SourceArn"]
        for policy in of_type("AWS::SQS::QueuePolicy").values()
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
    ]
    sources = [source for some in allowed for source in (some if isinstance(some, list) else [some])]

    for name, rule in of_type("AWS::Events::Rule").items():
        assert all("DeadLetterConfig" in target for target in rule["Targets"])
        assert {"Fn::GetAtt": [name, "Arn"]} in sources


def test_queues_are_encrypted():
    assert all(queue["SqsManagedSseEnabled"] is True for queue in of_type("AWS::SQS::Queue").values())
