"""A failure reason is said in a line a person can use, whatever noise it comes in."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stationkeeper.alerts.cause import likely_cause
from stationkeeper.alerts.failure import Failure, cleaned
from stationkeeper.events.job import JobStateChange

from tests.real import read_json, real_files
from tests.unit.builders import hostile_text

SAMPLES = Path(__file__).parents[2] / "events"
S3_EMPTY = "Nothing lies under the input's S3 prefix, or the role may not list it"
MEMORY = "It ran out of memory: use an instance type with more, or less data at a time"
GPU = "The GPU ran out of memory: use a smaller batch, or GPUs with more memory"
KILLED = (
    "The container was killed, nearly always because it ran out of memory: use an instance type with more"
)
NO_IMAGE = "The container image is not there: check its address, tag and region"
DISK = "The disk is full: raise VolumeSizeInGB"
TIME = "It ran out of time: raise MaxRuntimeInSeconds"


def script(message: str, tail: str = '\nCommand "/opt/ml/bin/python train.py --lr 0.1", exit code: 1') -> str:
    """A reason as the training toolkit writes it."""
    return f'AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage "{message}"{tail}'


TRACE = """Traceback (most recent call last):
  File "/opt/ml/code/train.py", line 84, in <module>
    main()
  File "/opt/ml/code/train.py", line 61, in main
    features = table.astype(float)
               ^^^^^^^^^^^^^^^^^^^
