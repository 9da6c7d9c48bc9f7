"""Container images as the registry pins them."""

import hashlib


def resolved(image: str) -> str:
    """An image as the registry pins it: the same digest for the same name."""
    repository = image if "@" in image else image.rpartition(":")[0] or image
    return f"{repository.partition('@')[0]}@{digest(image)}"


def digest(image: str) -> str:
    return f"sha256:{hashlib.sha256(image.encode()).hexdigest()}"
