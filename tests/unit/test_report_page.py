"""`stationkeeper report --html`: the page of a report from files, and what is said when it cannot be drawn."""

import json

import pytest
from stationkeeper_command import main

from tests.page_world import words
from tests.real import PLACE, read
from tests.world import ROOT

REPORT = ROOT / "events" / "reports" / "monitor-violations.json"
MEASURED = ROOT / "events" / "measurements"
CURRENT = MEASURED / "monitor-violations-statistics.json"
BASELINE = MEASURED / "baseline-statistics.json"


def run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: object
) -> tuple[int, str]:
    """Exit code, and what was printed, of the command as a person calls it."""
    monkeypatch.setattr("sys.argv", ["stationkeeper", "report", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main.main()
    printed = capsys.readouterr()
    code = ended.value.code
    return code if isinstance(code, int) else 0, printed.out + printed.err


@pytest.fixture
def report(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    return lambda *arguments: run(capsys, monkeypatch, *arguments)


def test_the_page_of_a_report_is_drawn_with_its_measurements(report, tmp_path):
    out = tmp_path / "drift.html"

    code, said = report(REPORT, "--endpoint", "churn-prod", "--statistics", CURRENT, "--baseline", BASELINE, "--html", out)  # fmt: skip

    assert code == 0
    assert f"The page is in {out}" in said
    text = words(out.read_text(encoding="utf-8"))
    assert "churn-prod" in text
    assert "Critical. 9 violations" in text
    assert "distance 0.413 from the baseline, 0.1 allowed" in text
    assert "Mean 238.5, was 180.2" in text
    assert "Not drawn" not in text


def test_what_lies_beside_the_report_is_drawn_without_being_named(report, tmp_path):
    (tmp_path / "constraint_violations.json").write_bytes(REPORT.read_bytes())
    (tmp_path / "statistics.json").write_bytes(CURRENT.read_bytes())

    code, _ = report(tmp_path, "--html", tmp_path / "drift.html")

    text = words((tmp_path / "drift.html").read_text(encoding="utf-8"))
    assert code == 0
    assert "Mean 238.5" in text
    assert "no file was given with --baseline" in text


def test_json_can_be_asked_for_at_the_same_time(report, tmp_path):
    code, said = report(REPORT, "--json", "--html", tmp_path / "drift.html")

    assert code == 0
    assert json.loads(said)["severity"] == "critical"
    assert (tmp_path / "drift.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "code", "words_said"),
    [
        (["--statistics", "x"], 2, "--statistics and --baseline go with --html only"),
        (["--html", "OUT", "--statistics", "/no/such"], 1, "there is no file /no/such"),
        (["--html", "OUT", "--baseline", REPORT], 1, "holds no statistics of a monitor"),
        (["--html", "OUT", "--baseline", "s3://bucket-without-key"], 1, "is no S3 address"),
        (["--html", "/no/such/folder/out.html"], 1, "cannot write /no/such/folder/out.html: No such file"),
    ],
)
def test_wrong_use_is_one_clear_line(report, tmp_path, arguments, code, words_said):
    given = [tmp_path / "out.html" if one == "OUT" else one for one in arguments]

    ended, said = report(REPORT, *given)

    assert ended == code
    assert words_said in " ".join(said.replace("│", " ").split())
    assert not (tmp_path / "out.html").exists()


@pytest.mark.parametrize("week", ["2020-03-09", "2020-01-13"])
def test_real_weeks_of_model_quality_have_pages(report, tmp_path, week):
    folder = PLACE / "taxi" / "model_quality"
    read(folder / week / "statistics.json")

    code, _ = report(folder / week, "--baseline", folder / "baseline" / "constraints.json", "--html", tmp_path / "p.html")  # fmt: skip

    text = words((tmp_path / "p.html").read_text(encoding="utf-8"))
    assert code == 0
    assert ("No violations" in text) is (week == "2020-01-13")
    assert "mae" in text
