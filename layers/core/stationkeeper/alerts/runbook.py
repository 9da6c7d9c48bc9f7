"""Where the runbook, docs/operations.md, says what a message means and what to do."""

import re

from stationkeeper.alerts.block_wording import BLOCKS
from stationkeeper.alerts.phrases import BLIND
from stationkeeper.alerts.skip_wording import SKIPS
from stationkeeper.events.alarm_events import AlarmRaised
from stationkeeper.events.domain import DomainEvent, MonitorBlind
from stationkeeper.events.release_events import ReleaseBlocked
from stationkeeper.events.retraining_events import RetrainingSkipped

DOCUMENT = "docs/operations.md"


def address_of(event: DomainEvent, runbook_url: str) -> str:
    """The runbook's paragraph about an event. `runbook_url` is where the team keeps the page; "" names its path in the project."""
    return f"{runbook_url or DOCUMENT}#{anchor_of(event)}"


def anchor_of(event: DomainEvent) -> str:
    """`release-succeeded`; where a kind has a paragraph for each reason, that one's: `monitor-blind-no-data`.

    A reason that is not known here (an event of a later version) leads to the paragraph of its kind.
    """
    kind = re.sub(r"(?<!^)(?=[A-Z])", "-", event.detail_type).lower()
    match event:
        case MonitorBlind(reason=reason) if reason in BLIND:
            return f"{kind}-{reason}"
        case ReleaseBlocked(code=code) if code in BLOCKS:
            return f"{kind}-{code}"
        case RetrainingSkipped(code=code) if code in SKIPS:
            return f"{kind}-{code}"
        case AlarmRaised(response=response):
            return f"{kind}-{response}"
        case _:
            return kind
