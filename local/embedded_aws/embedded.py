"""The embedded AWS: a `sam build` running on this machine, with nothing but this machine."""

import atexit
import json
import shutil
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from threading import Condition, RLock
from types import TracebackType
from typing import Any, Literal, Self
from unittest import mock

from moto.awslambda.models import lambda_backends
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.moto_api._internal.models import moto_api_backend

from embedded_aws import envelope, moto_additions, sdk
from embedded_aws.calls import CallLog, CallRecord
from embedded_aws.clock import VirtualClock
from embedded_aws.control import ControlRoutes
from embedded_aws.event_source import EventSources
from embedded_aws.faults import Fault, FaultKind, FaultPlan
from embedded_aws.fleet import Fleet
from embedded_aws.function import LambdaFunction, Result
from embedded_aws.function_log import OnLog
from embedded_aws.journal import Journal
from embedded_aws.moto_additions.sagemaker import SageMakerSimulator
from embedded_aws.outbox import Outbox, PublishedMessage
from embedded_aws.passage import QUIET_SECONDS, Passage
from embedded_aws.process import Place
from embedded_aws.recorder import Recorder, note_invocation
from embedded_aws.server import AwsServer
from embedded_aws.stack import Deployment, deploy
from embedded_aws.summary import DrainSummary
from embedded_aws.timekeeper import Timekeeper

ACCOUNT_ID = DEFAULT_ACCOUNT_ID
# Of the state folder; compiled bytecode (`pycache`) is kept, it only makes the next start faster.
_EARLIER_STATE = ("logs", "outbox", "home")


