"""What releases replaced is taken away: after the grace period, only what is ours, and only what nothing refers to."""

import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stationkeeper.errors import MemoryConflict
from stationkeeper.reactions.tidying import Tidying
from stationkeeper.releases.record import CLAIM_LASTS, Record, Retired
from stationkeeper.releases.references import References
from stationkeeper.telemetry import logger

from tests.unit.release_builders import ENDPOINT, NOW, Records, live, record, target

KEEP_DAYS = 7
LONG_AGO = NOW - timedelta(days=KEEP_DAYS)
LATELY = LONG_AGO + timedelta(seconds=1)
OTHER = "churn-eu"


@pytest.fixture(autouse=True)
def _logs_as_in_production():
    before = logger.log_level
    logger.setLevel(logging.INFO)
    yield
    logger.setLevel(before)


@dataclass
class Store:
    """Configs with their models, and configs that endpoints run; what was deleted, in order."""

    configs: dict[str, set[str]] = field(default_factory=dict)
    in_use: set[str] = field(default_factory=set)
    kept_by_people: set[str] = field(default_factory=set)
    deleted: list[tuple[str, str]] = field(default_factory=list)
    asked: int = 0
    at_references: Callable[[], None] = lambda: None
    at_delete: Callable[[str], None] = lambda name: None

    def references(self) -> References:
        self.asked += 1
        self.at_references()
        return References(
            frozenset(self.in_use), {name: frozenset(models) for name, models in self.configs.items()}
        )

    def delete(self, kind: str, name: str) -> bool:
        self.at_delete(name)
        if kind == "endpoint-config":
            assert name not in self.in_use
            self.configs.pop(name, None)
        if kind == "model":
            assert not [config for config, models in self.configs.items() if name in models]
        self.deleted.append((kind, name))
        return name not in self.kept_by_people

    @property
    def gone(self) -> list[str]:
        return [name for _, name in self.deleted]


def old(*names: str, since: datetime = LONG_AGO, **more: Any) -> tuple[Retired, ...]:
    """Retired things: `c6` a config, `m6` a model, anything else an alarm."""
    kinds = {"c": "endpoint-config", "m": "model"}
    return tuple(Retired(kind=kinds.get(name[0], "alarm"), name=name, since=since, **more) for name in names)


def tidy(store: Store, now: datetime = NOW, keep_days: int = KEEP_DAYS, **of: Record) -> Records:
    """Tidy endpoints; `churn_eu=` is the endpoint `churn-eu`."""
    records = Records({name.replace("_", "-"): one for name, one in of.items()})
    Tidying(records, store, keep_days).tidy(records.kept, now)
    return records


def left(records: Records, endpoint: str = ENDPOINT) -> list[str]:
    return [one.name for one in records.recall(endpoint).retired]


# ---------------------------------------------------------------- what is due


def test_what_was_replaced_long_ago_is_taken_away():
    store = Store({"c6": {"m6"}, "c7": {"m7"}}, {"c7"})

    records = tidy(store, churn_prod=record(live=live(7), retired=old("c6", "m6", "a6-5xx", "a6-latency")))

    assert store.deleted == [
        ("endpoint-config", "c6"),
        ("model", "m6"),
        ("alarm", "a6-5xx"),
        ("alarm", "a6-latency"),
    ]
    assert records.recall(ENDPOINT) == record(live=live(7), version=3)


@pytest.mark.parametrize("since", [LATELY, NOW, NOW + timedelta(hours=1)])
def test_what_was_replaced_lately_is_kept(since: datetime):
    store = Store({"c6": {"m6"}})
    before = record(retired=old("c6", "m6", since=since))

    records = tidy(store, churn_prod=before)

    assert store.gone == []
    assert records.recall(ENDPOINT) == before


def test_nothing_due_asks_for_nothing():
    store = Store()

    records = tidy(store, churn_prod=record(live=live(7)), churn_eu=record(retired=old("c6", since=LATELY)))
    Tidying(records, store, KEEP_DAYS).tidy(["never-seen"], NOW)
    Tidying(records, store, KEEP_DAYS).tidy([], NOW)

    assert (store.asked, records.writes) == (0, 0)


def test_grace_period_may_be_none():
    store = Store()

    assert left(tidy(store, keep_days=0, churn_prod=record(retired=old("c6", since=NOW)))) == []
    assert store.gone == ["c6"]


def test_only_what_is_due_is_claimed():
    store = Store()
    before = record(retired=(*old("c6", "m6"), *old("c7", since=LATELY)))

    records = tidy(store, churn_prod=before)

    assert store.gone == ["c6", "m6"]
    assert records.recall(ENDPOINT).retired == old("c7", since=LATELY)


