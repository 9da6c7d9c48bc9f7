"""What on-call may do next about an artifact: look at it, at what made it, at who may read it; call its model, go back."""

import re
from datetime import UTC, datetime, timedelta
from typing import Literal

from stationkeeper.alerts.commands import aws, utc
from stationkeeper.alerts.endpoint_steps import instances_log, watched
from stationkeeper.alerts.layout import Step
from stationkeeper.alerts.release_steps import TAG_PREFIX, judged
from stationkeeper.alerts.text import quoted
from stationkeeper.events.artifact_events import ArtifactEvent, ArtifactPublished, ArtifactRejected

_ADDRESS = re.compile(r"s3://([^/]+)/(.+)")
_KEY_ARN = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+")
_BUCKET_ARN = re.compile(r":s3:::([A-Za-z0-9._-]+)")
_JOB_LABEL = re.compile(r"([0-9]{14})[0-9]{3}(-.*)?", re.ASCII)
_POINTER = re.compile(r"/[A-Za-z0-9_./-]+")
_LONGEST_JOB = timedelta(days=28)
_BEFORE = timedelta(hours=1)


# ------------------------------------------------------------ the artifact


def object_seen(event: ArtifactEvent) -> Step | None:
    """Size, time, encryption and storage class."""
    found = _ADDRESS.fullmatch(event.artifact_uri)
    if found is None:
        return None
    return Step("Look at the artifact: how large, since when, encrypted with what", (_headed(event, found),))


def contents_listed(event: ArtifactEvent) -> Step | None:
    """What tar makes of it, without unpacking anything."""
    return _streamed(
        event, "See what is in it, as far as it can be read; nothing is unpacked", "tar -tzvf - | head -40"
    )


def first_bytes(event: ArtifactEvent) -> Step | None:
    return _streamed(event, "See how it begins: a gzip archive does with 1f8b", "head -c 64 | xxd")


def _streamed(event: ArtifactEvent, what: str, into: str) -> Step | None:
    if _ADDRESS.fullmatch(event.artifact_uri) is None or event.artifact_uri.endswith("/"):
        return None
    return Step(what, (f"{aws(event, 's3 cp', quoted(event.artifact_uri), '-')} | {into}",))


def deletions(event: ArtifactEvent) -> Step | None:
    """Where the bucket keeps versions, a deleted artifact can be put back."""
    found = _ADDRESS.fullmatch(event.artifact_uri)
    if found is None:
        return None
    query = "'[Versions[].[VersionId,LastModified,Size],DeleteMarkers[].[VersionId,LastModified,Owner.DisplayName]]'"
    options = f"--bucket {quoted(found[1])} --prefix {quoted(found[2])} --max-items 10 --query {query}"
    return Step(
        "See whether it was deleted; a bucket that keeps versions still has it",
        (aws(event, "s3api list-object-versions", options),),
    )


def restored(event: ArtifactEvent) -> Step | None:
    found = _ADDRESS.fullmatch(event.artifact_uri)
    if found is None:
        return None
    wanted = "--restore-request 'Days=7,GlacierJobParameters={Tier=Standard}'"
    options = f"--bucket {quoted(found[1])} --key {quoted(found[2])} {wanted}"
    return Step(
        "Restore it for a week; that takes hours (Intelligent-Tiering takes no Days)",
        (aws(event, "s3api restore-object", options),),
    )


def _headed(event: ArtifactEvent, found: re.Match[str]) -> str:
    return aws(event, "s3api head-object", f"--bucket {quoted(found[1])} --key {quoted(found[2])}")


# ------------------------------------------------------------ who may read and write


def rights_seen(event: ArtifactRejected) -> Step | None:
    """The key's policy where a key is what is in the way, else the bucket's."""
    key = _KEY_ARN.search(event.reason)
    if key or "kms" in event.reason.lower():
        named = f"--key-id {quoted(key[0] if key else 'SSEKMSKeyId-FROM-ABOVE')}"
        return Step(
            "See whether its KMS key is enabled, and whom its policy lets use it (in the account that owns it)",
            (
                aws(event, "kms describe-key", named, "--query 'KeyMetadata.[KeyState,DeletionDate,Arn]'"),
                aws(event, "kms get-key-policy", named, "--policy-name default --query Policy --output text"),
            ),
        )
    found = _BUCKET_ARN.search(event.reason) or _ADDRESS.fullmatch(event.artifact_uri)
    if found is None:
        return None
    options = f"--bucket {quoted(found[1])} --query Policy --output text"
    return Step("See whom the bucket's own policy lets in", (aws(event, "s3api get-bucket-policy", options),))


