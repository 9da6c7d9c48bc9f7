"""Why a job failed, in words somebody woken up at three in the morning can use.

SageMaker's `FailureReason` is at most 1,024 characters of whatever there was: its own sentences, the words of the container's
toolkit, the end of a Python or Java trace, progress bars, colours, request ids, the command line, cut in the middle of a word.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from stationkeeper.alerts.text import plain

_MOST_SAID = 600
_FULL_REASON = 1_024
"""SageMaker cuts the reason here, pipelines a little later."""

# Longer than any service writes. The code is at the beginning, the last exception at the end.
_HEAD, _TAIL = 4_000, 12_000


@dataclass(frozen=True, slots=True)
class Failure:
    """What is left of a failure reason when the noise is gone.

    Attributes
    ----------
    code : SageMaker's word for it, the most specific of nested ones: `ExecuteUserScriptError`, `ClientError`; "" without one.
    said : one line of at most 600 characters; "" only for an empty reason.
    exit_code : the container's, where told; negative for a signal.
    passing : whether it is likely to succeed if it is simply run again.
    """

    code: str
    said: str
    exit_code: int | None
    passing: bool


def cleaned(reason: str) -> Failure:
    """A `FailureReason`, or an `ExitMessage`, without its noise; never without its only information."""
    if not reason.strip():
        return Failure("", "", None, passing=False)
    text = _legible(reason)
    codes, bare = _peeled(text)
    exit_code = _exit_code(bare)
    said = (
        _gist(_Parts.of(bare)) or _without_gist(exit_code, codes, bare) or plain(reason.strip(), _MOST_SAID)
    )
    if len(reason) >= _FULL_REASON and said[-1].isalnum() and reason.rstrip().endswith(said[-12:]):
        said += "..."
    inner = _ERROR_CODE.findall(bare)
    return Failure(
        code=inner[-1] if inner else codes[-1] if codes else "",
        said=plain(said, _MOST_SAID),
        exit_code=exit_code,
        passing=_is_passing(codes, text),
    )


# What stands in the way of reading

_ANSI = re.compile(r"\x1b\[[0-9;?]{0,20}[A-Za-z]|\x1b[()][0-9A-B]|\[\d{1,3}(?:;\d{1,3}){0,4}m")
_WRITTEN_BREAK = re.compile(r"\\[nr](?![a-z])")
_REQUEST = re.compile(
    r"\s?\((?:Service|Request ?ID): [^()]{0,400}\)?"
    r"|[,;]?\s?\b(?:S3 Extended )?(?:Request|Host) ?I[dD]: ?[\w+/=-]{8,200}"
)
_JAVA_FRAME = re.compile(r"\s?\bat (?:[\w$<>/]{1,100}\.){1,15}[\w$<>]{1,100}\([^()\n]{0,100}\)")
_CAUSED_BY = re.compile(r"\(caused by \w{1,80}\)")
_INNER_PREFIX = re.compile(r"(?<=:)\s?(?:ClientError|AlgorithmError|InternalServerError):")


def _legible(reason: str) -> str:
    text = _ANSI.sub("", reason.replace("\r", "\n"))
    if len(text) > _HEAD + _TAIL:
        text = f"{text[:_HEAD]}\n{text[-_TAIL:]}"
    return _WRITTEN_BREAK.sub("\n", text)


# Codes

_CODES = (
    *("AlgorithmError", "ClientError", "InternalServerError", "CapacityError", "ResourceLimitExceeded"),
    *("ExecuteUserScriptError", "InstallModuleError", "InstallRequirementsError", "ImportModuleError"),
    *(
        "CustomerError",
        "ValidationException",
        "ThrottlingException",
        "AccessDeniedException",
        "ResourceNotFound",
    ),
)
_SPELLINGS = {code.lower(): code for code in _CODES}
# "AlgorithmError:", "Algorithm Error:", "framework error:"; a bare code is the whole reason
_CODE = re.compile(r"[\s:,]{0,20}((?:[A-Za-z0-9]{2,40} ){0,2}[A-Za-z0-9]{2,40})\s{0,5}(?::|$)")
_ERROR_CODE = re.compile(r"Error Code: (\w{3,80})")

_PASSING_CODES = ("InternalServerError", "CapacityError", "ThrottlingException")
_PASSING = re.compile(
    r"we encountered an internal error|insufficient (?:instance )?capacity|InsufficientInstanceCapacity|InsufficientCapacity"
    r"|unable to provision requested ML compute|\bThrottl\w{2,20}|\brate exceeded\b|too ?many ?requests|\bSlowDown\b"
    r"|reduce your request rate|instance\b.{0,60}\btemporarily unavailable"
    r"|\bspot\b.{0,60}\b(?:interrupt|reclaim)|\binterrupt.{0,60}\bspot\b",
    re.IGNORECASE,
)


def _peeled(text: str) -> tuple[list[str], str]:
    """The codes a reason begins with, outermost first, and the rest."""
    codes: list[str] = []
    while match := _CODE.match(text):
        word = match[1].replace(" ", "").lower()
        if word in _SPELLINGS:
            codes.append(_SPELLINGS[word])
        elif word != "frameworkerror":  # the toolkit's, for an error that is not the script's
            break
        text = text[match.end() :]
    return codes, text


def _is_passing(codes: list[str], text: str) -> bool:
    # An InternalServerError inside an AlgorithmError is the container's, not the service's.
    of_service = "AlgorithmError" not in codes and any(code in _PASSING_CODES for code in codes)
    return of_service or _PASSING.search(text) is not None


_EXIT_CODES = (
    re.compile(r"\bexit ?code:? ?\(?(-?\d{1,5})\b", re.IGNORECASE),
    re.compile(r"\bexit(?:ed)?(?: with)?(?: exit)? (?:code|status):?\s(-?\d{1,5})\b", re.IGNORECASE),
)
_EXIT_WORDS = re.compile(
    r"^ ?ExitCode -?\d{1,5}\s{0,5}$|,? ?\bexit code: ?-?\d{1,5}\s{0,5}\Z", re.IGNORECASE | re.MULTILINE
)


def _exit_code(text: str) -> int | None:
    for pattern in _EXIT_CODES:
        found = pattern.findall(text)
        if found:
            return int(found[-1])
    return None


def _without_gist(exit_code: int | None, codes: list[str], bare: str) -> str:
    if exit_code is not None:
        return f"The container ended with exit code {exit_code}."
    return plain(bare.strip(' :,."\n\t'), _MOST_SAID) or (codes[-1] if codes else "")


# Lines

_TRACEBACK = re.compile(r"Traceback \(most recent call last\):?")
_FRAME = re.compile(r'File "[^"\n]{1,300}", line \d+(?:, in [\w<>.]{1,100})?')
_EXCEPTION_NAME = r"(?:\w{1,60}\.){0,10}[A-Za-z_]\w{0,80}(?:Error|Exception|Exit|Interrupt|Fault|Failure|Expired|Exceeded|NotFound|Timeout)"
_EXCEPTION = re.compile(
    rf':{{0,2}}\s?(?:Caused by: |Exception in thread "[^"\n]{{0,80}}" )?({_EXCEPTION_NAME})(?::(?!:)|$)'
)
_IN_TRACE = re.compile(r"((?:\w{1,60}\.){0,10}[A-Z]\w{0,80})(?:: |:?$)")
_INLINE_EXCEPTION = re.compile(rf"\b({_EXCEPTION_NAME}): ")
_CHAINED = re.compile(r"(?:During handling of|The above exception was)\b.{0,80}exception")
_WRAPPERS = frozenset(
    ("CalledProcessError", "ChildFailedError", "ExecuteUserScriptError", "SystemExit", "Py4JJavaError")
)
_NOISE = re.compile(
    r"\.\.\. \d+ (?:more|common frames)|[\s~^|=#>.*_-]+$|\(?(?:WARNING|DEPRECATION|NOTICE|INFO|DEBUG)\b|\[(?:notice|INFO|WARN)"
    r"|.{0,200}\w{1,40}Warning: |\d{4}-\d\d-\d\d[ T].{0,60}\b(?:INFO|DEBUG|WARNING|WARN)\b"
    r"|(?:.{0,120}?)\d{1,3}%\s?(?:\||[━█#=]|.{0,60}(?:it/s|s/it|B/s|ETA))|\|.{0,80}\d{1,3}%"
)
_COMMAND = re.compile(r'Command "')
_BLOB = re.compile(
    r"[A-Za-z0-9+=][A-Za-z0-9+/=]{79,}"
)  # base64; paths begin with a slash, or hold dots and dashes
_CUT_OUT = "[...]"


@dataclass(slots=True)
class _Parts:
    """The lines of a reason by what they are."""

    exceptions: list[list[str]] = field(default_factory=list)
    prose: list[str] = field(default_factory=list)
    frames: list[str] = field(default_factory=list)
    rest: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, text: str) -> "_Parts":
        parts = cls()
        text = _EXIT_WORDS.sub("", _REQUEST.sub("", _JAVA_FRAME.sub("", text)))
        in_trace = False
        code_follows = False
        said: list[str] | None = None  # the exception whose message goes on
        for line in _split(text):
            if line == "Traceback":
                in_trace, code_follows, said = True, False, None
            elif _FRAME.match(line):
                parts._frame(line)
                code_follows, said = True, None
            elif not line or _CHAINED.match(line):
                said = None
            elif exception := _EXCEPTION.match(line) or (
                in_trace and not code_follows and _IN_TRACE.match(line)
            ):
                said = [line[exception.start(1) :]]
                parts.exceptions.append(said)
                in_trace = code_follows = False
            elif _COMMAND.match(line) or _NOISE.match(line):
                parts.rest.append(line)
                said = None
            elif code_follows or in_trace:
                parts.frames.append(line)
                code_follows = False
            else:
                (parts.prose if said is None else said).append(line)
        return parts

    def _frame(self, line: str) -> None:
        """A frame; with it, in a trace written on one line, all that follows."""
        self.frames.append(line)
        inline = list(_INLINE_EXCEPTION.finditer(line))
        if inline:
            self.exceptions.append([line[inline[-1].start() :]])


def _split(text: str) -> Iterator[str]:
    """Lines without indentation, quotes the toolkit put around them, and blobs; a trace's beginning as `Traceback`."""
    for whole in text.split("\n"):
        line = whole.strip()
        if line.startswith('ErrorMessage "'):
            line = line.removeprefix('ErrorMessage "').lstrip(": ")
        if line.count('"') % 2:
            line = line.removesuffix('"') if line.endswith('"') else line.removeprefix('"')
        before, *after = _TRACEBACK.split(line)
        for part in (before, *(text for rest in after for text in ("Traceback", rest))):
            yield " ".join(_CUT_OUT if _BLOB.fullmatch(word) else word for word in part.split())


