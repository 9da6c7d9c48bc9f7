"""What is told of artifacts of multi-model endpoints: a new one was refused, published after all, or taken back."""

from stationkeeper.alerts.artifact_phrases import (
    POINTER_REFUSED,
    REFUSALS,
    UNKNOWN_REFUSAL,
    WARM_UP,
    RefusalWords,
    explained,
    labelled,
    made_by,
    published_before,
    served,
    short_label,
    version_of_model,
)
from stationkeeper.alerts.artifact_steps import (
    called,
    gone_back,
    model_listed,
    pointer_seen,
    refused_listed,
    source_seen,
    version_judged,
    versions_listed,
)
from stationkeeper.alerts.cleaning import cleaned
from stationkeeper.alerts.layout import Step, Told, facts, first_of, listed, paragraphs, steps
from stationkeeper.alerts.release_phrases import beginning, sentence
from stationkeeper.alerts.text import count, moment, size_in_words
from stationkeeper.events.artifact_events import (
    ArtifactEvent,
    ArtifactPublished,
    ArtifactRejected,
    ArtifactWithdrawn,
)

_TOLD_ONE_BY_ONE = 3  # of a day and endpoint; see artifacts/telling.py
_LISTED = 15


def told(event: ArtifactEvent) -> Told:
    """What is said of an event about an artifact."""
    match cleaned(event):
        case ArtifactRejected() as rejected:
            words = _rejected(rejected)
        case ArtifactPublished() as published:
            words = _published(published)
        case ArtifactWithdrawn() as withdrawn:
            words = _withdrawn(withdrawn)
        case _:
            raise TypeError(f"no wording for {event.detail_type}")
    return words._replace(about=event.model or "an artifact")


# ------------------------------------------------------------ refused


def _rejected(event: ArtifactRejected) -> Told:
    words = REFUSALS.get(event.code, UNKNOWN_REFUSAL)
    body = paragraphs(
        "\n".join((_what_was_refused(event), f"Why: {sentence(event.reason or 'Nobody said')}")),
        _what_serves(event, words),
        facts(
            ("Found", moment(event.at)),
            ("Model", event.model),
            ("Named by", event.named_by),
            ("Version", explained(event)),
            ("Made by", made_by(event)),
            ("Artifact", event.artifact_uri),
            ("Pointer", event.pointer if event.serving is not None or event.target_model else ""),
            ("Refused today", _of_the_day(event)),
            ("On call", event.on_call),
        ),
        listed(
            "WHAT STATIONKEEPER DID", [*_after_refusal(event), _again(event, words), *_from_now_on(event)]
        ),
        steps(
            *(step(event) for step in words.steps),
            refused_listed(event),
            lead=sentence(event.hint),
        ),
    )
    return Told(_refused_headlines(event, words), body)


def _what_was_refused(event: ArtifactRejected) -> str:
    which, endpoint = version_of_model(event), f"endpoint {event.endpoint}"
    if event.code == POINTER_REFUSED:
        return f"Callers on {endpoint} should be sent to {which}, but its pointer could NOT be moved."
    if published_before(event):
        return (
            f"{beginning(which)} is published on {endpoint}, but it could NOT be put at the key without a version, for callers "
            "that follow no pointer."
        )
    if event.code == WARM_UP:
        return (
            f"{beginning(which)} lies ready for {endpoint}, but failed its first call: nobody is sent to it."
        )
    if not event.model:
        return f"A new artifact was NOT published to {endpoint}."
    return f"The new artifact of {event.model} was NOT published to {endpoint}."


def _what_serves(event: ArtifactRejected, words: RefusalWords) -> str:
    if event.code == POINTER_REFUSED:
        if event.serving is None:
            return "Callers that follow it get an error: it has named nothing yet."
        return f"Callers are still sent to {served(event.serving)}."
    if published_before(event):
        return "Callers that follow the pointer are not concerned; the others get what lies at that key."
    broken = " As the endpoint is now, their calls may fail all the same." if words.no_place else ""
    if event.serving is not None:
        return f"Callers are still sent to {served(event.serving)}.{broken}"
    if not event.model:
        return "Which callers wait for it nobody can say; what serves stays as it is."
    return (
        f"Nothing of {event.model} was ever published there: who calls it gets an error, unless somebody else put a model at the "
        "key they use."
    )


