"""The watch raises each alarm once, while its reason lasts, and fills the metrics."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from ccserver.acd.commands import AgentView, ContactState, ContactView
from ccserver.acd.errors import InvariantBroken
from ccserver.card import CardJournal
from ccserver.config import Config
from ccserver.live import LiveContact
from ccserver.metrics import Metrics
from ccserver.runtime import Runtime
from ccserver.telephony.ami import AMIClient
from ccserver.telephony.ari import ARIClient
from ccserver.types import ContactId, Medium
from ccserver.watch import (
    DISK_FREE_MIN_BYTES,
    JOURNAL_PENDING_ALARM,
    LAG_ALARM_S,
    LINK_PATIENCE_S,
    Watch,
)

PLENTY = DISK_FREE_MIN_BYTES * 10


@dataclass
class FakeLink:
    ready: bool = True
    events_pending: int = 0
    counters: Counter[str] = field(default_factory=Counter)


@dataclass
class FakeJournal:
    pending: int = 0
    spilled: int = 0
    spill_lines: int = 0


class FakeLive:
    def __init__(self) -> None:
        self.found: list[LiveContact] = []

    def contacts(self) -> list[LiveContact]:
        return self.found

    def agents(self) -> list[AgentView]:
        return []


class FakeRuntime:
    def __init__(self) -> None:
        self.live = FakeLive()

    def check_invariants(self) -> None:
        raise InvariantBroken("held twice")


class FakeClock:
    moment = 100.0

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return self.moment


class Desk:
    """A watch over fakes."""

    def __init__(self, spool_dir: Path) -> None:
        self.ari, self.ami, self.journal = FakeLink(), FakeLink(), FakeJournal()
        self.runtime, self.clock, self.metrics = FakeRuntime(), FakeClock(), Metrics()
        self.told: list[tuple[object, object]] = []
        self.callbacks_stuck = False
        self.webhooks_stuck = False
        self.away: set[str] = set()

        class Recording:
            spool_dir = ""

        class Settings:
            recording = Recording()

        Settings.recording.spool_dir = str(spool_dir)
        self.watch = Watch(
            cast("Config", Settings()),
            cast("Runtime", self.runtime),
            cast("CardJournal", self.journal),
            cast("ARIClient", self.ari),
            cast("AMIClient", self.ami),
            metrics=self.metrics,
            clock=self.clock,
            publish=lambda message: self.told.append(
                (message["code"], cast("dict[str, object]", message["data"])["active"])
            ),
            callbacks_stuck=lambda: self.callbacks_stuck,
            webhooks_stuck=lambda: self.webhooks_stuck,
            edge_down=lambda: "edge_down" in self.away,
            node_down=lambda: "node_down" in self.away,
            ecall_handed_over=lambda: "ecall_handed_over" in self.away,
        )

    def look(self, *, after_s: float = 1.0, lag_s: float = 0.0, free: int = PLENTY) -> None:
        self.clock.moment += after_s
        self.watch.look(lag_s, free)

    def metric(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_healthy_process_raises_nothing(desk: Desk) -> None:
    for _ in range(10):
        desk.look()
    assert desk.told == []
    assert desk.watch.active() == []


def test_call_backs_that_fail_again_and_again_are_an_alarm_until_one_does_not(desk: Desk) -> None:
    desk.callbacks_stuck = True
    desk.look()
    desk.look()
    assert desk.told == [("callbacks_fail", True)]
    desk.callbacks_stuck = False
    desk.look()
    assert desk.told[1:] == [("callbacks_fail", False)]


def test_events_that_do_not_arrive_are_an_alarm_until_they_do(desk: Desk) -> None:
    desk.webhooks_stuck = True
    desk.look()
    desk.look()
    assert desk.told == [("webhooks_fail", True)]
    desk.webhooks_stuck = False
    desk.look()
    assert desk.told[1:] == [("webhooks_fail", False)]


def test_a_lost_link_is_an_alarm_after_its_patience_and_is_cleared_when_it_is_back(
    desk: Desk,
) -> None:
    desk.look()
    desk.ari.ready = False
    desk.look(after_s=LINK_PATIENCE_S)
    assert desk.told == []
    desk.look()
    desk.look()
    assert desk.told == [("telephony_down", True)]
    assert desk.watch.active() == ["telephony_down"]
    assert desk.metric("ccserver_ari_connected") == 0
    desk.ari.ready = True
    desk.look()
    assert desk.told[1:] == [("telephony_down", False)]
    assert desk.watch.active() == []


def test_each_reason_has_its_alarm(desk: Desk) -> None:
    desk.ami.ready = False
    desk.journal.pending = JOURNAL_PENDING_ALARM + 1
    desk.look(after_s=LINK_PATIENCE_S + 1, lag_s=LAG_ALARM_S * 2, free=DISK_FREE_MIN_BYTES - 1)
    assert sorted(desk.watch.active()) == [
        "cards_not_written",
        "disk_low",
        "phone_states_unknown",
        "server_slow",
    ]


def test_entries_put_aside_on_disk_are_an_alarm_until_they_are_written(desk: Desk) -> None:
    desk.journal.spilled = desk.journal.spill_lines = 7
    desk.look()
    assert desk.watch.active() == ["cards_not_written"]
    assert desk.metric("ccserver_journal_spilled_total") == 7
    desk.journal.spill_lines = 0
    desk.look()
    assert desk.watch.active() == []
    assert desk.metric("ccserver_journal_spilled_total") == 7


def test_links_and_contacts_are_counted(desk: Desk) -> None:
    desk.ari.counters.update(connects=3, overflows=1)
    desk.ami.events_pending = 4
    talking = ContactView(
        ContactId("c"), Medium.VOICE, "emergency", 5, 0.0, ContactState.TALKING, None, None, None
    )
    for view, on_hold in ((None, False), (talking, True), (talking, False)):
        contact = LiveContact(
            ContactId("c"), datetime.now(UTC), None, False, "emergency", 5, view=view
        )
        contact.on_hold = on_hold
        desk.runtime.live.found.append(contact)
    desk.look()
    desk.look()
    assert desk.metric("ccserver_ari_reconnects_total") == 2
    assert desk.metric("ccserver_telephony_overflows_total", source="ari") == 1
    assert desk.metric("ccserver_telephony_events_pending", source="ami") == 4
    for state, count in {"parachute": 1, "held": 1, "talking": 1, "waiting": 0}.items():
        assert desk.metric("ccserver_contacts", state=state) == count


def test_a_line_that_has_become_empty_is_told_and_a_conversation_outside_waits_for_nobody(
    desk: Desk,
) -> None:
    for state in (ContactState.OFFERED, ContactState.HANDED_OVER):
        view = ContactView(ContactId("c"), Medium.VOICE, "office", 5, 0.0, state, None, None, None)
        contact = LiveContact(ContactId("c"), datetime.now(UTC), None, False, "office", 5)
        contact.view = view
        desk.runtime.live.found.append(contact)
    desk.look()
    assert desk.metric("ccserver_contacts_waiting", queue="office") == 1
    assert desk.metric("ccserver_contacts", state="handed_over") == 1
    desk.runtime.live.found.clear()
    desk.look()
    assert desk.metric("ccserver_contacts_waiting", queue="office") == 0
    assert desk.metric("ccserver_contacts_waiting", queue="emergency") == 0


async def test_a_broken_invariant_ends_the_watch_and_so_the_process(desk: Desk) -> None:
    with pytest.raises(InvariantBroken):
        await desk.watch.run()
    assert desk.metric("ccserver_invariants_broken_total") == 1


@pytest.mark.parametrize("code", ["edge_down", "node_down", "ecall_handed_over"])
def test_what_stands_is_told_until_it_is_over(desk: Desk, code: str) -> None:
    desk.away.add(code)
    desk.look()
    assert desk.told == [(code, True)]
    desk.away.clear()
    desk.look()
    assert desk.told[1:] == [(code, False)]
