"""The embedded AWS: a `sam build` running on this machine, with nothing but this machine."""

import atexit
import copy
import json
import shutil
import time
import uuid
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Condition, RLock
from types import TracebackType
from typing import Any, Literal, Self

from moto.awslambda.models import lambda_backends
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.events.models import Rule
from moto.moto_api._internal.models import moto_api_backend
from moto.scheduler.models import scheduler_backends
from moto.sns.models import Topic
from moto.sqs.models import Message, Queue

from embedded_aws import moto_additions, sdk
from embedded_aws.calls import Call, CallLog, CallRecord
from embedded_aws.clock import VirtualClock
from embedded_aws.control import ControlRoutes
from embedded_aws.event_source import EventSources, event_id
from embedded_aws.faults import Fault, FaultKind, FaultPlan
from embedded_aws.function import LambdaFunction, Result
from embedded_aws.function_log import OnLog
from embedded_aws.journal import Entry, Journal
from embedded_aws.outbox import Outbox, PublishedMessage
from embedded_aws.process import Place
from embedded_aws.server import AwsServer
from embedded_aws.stack import Deployment, deploy
from embedded_aws.timekeeper import Timekeeper

ACCOUNT_ID = DEFAULT_ACCOUNT_ID
# Of the state folder; compiled bytecode (`pycache`) is kept, it only makes the next start faster.
_EARLIER_STATE = ("logs", "outbox", "home")
_LOOK_AGAIN_SECONDS = 0.1


@dataclass(frozen=True)
class DrainSummary:
    """What happened until everything was quiet, since the last time it was.

    `invocations`, `dead_letters` and `undelivered` are the facts of their journal entries (JSON values);
    `delivered` counts messages handed to functions, redeliveries included; `skipped_seconds` is the waiting
    that the virtual clock saved.
    """

    invocations: list[dict[str, Any]]
    dead_letters: list[dict[str, Any]]
    undelivered: list[dict[str, Any]]
    delivered: int
    published: int
    skipped_seconds: float


