"""What happened, told as event -> decision -> message: from the embedded AWS's journal and the functions' logs."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text
from stationkeeper.alerts.text import count, plain

_REACTIONS = {
    "Notification": "notification",
    "MonitorReport": "monitor_report",
    "DriftPage": "drift_page",
    "AlarmResponse": "alarm_response",
    "Retraining": "retraining",
    "JobReport": "job_report",
    "Release": "release",
    "ArtifactSync": "artifact_sync",
    "Sweep": "sweep",
}
_IDLE = frozenset(("ignored", "unmanaged", "known"))
"""Decisions with which nothing begins: a repeated one is counted where it was first told, whatever came between."""
_STYLES = {"CRITICAL": "bold red", "WARNING": "yellow", "INFO": "cyan", "OK": "green"}


@dataclass
class Happened:
    """What came of some events, in order.

    `decisions` are the functions' own log lines that carry `decision`; `messages` the files of the outbox; `seen` what
    callers found in the end.
    """

    decisions: list[dict[str, Any]] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    dead_letters: list[dict[str, Any]] = field(default_factory=list)
    undelivered: list[dict[str, Any]] = field(default_factory=list)
    crashes: list[dict[str, Any]] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    unmatched: int = 0

    def as_json(self) -> dict[str, Any]:
        return {
            "decisions": self.decisions,
            "messages": self.messages,
            "dead_letters": self.dead_letters,
            "undelivered": self.undelivered,
            "crashes": self.crashes,
            "events_no_rule_takes": self.unmatched,
        }


class Reader:
    """Reads what is new each time: log lines, messages, and entries of the journal."""

    def __init__(self, state_folder: Path) -> None:
        self._logs = state_folder / "logs"
        self._outbox = state_folder / "outbox"
        self._offsets: dict[Path, int] = {}
        self._read: set[str] = set()
        self.skip()

    def skip(self) -> None:
        """Forget everything up to now."""
        list(self._new_lines())
        list(self._new_messages())

    def happened(self, entries: Iterable[dict[str, Any]]) -> Happened:
        """What the functions logged and delivered since the last time, and what these journal entries say."""
        entries = list(entries)
        found = Happened()
        found.decisions = sorted(self._new_lines(), key=lambda line: line["timestamp"])
        found.messages = list(self._new_messages())
        matched = {entry["event_id"] for entry in entries if entry["kind"] == "matched"}
        found.unmatched = sum(1 for e in entries if e["kind"] == "event" and e["id"] not in matched)
        found.dead_letters = [entry for entry in entries if entry["kind"] == "dead-letter"]
        found.undelivered = [entry for entry in entries if entry["kind"] == "undelivered"]
        found.crashes = [
            entry for entry in entries if entry["kind"] == "invocation" and entry["outcome"] != "success"
        ]
        return found

    def _new_lines(self) -> Iterable[dict[str, Any]]:
        for path in sorted(self._logs.glob("*.log")):
            with path.open("rb") as log:
                log.seek(self._offsets.get(path, 0))
                content = log.read()
            complete = content[: content.rfind(b"\n") + 1]
            self._offsets[path] = self._offsets.get(path, 0) + len(complete)
            for line in complete.splitlines():
                if b'"decision"' in line:
                    entry = json.loads(line)
                    entry["function"] = path.stem
                    yield entry

    def _new_messages(self) -> Iterable[dict[str, Any]]:
        for path in sorted(self._outbox.glob("*-AlertTopic.json")):  # e-mails; a chat gets the same
            if path.name not in self._read:
                self._read.add(path.name)
                yield {"file": path.name, **json.loads(path.read_text(encoding="utf-8"))}


def show(console: Console, happened: Happened) -> None:
    """One line per decision, one per message."""
    if happened.unmatched:
        these = f"{happened.unmatched} of these events: no function sees them"
        console.print(_row("no rule", f"no rule of the template takes {these}", "dim"))
    for crash in happened.crashes:
        console.print(
            _row(
                "function ended",
                f"{crash['function']}: {crash['outcome']}, its queue delivers again",
                "magenta",
            )
        )
    for reaction, decision, level, times in _told_once(happened.decisions):
        repeated = f" (x{times})" if times > 1 else ""
        console.print(_row(reaction, decision + repeated, "bold red" if level == "ERROR" else "dim"))
    for message in happened.messages:
        word = str(message["subject"]).partition("]")[0].strip("[")
        console.print(
            _row("message", f"{message['subject']}   ({message['file']})", _STYLES.get(word, "bold"))
        )
    for line in happened.seen:
        console.print(_row("caller", line, "cyan"))
    for letter in happened.dead_letters:
        console.print(
            _row(
                "dead letter",
                f"{letter['logical_id']}: event {letter['event_id']}, {letter['reason']}",
                "bold red",
            )
        )
    for lost in happened.undelivered:
        console.print(_row("not delivered", str(lost["reason"]), "bold red"))


def _told_once(decisions: Iterable[dict[str, Any]]) -> list[tuple[str, str, str, int]]:
    """Reaction, words, level and number of decisions that are alike and follow one another; of idle ones, of all that are alike."""
    told: list[tuple[str, str, str]] = []
    times: list[int] = []
    for line in decisions:
        one = (_reaction(line), _about(line) + _decision(line), line["level"])
        if told and told[-1] == one:
            times[-1] += 1
        elif line["decision"] in _IDLE and one in told:
            times[told.index(one)] += 1
        else:
            told.append(one)
            times.append(1)
    return [(*one, number) for one, number in zip(told, times, strict=True)]


def _row(what: str, text: str, style: str) -> Text:
    return Text.assemble(("    -> ", "dim"), (f"{what:<15}", "bold"), (plain(text, 400), style))


def _reaction(line: dict[str, Any]) -> str:
    name = str(line["function"])
    return next((reaction for part, reaction in _REACTIONS.items() if part in name), name)


def _about(line: dict[str, Any]) -> str:
    """What a decision is about; of several jobs at once, readers want to know which."""
    of_a_job = line.get("job") if _reaction(line) == "artifact_sync" else None
    about = of_a_job or line.get("endpoint") or line.get("job")
    return f"{about}: " if about else ""


def _judged(line: dict[str, Any]) -> str:
    counts = ", ".join(f"{number} {severity}" for severity, number in line["counts"].items() if number)
    return f"judged {line['severity']}{f' ({counts})' if counts else ''}: {_told(line)}"


def _told(line: dict[str, Any]) -> str:
    return ", ".join(line["told"]) or "nothing on-call must hear"


def _swept(line: dict[str, Any]) -> str:
    if "models" not in line:
        return f"asks to look at {count(line['groups'], 'managed group')}"
    groups, jobs, models = (count(line[f"{one}s"], one) for one in ("group", "job", "model"))
    return f"of multi-model endpoints, asks to look at {groups}, {jobs}, {models}"


def _file(line: dict[str, Any]) -> str:
    """The version a decision about an artifact names, without the prefix they all share."""
    return str(line["thing"]).rpartition("/")[2]


_WORDS: dict[str, Callable[[dict[str, Any]], str]] = {
    "judged": _judged,
    "blind": lambda line: f"blind, {line['reason']}: {_told(line)}",
    "ignored": lambda line: f"ignored: {line['reason']}",
    "known": lambda _: "a repeated event: nothing to do",
    "forgotten": lambda _: "older than everything remembered: nothing to do",
    "resumed": lambda line: (
        f"an earlier attempt was cut off; says what was left to say: {', '.join(line['told'])}"
    ),
    "again": lambda _: "another copy was faster: looks again",
    "under-way": lambda _: "another copy is at it: comes back",
    "failed": lambda line: (
        f"failed, attempt {line['attempt']}: {' '.join(str(line.get('exception', '')).strip().splitlines()[-1:])}"
    ),
    "told": lambda line: "told on-call" if "subject" in line else f"found something to tell: {line['kind']}",
    "drawn": lambda _: "draws the page of the run",
    "kept-as-it-was": lambda line: f"leaves the page as it is: {line['reason']}",
    "noted": lambda _: "keeps what was done, for the page of the run",
    "duplicate": lambda _: "told before: not repeated",
    "succeeded": lambda line: f"version {line['releasing']} is in service, on the config that was asked for",
    "rolledback": lambda line: f"version {line['releasing']} is not in service: SageMaker rolled it back",
    "start": lambda line: f"releases version {line['desired']}: {line['reason']}",
    "setup": lambda line: f"version {line['desired']} is in service: sees to autoscaling and monitors",
    "wait": lambda line: f"waits: {line['reason']}",
    "leave": lambda line: f"nothing to do: {line['reason']}",
    "unmanaged": lambda line: (
        f"not managed: {line['reason'] or 'its group has no tag stationkeeper:endpoint'}"
    ),
    "blocked": lambda line: f"blocked: {line['reason']}",
    "refused": lambda line: f"{line['step']} was refused: {line['said']}",
    "tidied": lambda line: f"deletes what is not needed any more: {', '.join(line['gone'])}",
    "tell": lambda line: f"red; takes nothing back: {line['reason']}",
    "deploying": lambda line: f"red; takes nothing back: {line['reason']}",
    "reject": lambda line: f"red; takes the live version back: {line['reason']}",
    "raised": lambda line: f"found something to tell: AlarmRaised ({line['severity']})",
    "cleared": lambda _: "found something to tell: AlarmCleared",
    "gathered": lambda line: f"gathers what changes until {line['due'][11:16]} UTC, then tells",
    "begin": lambda line: f"starts the pipeline {line['pipeline']}",
    "started": lambda line: f"the pipeline {line['pipeline']} was started, by an attempt that was cut off",
    "skip": lambda line: f"does not start the pipeline {line['pipeline']}: {line['reason']}",
    "giveup": lambda line: f"the pipeline {line['pipeline']} was never asked to start: looks again",
    "registered": lambda line: (
        f"its model is version {line['model_package_arn'].rpartition('/')[2]} of the group, waiting for approval"
    ),
    "swept": _swept,
    "published": lambda line: (
        f"{_file(line)} is published" + ("" if line["pointed"] else "; callers stay where they are")
    ),
    "gone": lambda line: f"{_file(line)} is not there any more: nobody is sent back to it",
    "kept-back": lambda line: f"{_file(line)} lies ready, but nobody is sent to it",
    "in-place": lambda line: f"puts it at {line['target_model']} too",
    "pointed": lambda line: f"sends callers to {line.get('target_model') or _file(line)}",
    "rejected": lambda line: (
        f"refused, {line['reason']}: {line['why']}" + (" (on-call is not told)" if line["quiet"] else "")
    ),
    "tag-ignored": lambda line: f"goes on without a tag it cannot read: {line['reason']}",
    "refused-before": lambda line: f"refused before, and still the same: {line['reason']}",
    "warmed": lambda _: "answered a call before anybody is sent to it",
    "not-warmed": lambda line: f"gave no answer before anybody was sent to it: {line['reason']}",
    "another-key": lambda line: f"something else lies at {line['thing']}: takes another key",
    "settled": lambda _: "nothing is left to do",
    "left": lambda line: f"leaves callers where they are: {line['reason']}",
    "retired": lambda line: f"deletes {_file(line)}, which nobody was sent to for long enough",
    "not-ours": lambda line: f"leaves {line['thing']}: it is not what was put there",
    "kept": lambda line: f"may not delete {line['thing']}: {line['reason']}",
    "upload-left": lambda line: f"could not give up an upload to {line['thing']}; its parts stay",
}


def _decision(line: dict[str, Any]) -> str:
    words = _WORDS.get(line["decision"])
    return words(line) if words else f"{line['decision']}: {line.get('reason', line['message'])}"