# ------------------------------------------------------------ what made it


def source_seen(event: ArtifactEvent) -> Step | None:
    """What a training job was given and left, or all that was registered with a version."""
    if not event.source_arn:
        return None
    if event.source == "model-package":
        named = f"--model-package-name {quoted(event.source_arn)}"
        return Step(
            "See all that was registered with the version",
            (aws(event, "sagemaker describe-model-package", named),),
        )
    if not job_of(event):
        return None
    query = "'[TrainingJobStatus,FailureReason,ModelArtifacts,OutputDataConfig,TrainingEndTime]'"
    options = f"--training-job-name {quoted(job_of(event))} --query {query}"
    return Step(
        "See how the training job ended, and where it wrote",
        (aws(event, "sagemaker describe-training-job", options),),
    )


def source_log(event: ArtifactEvent) -> Step | None:
    """What a training job wrote; nobody can tell which job made a version of a group."""
    if event.source != "training-job" or not job_of(event):
        return None
    # A stream begins with the job's name and a slash: one whose name goes on differently is another job's.
    options = f"--log-stream-name-prefix {quoted(f'{job_of(event)}/')} --since {utc(_created(event))}"
    return Step("Read its log", (aws(event, "logs tail /aws/sagemaker/TrainingJobs", options),))


def job_of(event: ArtifactEvent) -> str:
    """The name of the training job."""
    return event.cause.job or event.source_arn.rpartition("/")[2]


def _created(event: ArtifactEvent) -> datetime:
    """When a training job was created: its version's label says it."""
    found = _JOB_LABEL.fullmatch(event.version)
    try:
        return datetime.strptime(found[1], "%Y%m%d%H%M%S").replace(tzinfo=UTC) if found else _earliest(event)
    except ValueError:
        return _earliest(event)


def _earliest(event: ArtifactEvent) -> datetime:
    return event.at - _LONGEST_JOB


def registry_told(event: ArtifactEvent) -> Step | None:
    """A version that stays approved, though it cannot serve, misleads who reads the registry."""
    if event.source != "model-package":
        return None
    what = "If it will never do, reject it, for all who read the registry"
    return judged(event, what, event.source_arn or None, "Rejected", "its artifact cannot be published")


def versions_listed(event: ArtifactEvent) -> Step | None:
    if not event.group:
        return None
    query = "'ModelPackageSummaryList[].[ModelPackageVersion,ModelApprovalStatus,ModelPackageArn]'"
    options = (
        f"--model-package-group-name {quoted(event.group)} --max-items 20 --query {query} --output table"
    )
    return Step("List the versions of the group", (aws(event, "sagemaker list-model-packages", options),))


def version_judged(event: ArtifactEvent, what: str, status: Literal["Approved", "Rejected"]) -> Step | None:
    """Approve or reject what was published, where it is a version of a group."""
    if event.source != "model-package" or not event.source_arn:
        return None
    return judged(event, what, event.source_arn, status)


# ------------------------------------------------------------ tags


def tags_seen(event: ArtifactEvent) -> Step | None:
    if not (arn := _tagged_arn(event)):
        return None
    return Step(
        f"See the tags of the {_tagged(event)}",
        (aws(event, "sagemaker list-tags", f"--resource-arn {quoted(arn)}"),),
    )


def tagged_model(event: ArtifactEvent) -> Step | None:
    return _tag(event, "Say which model it is, by a tag", "target-model", "your-model")


def tagged_endpoint(event: ArtifactEvent) -> Step | None:
    return _tag(event, "Name a multi-model endpoint, by its tag", "multi-model-endpoint", "your-endpoint")


def untagged_endpoint(event: ArtifactEvent) -> Step | None:
    what = f"If this {_tagged(event)} is the one too many, take its tag off"
    return _untag(event, what, "multi-model-endpoint")


def untagged_in_place(event: ArtifactEvent) -> Step | None:
    if event.source != "model-package":  # of a job the tag was read once
        return None
    return _untag(event, "Or do without the key that has no version: take its tag off", "in-place")


def _tag(event: ArtifactEvent, what: str, name: str, value: str) -> Step | None:
    if not (arn := _tagged_arn(event)):
        return None
    pair = quoted(f"Key={TAG_PREFIX}{name},Value={value}")
    options = f"--resource-arn {quoted(arn)} --tags {pair}"
    return Step(f"{what} on the {_tagged(event)}", (aws(event, "sagemaker add-tags", options),))


def _untag(event: ArtifactEvent, what: str, name: str) -> Step | None:
    if not (arn := _tagged_arn(event)):
        return None
    options = f"--resource-arn {quoted(arn)} --tag-keys {TAG_PREFIX}{name}"
    return Step(what, (aws(event, "sagemaker delete-tags", options),))


