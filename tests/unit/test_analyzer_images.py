"""Which image a monitor runs; `make contract` compares every address with the SageMaker SDK's."""

import re

import pytest
from stationkeeper.errors import StationkeeperError, UnsupportedRegion
from stationkeeper.releases.analyzer_images import (
    ANALYZER_ACCOUNTS,
    CLARIFY_ACCOUNTS,
    DNS_SUFFIXES,
    RUN_CLARIFY,
    analyzer_image,
)
from stationkeeper.reports.violation import Monitor


@pytest.mark.parametrize("monitor", [Monitor.DATA_QUALITY, Monitor.MODEL_QUALITY])
def test_quality_is_judged_by_the_analyzer(monitor):
    assert (
        analyzer_image(monitor, "eu-west-1")
        == "468650794304.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-model-monitor-analyzer"
    )


@pytest.mark.parametrize("monitor", [Monitor.BIAS, Monitor.EXPLAINABILITY])
def test_bias_and_attribution_are_judged_by_clarify(monitor):
    assert (
        analyzer_image(monitor, "eu-west-1")
        == "131013547314.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-clarify-processing:1.0"
    )
    assert monitor in RUN_CLARIFY


@pytest.mark.parametrize(
    ("region", "suffix"),
    [
        ("cn-north-1", "amazonaws.com.cn"),
        ("cn-northwest-1", "amazonaws.com.cn"),
        ("us-isof-east-1", "csp.hci.ic.gov"),
        ("us-east-1", "amazonaws.com"),
    ],
)
def test_partitions_have_their_own_domain(region, suffix):
    assert f".dkr.ecr.{region}.{suffix}/" in analyzer_image(Monitor.DATA_QUALITY, region)


@pytest.mark.parametrize(
    ("monitor", "region"),
    [
        (Monitor.DATA_QUALITY, "mars-north-1"),
        (Monitor.DATA_QUALITY, ""),
        # GovCloud has Clarify and no analyzer, Israel and the Emirates the reverse.
        (Monitor.MODEL_QUALITY, "us-gov-west-1"),
        (Monitor.BIAS, "il-central-1"),
        (Monitor.EXPLAINABILITY, "me-central-1"),
    ],
)
def test_a_region_without_the_image_says_what_to_do(monitor, region):
    with pytest.raises(UnsupportedRegion) as raised:
        analyzer_image(monitor, region)

    text = str(raised.value)
    assert isinstance(raised.value, StationkeeperError)
    assert region in text
    assert "name an image of your own" in text
    assert "turn the monitor off" in text
    assert "generate_analyzer_images.py" in text


def test_a_custom_monitor_has_no_image_of_sagemakers():
    with pytest.raises(ValueError, match="its own image"):
        analyzer_image(Monitor.CUSTOM, "eu-west-1")


@pytest.mark.parametrize("accounts", [ANALYZER_ACCOUNTS, CLARIFY_ACCOUNTS], ids=["analyzer", "clarify"])
def test_the_tables_hold_accounts(accounts):
    assert len(accounts) >= 28
    assert all(re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d", region) for region in accounts)
    assert all(re.fullmatch(r"\d{12}", account) for account in accounts.values())
    assert len(set(accounts.values())) == len(accounts)


def test_every_other_region_has_the_commercial_domain():
    assert DNS_SUFFIXES[""] == "amazonaws.com"