def _after_refusal(event: ArtifactRejected) -> list[str]:
    if event.code == POINTER_REFUSED:
        return ["It told you. The version lies there and stays."]
    if published_before(event):
        return ["It told you, and left what lies at that key as it is."]
    if event.code == WARM_UP:
        return ["It told you, and left callers where they are. They are never sent to this version."]
    return ["It told you. It published nothing and changed nothing that serves."]


def _again(event: ArtifactRejected, words: RefusalWords) -> str:
    """Whether it is looked at again by itself."""
    package = event.source == "model-package"
    if event.code == POINTER_REFUSED or published_before(event):
        return "It tries again every hour, until it can."
    of_tags = not event.model or (package and words.no_place)
    if event.passing or (of_tags and not words.final):
        span = "as long as the version is approved" if package else "for a day after the job ended"
        return f"It looks again every hour, {span}: nothing needs to be sent again."
    if words.final or not package:
        another = "version" if package else "training job"
        return f"It does not look at this one again: it takes another {another}."
    return "It reads the artifact again only when something else lies at its address, as long as the version is approved."


def _of_the_day(event: ArtifactRejected) -> str:
    if event.of_the_day <= 1:
        return ""
    return f"{count(event.of_the_day, 'artifact')} of this endpoint, with this one (since midnight UTC)"


def _from_now_on(event: ArtifactRejected) -> list[str]:
    """Said with the last one before the silence, too."""
    if event.of_the_day < _TOLD_ONE_BY_ONE:
        return []
    return [
        "Of an endpoint's refusals it tells the first three of a day one by one, then the 10th, the 100th, the 1,000th.",
        "All of them are on the bus; `stationkeeper models --refused` shows those that say which model they are.",
    ]


def _refused_headlines(event: ArtifactRejected, words: RefusalWords) -> tuple[str, ...]:
    model = event.model
    headline = words.headline or f"new artifact refused, {words.what}"
    refused = words.headline or f"refused, {words.what}"
    if published_before(event) and event.code != POINTER_REFUSED:
        headline, refused = f"published, but not in place, {words.what}", f"not in place, {words.what}"
    of_model = (f"{model}: {headline}", f"{model}: {refused}", f"{model}: {words.short}", f"{model} refused")
    return (*(of_model if model else ()), headline, refused, words.short)


# ------------------------------------------------------------ published


def _published(event: ArtifactPublished) -> Told:
    serving = event.serving
    others = labelled(serving.version) if serving is not None else "another version"
    sent_to = "callers are sent to it" if event.pointed else f"callers are sent to {others}"
    body = paragraphs(
        f"{beginning(version_of_model(event))} is published on endpoint {event.endpoint}; {sent_to}.{_made_good(event)}",
        facts(
            ("Published", moment(event.at)),
            ("Target model", event.target_model),
            ("Size", _size(event)),
            ("Before it", served(event.previous) if event.previous is not None else ""),
            ("Pointer", " = ".join(filter(None, (event.pointer, _pointed_at(event))))),
            ("In place", event.in_place),
            ("Made by", made_by(event)),
            ("Artifact", event.artifact_uri),
            ("Lies at", event.published_uri),
            ("On call", event.on_call),
        ),
        first_of("WORTH KNOWING", tuple(_worth_knowing(event)), _LISTED),
        listed("WHAT STATIONKEEPER DID", _after_publishing(event)),
        steps(
            pointer_seen(event),
            called(event),
            gone_back(event),
            model_listed(event),
            title="TO CALL IT, OR TO GO BACK" if gone_back(event) else "TO CALL IT",
        ),
    )
    model, short = event.model, short_label(event.version) or "new version"
    choices = (
        f"{model} {short} published, {sent_to}",
        f"{model} {short} published",
        f"{model} published",
        f"{short} published",
        "published",
    )
    return Told(choices, body, fine=True)


def _made_good(event: ArtifactPublished) -> str:
    if not event.mended:
        return ""
    before = REFUSALS.get(event.mended)
    why = f" ({before.headline or before.what})" if before is not None else ""
    return f" That makes good what was refused before{why}."


def _size(event: ArtifactPublished) -> str:
    packed, unpacked = size_in_words(event.size_bytes), size_in_words(event.unpacked_bytes)
    return f"{packed}, unpacked {unpacked} in {count(event.files, 'file')}"


def _pointed_at(event: ArtifactPublished) -> str:
    if event.pointed or event.serving is None:
        return event.target_model
    return event.serving.target_model