def _tagged(event: ArtifactEvent) -> str:
    return "training job" if event.source == "training-job" else "group"


def _tagged_arn(event: ArtifactEvent) -> str:
    """ARN of what carries the tags: the training job, or the group of the version."""
    if event.source == "training-job":
        return event.source_arn
    group, _, _ = event.source_arn.replace(":model-package/", ":model-package-group/", 1).rpartition("/")
    return group


# ------------------------------------------------------------ endpoint, pointer, calls


def endpoint_seen(event: ArtifactEvent) -> Step:
    return watched(event, "See what SageMaker says of the endpoint")


def endpoint_models(event: ArtifactEvent) -> Step:
    """The containers of an endpoint's variants, each with its mode and prefix: two commands, the first names what the second asks for."""
    options = "--endpoint-config-name EndpointConfigName-FROM-ABOVE --query 'ProductionVariants[].ModelName'"
    query = "'[PrimaryContainer,Containers][].[Mode,ModelDataUrl,ModelDataSource]'"
    return Step(
        "See from where its models load what they serve, and in which mode",
        (
            aws(event, "sagemaker describe-endpoint-config", options),
            aws(event, "sagemaker describe-model", f"--model-name ModelName-FROM-ABOVE --query {query}"),
        ),
    )


def endpoints_listed(event: ArtifactEvent) -> Step:
    query = "--status-equals InService --max-items 50 --query 'Endpoints[].EndpointName'"
    return Step("List the endpoints there are", (aws(event, "sagemaker list-endpoints", query),))


def container_log(event: ArtifactEvent) -> Step:
    what = "Read what its containers wrote when they loaded the model"
    return instances_log(event, what, event.at - _BEFORE)


def what_lies_there(event: ArtifactRejected) -> Step | None:
    """What has the key that was wanted: the texts name it."""
    for text in (event.hint, event.reason):
        for word in text.split():
            if _ADDRESS.fullmatch(uri := word.rstrip(".,;:")):
                return Step("See what lies there", (aws(event, "s3 ls", quoted(uri)),))
    return None


def pointer_seen(event: ArtifactEvent, what: str = "See where callers are sent") -> Step | None:
    if not event.pointer:
        return None
    options = f"--name {quoted(event.pointer)} --query 'Parameter.[Value,LastModifiedDate]'"
    return Step(what, (aws(event, "ssm get-parameter", options),))


def pointer_moved(event: ArtifactRejected) -> Step | None:
    if not (event.pointer and event.target_model):
        return None
    options = f"--name {quoted(event.pointer)} --value {quoted(event.target_model)} --type String --overwrite"
    return Step(
        "If callers cannot wait, and you may, move it by hand", (aws(event, "ssm put-parameter", options),)
    )


def called(
    event: ArtifactEvent, what: str = "Call it as its callers do, with a request of your own"
) -> Step | None:
    """A call that follows the pointer. None for a pointer that is none of ours."""
    if _POINTER.fullmatch(event.pointer) is None:
        return None
    value = aws(
        event, "ssm get-parameter", f"--name {quoted(event.pointer)} --query Parameter.Value --output text"
    )
    lines = (
        aws(event, "sagemaker-runtime invoke-endpoint", f"--endpoint-name {quoted(event.endpoint)} \\"),
        "  --content-type text/csv --body fileb://your-request.csv \\",
        f'  --target-model "$({value})" /dev/stdout',
    )
    return Step(what, lines)


def gone_back(event: ArtifactPublished) -> Step | None:
    """Take back what was published: the newest good version takes over."""
    before = event.previous
    if before is None or not event.pointed:
        return None
    then = f"the newest good version takes over (version {before.version}, if it still lies there)"
    if event.source == "model-package":
        return version_judged(event, f"To go back, reject it: {then}", "Rejected")
    options = f"--take-back {quoted(event.model)} --version {quoted(event.version)}"
    return _models(event, f"To go back, take it back: {then}", options)


def refused_listed(event: ArtifactRejected) -> Step | None:
    return _models(event, "See all models of the endpoint whose newest artifact was refused", "--refused")


def model_listed(event: ArtifactEvent) -> Step | None:
    if not event.model:
        return None
    return _models(event, "See all versions of the model", f"--model {quoted(event.model)}")


def _models(event: ArtifactEvent, what: str, options: str) -> Step | None:
    if not event.endpoint:
        return None
    return Step(what, (f"stationkeeper models {quoted(event.endpoint)} {options}",))
