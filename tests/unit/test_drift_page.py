"""The drift page as a document: what it says, how it is built, and that nothing from outside becomes part of its markup."""

import re
import subprocess
import sys
from base64 import b64encode
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stationkeeper.alerts.phrases import BLIND
from stationkeeper.alerts.text import plain
from stationkeeper.pages.content import Absent, Deed, PageContent, PastRun
from stationkeeper.pages.drawing import LARGEST_BYTES, draw
from stationkeeper.reports.outcome import Blindness, BlindReason
from stationkeeper.reports.policy import SeverityPolicy
from stationkeeper.reports.reader import read_violations, violation_from
from stationkeeper.reports.statistics import Statistics, Threshold
from stationkeeper.reports.statistics_reader import read_statistics
from stationkeeper.reports.verdict import judge_all
from stationkeeper.reports.violation import Monitor
from stationkeeper.severity import Severity

from tests import page_contents
from tests.page_contents import HOSTILE, NOW, categorical, content, drifted, many, numeric, runs, verdict
from tests.real import read, real_files
from tests.unit.builders import hostile_text

VOID = {"meta", "link"}  # of those the page uses
SEVERITIES = ("critical", "warning", "info")


class Document(HTMLParser):
    """A page as the standard library reads it: elements in order, each with its own text; fails on bad nesting."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[list[str]] = []
        self.open: list[int] = []
        self.feed(page)
        self.close()
        assert not self.open, f"never closed: {[self.elements[i][0] for i in self.open]}"

    def handle_starttag(self, tag, attrs):
        assert len(dict(attrs)) == len(attrs), f"an attribute twice in {tag}"
        self.elements.append((tag, dict(attrs)))
        self.texts.append([])
        if tag not in VOID:
            self.open.append(len(self.elements) - 1)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.texts.append([])

    def handle_endtag(self, tag):
        assert self.elements[self.open.pop()][0] == tag, f"{tag} closed out of order"

    def handle_data(self, data):
        for index in self.open:
            self.texts[index].append(data)

    def all(self, tag: str, kind: str = "") -> list[str]:
        """Text of each element with this tag, and this class where one is given."""
        return [
            " ".join(" ".join(text).split())
            for (name, attributes), text in zip(self.elements, self.texts, strict=True)
            if name == tag and (not kind or kind in (attributes.get("class") or "").split())
        ]

    @property
    def text(self) -> str:
        return self.all("body")[0]


def page_of(*violations, **replaced) -> Document:
    return Document(draw(content(*violations, **replaced)))


@pytest.fixture(params=page_contents.ALL)
def page(request) -> str:
    return draw(page_contents.ALL[request.param]())


# How it is built


def test_elements_are_nested_and_what_is_referred_to_is_there(page):
    elements = Document(page).elements
    ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
    referred = {
        attributes["aria-labelledby"] for _, attributes in elements if "aria-labelledby" in attributes
    }
    referred |= {
        (attributes["href"] or "")[1:]
        for _, attributes in elements
        if (attributes.get("href") or "").startswith("#")
    }

    assert len(ids) == len(set(ids))
    assert referred <= set(ids)


def test_headings_skip_no_level_and_landmarks_stand_once(page):
    tags = [tag for tag, _ in Document(page).elements]
    levels = [int(tag[1]) for tag in tags if re.fullmatch("h[1-6]", tag)]

    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(below - above <= 1 for above, below in pairwise(levels))
    assert [tags.count(landmark) for landmark in ("main", "footer")] == [1, 1]


def test_nothing_runs_and_nothing_is_asked_for(page):
    elements = Document(page).elements
    addresses = [
        value
        for _, attributes in elements
        for name, value in attributes.items()
        if name in ("href", "src", "xlink:href")
    ]

    assert not {tag for tag, _ in elements} & {"script", "img", "iframe", "object", "form", "base"}
    assert not [name for _, attributes in elements for name in attributes if name.startswith("on")]
    assert not [attributes for _, attributes in elements if "style" in attributes]
    assert all(re.fullmatch(r"#[\w-]+|data:,|[\w.-]+\.html", address or "") for address in addresses)
    assert "url(" not in page
    assert "@import" not in page


def test_policy_allows_this_style_and_nothing_else(page):
    document = Document(page)
    policy = next(
        attributes["content"]
        for tag, attributes in document.elements
        if attributes.get("http-equiv") == "Content-Security-Policy"
    )
    style = re.search("<style>(.*?)</style>", page, re.DOTALL)
    assert style is not None
    digest = b64encode(sha256(style[1].encode()).digest()).decode()

    assert policy.split("; ") == [
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    ]


def test_head_says_what_browsers_ask(page):
    elements = Document(page).elements
    metas = {
        attributes.get("name"): attributes.get("content") for tag, attributes in elements if tag == "meta"
    }

    assert page.startswith("<!doctype html>\n")
    assert elements[0] == ("html", {"lang": "en"})
    assert metas["viewport"] == "width=device-width, initial-scale=1"
    assert metas["color-scheme"] == "light dark"
    assert metas["referrer"] == "no-referrer"


def test_same_content_makes_the_same_page():
    assert draw(page_contents.data_quality()) == draw(page_contents.data_quality())


def test_template_engine_is_not_imported_before_a_page_is_drawn():
    program = "import sys, stationkeeper.pages.drawing; sys.exit('jinja2' in sys.modules)"

    assert (
        subprocess.run(
            [sys.executable, "-c", program], check=False, env={"PYTHONPATH": ":".join(sys.path)}
        ).returncode
        == 0
    )


# Top


@pytest.mark.parametrize(("distance", "word"), [(0.9, "Critical."), (0.2, "Warning."), (0.101, "Info.")])
def test_verdict_is_said_in_a_word(distance, word):
    document = page_of(drifted("fare", distance))

    assert document.all("strong") == [f"{word} 1 violation"]
    assert document.all("title")[0].startswith(
        f"{word[:-1]}: taxi-prod, data-quality monitor, 23 Nov 2026 12:00 UTC"
    )


def test_top_says_which_run_of_what_this_is():
    document = page_of(
        drifted("fare", 0.9),
        current=Statistics(items=12_345),
        done=(Deed("On-call was told."), Deed("Retraining was started.", NOW + timedelta(minutes=2))),
        policy_problem="rules[0] is wrong",
    )

    assert document.all("h1") == ["taxi-prod"]
    for told in (
        "Data-quality monitor of endpoint",
        "11:00 to 12:00 UTC on 23 Nov 2026",
        "version 8, in service since 3 Nov 2026 10:12 UTC",
        "12,345",
        "With the judgement On-call was told.",
        "23 Nov 2026 12:02 UTC Retraining was started.",
        "The severity policy needs you: rules[0] is wrong.",
    ):
        assert told in document.text


def test_foot_says_where_the_report_is():
    foot = Document(draw(content())).all("footer")[0]

    for told in (
        "taxi-data-quality",
        "model-monitoring-202611231200-2380a120b4182cad1daa9eb5",
        "s3://reports/taxi-prod/2026/11/23/12/constraint_violations.json",
        "123456789012 eu-west-1",
    ):
        assert told in foot


def test_report_from_the_command_line_needs_no_job_schedule_or_memory():
    document = page_of(
        drifted("fare", 0.9),
        schedule="",
        job="",
        at=None,
        window=None,
        version="",
        account="",
        region="",
        report_uri="",
    )

    assert document.all("strong") == ["Critical. 1 violation"]
    assert "Job" not in document.all("dt")


# Violations


def test_violations_stand_worst_first_in_groups_ordered_by_their_worst():
    incomplete = {
        "feature_name": "tip",
        "constraint_check_type": "completeness_check",
        "description": "Data completeness requirement is not met. Expected: 100.0%. Observed: Only 5.0%.",
    }
    document = page_of(drifted("a", 0.2), drifted("c", 0.11), incomplete, drifted("b", 0.3))

    assert document.all("h3") == ["1 feature incomplete", "3 features drifted"]
    assert document.all("h4") == ["tip", "b", "a", "c"]
    assert document.all("a")[1:3] == ["1 feature incomplete", "3 features drifted"]


def test_card_says_what_was_observed_expected_and_how_far_past_it_is():
    card = page_of(drifted("fare", 0.52)).all("li", "card")[0]

    for told in ("critical", "fare", "distance 0.52 from the baseline, 0.1 allowed", "5.2 times the limit"):
        assert told in card


def test_checks_of_custom_containers_keep_their_own_words():
    card = page_of(
        {
            "feature_name": "text",
            "constraint_check_type": "toxicity_check",
            "description": "score 5 exceeds limit 3",
        }
    ).all("li", "card")[0]

    assert "toxicity_check" in card
    assert "score 5 exceeds limit 3" in card
    assert "1.67 times the limit" in card


def test_missing_columns_are_named_where_both_sides_were_counted():
    entry = {
        "feature_name": "Missing columns",
        "constraint_check_type": "missing_column_check",
        "description": "There are missing columns in current dataset. Number of columns in current dataset: 1, "
        "Number of columns in baseline constraints: 3",
    }
    baseline = Statistics(columns=("toll", "fare", "tip"))
    counted = page_of(entry, current=Statistics(columns=("fare",)), baseline=baseline)
    not_counted = page_of(entry, current=Statistics(), baseline=baseline)

    assert "1 column, 3 in the baseline; missing: toll, tip" in counted.text
    assert "toll" not in not_counted.text


# Pictures


def test_distribution_is_told_in_words_too():
    document = page_of(
        drifted("fare", 0.9),
        baseline=Statistics(features={"fare": numeric("fare", [0, 9, 1, 0, 0, 0])}),
        current=Statistics(features={"fare": numeric("fare", [0, 0, 0, 0, 10, 0], missing=10.0)}),
    )

    (caption,) = document.all("figcaption")
    assert caption.startswith("Now all between 4 and 5; baseline about 90 % between 1 and 2. No overlap.")
    assert caption.endswith("Mean 1, was 1. Missing 50 %, was 0 %.")
    assert document.all("p", "axis") == ["1 5"]


def test_feature_without_values_says_so():
    document = page_of(
        drifted("fare", 0.9),
        drifted("tip", 0.8),
        baseline=Statistics(features={"fare": numeric("fare", [1, 2]), "tip": numeric("tip", [0])}),
        current=Statistics(
            features={
                "fare": numeric("fare", [], missing=10.0, mean=None),
                "tip": numeric("tip", [0], missing=10.0, mean=None),
            }
        ),
    )

    assert document.all("figcaption") == ["Baseline all between 0 and 2. Missing 100 %, was 0 %."]
    assert document.all("p", "more") == ["No values to draw. Missing 100 %."]


def test_legend_stands_only_where_something_is_drawn():
    nothing = Statistics(features={"fare": numeric("fare", [0])})

    assert page_of(drifted("fare", 0.9), current=nothing, baseline=nothing).all("p", "legend") == []


def test_values_of_a_category_stand_in_pairs():
    document = page_of(
        drifted("payment", 0.9),
        baseline=Statistics(features={"payment": categorical("payment", card=80, cash=20)}),
        current=Statistics(features={"payment": categorical("payment", card=30, crypto=70)}),
    )

    assert document.all("tr") == ["value bars was now", "card 80 % 30 %", "crypto 0 % 70 %", "cash 20 % 0 %"]


def test_side_that_is_missing_is_said_once_with_its_reason_and_shortly_at_each_picture():
    document = page_of(
        drifted("fare", 0.9),
        drifted("tip", 0.8),
        baseline=Absent("The schedule names no baseline statistics."),
        current=Statistics(features={name: numeric(name, [1, 2]) for name in ("fare", "tip")}),
    )

    assert document.all("p", "note") == [
        "Not drawn: the baseline (The schedule names no baseline statistics)."
    ]
    assert [caption.endswith("No baseline.") for caption in document.all("figcaption")] == [True, True]


def test_without_any_statistics_the_page_stands():
    document = page_of(
        drifted("fare", 0.9), baseline=Absent("gone"), current=Absent("gone"), constraints=Absent("gone")
    )

    assert document.all("p", "note") == ["Not drawn: what this run measured and the baseline (gone)."]
    assert document.all("figure") == []
    assert "distance 0.9 from the baseline" in document.text


def test_metric_is_drawn_over_runs_with_its_threshold():
    document = Document(draw(page_contents.model_quality()))

    assert "0.61 +/- 0.02, at least 0.9 wanted" in document.text
    assert document.all("figcaption")[0] == "Now 0.61; 0.61 to 0.97 over 4 runs, past the limit in 1 of them."
    assert [tag for tag, attributes in document.elements if attributes.get("class") == "barred"]


def test_clean_run_of_model_quality_shows_its_metrics():
    document = Document(draw(page_contents.model_quality(clean=True)))

    assert document.all("strong") == ["Clean. No violations"]
    assert document.all("h3") == ["f1", "recall"]
    assert (
        document.all("figcaption")[0] == "Now 0.94; 0.93 to 0.97 over 4 runs, past the limit in none of them."
    )


def test_bias_stands_beside_its_baseline_and_over_runs():
    document = Document(draw(page_contents.bias()))
    card = next(card for card in document.all("li", "card") if "DCA" in card)

    assert "-1.4, 0.5 in the baseline" in card
    assert "1.9 away" in card
    assert "Now -1.4; -1.4 to -0.6 over 3 runs." in card
    assert document.all("tr")[:2] == ["baseline 0.5", "this run -1.4"]


def test_of_many_measured_values_some_are_shown_and_the_others_counted():
    metrics = {f"metric {index}": (0.5, None) for index in range(75)}
    document = page_of(monitor=Monitor.MODEL_QUALITY, current=Statistics(metrics=metrics))

    assert len(document.all("li", "card")) == 60
    assert document.all("h2") == ["What was measured", "What was looked at"]
    assert "15 more are not shown." in document.text


def test_a_value_alone_has_no_bar():
    """It would be as long as any other."""
    document = page_of(monitor=Monitor.BIAS, current=Statistics(bias={("Sex", "0 CI"): 0.3}))

    assert document.all("li", "card") == ["Sex 0 CI 0.3"]


def test_schedule_without_an_endpoint_is_called_one():
    document = page_of(endpoint="nightly-batch", schedule="nightly-batch")

    assert "Data-quality monitor of schedule nightly-batch" in document.text


def test_infinite_bias_is_told_and_not_drawn():
    card = next(card for card in Document(draw(page_contents.bias())).all("li", "card") if "TE" in card)

    assert "infinite, 2.9 in the baseline" in card
    assert "infinitely far past" in card


def test_attributions_show_who_moved_and_how_ranks_changed():
    document = Document(draw(page_contents.attribution()))

    assert document.all("tr")[1:5] == [
        "age 0.4 0.1 1 to 4 ▼",
        "income 0.3 0.35 2",
        "country 0.2 0.2 3",
        "<b>sex</b> 0.1 0.4 4 to 1 ▲",
    ]
    assert (
        "<b>sex</b> comes first now, age did in the baseline; 2 of 4 features changed rank." in document.text
    )
    assert document.all("h3")[-1] == "label1"


def test_legend_explains_only_what_is_drawn():
    distributions = Document(draw(many(3))).all("p", "legend")
    metrics = Document(draw(page_contents.model_quality())).all("p", "legend")

    assert ["outlined" in one and "limit" not in one for one in distributions] == [True]
    assert ["outlined" not in one and "limit" in one for one in metrics] == [True]


# Measured values that are not listed as violations


def sections(document: Document) -> dict[str, list[str]]:
    """Names under each heading of the second level that has cards."""
    found: dict[str, list[str]] = {}
    heading = ""
    for (tag, _), text in zip(document.elements, document.texts, strict=True):
        said = " ".join(" ".join(text).split())
        if tag == "h2":
            heading = said
        elif tag == "h3":
            found.setdefault(heading, []).append(said)
    return found


def test_a_muted_metric_is_past_its_limit_and_not_within_it():
    document = Document(draw(page_contents.muted()))

    assert document.all("strong") == ["Clean. No violations but muted ones"]
    assert sections(document) == {
        "Past the limit, muted": ["f1"],
        "Within limits": ["recall"],
        "Also measured": ["auc"],
    }
    assert "f1 0.17 +/- 0.02, at least 0.72 wanted" in document.text


@pytest.mark.parametrize("violated", ["above", "below"])
def test_a_value_past_its_limit_is_not_within_it_though_no_violation_tells(violated):
    """Of a thousand violations and more, a verdict keeps the worst."""
    values = {"low": (0.1, None), "equal": (0.5, None), "high": (0.9, None)}
    document = page_of(
        monitor=Monitor.MODEL_QUALITY,
        current=Statistics(metrics=values),
        constraints=Statistics(thresholds=dict.fromkeys(values, Threshold(0.5, violated))),
    )

    past, within = ("high", "low") if violated == "above" else ("low", "high")
    assert sections(document) == {
        "Past the limit, not listed as a violation": [past],
        "Within limits": ["equal", within],
    }


@pytest.mark.parametrize(
    ("entry", "measured", "names"),
    [
        (
            {
                "facet": "Sex",
                "facet_value": "0",
                "metric_name": "DCA",
                "constraint_check_type": "bias_drift_check",
            },
            {"bias": {("Sex", "0 DCA"): -1.4, ("Sex", "0 AD"): 0.1}},
            ("Sex 0 DCA", "Sex 0 AD"),
        ),
        (
            {
                "label": "label0",
                "metric_name": "shap",
                "constraint_check_type": "feature_attribution_drift_check",
            },
            {"attributions": {"label0": {"age": 0.4}, "label1": {"age": 0.5}}},
            ("label0", "label1"),
        ),
        (
            {"metric_name": "mae", "constraint_check_type": "GreaterThanThreshold"},
            {"metrics": {"mae": (9.0, None), "mse": (81.0, None)}},
            ("mae", "mse"),
        ),
    ],
)
def test_what_is_muted_is_told_apart_where_no_file_tells_its_limit(entry, measured, names):
    policy = SeverityPolicy.parse('{"mutes": [{"until": "2099-01-01"}]}').for_endpoint("taxi-prod")
    document = page_of(
        outcome=judge_all([violation_from(entry)], policy, NOW), current=Statistics(**measured)
    )

    assert sections(document) == {"Past the limit, muted": [names[0]], "Also measured": [names[1]]}


# Runs


def tiles(document: Document) -> list[tuple[str | None, str | None, str | None]]:
    return [
        (
            attributes.get("aria-label"),
            attributes.get("href"),
            document.elements[index - 1][1].get("aria-current"),
        )
        for index, (_, attributes) in enumerate(document.elements)
        if "UTC:" in (attributes.get("aria-label") or "")
    ]


def test_strip_tells_each_run_links_its_page_and_marks_this_one():
    document = page_of(drifted("fare", 0.9), runs=runs(0, None, 1, 40))

    assert tiles(document) == [
        ("23 Nov 2026 09:00 UTC: no violations", "2026-11-23T09.html", None),
        ("23 Nov 2026 10:00 UTC: blind, no data to look at", "2026-11-23T10.html", None),
        ("23 Nov 2026 11:00 UTC: 1 violation, worst info", "2026-11-23T11.html", None),
        ("23 Nov 2026 12:00 UTC: 40 violations, worst critical (this run)", None, "true"),
    ]


def test_strip_claims_no_more_than_was_known():
    document = page_of(drifted("fare", 0.9), runs=runs(0, None, 1, 40))

    assert "4 runs, up to this one" in document.all("h2")
    assert (
        "23 Nov 2026 09:00 UTC to 23 Nov 2026 12:00 UTC: 1 clean, 2 with violations, 1 blind, "
        "as known when this page was drawn." in document.text
    )


def test_strip_shows_thirty_runs():
    assert len(tiles(page_of(runs=runs(*range(45))))) == 30


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "//elsewhere.example/",
        'https://elsewhere.example/"onclick=x',
        "http://elsewhere.example/",
        "/etc",
        "\tjavascript:x",
        'a"b',
        "",
    ],
)
def test_strip_links_nothing_but_pages_beside_this_one_and_addresses_with_https(address):
    past = (PastRun(NOW, 1, Severity.INFO, page=address), PastRun(NOW, 0, None))

    assert [href for _, href, _ in tiles(page_of(runs=past))] == [None, None]


# Blind and clean


@pytest.mark.parametrize("reason", BlindReason)
def test_blind_run_says_why_what_to_do_and_what_was_open(reason):
    document = page_of(outcome=Blindness(reason, "said <b>so</b>"), runs=runs(0, 5, None))

    assert document.all("strong") == [f"Blind. Nothing is known about this run: {BLIND[reason].short}"]
    assert BLIND[reason].sentence in document.text
    assert "said <b>so</b>" in document.text
    assert (
        "5 violations were open, the worst warning; that problem is neither over nor confirmed."
        in document.text
    )
    assert "aws logs tail /aws/sagemaker/ProcessingJobs --region eu-west-1" in document.text
    assert "No violations" not in document.text


def test_clean_page_is_short_and_says_what_was_looked_at():
    document = Document(draw(page_contents.clean()))

    assert document.all("strong") == ["Clean. No violations"]
    assert f"The monitor looked at {2 + len(HOSTILE)} features in 96 records." in document.text
    assert {"fare", "tip"} <= set(document.all("li"))
    assert document.all("figure") == []


def test_muted_violations_are_counted():
    muted = replace(verdict(), muted=3)

    assert "3 violations muted" in page_of(outcome=muted).text


# Size


def test_five_hundred_features_have_a_picture_each_and_the_page_stays_small():
    page = draw(many(500))

    assert page.count("<figure>") + page.count('<table class="bars">') == 500
    assert len(page.encode()) < LARGEST_BYTES


def test_of_more_the_worst_are_drawn_others_listed_the_rest_counted():
    document = Document(draw(many(1_200)))

    assert len(document.all("li", "card")) == 500
    assert len(document.all("th", "name")) >= 500
    assert "1,200 features drifted" in document.text
    assert "The 500 worst have pictures." in document.text
    assert "200 more of this check are counted, and only in the report." in document.text


def test_page_of_large_texts_lists_fewer():
    page = draw(
        content(
            *(
                {
                    "feature_name": "🚕" * 300,
                    "constraint_check_type": f"{index}",
                    "description": "🚕" * 100_000,
                }
                for index in range(1_000)
            )
        )
    )

    assert len(page.encode()) < LARGEST_BYTES
    assert "1,000 other violations" in page


class LookedUp(dict):
    """Values that may be asked for one by one: going through all of them for each violation takes minutes."""

    def __iter__(self):
        raise AssertionError("gone through")

    items = keys = values = __iter__


def test_biases_of_the_baseline_are_looked_up():
    page = page_contents.bias()
    assert isinstance(page.constraints, Statistics)
    looked_up = replace(page.constraints, bias=LookedUp(page.constraints.bias))

    assert draw(replace(page, constraints=looked_up)) == draw(page)


def test_a_constraint_that_is_told_twice_is_drawn_once():
    measured = Statistics(features={name: numeric(name, [1, 2]) for name in ("fare", "tip")})
    document = page_of(
        drifted("fare", 0.9), drifted("tip", 0.8), drifted("fare", 0.7), current=measured, baseline=measured
    )

    assert document.all("h4") == ["fare", "tip", "fare"]
    assert len(document.all("figure")) == 2


# What comes from outside


def test_hostile_names_are_text():
    shown = Document(draw(page_contents.data_quality())).all("h4")

    assert {plain(name, 300) for name in HOSTILE if name} <= set(shown)
    assert "unnamed _check" in shown


MARKUP = st.sampled_from(
    ("<", ">", '"', "'", "&", "</script>", "</bdi>", "<p>", "-->", '" onload="', "{{", "]]>")
)


@given(st.lists(st.builds("{}{}{}".format, MARKUP, hostile_text(), MARKUP), min_size=8, max_size=8))
def test_no_text_changes_the_structure_of_the_page(texts):
    """The same elements, whatever names and values are made of; none of it escapes into markup."""

    def drawn(endpoint, feature, value, said, why, blind, region, job) -> PageContent:
        return content(
            drifted(f"x {feature}", 0.9),
            {"feature_name": feature, "constraint_check_type": "own", "description": f"x {said}"},
            endpoint=endpoint,
            version=f"x {said}",
            region=f"x {region}",
            job=f"x {job}",
            policy_problem=f"x {why}",
            baseline=Absent(why),
            current=Statistics(features={f"x {feature}": categorical("x", **{value: 5})}),
            done=(Deed(said),),
            runs=(PastRun(NOW, None, None, blind), PastRun(NOW, 2, Severity.CRITICAL)),
        )

    harmless = Document(draw(drawn(*(["text"] * 8))))
    hostile = Document(draw(drawn(*texts)))

    assert [tag for tag, _ in hostile.elements] == [tag for tag, _ in harmless.elements]
    assert [sorted(attributes) for _, attributes in hostile.elements] == [
        sorted(attributes) for _, attributes in harmless.elements
    ]


# The services' own reports


@pytest.mark.parametrize("path", real_files("violations/*.json", "taxi/*/2*/constraint_violations.json"))
def test_real_report_makes_a_page(path):
    outcome = judge_all(read_violations(read(path)), page_contents.POLICY, NOW)
    document = page_of(outcome=outcome)

    assert len(document.all("h4")) == min(500, outcome.total)


def test_every_drifted_feature_of_the_taxi_endpoint_has_a_picture():
    page = page_contents.real_taxi_quality("2020-04-06", "2020-02-03")
    document = Document(draw(page))

    assert len(document.all("figure")) == 136
    assert all("baseline" in caption for caption in document.all("figcaption"))


def test_metrics_of_the_taxi_endpoint_are_drawn_over_all_weeks():
    document = Document(draw(page_contents.real_taxi_model()))

    assert len(document.all("figure")) == 4
    assert all(f"over {len(tiles(document))} runs" in caption for caption in document.all("figcaption"))


@pytest.mark.parametrize("path", real_files("analysis/*.json"))
def test_real_analysis_is_shown_as_measured(path):
    measured = read_statistics(read(path))
    monitor = Monitor.BIAS if measured.bias else Monitor.EXPLAINABILITY
    document = page_of(monitor=monitor, current=measured, constraints=measured)

    assert len(document.all("li", "card")) == min(60, len(measured.bias) + len(measured.attributions))