class EmbeddedAws:
    """Runs the output of `sam build`: real template, real code, moto for the services.

    Parameters
    ----------
    build_folder : `.aws-sam/build`, with its `template.yaml`.
    state_folder : for logs, outbox and calls; what an earlier run left there is removed at start.
    runtime_python : interpreter of an environment that holds what the Lambda runtime does (boto3, awslambdaric).
    parameters : overrides of the template's parameters.
    port : of the endpoint on 127.0.0.1; 0 for any free one.
    on_log : called with (function name, line) for every line a function logs, from other threads.
    honour_deadlines : see `Timekeeper`; False lets messages of a killed invocation return at once.

    >>> with EmbeddedAws(build, state, python) as aws:   # doctest: +SKIP
    ...     aws.send([event])
    ...     print(aws.drain(30).invocations)
    """

    def __init__(
        self,
        build_folder: Path | str,
        state_folder: Path | str,
        runtime_python: Path | str,
        parameters: Mapping[str, str] | None = None,
        port: int = 0,
        region: str = "eu-west-1",
        on_log: OnLog | None = None,
        *,
        stack_name: str = "embedded",
        honour_deadlines: bool = True,
    ) -> None:
        self.build_folder = Path(build_folder).resolve()
        self.state_folder = Path(state_folder).resolve()
        # Not resolved: a virtual environment is found through the link itself.
        self.runtime_python = Path(runtime_python).absolute()
        self.region = region
        self.stack_name = stack_name
        self.journal = Journal()
        self.clock = VirtualClock()
        self._parameters = dict(parameters or {})
        self._port = port
        self._on_log = on_log
        self._honour_deadlines = honour_deadlines
        self._session = sdk.session(region)
        self._activity = Condition(RLock())
        self._sources = EventSources(self._activity, self.journal)
        self._faults = FaultPlan()
        self._functions: dict[str, LambdaFunction] = {}
        self._cleanup = ExitStack()
        self._deployment: Deployment | None = None
        self._server: AwsServer | None = None
        self._calls: CallLog | None = None
        self._outbox: Outbox | None = None
        self._timekeeper: Timekeeper | None = None
        self._quiet_at = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> Deployment:
        """Deploy the build and begin to read the queues.

        Raises
        ------
        TemplateError
            The build cannot be deployed. Nothing is left running.
        """
        if self._server is not None:
            raise RuntimeError("An EmbeddedAws starts once; make a new one.")
        atexit.register(self.stop)
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self.deployment

    def stop(self) -> None:
        """End every process and thread, free the port, leave moto as it was. Does nothing the second time."""
        self._cleanup.close()
        atexit.unregister(self.stop)

    @property
    def ready(self) -> bool:
        """Whether the stack is deployed and the queues are read."""
        return self._timekeeper is not None

    @property
    def endpoint_url(self) -> str:
        return self._require(self._server).endpoint_url

    @property
    def deployment(self) -> Deployment:
        return self._require(self._deployment)

    @property
    def functions(self) -> Mapping[str, LambdaFunction]:
        """The functions that can run, by logical id."""
        return self._functions

    def client(self, service: str, **options: Any) -> Any:
        """A boto3 client of the embedded server; `options` are those of `botocore.config.Config`."""
        return sdk.client(self._session, service, self.endpoint_url, **options)

    def send(self, events: Iterable[Mapping[str, Any]] | Mapping[str, Any], times: int = 1) -> list[str]:
        """Put events on the default bus as the AWS services do, each `times` times with the same id.

        What is given stays as it is (`aws.` sources are welcome); a missing envelope field gets a default.

        Returns
        -------
        list[str]
            The events' ids, in order.
        """
        given = [events] if isinstance(events, Mapping) else list(events)
        complete = [self._complete(event) for event in given]
        for event in complete:
            for _ in range(times):
                with self._activity:
                    self.journal.add(
                        "event", id=event["id"], source=event["source"], detail_type=event["detail-type"]
                    )
                    moto_additions.events.deliver(event, ACCOUNT_ID, self.region)
        return [event["id"] for event in complete]

    def drain(self, timeout_seconds: float = 60.0) -> DrainSummary:
        """Wait until every mapped queue is empty (in flight and delayed too) and nothing runs.

        Raises
        ------
        TimeoutError
            It did not become quiet in time; says what is left.
        """
        until = time.monotonic() + timeout_seconds
        with self._activity:
            while not self._sources.idle():
                left = until - time.monotonic()
                if left <= 0:
                    raise TimeoutError(self._what_is_left(timeout_seconds))
                self._activity.wait(min(left, _LOOK_AGAIN_SECONDS))
            since, self._quiet_at = self._quiet_at, self.journal.last
            return _summary(self.journal.since(since))

    def invoke(self, logical_id: str, payload: Any) -> Result:
        """Invoke one function directly with a JSON payload and wait for it."""
        function = self._functions[logical_id]
        with self._running():
            result = function.invoke(payload)
            self.journal.add(
                "invocation",
                function=logical_id,
                request_id=result.request_id,
                queue="",
                outcome=result.outcome,
                event_ids=[],
                message_ids=[],
                receive_counts=[],
                failed_message_ids=[],
                duration_ms=round(result.duration_ms, 2),
                cold_start=result.init_ms is not None,
                memory_used_mb=result.memory_used_mb,
                error_type=result.error_type,
                error_message=result.error_message,
            )
        return result

    def run_schedule(self, logical_id: str) -> None:
        """Do now what an `AWS::Scheduler::Schedule` does when its time comes: send its input to its target.

        Raises
        ------
        LookupError
            No such schedule, or a target other than a queue or a function of this stack.
        """
        name = self.deployment.physical_id(logical_id)
        groups = scheduler_backends[ACCOUNT_ID][self.region].schedule_groups.values()
        schedule = next(group.schedules[name] for group in groups if name in group.schedules)
        target, text = moto_additions.scheduler.target_input(schedule)
        if ":sqs:" in target:
            self.client("sqs").send_message(QueueUrl=target.rpartition(":")[2], MessageBody=text)
            return
        for function in self._functions.values():
            if target.startswith(function.definition.arn):
                self.invoke(function.definition.logical_id, json.loads(text))
                return
        raise LookupError(f"The target {target} of {logical_id} is no queue and no function of this stack.")

    def outbox(self) -> list[PublishedMessage]:
        """Every message published to a topic, in order."""
        return self._require(self._outbox).all()

    def calls(self, caller: str | None = None, service: str | None = None) -> list[CallRecord]:
        """Every AWS call made through the server, oldest first, of this caller and service (default: all)."""
        return [
            record
            for record in self._require(self._calls).all()
            if caller in (None, record.caller) and service in (None, record.service)
        ]

    def log(self, logical_id: str) -> str:
        """All a function has logged so far."""
        return self._functions[logical_id].log.path.read_text(encoding="utf-8")

    def add_fault(
        self,
        fault: Fault | str,
        action: str = "",
        kind: FaultKind = "500",
        nth: int | Literal["always"] = 1,
        caller: str | None = None,
    ) -> Fault:
        """Make a call fail: `add_fault(Fault(...))`, or `add_fault("dynamodb", "PutItem", "throttle")`."""
        planned = fault if isinstance(fault, Fault) else Fault(fault, action or "*", kind, nth, caller)
        self._faults.add(planned)
        return planned

    def faults(self) -> list[Fault]:
        """Faults that can still strike."""
        return self._faults.pending()

    def clear_faults(self) -> None:
        self._faults.clear()

    def _start(self) -> None:
        self._clear_state()
        self._cleanup.callback(_reset_moto)
        _reset_moto()
        self._cleanup.enter_context(self.clock.installed())
        self._cleanup.enter_context(
            moto_additions.installed(
                moto_additions.Hooks(
                    activity=self._activity,
                    on_dead_letter=self._on_dead_letter,
                    on_matched=self._on_matched,
                    on_undelivered=self._on_undelivered,
                    on_published=self._on_published,
                )
            )
        )
        self._outbox = Outbox(self.state_folder / "outbox", self._name_of)
        self._calls = CallLog(self.state_folder / "calls.jsonl")
        self._cleanup.callback(self._calls.close)
        self._server = AwsServer(
            self._port,
            self._activity,
            self._calls,
            self._faults,
            _Callers(self._functions),
            ControlRoutes(self),
            self._on_fault,
        )
        self._cleanup.callback(self._server.close)
        self._deployment = deploy(
            self.client, self.build_folder, self.stack_name, self._parameters, self.region
        )
        self._start_functions()

    def _start_functions(self) -> None:
        place = Place(self.runtime_python, self.region, self.endpoint_url, self.state_folder)
        self._cleanup.callback(self._sources.join)
        self._cleanup.callback(self._stop_functions)
        self._cleanup.callback(self._sources.stop)
        for logical_id, definition in self.deployment.functions.items():
            self._functions[logical_id] = LambdaFunction(definition, place, self._on_log)
        by_arn = {function.definition.arn: function for function in self._functions.values()}
        for mapping in list(lambda_backends[ACCOUNT_ID][self.region]._event_source_mappings.values()):
            function = by_arn.get(mapping.function_arn.removesuffix(":$LATEST"))
            if function is not None and ":sqs:" in mapping.event_source_arn:
                self._sources.add(mapping, function)
        self._timekeeper = Timekeeper(
            self._activity,
            self.clock,
            self._sources,
            self.journal,
            honour_deadlines=self._honour_deadlines,
        )
        self._cleanup.callback(self._timekeeper.join)
        self._cleanup.callback(self._sources.stop)

    def _stop_functions(self) -> None:
        for function in self._functions.values():
            function.kill()
        for function in self._functions.values():
            function.stop()

    def _clear_state(self) -> None:
        self.state_folder.mkdir(parents=True, exist_ok=True)
        for name in _EARLIER_STATE:
            shutil.rmtree(self.state_folder / name, ignore_errors=True)
        (self.state_folder / "calls.jsonl").unlink(missing_ok=True)

    def _running(self) -> ExitStack:
        """Counts as a running invocation until the returned context is closed."""
        context = ExitStack()

        def end() -> None:
            with self._activity:
                self._sources.running -= 1
                self._activity.notify_all()

        with self._activity:
            self._sources.running += 1
        context.callback(end)
        return context

    def _complete(self, event: Mapping[str, Any]) -> dict[str, Any]:
        defaults = {
            "version": "0",
            "id": str(uuid.uuid4()),
            "account": ACCOUNT_ID,
            "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": self.region,
            "resources": [],
        }
        missing = {"source", "detail-type", "detail"} - set(event)
        if missing:
            raise ValueError(f"An event needs {', '.join(sorted(missing))}.")
        return {**defaults, **copy.deepcopy(dict(event))}

    def _what_is_left(self, timeout_seconds: float) -> str:
        left: dict[str, int] = {}
        for message in self._sources.waiting():
            left[message.queue_name] = left.get(message.queue_name, 0) + 1
        queues = ", ".join(f"{count} in {name}" for name, count in sorted(left.items())) or "no message"
        return f"Not quiet after {timeout_seconds:g} s: {self._sources.running} running, {queues} left."

    def _name_of(self, physical_id: str) -> str:
        """The logical id of a topic or queue; its own name when it is not of this stack."""
        try:
            return self.deployment.logical_id(physical_id)
        except (KeyError, RuntimeError):
            return physical_id.rpartition(":")[2].rpartition("/")[2]

    def _on_dead_letter(self, queue: Queue, message: Message) -> None:
        self.journal.add(
            "dead-letter",
            queue=queue.name,
            logical_id=self._name_of(queue.queue_arn),
            message_id=message.id,
            event_id=event_id(message),
            receive_count=message.approximate_receive_count,
            reason="received too often",
        )

    def _on_matched(self, rule: Rule, event: dict[str, Any], targets: list[str]) -> None:
        self.journal.add(
            "matched",
            rule=rule.name,
            logical_id=self._name_of(rule.name),
            event_id=event["id"],
            targets=targets,
        )

    def _on_undelivered(
        self, rule: Rule, event: dict[str, Any], target: str, reason: str, dead_letter_arn: str | None
    ) -> None:
        self.journal.add(
            "undelivered",
            rule=rule.name,
            event_id=event["id"],
            target=target,
            reason=reason,
            dead_letter_queue=dead_letter_arn,
        )

    def _on_published(
        self, topic: Topic, message: str, subject: str | None, attributes: dict[str, Any]
    ) -> None:
        published = self._require(self._outbox).put(topic, message, subject, attributes)
        self.journal.add("published", topic=published.topic, subject=subject, file=published.file_name)

    def _on_fault(self, fault: Fault, call: Call) -> None:
        self.journal.add(
            "fault", fault=fault.kind, service=call.service, action=call.action, caller=call.caller
        )

    @staticmethod
    def _require[T](part: T | None) -> T:
        if part is None:
            raise RuntimeError("The embedded AWS is not started.")
        return part


class _Callers:
    """The functions behind the access keys (see `server.Callers`)."""

    def __init__(self, functions: Mapping[str, LambdaFunction]) -> None:
        self._functions = functions

    def by_access_key(self) -> Mapping[str, str]:
        return {
            function.definition.access_key_id: logical_id for logical_id, function in self._functions.items()
        }

    def kill(self, caller: str) -> bool:
        function = self._functions.get(caller)
        if function is None:
            return False
        function.kill()
        return True

    def alive(self, caller: str) -> bool:
        function = self._functions.get(caller)
        return function is None or function.alive


def _summary(entries: list[Entry]) -> DrainSummary:
    def facts(kind: str) -> list[dict[str, Any]]:
        return [entry.facts for entry in entries if entry.kind == kind]

    invocations = facts("invocation")
    return DrainSummary(
        invocations=invocations,
        dead_letters=facts("dead-letter"),
        undelivered=facts("undelivered"),
        delivered=sum(len(invocation["message_ids"]) for invocation in invocations),
        published=len(facts("published")),
        skipped_seconds=round(sum(jump["seconds"] for jump in facts("clock-jump")), 3),
    )


def _reset_moto() -> None:
    moto_api_backend.reset()