@pytest.mark.parametrize(
    "uses",
    [
        {"live": live(6)},
        {"target": target(6, 7)},
        {"target": target(6, 7, asked=False)},
        {"target": target(8, 6), "live": live(7)},
    ],
    ids=["live", "coming", "meant", "replaced by what is coming"],
)
def test_what_the_record_is_made_of_is_never_taken_away(uses: dict[str, Any]):
    names = {"c6", "m6"} | ({"c6-5xx-errors", "c6-latency"} if "c8" not in str(uses) else set())
    store = Store()
    before = record(**uses, retired=old(*sorted(names)))

    records = tidy(store, churn_prod=before)

    assert store.gone == []
    assert records.recall(ENDPOINT) == before


# ---------------------------------------------------------------- what something refers to


def test_config_that_an_endpoint_runs_is_kept_with_its_model():
    store = Store({"c6": {"m6"}}, {"c6"})

    records = tidy(store, churn_prod=record(retired=old("c6", "m6", "a6")))

    assert store.gone == ["a6"]
    assert records.recall(ENDPOINT).retired == old("c6", "m6", since=NOW)  # asked for again after a week


def test_model_of_somebodys_config_is_kept():
    store = Store({"c6": {"m6"}, "theirs": {"m6", "other"}})

    records = tidy(store, churn_prod=record(retired=old("c6", "m6")))

    assert store.gone == ["c6"]
    assert left(records) == ["m6"]


def test_model_that_several_configs_share_goes_with_the_last():
    store = Store({"c6": {"m6"}, "c6b": {"m6"}, "c7": {"m7"}}, {"c7"})
    before = record(live=live(7), retired=(*old("c6"), *old("c6b", "m6", since=LATELY)))

    first = tidy(store, churn_prod=before)
    second = tidy(store, NOW + timedelta(days=1), churn_prod=first.recall(ENDPOINT))

    assert store.gone == ["c6", "c6b", "m6"]
    assert left(second) == []


def test_model_of_a_config_that_is_kept_is_kept():
    """The config is due, but somebody put it back; what it holds is in use with it."""
    store = Store({"c6": {"m6"}, "c6b": {"m6"}}, {"c6b"})

    records = tidy(store, churn_prod=record(retired=old("c6", "c6b", "m6")))

    assert store.gone == ["c6"]
    assert left(records) == ["c6b", "m6"]


def test_what_people_took_our_tag_off_is_theirs():
    store = Store(kept_by_people={"c6"})

    records = tidy(store, churn_prod=record(retired=old("c6", "m6")), zeta=record(retired=old("z1")))

    assert left(records) == []
    assert "z1" in store.gone


def test_kind_that_nobody_knows_is_kept():
    later = Retired(kind="inference-component", name="x", since=LONG_AGO)
    store = Store()

    records = tidy(store, churn_prod=record(retired=(later, *old("c6"))))

    assert store.gone == ["c6"]
    assert left(records) == ["x"]


@pytest.mark.parametrize(
    ("name", "without", "free"),
    [
        ("m6", [], False),
        ("m6", ["c6"], False),
        ("m6", ["c6", "c6b"], True),
        ("m6", (one for one in ("c6", "c6b", "unknown")), True),
        ("m7", ["c6"], False),
        ("nobodys", [], True),
    ],
)
def test_model_is_free_once_all_its_configs_go(name: str, without: Iterable[str], free: bool):
    references = References(
        frozenset({"c7"}),
        {"c6": frozenset({"m6"}), "c6b": frozenset({"m6"}), "c7": frozenset({"m7", "shadow"})},
    )

    assert references.model_is_free(name, without) is free


def test_config_is_free_where_no_endpoint_runs_it():
    references = References(frozenset({"c7"}), {"c6": frozenset()})

    assert [references.config_is_free(name) for name in ("c6", "c7", "gone")] == [True, False, True]


# ---------------------------------------------------------------- others at work


def test_what_is_due_is_claimed_before_it_is_asked_who_refers_to_it():
    records = Records({ENDPOINT: record(retired=old("c6", "m6")), OTHER: record(retired=old("c5"))})
    claims: list[Any] = []
    store = Store(
        at_references=lambda: claims.extend(
            records.recall(endpoint).being_deleted({name}, NOW)
            for endpoint, name in ((ENDPOINT, "c6"), (ENDPOINT, "m6"), (OTHER, "c5"))
        )
    )

    Tidying(records, store, KEEP_DAYS).tidy([ENDPOINT, OTHER], NOW)

    assert claims == ["c6", "m6", "c5"]
    assert store.asked == 1
    assert store.gone == ["c5", "c6", "m6"]


def test_endpoint_whose_record_another_copy_changes_is_passed_over():
    records = Records({ENDPOINT: record(retired=old("c6")), OTHER: record(retired=old("c5"))})
    store = Store()

    def release(key: str) -> None:
        if key == ENDPOINT and not store.asked:  # faster than the claim
            records.remember(ENDPOINT, records.recall(ENDPOINT).with_target(target(6, 7), NOW))

    records.before_write = release
    Tidying(records, store, KEEP_DAYS).tidy([ENDPOINT, OTHER], NOW)

    assert store.gone == ["c5"]
    assert left(records, OTHER) == []
    assert records.recall(ENDPOINT).target == target(6, 7)
    assert not records.recall(ENDPOINT).retired


