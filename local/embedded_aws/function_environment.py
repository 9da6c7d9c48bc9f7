"""The environment a function's process starts with: what Lambda gives it, and nothing of the developer's."""

import base64
import hashlib
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True)
class FunctionDefinition:
    """A deployed function, as Lambda would know it.

    `layers` are build folders in the order the template names them; `log_format` is `Text` or `JSON`.
    """

    logical_id: str
    name: str
    arn: str
    role_name: str
    runtime: str
    handler: str
    task_root: Path
    layers: tuple[Path, ...] = ()
    timeout_seconds: float = 3.0
    memory_mb: int = 128
    environment: dict[str, str] = field(default_factory=dict)
    log_group: str = ""
    log_format: str = "Text"

    @property
    def access_key_id(self) -> str:
        """Shaped like a real key; unique to function and role, so that each call can be attributed."""
        digest = hashlib.sha256(f"{self.role_name}/{self.name}".encode()).digest()
        return "ASIA" + base64.b32encode(digest).decode()[:16].replace("=", "A")


def import_path(definition: FunctionDefinition) -> list[Path]:
    """Folders of the layers to import from, first one wins; the task root comes before them by itself.

    Lambda unpacks layers over each other into /opt, so where two hold the same file the *last* layer wins.
    """
    packages = Path("python/lib") / definition.runtime / "site-packages"
    folders = [layer / inner for layer in reversed(definition.layers) for inner in (packages, "python")]
    return [folder for folder in folders if folder.is_dir()]


def environment(
    definition: FunctionDefinition, *, region: str, endpoint_url: str, runtime_api: str, home: Path
) -> dict[str, str]:
    """All variables of the process. Nothing is inherited.

    `home` is an empty folder: Lambda sets no HOME, but without one the SDK would find the developer's
    `~/.aws` through the user database.
    """
    stream = datetime.now(UTC).strftime("%Y/%m/%d") + f"/[$LATEST]{uuid.uuid4().hex}"
    reserved = {
        "_HANDLER": definition.handler,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{definition.runtime}",
        "AWS_LAMBDA_FUNCTION_NAME": definition.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(definition.memory_mb),
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": definition.log_group or f"/aws/lambda/{definition.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": stream,
        "AWS_LAMBDA_LOG_FORMAT": definition.log_format,
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "AWS_ACCESS_KEY_ID": definition.access_key_id,
        "AWS_SECRET_ACCESS_KEY": "embedded-secret",
        "AWS_SESSION_TOKEN": "embedded-session",
        "AWS_ENDPOINT_URL": endpoint_url,
        "LAMBDA_TASK_ROOT": str(definition.task_root),
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "TZ": ":UTC",
    }
    defaults = {
        "HOME": str(home),
        "LANG": "en_US.UTF-8",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "PYTHONPATH": ":".join(str(folder) for folder in import_path(definition)),
    }
    return defaults | definition.environment | reserved