def _worth_knowing(event: ArtifactPublished) -> list[str]:
    notes = []
    if event.mended:
        notes.append(
            "Other models of the endpoint may still be refused, in this thread too: "
            f"`stationkeeper models {event.endpoint} --refused` lists them."
        )
    if event.pointed and event.previous is not None:
        notes.append("Who keeps the pointer's value calls the version before, until they read it again.")
    if event.pointed:
        notes.append(
            "It answered a call before anybody was sent to it; other instances load it at their first call, which takes longer."
            if event.warmed
            else "An instance loads it at its first call, which takes longer than the others."
        )
    if event.in_place:
        notes.append(
            f"Callers of {event.in_place} may get the version before for a while: an instance that has it loaded does not look "
            "whether the file changed, and answers with it until it unloads it. The pointer has no such delay."
        )
    return notes


def _after_publishing(event: ArtifactPublished) -> list[str]:
    did = ["It checked the artifact to its last byte, and copied it to a key of its own."]
    if event.pointed:
        did.append("It moved the pointer to it.")
        if event.previous is not None:
            did.append(f"It keeps {labelled(event.previous.version)} for a while, to go back to.")
    else:
        did.append("It left the pointer where it is: what it names is newer.")
    return did


# ------------------------------------------------------------ taken back


def _withdrawn(event: ArtifactWithdrawn) -> Told:
    which, serving = beginning(version_of_model(event)), event.serving
    package = event.source == "model-package"
    how = "is not approved any more" if package else "was taken back"
    if event.nothing_left:
        first = f"{which} {how}, but callers on endpoint {event.endpoint} are STILL SENT TO IT: no other good version of the model lies there."
    else:
        now = served(serving) if serving is not None else "what the pointer names"
        first = f"{which} {how}: callers on endpoint {event.endpoint} are now sent to {now}."
    body = paragraphs(
        first,
        facts(
            ("Taken back", moment(event.at)),
            ("Target model", event.target_model),
            ("Serves now", serving.target_model if serving is not None else ""),
            ("Pointer", event.pointer),
            ("Made by", made_by(event)),
            ("Artifact", event.artifact_uri),
            ("On call", event.on_call),
        ),
        first_of("WORTH KNOWING", () if event.nothing_left else (_READ_BEFORE,), _LISTED),
        listed("WHAT STATIONKEEPER DID", _after_withdrawal(event)),
        steps(
            versions_listed(event) if event.nothing_left else None,
            _approved_again(event),
            source_seen(event) if event.nothing_left else None,
            pointer_seen(event),
            called(event, "Call what serves now, with a request of your own"),
            model_listed(event),
            lead=_way_out(event),
        ),
    )
    return Told(_withdrawn_headlines(event), body)


_READ_BEFORE = (
    "Who keeps the pointer's value calls the version that was taken back, until they read it again."
)


def _after_withdrawal(event: ArtifactWithdrawn) -> list[str]:
    if event.nothing_left:
        return [
            "It left the pointer where it is: without it every call of this model would fail.",
            "As soon as another version is published, callers are sent to that one.",
        ]
    return [
        "It moved the pointer back.",
        f"It keeps the file of {labelled(event.version)} for a while, for calls under way and for who wants to look at it.",
    ]


def _way_out(event: ArtifactWithdrawn) -> str:
    if not event.nothing_left:
        return ""
    if event.source == "model-package":
        return "Approve a version that works, an older one too: it is published and callers are sent to it."
    return "Train the model anew, as it was when it worked: what the job leaves is published."


def _approved_again(event: ArtifactWithdrawn) -> Step | None:
    return version_judged(
        event, f"To let {labelled(event.version)} serve after all, approve it anew", "Approved"
    )


def _withdrawn_headlines(event: ArtifactWithdrawn) -> tuple[str, ...]:
    model, short = event.model, short_label(event.version) or "newest version"
    if event.nothing_left:
        return (
            f"{model} {short} taken back, but it still serves",
            f"{model}: taken back, still serves",
            f"{model} still serves",
            f"{short} taken back, but it still serves",
            "still serves",
        )
    serving = short_label(event.serving.version) if event.serving is not None else ""
    after = f"callers are sent to {serving}" if serving else "callers are sent to the one before"
    return (
        f"{model} {short} taken back, {after}",
        f"{model} {short} taken back",
        f"{model} taken back",
        f"{short} taken back",
        "taken back",
    )