class EmbeddedAws:
    """Runs the output of `sam build`: real template, real code, moto for the services.

    Parameters
    ----------
    build_folder : `.aws-sam/build`, with its `template.yaml`.
    state_folder : for logs, outbox and calls; what an earlier run left there is removed at start.
    runtime_python : interpreter of an environment that holds what the Lambda runtime does: boto3, awslambdaric.
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
        self.sagemaker = SageMakerSimulator(
            self.clock, self._put_on_bus, lock=self._activity, on_status=self._note_status
        )
        self._passage = Passage(self._activity, self.clock, self._sources, self.journal, self.sagemaker)
        self._faults = FaultPlan()
        self._fleet = Fleet()
        self._cleanup = ExitStack()
        self._deployment: Deployment | None = None
        self._server: AwsServer | None = None
        self._calls: CallLog | None = None
        self._outbox: Outbox | None = None
        self._timekeeper: Timekeeper | None = None

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
        return self._fleet.functions

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
        complete = [envelope.complete(event, ACCOUNT_ID, self.region) for event in given]
        for event in complete:
            for _ in range(times):
                self._put_on_bus(event, ACCOUNT_ID, self.region)
        return [event["id"] for event in complete]

    def drain(self, timeout_seconds: float = QUIET_SECONDS) -> DrainSummary:
        """Wait until every mapped queue is empty (in flight and delayed too) and nothing runs.

        Raises
        ------
        TimeoutError
            It did not become quiet in time; says what is left.
        """
        return self._passage.drain(timeout_seconds)

    def advance(self, seconds: float, timeout_seconds: float = QUIET_SECONDS) -> DrainSummary:
        """Let this much time pass: through every change of an endpoint, package, monitor or job on the way.

        The queues are drained first and after each change, so that the functions see each state.

        Raises
        ------
        TimeoutError
            It did not become quiet within `timeout_seconds` of real time at one of the stops.
        """
        return self._passage.advance(seconds, timeout_seconds)

    def settle(self, timeout_seconds: float = QUIET_SECONDS) -> DrainSummary:
        """Let time pass until the queues are empty and nothing changes any more.

        Raises
        ------
        TimeoutError
            That did not happen within `timeout_seconds` of real time.
        """
        return self._passage.settle(timeout_seconds)

    def invoke(self, logical_id: str, payload: Any) -> Result:
        """Invoke one function directly with a JSON payload and wait for it."""
        function = self.functions[logical_id]
        with self._sources.one_more_running():
            result = function.invoke(payload)
            note_invocation(self.journal, logical_id, result)
        return result

    def run_schedule(self, logical_id: str) -> None:
        """Do now what an `AWS::Scheduler::Schedule` does when its time comes: send its input to its target.

        Raises
        ------
        LookupError
            No such schedule, or a target other than a queue or a function of this stack.
        """
        schedule = moto_additions.scheduler.find(
            ACCOUNT_ID, self.region, self.deployment.physical_id(logical_id)
        )
        target, text = moto_additions.scheduler.target_input(schedule, self.clock.now())
        function = self._fleet.by_arn(target)
        if ":sqs:" in target:
            self.client("sqs").send_message(QueueUrl=target.rpartition(":")[2], MessageBody=text)
        elif function is not None:
            self.invoke(function.definition.logical_id, json.loads(text))
        else:
            raise LookupError(f"{target}, the target of {logical_id}, is no queue and no function here.")

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
        return self.functions[logical_id].log.path.read_text(encoding="utf-8")

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
        self._cleanup.callback(moto_api_backend.reset)
        moto_api_backend.reset()
        self._outbox = Outbox(self.state_folder / "outbox", self._name_of)
        recorder = Recorder(self.journal, self._outbox, self._name_of)
        self._cleanup.enter_context(self.clock.installed())
        # What functions put on a bus is stamped by the same clock as what happens in SageMaker.
        self._cleanup.enter_context(mock.patch.object(moto_additions.events, "unix_time", self.clock.now))
        hooks = moto_additions.Hooks(
            activity=self._activity,
            on_dead_letter=recorder.dead_letter,
            on_matched=recorder.matched,
            on_undelivered=recorder.undelivered,
            on_published=recorder.published,
        )
        self._cleanup.enter_context(moto_additions.installed(hooks))
        self._cleanup.enter_context(self.sagemaker.installed())
        self._calls = CallLog(self.state_folder / "calls.jsonl")
        self._cleanup.callback(self._calls.close)
        self._server = AwsServer(
            self._port,
            self._activity,
            self._calls,
            self._faults,
            self._fleet,
            ControlRoutes(self),
            recorder.fault,
        )
        self._cleanup.callback(self._server.close)
        self._deployment = deploy(
            self.client, self.build_folder, self.stack_name, self._parameters, self.region
        )
        self._read_queues(self._deployment)

    def _read_queues(self, deployment: Deployment) -> None:
        place = Place(self.runtime_python, self.region, self.endpoint_url, self.state_folder)
        for definition in deployment.functions.values():
            self._fleet.add(definition, place, self._on_log)
        # Undone from the last to the first: take no more messages, end what runs, wait for the threads.
        self._cleanup.callback(self._sources.join)
        self._cleanup.callback(self._fleet.stop)
        self._cleanup.callback(self._sources.stop)
        mappings = lambda_backends[ACCOUNT_ID][self.region]._event_source_mappings.values()
        for mapping in list(mappings):
            function = self._fleet.by_arn(mapping.function_arn)
            if function is not None and ":sqs:" in mapping.event_source_arn:
                self._sources.add(mapping, function)
        self._timekeeper = Timekeeper(
            self._activity,
            self.clock,
            self._sources,
            self.journal,
            self.sagemaker,
            honour_deadlines=self._honour_deadlines,
        )
        self._cleanup.callback(self._timekeeper.join)
        self._cleanup.callback(self._sources.stop)

    def _put_on_bus(
        self, event: Mapping[str, Any], account_id: str | None = None, region: str | None = None
    ) -> None:
        """On the default bus of this account and region; the event's own by default."""
        with self._activity:
            self.journal.add(
                "event", id=event["id"], source=event["source"], detail_type=event["detail-type"]
            )
            moto_additions.events.deliver(
                dict(event), account_id or event["account"], region or event["region"]
            )

    def _note_status(self, name: str, status: str, config: str) -> None:
        self.journal.add("endpoint", name=name, status=status, config=config)

    def _clear_state(self) -> None:
        self.state_folder.mkdir(parents=True, exist_ok=True)
        for name in _EARLIER_STATE:
            shutil.rmtree(self.state_folder / name, ignore_errors=True)
        (self.state_folder / "calls.jsonl").unlink(missing_ok=True)

    def _name_of(self, physical_id: str) -> str:
        """The logical id of a physical id or ARN; its own name when it is not of this stack."""
        try:
            return self.deployment.logical_id(physical_id)
        except (KeyError, RuntimeError):
            return physical_id.rpartition(":")[2].rpartition("/")[2]

    @staticmethod
    def _require[T](part: T | None) -> T:
        if part is None:
            raise RuntimeError("The embedded AWS is not started.")
        return part
