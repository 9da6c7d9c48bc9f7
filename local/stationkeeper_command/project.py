"""The checkout this command runs from, and what must be built before it can run."""

import fcntl
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stationkeeper_command.errors import CommandError

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / ".aws-sam" / "build"
STATE = Path(os.environ.get("STATIONKEEPER_STATE") or ROOT / ".local")
RUNTIME = ROOT / ".venv-lambda"
RUNTIME_PYTHON = RUNTIME / "bin" / "python"
SAMPLES = ROOT / "events"

_SOURCES = ("template.yaml", "functions", "layers", "samconfig.toml")
_ARCHITECTURES = {"x86_64": "x86_64", "AMD64": "x86_64", "arm64": "arm64", "aarch64": "arm64"}
_STAMP = BUILD / "architecture"
_LOCK = ROOT / ".aws-sam" / "lock"


def architecture() -> str:
    """This machine's processor, as Lambda calls it; the functions run here, so they are built for it."""
    return _ARCHITECTURES.get(platform.machine(), "x86_64")


def is_built() -> bool:
    """Whether the build is of this machine's architecture and newer than every source."""
    if not _STAMP.exists() or _STAMP.read_text() != architecture():
        return False
    built = _STAMP.stat().st_mtime
    return all(source.stat().st_mtime <= built for source in _source_files())


def _source_files() -> Iterator[Path]:
    for name in _SOURCES:
        path = ROOT / name
        if path.is_file():
            yield path
        else:
            yield from (
                file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts
            )


@contextmanager
def _alone() -> Iterator[None]:
    """One builder at a time: two would sweep away each other's work."""
    _LOCK.parent.mkdir(parents=True, exist_ok=True)
    with _LOCK.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # a deployment may wait for its person's answer
            print("Waiting: another command builds or deploys here.", file=sys.stderr, flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build() -> None:
    """`sam build` for this machine, unless another process did it meanwhile.

    Raises
    ------
    CommandError
        With the end of what sam said.
    """
    with _alone():
        if not is_built():
            _build()


def run_sam(*arguments: str, captured: bool = False) -> subprocess.CompletedProcess[str]:
    """Run the SAM CLI of this environment in the checkout; it speaks to the terminal unless it is captured.

    Raises
    ------
    CommandError
        When it is not installed.
    """
    sam = Path(sys.executable).parent / "sam"
    if not sam.exists():
        raise CommandError(
            "the SAM CLI is not installed beside this command. Run `make setup` in the project folder."
        )
    # sam looks for an interpreter called python3.13 that has pip: this environment's own.
    path = f"{sam.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return subprocess.run(
        [str(sam), *arguments],
        cwd=ROOT,
        env={**os.environ, "PATH": path, "SAM_CLI_TELEMETRY": "0"},
        capture_output=captured,
        text=True,
        check=False,
    )


def _build() -> None:
    done = run_sam("build", "--parameter-overrides", f"Architecture={architecture()}", captured=True)
    if done.returncode != 0:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise CommandError(f"`sam build` failed:\n{tail}")
    _STAMP.write_text(architecture())


@contextmanager
def built_for(processor: str) -> Iterator[None]:
    """`sam build` for a processor as Lambda calls it, told as it goes; inside the block nothing else builds here.

    Raises
    ------
    CommandError
        When sam fails; it has said why.
    """
    with _alone():
        if run_sam("build", "--parameter-overrides", f"Architecture={processor}").returncode != 0:
            raise CommandError("`sam build` failed, see above; nothing was sent to AWS")
        yield


def prepare_runtime() -> None:
    """An environment with what the Lambda runtime brings (boto3, awslambdaric) and nothing else.

    Raises
    ------
    CommandError
        When uv is missing or cannot install.
    """
    with _alone():
        if not RUNTIME_PYTHON.exists():
            _prepare_runtime()


def _prepare_runtime() -> None:
    own = ROOT / ".uv" / "bin" / "uv"
    uv = str(own) if own.exists() else shutil.which("uv")
    if uv is None:
        raise CommandError("uv is missing. Run `make setup` in the project folder; it installs uv there.")
    done = subprocess.run(
        [uv, "sync", "--frozen", "--only-group", "lambda-runtime", "--no-install-project"],
        cwd=ROOT,
        env={**os.environ, "UV_PROJECT_ENVIRONMENT": str(RUNTIME)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise CommandError(
            f"uv could not install the Lambda runtime's packages:\n{done.stderr.strip()[-1500:]}"
        )