def test_release_that_started_after_the_claim_is_not_overwritten():
    """It needs none of what is deleted, or it would have waited."""
    records = Records({ENDPOINT: record(live=live(7), retired=old("c6", "m6"))})

    def release(name: str) -> None:
        seen = records.recall(ENDPOINT)
        if seen.target is None:
            assert seen.being_deleted({"c6"}, NOW) == "c6"
            records.remember(ENDPOINT, seen.with_target(target(8, 7), NOW))

    store = Store(at_delete=release)
    with suppress(MemoryConflict):  # then the sweep is tried again
        Tidying(records, store, KEEP_DAYS).tidy([ENDPOINT], NOW)

    assert records.recall(ENDPOINT).target == target(8, 7)
    Tidying(records, store, KEEP_DAYS).tidy([ENDPOINT], NOW + timedelta(minutes=2))
    assert left(records) == []
    assert records.recall(ENDPOINT).target == target(8, 7)


def test_release_at_one_endpoint_keeps_no_other_from_being_tidied():
    records = Records({OTHER: record(live=live(7), retired=old("c6")), ENDPOINT: record(retired=old("c5"))})

    def release(name: str) -> None:
        if name == "c6":
            records.remember(OTHER, records.recall(OTHER).with_target(target(8, 7), NOW))

    Tidying(records, store := Store(at_delete=release), KEEP_DAYS).tidy([OTHER, ENDPOINT], NOW)

    assert store.gone == ["c6", "c5"]
    assert left(records, ENDPOINT) == []


def test_crash_while_deleting_leaves_a_claim_that_ends():
    def crash(name: str) -> None:
        if name == "m6":
            raise TimeoutError

    store = Store({"c6": {"m6"}}, at_delete=crash)
    records = Records({ENDPOINT: record(retired=old("c6", "m6"))})
    with pytest.raises(TimeoutError):
        Tidying(records, store, KEEP_DAYS).tidy([ENDPOINT], NOW)

    after = records.recall(ENDPOINT)
    assert after.being_deleted({"m6"}, NOW) == "m6"
    assert after.being_deleted({"m6"}, NOW + CLAIM_LASTS) is None
    store.at_delete = lambda name: None
    Tidying(records, store, KEEP_DAYS).tidy([ENDPOINT], NOW + timedelta(hours=1))
    assert store.gone == ["c6", "c6", "m6"]  # that it is gone already is fine
    assert left(records) == []


def test_what_two_endpoints_share_goes_once_neither_needs_it():
    """Endpoints that follow one group of another account have configs of the same name."""
    store = Store({"c6": {"m6"}}, {"c6"})
    records = Records({ENDPOINT: record(retired=old("c6", "m6")), OTHER: record(live=live(6))})
    tidying = Tidying(records, store, KEEP_DAYS)

    tidying.tidy([ENDPOINT, OTHER], NOW)
    assert store.gone == []

    store.in_use = set()
    records.remember(OTHER, records.recall(OTHER).model_copy(update={"live": None}))
    tidying.tidy([ENDPOINT, OTHER], NOW + timedelta(hours=1))
    assert store.gone == ["c6", "m6"]


# ---------------------------------------------------------------- whatever there is

CONFIGS, MODELS = [f"c{number}" for number in range(1, 6)], [f"m{number}" for number in range(1, 4)]


@given(
    st.dictionaries(st.sampled_from(CONFIGS), st.sets(st.sampled_from(MODELS), max_size=2)),
    st.sets(st.sampled_from(CONFIGS)),
    st.lists(st.sampled_from(CONFIGS + MODELS), unique=True),
    st.none() | st.builds(live, st.integers(1, 5)),
    st.sets(st.sampled_from(CONFIGS + MODELS)),
)
def test_nothing_that_is_in_use_is_ever_taken_away(
    configs: dict[str, set[str]],
    in_use: set[str],
    retired: list[str],
    released: Any,
    lately: set[str],
):
    """As the record has it: what holds a model is retired before the model."""
    store = Store({name: set(models) for name, models in configs.items()}, set(in_use))
    things = [old(name, since=LATELY if name in lately else LONG_AGO)[0] for name in sorted(retired)]
    before = record(live=released, retired=tuple(things))

    records = tidy(store, churn_prod=before)

    gone = set(store.gone)
    assert gone <= set(retired) - lately - in_use - before.names_in_use
    assert len(gone) == len(store.gone)
    held = {model for config, models in configs.items() if config not in gone for model in models}
    assert not gone & held
    assert [one.name for one in things if one.name not in gone] == left(records)
    assert all(one.claimed_at is None for one in records.recall(ENDPOINT).retired)
    again = tidy(store, churn_prod=records.recall(ENDPOINT))
    assert left(again) == left(records)
