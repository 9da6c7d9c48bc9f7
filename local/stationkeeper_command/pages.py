"""Drift pages of the embedded AWS, as files for a browser."""

import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from embedded_aws.embedded import EmbeddedAws

_ADDRESS = re.compile(r"s3://([^/\s]+)/(\S+\.html)")


def kept(system: EmbeddedAws, folder: Path) -> list[Path]:
    """Write every page of the report bucket below a folder, anew; returns the files."""
    shutil.rmtree(folder, ignore_errors=True)
    s3 = system.client("s3")
    bucket = system.deployment.outputs["ReportBucketName"]
    listed = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    files = []
    for key in (one["Key"] for page in listed for one in page.get("Contents", [])):
        file = folder / key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        files.append(file)
    return files


def linked_by(messages: Iterable[dict[str, Any]], folder: Path) -> Path | None:
    """The file of the page that the last message about violations links to."""
    for message in reversed(list(messages)):
        address = _ADDRESS.search(message["message"])
        if address and message["attributes"].get("kind") == "ViolationsDetected":
            return folder / address[2]
    return None
