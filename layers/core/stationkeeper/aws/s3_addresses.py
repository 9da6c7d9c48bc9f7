"""Addresses of files in S3 as people register them: `s3://bucket/key`; SageMaker takes `https://` too."""

from urllib.parse import unquote, urlsplit


def s3_address(uri: str) -> tuple[str, str] | None:
    """Bucket and key of a file; None when the address names none that could be read here.

    >>> s3_address("s3://models/churn/metrics.json")
    ('models', 'churn/metrics.json')
    >>> s3_address("https://models.s3.eu-west-1.amazonaws.com/churn/metrics.json")
    ('models', 'churn/metrics.json')
    """
    if uri.startswith("s3://"):  # all that follows the bucket is the key, "?" and "#" too
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return (bucket, key) if bucket and key else None
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    host, path = parts.netloc, parts.path.lstrip("/")
    if parts.scheme == "https" and ".s3." in host:
        bucket, key = host.partition(".s3.")[0], unquote(path)
    elif parts.scheme == "https" and host.startswith(("s3.", "s3-")):
        bucket, _, key = unquote(path).partition("/")
    else:
        return None
    return (bucket, key) if bucket and key else None
