"""The envelope of an EventBridge event: what a sample may leave out."""

import copy
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_REQUIRED = {"source", "detail-type", "detail"}


def complete(event: Mapping[str, Any], account_id: str, region: str) -> dict[str, Any]:
    """The event with defaults for what is missing; what is given stays as it is.

    Raises
    ------
    ValueError
        It has no source, detail-type or detail.
    """
    if missing := _REQUIRED - set(event):
        raise ValueError(f"An event needs {', '.join(sorted(missing))}.")
    defaults = {
        "version": "0",
        "id": str(uuid.uuid4()),
        "account": account_id,
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": region,
        "resources": [],
    }
    return {**defaults, **copy.deepcopy(dict(event))}
