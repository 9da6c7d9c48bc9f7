"""boto3 clients for the embedded server that look at nothing of the developer's configuration."""

import os
from typing import Any

import boto3
import botocore.session
from botocore.config import Config

# Shaped like a real key, because moto reads the account from it; belongs to nobody.
USER_ACCESS_KEY_ID = "AKIAEMBEDDEDUSER0000"


def session(region: str) -> boto3.Session:
    """A session with dummy credentials, no profile, no configuration files, no credential lookup."""
    core = botocore.session.get_session()
    settings = core.get_component("config_store")
    for name, value in {"profile": None, "config_file": os.devnull, "credentials_file": os.devnull}.items():
        settings.set_config_variable(name, value)
    return boto3.Session(
        aws_access_key_id=USER_ACCESS_KEY_ID,
        aws_secret_access_key="embedded-secret",  # noqa: S106  opens nothing
        region_name=region,
        botocore_session=core,
    )


def client(session: boto3.Session, service: str, endpoint_url: str, **options: Any) -> Any:
    """A client of any service; `options` are those of `botocore.config.Config`."""
    # A proxy from the environment must not see calls to this machine.
    config = Config(proxies={}, **options)
    return session.client(service, endpoint_url=endpoint_url, config=config)  # type: ignore[call-overload]