"""
QUOTA = (
    "The account-level service limit 'ml.g5.2xlarge for training job usage' is 0 Instances, with current utilization of 0 "
    "Instances and a request delta of 1 Instances."
)


# SageMaker's own sentences


@pytest.mark.parametrize(
    ("reason", "code", "said", "passing", "hint"),
    [
        (
            "InternalServerError: We encountered an internal error.  Please try again.",
            "InternalServerError",
            "We encountered an internal error. Please try again.",
            True,
            "",
        ),
        (
            "CapacityError: Unable to provision requested ML compute capacity. Please retry using a different ML instance type.",
            "CapacityError",
            "Unable to provision requested ML compute capacity. Please retry using a different ML instance type.",
            True,
            "",
        ),
        (
            "ClientError: Please use an instance type with more memory, or reduce the size of job data processed on an instance.",
            "ClientError",
            "Please use an instance type with more memory, or reduce the size of job data processed on an instance.",
            False,
            MEMORY,
        ),
        (
            "ClientError: Artifact upload failed:ClientError: Out of Memory. Please use a larger instance",
            "ClientError",
            "Artifact upload failed: Out of Memory. Please use a larger instance",
            False,
            MEMORY,
        ),
        (
            "ClientError: Artifact upload failed:Error 7: AccessDenied (403): Access Denied",
            "ClientError",
            "Artifact upload failed:Error 7: AccessDenied (403): Access Denied",
            False,
            "The job's role may not use the S3 location: check its policies, and the bucket's policy",
        ),
        (
            (
                "ClientError: Data download failed:Please ensure that the subnet's route table has a route to an S3 VPC endpoint or a "
                "NAT device, both the security groups and the subnet's network ACL allow outbound traffic to S3."
            ),
            "ClientError",
            (
                "Data download failed:Please ensure that the subnet's route table has a route to an S3 VPC endpoint or a NAT device, "
                "both the security groups and the subnet's network ACL allow outbound traffic to S3."
            ),
            False,
            "",
        ),
        (
            "ClientError: ClientError: Failed to download data. Cannot download s3://b/k/part-0.csv",
            "ClientError",
            "Failed to download data. Cannot download s3://b/k/part-0.csv",
            False,
            "",
        ),
        (
            "Step failure: One or multiple steps failed.",
            "",
            "Step failure: One or multiple steps failed.",
            False,
            "",
        ),
        ("Job inputs had no data", "", "Job inputs had no data", False, S3_EMPTY),
        ("failed why 1", "", "failed why 1", False, ""),
        (
            "Unable to get response from algorithm",
            "",
            "Unable to get response from algorithm",
            False,
            "",
        ),
        (
            (
                f"ClientError: Failed to invoke sagemaker:CreateTrainingJob. Error Details: {QUOTA} Please use AWS Service Quotas to "
                "request an increase for this quota.\nRetry not appropriate on execution of step with PipelineExecutionArn "
                "arn:aws:sagemaker:eu-west-1:111122223333:pipeline/p/execution/ztefwbnlgoif and StepId Train. No retry policy "
                "configured for the exception type SAGEMAKER_RESOURCE_LIMIT."
            ),
            "ClientError",
            (
                f"Failed to invoke sagemaker:CreateTrainingJob. Error Details: {QUOTA} Please use AWS Service Quotas to request an "
                "increase for this quota."
            ),
            False,
            "The quota 'ml.g5.2xlarge for training job usage' is 0: ask for more in Service Quotas, or wait until others have ended",
        ),
        (
            (
                f"{QUOTA} (Service: AmazonSageMaker; Status Code: 400; Error Code: ResourceLimitExceeded; Request ID: "
                "dee8f280-204c-4c1e-8e44-ce39d51af947; Proxy: null)"
            ),
            "ResourceLimitExceeded",
            QUOTA,
            False,
            "The quota 'ml.g5.2xlarge for training job usage' is 0: ask for more in Service Quotas, or wait until others have ended",
        ),
        (
            "ResourceLimitExceeded: You have too many training jobs.",
            "ResourceLimitExceeded",
            "You have too many training jobs.",
            False,
            "A quota of the account is reached",
        ),
        (
            "ResourceLimitExceeded: The requested resource training-job/ml.p2.xlarge is not available in this region",
            "ResourceLimitExceeded",
            "The requested resource training-job/ml.p2.xlarge is not available in this region",
            False,
            "SageMaker does not offer this in the region: use another instance type",
        ),
        (
            (
                "ClientError: Failed to download data. ListObjectsV2 failed for s3://b/x: User: arn:aws:sts::1:assumed-role/R/SageMaker "
                'is not authorized to perform: s3:ListBucket on resource: "arn:aws:s3:::b" (Service: Amazon S3; Status Code: 403; '
                "Error Code: AccessDenied; Request ID: ABCDEF0123456; S3 Extended Request ID: abc+/=; Proxy: null)"
            ),
            "AccessDenied",
            (
                "Failed to download data. ListObjectsV2 failed for s3://b/x: User: arn:aws:sts::1:assumed-role/R/SageMaker is not "
                'authorized to perform: s3:ListBucket on resource: "arn:aws:s3:::b"'
            ),
            False,
            "The job's role may not call s3:ListBucket: check its policies, and the bucket's policy",
        ),
        (
            "ClientError: Throttling: Rate exceeded. RequestId: 4a7f0c11-2222-3333-4444-555566667777",
            "ClientError",
            "Throttling: Rate exceeded.",
            True,
            "",
        ),
        (
            "ClientError: Job failed. Please see https://docs.aws.amazon.com/sagemaker/latest/dg/x.html for more information.",
            "ClientError",
            "Job failed.",
            False,
            "",
        ),
        (
            "Training job was stopped since the Spot instances were interrupted",
            "",
            "Training job was stopped since the Spot instances were interrupted",
            True,
            "",
        ),
    ],
)
def test_services_words_are_kept(reason, code, said, passing, hint):
    failure = cleaned(reason)

    assert failure == Failure(code, said, None, passing)
    assert likely_cause(failure) == hint


@pytest.mark.parametrize("path", real_files("describe_processing_job/*.json"))
def test_real_failure_reason_is_kept_whole(path):
    reason = read_json(path).get("FailureReason") or ""

    failure = cleaned(reason)

    assert failure == Failure("", reason, None, passing=False)
    assert likely_cause(failure) == (S3_EMPTY if reason else "")


# What containers leave


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (
            script(f"{TRACE}ValueError: could not convert string to float: 'abc'"),
            "ValueError: could not convert string to float: 'abc'",
        ),
        (
            script(f'{TRACE}KeyError: "target"'),
            'KeyError: "target"',
        ),
        (
            script(f"{TRACE}ValueError: first line\nsecond line: 3\n\nunrelated"),
            "ValueError: first line second line: 3 unrelated",
        ),
        (script(":RuntimeError: it broke"), "RuntimeError: it broke"),
        (
            script("ModuleNotFoundError: No module named 'lightgbm'"),
            "ModuleNotFoundError: No module named 'lightgbm'",
        ),
        (
            script(f"{TRACE}AssertionError"),
            'AssertionError in File "/opt/ml/code/train.py", line 61, in main',
        ),
        (
            script(
                f"{TRACE}KeyError: 'a'\n\nDuring handling of the above exception, another exception occurred:\n\n"
                f"{TRACE}ValueError: no column a"
            ),
            "ValueError: no column a",
        ),
        (
            script(
                f"{TRACE}ValueError: bad label\n{TRACE}subprocess.CalledProcessError: Command '['python']' returned non-zero "
                "exit status 1."
            ),
            "ValueError: bad label",
        ),
        (
            script(f"{TRACE}my.own.Misfortune: the label is missing"),
            "my.own.Misfortune: the label is missing",
        ),
        (script("raise EnvironmentError(msg)"), "raise EnvironmentError(msg)"),
        (
            script(f"Loading the labels.\n{TRACE}ValueError: bad, see the log"),
            "ValueError: bad, see the log Loading the labels.",
        ),
        (
            (
                'AlgorithmError: Traceback (most recent call last): File "/a.py", line 1, in <module> main() '
                "File \"/b.py\", line 2, in main x['a'] KeyError: 'target', exit code: 1"
            ),
            "KeyError: 'target'",
        ),
        (
            (
                'AlgorithmError: Traceback (most recent call last):\\n  File \\"a.py\\", line 1, in f\\n'
                "ValueError: bad, exit code: 1"
            ),
            "ValueError: bad",
        ),
        (
            script(f"\x1b[31m{TRACE}\x1b[1mValueError: bad\x1b[0m"),
            "ValueError: bad",
        ),
        (
            script(
                f"  0%|          | 0/10 [00:00<?, ?it/s]\r 10%|#         | 1/10 [00:01<?, 1.2it/s]\r\n{TRACE}ValueError: bad"
            ),
            "ValueError: bad",
        ),
        (
            (
                "ClientError: ExecuteUserScriptError:\nWARNING: Running pip as the 'root' user can result in broken permissions\n"
                "[notice] A new release of pip is available: 23.0 -> 24.0\n"
                "ERROR: No matching distribution found for foo==1"
            ),
            "ERROR: No matching distribution found for foo==1",
        ),
        (
            "/opt/conda/lib/python3.9/site-packages/x.py:12: FutureWarning: pandas.Int64Index is deprecated\nLabels are empty",
            "Labels are empty",
        ),
        (
            f"Labels are empty {'QUJD' * 40} here",
            "Labels are empty [...] here",
        ),
        (
            (
                'AlgorithmError: Exception in thread "main" org.apache.spark.SparkException: Job aborted\n'
                "\tat org.apache.spark.scheduler.DAGScheduler.failJob(DAGScheduler.scala:2258)\n"
                "\tat org.apache.spark.X$Y.apply(Z.scala:1)\n"
                "Caused by: java.io.FileNotFoundException: s3://b/x\n\tat java.util.Arrays.copyOf(Arrays.java:3236)\n\t... 12 more"
            ),
            "java.io.FileNotFoundException: s3://b/x",
        ),
        (
            (
                "py4j.protocol.Py4JJavaError: An error occurred while calling o12.parquet.\n: org.apache.spark.SparkException: Job "
                "aborted. at org.apache.spark.sql.Writer.write(Writer.scala:1)"
            ),
            "org.apache.spark.SparkException: Job aborted.",
        ),
        (
            "Algorithm Error: (caused by CalledProcessError): spark failed with a bad plan. Please see logs for more information",
            "spark failed with a bad plan.",
        ),
        ("AlgorithmError: framework error: \nthe model is empty", "the model is empty"),
        (
            "botocore.exceptions.ClientError: An error occurred (AccessDenied) when calling the PutObject operation: Access Denied",
            "botocore.exceptions.ClientError: An error occurred (AccessDenied) when calling the PutObject operation: Access Denied",
        ),
    ],
)
def test_noise_of_containers_is_dropped(reason, said):
    assert cleaned(reason).said == said


@pytest.mark.parametrize(
    "reason",
    [
        "See job logs for more information",
        "(caused by CalledProcessError)",
        "[============>]",
        "WARNING: nothing else was said",
        'Command "/opt/conda/bin/python train.py --epochs 3"',
        "https://docs.aws.amazon.com/sagemaker/latest/dg/x.html",
        "x" * 200,
        "/opt/ml/processing/input/" + "customers/" * 12,
        "ValueError: bad, see the logs for more information",
        "subprocess.CalledProcessError: Command '['python', 'x']' returned non-zero status",
    ],
)
@pytest.mark.parametrize("prefix", ["", "AlgorithmError: ", "ClientError: ClientError: "])
def test_the_only_information_is_never_dropped(prefix, reason):
    assert cleaned(prefix + reason).said == reason


@pytest.mark.parametrize(
    ("reason", "code", "said", "exit_code"),
    [
        ("AlgorithmError: , exit code: 1", "AlgorithmError", "The container ended with exit code 1.", 1),
        ("AlgorithmError: Exit Code: 139", "AlgorithmError", "The container ended with exit code 139.", 139),
        ("AlgorithmError: , exit code: -9", "AlgorithmError", "The container ended with exit code -9.", -9),
        ("AlgorithmError: bad, exit code: 2", "AlgorithmError", "bad", 2),
        ("AlgorithmError: ExitCode 1\nbad, exit code: 137", "AlgorithmError", "bad", 137),
        ("ClientError: container exited with code 1", "ClientError", "container exited with code 1", 1),
        ("AlgorithmError: ", "AlgorithmError", "AlgorithmError", None),
        ("algorithm error", "AlgorithmError", "AlgorithmError", None),
        ("InternalServerError", "InternalServerError", "InternalServerError", None),
        ("Customer Error: no data in channel train", "CustomerError", "no data in channel train", None),
        ("ValueError: bad", "", "ValueError: bad", None),
    ],
)
def test_codes_are_read(reason, code, said, exit_code):
    failure = cleaned(reason)

    assert (failure.code, failure.said, failure.exit_code) == (code, said, exit_code)


@pytest.mark.parametrize("reason", ["", " ", "\n\t\r\n"])
def test_nothing_is_nothing(reason):
    assert cleaned(reason) == Failure("", "", None, passing=False)
    assert likely_cause(cleaned(reason)) == ""


# Cut at 1,024 characters


def test_a_trace_cut_short_says_where_it_was():
    reason = f'AlgorithmError: framework error: \n{TRACE}  File "/miniconda3/li'

    assert cleaned(reason).said == (
        'In a trace that was cut short: File "/opt/ml/code/train.py", line 61, in main, features = table.astype(float), '
        'File "/miniconda3/li'
    )


def test_a_message_cut_in_the_middle_of_a_word_is_marked():
    reason = script(f"{TRACE}ValueError: " + "cannot find the column " * 60)[:1_024]

    said = cleaned(reason).said

    assert said.startswith("ValueError: cannot find the column cannot")
    assert said.endswith("...")
    assert len(said) <= 600


def test_a_short_message_at_the_cut_is_marked():
    reason = "x" * 50 + " https://docs.aws/ " + "\n" * 900 + "The data set has no column called custom"
    reason = reason.ljust(1_024, "q")

    assert cleaned(reason).said.endswith("q...")


def test_what_was_not_cut_is_not_marked():
    reason = script(TRACE * 6 + "ValueError: bad")

    assert len(reason) > 1_024
    assert cleaned(reason).said == "ValueError: bad"


# Likely to succeed when run again


@pytest.mark.parametrize(
    ("reason", "passing"),
    [
        ("ClientError: CapacityError: none left", True),
        ("EC2InsufficientCapacityError: Instance type 'ml.g5.48xlarge' is temporarily unavailable", True),
        ("InsufficientInstanceCapacity: no g6e", True),
        (
            "An error occurred (ThrottlingException) when calling the CreateTrainingJob operation: Rate exceeded",
            True,
        ),
        ("ClientError: Please reduce your request rate. (Service: S3; Error Code: SlowDown)", True),
        ("ThrottlingException: Too many requests", True),
        (script("BlockingIOError: [Errno 11] Resource temporarily unavailable"), False),
        ("AlgorithmError: InternalServerError", False),
        ("AlgorithmError: , exit code: 137", False),
        (f"ResourceLimitExceeded: {QUOTA}", False),
        ("ClientError: bad", False),
    ],
)
def test_what_passes_by_itself_is_known(reason, passing):
    assert cleaned(reason).passing is passing


# Causes


@pytest.mark.parametrize(
    ("reason", "hint"),
    [
        ("AlgorithmError: , exit code: 137", KILLED),
        ("AlgorithmError: , exit code: -9", KILLED),
        ("AlgorithmError: , exit code: 1", ""),
        (script(":RuntimeError: CUDA out of memory. Tried to allocate 20.00 MiB"), GPU),
        (script("torch.cuda.OutOfMemoryError: CUDA out of memory."), GPU),
        (script("MemoryError"), MEMORY),
        (script("numpy.core._exceptions.MemoryError: Unable to allocate 7.45 GiB for an array"), MEMORY),
        ("AlgorithmError: java.lang.OutOfMemoryError: Java heap space", MEMORY),
        (script("OSError: [Errno 28] No space left on device"), DISK),
        ("MaxRuntimeExceeded", TIME),
        ("ClientError: The job exceeded the maximum runtime", TIME),
        ("ValidationException: MaxRuntimeInSeconds must be positive", ""),
        (
            "MaxWaitTimeExceeded",
            "It waited too long for spot capacity: raise MaxWaitTimeInSeconds, or do not use spot instances",
        ),
        (
            script("ModuleNotFoundError: No module named 'sklearn.externals'"),
            "The container lacks the Python module sklearn.externals: add it to requirements.txt, the source folder or the image",
        ),
        (
            "/usr/bin/python3: No module named train",
            "The container lacks the Python module train: add it to requirements.txt, the source folder or the image",
        ),
        ("ClientError: Cannot pull image 111122223333.dkr.ecr.eu-west-1.amazonaws.com/churn:7", NO_IMAGE),
        ("ClientError: The image 1.dkr.ecr.eu-west-1.amazonaws.com/churn:7 does not exist", NO_IMAGE),
        ("ClientError: RepositoryNotFoundException: no repository churn", NO_IMAGE),
        (script("FileNotFoundError: image cat.jpg not found"), ""),
        (
            "ClientError: User: r is not authorized to perform: kms:Decrypt on resource: key",
            "The job's role may not call kms:Decrypt: check its policies, and the key's policy",
        ),
        (
            "ClientError: AccessDenied: The ciphertext refers to a key you may not use",
            "The job's role may not use the KMS key: check its policies, and the key's policy",
        ),
        (
            "ClientError: Access denied to the ECR repository",
            "The job's role may not pull the image from ECR: check its policies, and the repository's policy",
        ),
        (
            "ClientError: User: r is not authorized to perform: glue:GetTable on resource: t",
            "The job's role may not call glue:GetTable",
        ),
        (
            "ClientError: User: r is not authorized to perform: s3:GetObject. No space left on device",
            "The job's role may not call s3:GetObject: check its policies, and the bucket's policy",
        ),
        (script("OperationalError: (1045, Access denied for user 'root'@'bucket')"), ""),
        (script("PermissionError: [Errno 13] Permission denied: '/opt/ml/model'"), ""),
        ("ClientError: See job logs for more information", ""),
        (script("KeyError: 'no data found'"), ""),
    ],
)
def test_certain_causes_are_named(reason, hint):
    assert likely_cause(cleaned(reason)) == hint


@pytest.mark.parametrize(
    ("sample", "failure"),
    [
        (
            "training-job-failed",
            Failure(
                "ExecuteUserScriptError",
                "ValueError: could not convert string to float: 'unknown'",
                1,
                passing=False,
            ),
        ),
        (
            "transform-job-failed",
            Failure("ClientError", "See job logs for more information", None, passing=False),
        ),
        (
            "processing-job-failed",
            Failure(
                "ClientError",
                "Please use an instance type with more memory, or reduce the size of job data processed on an instance.",
                None,
                passing=False,
            ),
        ),
        ("pipeline-execution-failed", Failure("", "", None, passing=False)),
    ],
)
def test_sample_is_said(sample, failure):
    event = json.loads((SAMPLES / f"{sample}.json").read_text(encoding="utf-8"))

    assert cleaned(JobStateChange.parse(event).detail.failure_reason) == failure


# Whatever comes

PIECES = st.sampled_from(
    [
        *(
            "AlgorithmError: ",
            "ClientError: ",
            "ExecuteUserScriptError:\n",
            'ErrorMessage "',
            "ExitCode 1\n",
            '"\n',
            "\r",
        ),
        *(
            TRACE,
            "ValueError: bad",
            "KeyError",
            "\n",
            " ",
            "\x1b[31m",
            "\x1b",
            "Command ",
            'Command "python x"',
            "\\n",
        ),
        *(
            ", exit code: 137",
            "exit code: 99999",
            "(Service: S3; Error Code: SlowDown; Request ID: abcdefgh12)",
            "10%|##",
        ),
        *(
            "See logs for more information.",
            "WARNING: x",
            " at a.b.C(D.java:1)",
            "Caused by: a.B: c",
            "... 12 more",
            ".",
        ),
        *(
            "service limit 'x' is 0",
            "No module named x",
            "access denied",
            "s3:GetObject",
            "Traceback",
            "\u200b",
            "\ud800",
        ),
    ]
)
REASONS = st.lists(st.one_of(PIECES, hostile_text()), max_size=12).map("".join)


@given(REASONS)
def test_whatever_comes_is_one_sayable_line(reason):
    failure = cleaned(reason)

    assert bool(failure.said) is bool(reason.strip())
    assert len(failure.said) <= 600
    assert failure.said.isprintable()
    failure.said.encode()
    assert likely_cause(failure).isprintable()
    assert not likely_cause(failure).endswith(".")


@given(REASONS, st.integers(1, 1_024))
def test_wherever_it_is_cut_it_can_be_said(reason, length):
    cut = reason[:length]

    assert bool(cleaned(cut).said) is bool(cut.strip())


@given(st.text(st.characters(categories=["L"]), min_size=1, max_size=40))
def test_plain_words_are_kept(word):
    assert cleaned(f"ClientError: it is {word} that is wrong").said == f"it is {word} that is wrong"


@pytest.mark.parametrize(
    "unit",
    [
        *(
            "a",
            "A.",
            "at A.b",
            '"',
            "\x1b[",
            "Error: ",
            'File "a", line 1, in x\n',
            "Traceback (most recent call last):",
        ),
        *(
            "%|",
            "(Service: ",
            "a\r",
            "Warning: ",
            "ClientError: ",
            "exit code: ",
            "instance ",
            "\\n",
            "x.dkr.ecr.",
            "spot ",
        ),
        *(
            ". A",
            'Command "',
            "docker image ",
            "cuda ",
            "(caused by ",
            "RequestId ",
            "not have ",
            "1%|x\n",
            "ClientError:",
        ),
    ],
)
def test_work_grows_with_the_text_and_no_faster(unit):
    """Sixteen times the text may take sixteen times as long, with room for a busy machine; not 256 times."""

    def seconds(length: int) -> float:
        text = (unit * length)[:length]

        def once() -> float:
            begun = time.process_time()
            likely_cause(cleaned(text))
            return time.process_time() - begun

        return min(once() for _ in range(3))

    assert seconds(100_000) < 100 * max(seconds(6_250), 0.0001)
