"""What the runtime API answers when a model does not: errors in its own shape."""

import json
from typing import Any

# HTTP status, headers, body
type RuntimeAnswer = tuple[int, dict[str, str], str]

_MODEL_ERROR_STATUS = 424
_TOO_MANY_REQUESTS = 429


def validation_error(message: str) -> RuntimeAnswer:
    return _error(400, "ValidationError", message)


def model_not_ready(message: str) -> RuntimeAnswer:
    return _error(_TOO_MANY_REQUESTS, "ModelNotReadyException", message)


def model_error(status: int, body: str, endpoint_name: str, account: str, region: str) -> RuntimeAnswer:
    """What the container answered, wrapped as the service does.

    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
    """
    kind = "server" if status >= 500 else "client"
    log_url = (
        f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}"
        f"#logEventViewer:group=/aws/sagemaker/Endpoints/{endpoint_name}"
    )
    message = (
        f'Received {kind} error ({status}) from primary with message "{body}". '
        f"See {log_url} in account {account} for more information."
    )
    return _error(
        _MODEL_ERROR_STATUS,
        "ModelError",
        message,
        OriginalStatusCode=status,
        OriginalMessage=body,
        LogStreamArn=f"arn:aws:logs:{region}:{account}:log-group:/aws/sagemaker/Endpoints/{endpoint_name}",
    )


def _error(status: int, code: str, message: str, **more: Any) -> RuntimeAnswer:
    # moto reads the status there, and nowhere else.
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": code, "status": str(status)}
    return status, headers, json.dumps({"Message": message, "message": message, **more})