# What is worth saying

_SENTENCE_END = re.compile(r"(?<=[.!?]) +(?=[A-Z])")
_POINTLESS = re.compile(
    r".*(?:for more (?:information|details)|https?://docs\.aws|troubleshoot.{0,40}https?://|(?:see|check|refer to).{0,60}\blogs?\b)"
    r"|Retry not appropriate on execution of step|No retry policy configured for"
    r"|(?:framework error|Exception in thread.{0,40}|\[\.\.\.\])[:.]?$|\(?caused by \w{1,80}\)?$",
    re.IGNORECASE,
)


def _gist(parts: _Parts) -> str:
    """The last exception first, then what else is said; failing these, where it was, then whatever there is."""
    exception = _last(parts)
    sentences = _sentences(parts.prose)
    telling = [sentence for sentence in sentences if not _POINTLESS.match(sentence)]
    said = " ".join(dict.fromkeys([exception, *telling] if exception else telling or sentences))
    if not said and parts.frames:
        whole = [index for index, frame in enumerate(parts.frames) if _FRAME.match(frame)]
        said = "In a trace that was cut short: " + ", ".join(parts.frames[whole[-1] if whole else -1 :])
    return (said or " ".join(parts.rest)) if said != _CUT_OUT else ""


def _last(parts: _Parts) -> str:
    """The exception that ended it; one that only says that a process failed gives way to the one it failed with."""
    exceptions = [line for line in parts.exceptions if line]
    inner = [lines for lines in exceptions if _short_name(lines[0]) not in _WRAPPERS]
    if not exceptions:
        return ""
    said = _without_prefixes(" ".join((inner or exceptions)[-1]))
    if ":" not in said.rstrip(":") and parts.frames:  # AssertionError, and nothing else
        frame = next((frame for frame in reversed(parts.frames) if _FRAME.match(frame)), "")
        return f"{said.rstrip(':')} in {frame}" if frame else said
    return said


def _short_name(line: str) -> str:
    return line.partition(":")[0].rpartition(".")[2].strip()


def _sentences(prose: list[str]) -> list[str]:
    said = _without_prefixes(" ".join(prose)).strip()
    return [sentence for sentence in _SENTENCE_END.split(said) if sentence.strip(' ."')]


def _without_prefixes(text: str) -> str:
    without = _CAUSED_BY.sub("", _INNER_PREFIX.sub("", text)).strip(" :,")
    return without or text
