"""Arrows point inward: the core decides, and only `aws` knows AWS."""

import ast
from pathlib import Path

import pytest
import stationkeeper

CORE = Path(stationkeeper.__file__).parent
MODULES = [pytest.param(path, id=str(path.relative_to(CORE))) for path in sorted(CORE.rglob("*.py"))]
OUTSIDE_AWS = [module for module in MODULES if module.values[0].relative_to(CORE).parts[0] != "aws"]
DOMAIN = [
    module
    for module in MODULES
    if module.values[0].relative_to(CORE).parts[0]
    in (
        *("events", "reports", "releases", "alarms", "retraining", "jobs", "artifacts", "alerts", "pages"),
        *("severity.py", "errors.py", "tags.py"),
    )
]
AWS_SDK = ("boto3", "botocore", "mypy_boto3", "s3transfer", "aiobotocore")


def imported(path: Path) -> set[str]:
    """Every module a file imports anywhere, in functions and under TYPE_CHECKING too."""
    package = ("stationkeeper", *path.relative_to(CORE).parts[:-1])
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(filter(None, (above, node.module)))
            found.add(module)
            found.update(f"{module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in (
            "__import__",
            "import_module",
            "importlib.import_module",
        ):
            found.update(arg.value for arg in node.args if isinstance(arg, ast.Constant))
    return found


def inside(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith((f"{package}.", f"{package}_")) for package in packages)


def test_the_modules_are_found():
    names = {module.id for module in MODULES}

    assert {"aws/clients.py", "events/domain.py", "reports/reader.py", "alerts/wording.py"} <= names
    assert len(DOMAIN) >= 15


def test_imports_are_seen_wherever_they_stand(tmp_path, monkeypatch):
    module = tmp_path / "alerts" / "module.py"
    module.parent.mkdir()
    module.write_text("from ..aws import clients\ndef late():\n    import boto3.session as session\n")
    monkeypatch.setitem(globals(), "CORE", tmp_path)

    assert imported(module) == {"stationkeeper.aws", "stationkeeper.aws.clients", "boto3.session"}


@pytest.mark.parametrize("path", OUTSIDE_AWS)
def test_only_aws_imports_the_aws_sdk(path):
    assert not {module for module in imported(path) if inside(module, AWS_SDK)}


@pytest.mark.parametrize("path", DOMAIN)
def test_the_domain_knows_neither_adapters_nor_reactions_nor_powertools(path):
    outward = (
        "stationkeeper.aws",
        "stationkeeper.reactions",
        "stationkeeper.assembly",
        "stationkeeper.react",
        "stationkeeper.settings",
        "stationkeeper.telemetry",
        "aws_lambda_powertools",
    )

    assert not {module for module in imported(path) if inside(module, outward)}


@pytest.mark.parametrize(
    ("package", "may_not_know"),
    [
        ("reports", "stationkeeper.alerts"),
        ("reports", "stationkeeper.releases"),
        ("reports", "stationkeeper.pages"),
        ("alerts", "stationkeeper.releases"),
        ("alerts", "stationkeeper.pages"),
        ("pages", "stationkeeper.releases"),
        ("pages", "stationkeeper.retraining"),
        ("alerts", "stationkeeper.alarms"),
        ("alerts", "stationkeeper.retraining"),
        ("alerts", "stationkeeper.jobs"),
        ("releases", "stationkeeper.alarms"),
        ("releases", "stationkeeper.retraining"),
        ("releases", "stationkeeper.jobs"),
        ("releases", "stationkeeper.artifacts"),
        ("alerts", "stationkeeper.artifacts"),
        ("artifacts", "stationkeeper.jobs"),
        ("artifacts", "stationkeeper.alarms"),
        ("artifacts", "stationkeeper.retraining"),
        ("alarms", "stationkeeper.retraining"),
        ("retraining", "stationkeeper.alarms"),
        ("jobs", "stationkeeper.alarms"),
        ("events", "stationkeeper.releases"),
        ("events", "stationkeeper.alerts"),
        ("aws", "stationkeeper.reactions"),
        ("pages", "stationkeeper.alarms"),
        ("pages", "stationkeeper.jobs"),
        ("pages", "stationkeeper.artifacts"),
    ],
)
def test_packages_know_only_those_below_them(package, may_not_know):
    for path in (CORE / package).rglob("*.py"):
        assert not {module for module in imported(path) if inside(module, (may_not_know,))}, path


@pytest.mark.parametrize("path", MODULES)
def test_nothing_reads_the_environment_when_imported(path):
    """Tests and functions decide when settings are read; only `assembly` does, inside its functions."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    in_functions = {id(node) for function in functions for node in ast.walk(function)}
    reads = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in ("environ", "getenv")
        and id(node) not in in_functions
    ]

    assert not reads
