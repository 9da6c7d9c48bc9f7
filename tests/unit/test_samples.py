"""The samples in `events/`: there is one for every rule, and the reactions read those that reach them."""

import json
from pathlib import Path
from typing import Any

import pytest
from moto.events.models import EventPattern
from samtranslator.yaml_helper import yaml_parse
from stationkeeper.alerts.on_call_told import on_call_told
from stationkeeper.alerts.wording import message_for
from stationkeeper.events.alarm_trigger import AlarmTrigger
from stationkeeper.events.artifact_trigger import ArtifactTrigger
from stationkeeper.events.job import JobStateChange
from stationkeeper.events.on_bus import DomainEventOnBus, from_detail
from stationkeeper.events.page_trigger import PageTrigger
from stationkeeper.events.processing_job import ProcessingJobStateChange
from stationkeeper.events.release_trigger import ReleaseTrigger
from stationkeeper.events.scheduled import SweepDue

ROOT = Path(__file__).parents[2]
SAMPLES = {path.stem: json.loads(path.read_text()) for path in sorted((ROOT / "events").glob("*.json"))}
RULES = {
    name: EventPattern.load(json.dumps(resource["Properties"]["EventPattern"]))
    for name, resource in yaml_parse((ROOT / "template.yaml").read_text())["Resources"].items()
    if resource["Type"] == "AWS::Events::Rule"
}
READ_BY = {
    "MonitorReport": ProcessingJobStateChange,
    "DriftPage": PageTrigger,
    "Release": ReleaseTrigger,
    "ArtifactSync": ArtifactTrigger,
    "AlarmResponse": AlarmTrigger,
    "Retraining": DomainEventOnBus,
    "JobReport": JobStateChange,
    "Notification": DomainEventOnBus,
}
BETWEEN_OURSELVES = {
    "LookAgain": {ReleaseTrigger, ArtifactTrigger},
    "LookAtAlarms": {AlarmTrigger},
    "LookAtModel": {ArtifactTrigger},
    "LookAtTrainingJob": {ArtifactTrigger},
    "TakeModelBack": {ArtifactTrigger},
    "SweepDue": {SweepDue},
}
"""Sent to a queue, not to a bus."""
OF_NO_RULE = {"not-a-monitor", "baseline-job", "on-call-told"}


def rules_of(event: dict[str, Any]) -> set[str]:
    return {name for name, pattern in RULES.items() if pattern.matches_event(event)}  # type: ignore[arg-type]


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_read_by_every_reaction_that_its_rules_lead_to(name):
    event = SAMPLES[name]
    readers = {
        READ_BY[reaction] for rule in rules_of(event) for reaction in READ_BY if rule.startswith(reaction)
    }
    if ProcessingJobStateChange in readers:  # drift_page reads what the rules of monitor_report let through
        readers.add(PageTrigger)
    if event["detail-type"] in BETWEEN_OURSELVES:
        readers = BETWEEN_OURSELVES[event["detail-type"]]

    assert bool(readers) is (name not in OF_NO_RULE)
    for reader in readers:
        reader.parse(event)


def test_every_rule_has_a_sample_but_the_one_for_what_nobody_has_seen():
    led_to = set().union(*map(rules_of, SAMPLES.values()))

    assert set(RULES) - led_to == {"MonitorReportByNameRule"}


def test_the_message_that_the_bus_hears_is_the_one_told_of_its_sample():
    event = from_detail("ViolationsDetected", SAMPLES["violations-detected"]["detail"])
    message = message_for(event, "/stationkeeper/severity-policy")

    assert SAMPLES["on-call-told"]["detail"] == on_call_told(event, message, "").model_dump(mode="json")
