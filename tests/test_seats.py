"""Seats follow the accounts: at once in the centre, and in Asterisk as soon as it can be told.

What the distributor decided about a presence is kept like what a person declared.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import cast

import msgspec
import pytest

import ccserver.seats as seats_module
from ccserver.accounts import Account, AccountStore, AgentProfile, DeviceKind, Role
from ccserver.acd.agent import MISSED_OFFERS
from ccserver.acd.events import AgentPresence, PresenceKind
from ccserver.audit import AuditEntry, AuditTag
from ccserver.config import Config
from ccserver.db import DatabaseUnavailable
from ccserver.routing.document import Entry
from ccserver.seats import RETRY_S, Seats
from ccserver.telephony.devices import Device
from ccserver.telephony.errors import AMITimeout
from ccserver.types import AgentId
from tests.telephony.centre import EPOCH, Centre, passed
from tests.telephony.fakes import FakeAsterisk
from tests.telephony.virtual_time import in_virtual_time

ANNA, BORIS = AgentId("agent-101"), AgentId("agent-102")
READY = AgentPresence(PresenceKind.READY)


def profile(agent_id: AgentId, name: str = "A") -> AgentProfile:
    return AgentProfile(agent_id, name, agent_id[-3:], DeviceKind.SIP, "-")


class People(AccountStore):
    """Accounts in memory; the database may be away, or slow."""

    def __init__(self) -> None:
        self.profiles = {ANNA: profile(ANNA)}
        self.kept: dict[AgentId, AgentPresence] = {}
        self.saved: list[AgentPresence] = []
        self.forced: list[AuditEntry] = []
        self.supervisors: set[AgentId] = set()
        self.away = False
        self.slow_s = 0.01

    async def _answer(self) -> None:
        await asyncio.sleep(self.slow_s)
        if self.away:
            raise DatabaseUnavailable("away")

    async def agents(self) -> list[AgentProfile]:
        await self._answer()
        return list(self.profiles.values())

    async def accounts(self) -> list[Account]:
        await self._answer()
        return [
            Account(one, one, Role.SUPERVISOR, "lv", one)
            for one in self.supervisors & self.profiles.keys()
        ]

    async def presences(self) -> Mapping[AgentId, AgentPresence]:
        await self._answer()
        return dict(self.kept)

    async def save_presence(
        self,
        agent_id: AgentId,
        kind: PresenceKind,
        reason: str | None,
        at: datetime,
        *,
        forced: AuditEntry | None = None,
    ) -> None:
        await self._answer()
        self.forced += [forced] if forced is not None else []
        self.kept[agent_id] = AgentPresence(kind, reason)
        self.saved.append(self.kept[agent_id])


class Desk:
    """Seats over a centre without any."""

    def __init__(self) -> None:
        self.centre = Centre(FakeAsterisk(), agents=0)
        self.people = People()
        self.reloads = 0
        self.ami_away = False
        self.seats = Seats(
            cast("Config", None),
            self.people,
            self.centre.runtime,
            self.centre.devices,
            self.centre.plan,
            reload_phones=self._reload,
        )
        self.centre.runtime.presence_decided = self.seats.presence_decided

    async def _reload(self) -> None:
        if self.ami_away:
            raise AMITimeout("reload")
        self.reloads += 1

    def presence(self, agent_id: AgentId = ANNA) -> AgentPresence:
        seat = self.centre.live.seat(agent_id)
        assert seat is not None
        return seat.presence

    async def change(self) -> None:
        self.seats.changed()
        await passed(1)


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The phones of each rendering. The thread is left out: it does not know virtual time."""
    written: list[list[str]] = []

    def render(_: Config, phones: list[AgentProfile], numbers: list[str]) -> None:
        written.append([*(one.name for one in phones), *(n for n in numbers if n != "112")])

    async def at_once(work: Callable[..., None], *arguments: object) -> None:
        work(*arguments)

    monkeypatch.setattr(seats_module, "render", render)
    monkeypatch.setattr("ccserver.seats.asyncio.to_thread", at_once)
    return written


def run(test: Callable[[Desk], Awaitable[None]]) -> None:
    async def whole() -> None:
        desk = Desk()
        await desk.centre.start()
        await desk.seats.load()
        tasks = [
            asyncio.ensure_future(desk.seats.run()),
            asyncio.ensure_future(desk.seats.keep_presences()),
        ]
        await test(desk)
        desk.centre.check()
        for task in tasks:
            assert not task.done()
            task.cancel()

    in_virtual_time(whole())


def test_a_seat_added_changed_and_removed_live(rendered: list[list[str]]) -> None:
    async def test(desk: Desk) -> None:
        live = desk.centre.live
        assert (desk.reloads, rendered) == (0, [])
        desk.people.profiles[BORIS] = profile(BORIS, "B")
        desk.people.supervisors.add(BORIS)
        await desk.change()
        assert desk.presence(BORIS).kind is PresenceKind.OFF
        assert desk.centre.plan.may_pick(BORIS)
        assert desk.centre.devices.endpoint(BORIS) == "ct-102"
        desk.people.profiles[BORIS] = profile(BORIS, "Bo")
        await desk.change()
        message = desk.centre.of_type("agent")[-1][0]["agent"]
        assert isinstance(message, dict)
        assert (message["agent_id"], message["name"]) == (BORIS, "Bo")
        del desk.people.profiles[BORIS]
        await desk.change()
        assert live.seat(BORIS) is None
        assert desk.centre.devices.endpoint(BORIS) is None
        assert desk.centre.of_type("agent_gone")
        assert rendered == [["A", "B"], ["A", "Bo"], ["A"]]
        assert desk.reloads == 3
        await desk.change()
        assert desk.reloads == 3, "nothing has changed"

    run(test)


@pytest.mark.parametrize("away", ["database", "ami"])
def test_a_change_that_could_not_be_taken_is_tried_again(
    away: str, rendered: list[list[str]]
) -> None:
    async def test(desk: Desk) -> None:
        desk.people.profiles[BORIS] = profile(BORIS, "B")
        desk.people.away, desk.ami_away = away == "database", away == "ami"
        await desk.change()
        assert desk.reloads == 0
        desk.people.away = desk.ami_away = False
        await passed(RETRY_S + 1)
        assert desk.reloads == 1, "Asterisk knows the new phone"
        assert rendered[-1] == ["A", "B"]

    run(test)


def test_presences_are_restored_and_what_was_declared_meanwhile_stays() -> None:
    async def test(desk: Desk) -> None:
        desk.people.kept = {ANNA: AgentPresence(PresenceKind.NOT_READY, "break")}
        await desk.seats.restore_presences()
        assert desk.presence() == AgentPresence(PresenceKind.NOT_READY, "break")
        desk.centre.present(ANNA, PresenceKind.READY)
        await desk.seats.restore_presences()
        assert desk.presence() == READY

    run(test)


def test_presences_wait_for_a_database_that_is_away() -> None:
    async def test(desk: Desk) -> None:
        desk.people.kept, desk.people.away = {ANNA: READY}, True
        restored = asyncio.ensure_future(desk.seats.restore_presences())
        await passed(RETRY_S)
        assert not restored.done()
        desk.people.away = False
        await passed(RETRY_S + 1)
        assert restored.done()
        assert desk.presence() == READY

    run(test)


async def taken_out(desk: Desk) -> None:
    """Anna lets the phone ring until the distributor takes her out."""
    desk.people.kept = {ANNA: READY}
    await desk.seats.restore_presences()
    desk.centre.news.device_changed(ANNA, Device(reachable=True, busy=False))
    desk.centre.asterisk.call("c1")
    for _ in range(80):
        await passed(1)
        if desk.presence() == MISSED_OFFERS:
            return
    raise AssertionError("still ready")


def test_who_was_taken_out_is_so_after_a_restart_too() -> None:
    async def test(desk: Desk) -> None:
        await taken_out(desk)
        await passed(0.1)
        assert desk.people.kept[ANNA] == MISSED_OFFERS
        desk.centre.asterisk.hang_up("caller-c1")
        successor = Desk()
        successor.people.kept = desk.people.kept
        await successor.seats.load()
        await successor.seats.restore_presences()
        assert successor.presence() == MISSED_OFFERS

    run(test)


def test_a_decision_is_kept_when_the_database_is_back() -> None:
    async def test(desk: Desk) -> None:
        desk.people.kept = {ANNA: READY}
        await desk.seats.restore_presences()
        desk.people.away = True
        desk.seats.presence_decided(ANNA)
        await passed(1)
        assert desk.people.saved == []
        desk.people.away = False
        await passed(RETRY_S + 1)
        assert desk.people.saved == [READY], "what the seat is when it can be written"

    run(test)


def test_a_forced_presence_is_audited_when_the_database_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(seats_module, "FORCED_MAX", 1)
    forced = [AuditEntry(AuditTag.PRESENCE_FORCED, EPOCH, who) for who in ("chief", "duty")]

    async def test(desk: Desk) -> None:
        desk.people.kept = {ANNA: READY}
        await desk.seats.restore_presences()
        desk.people.away = True
        for one in forced:
            desk.seats.presence_forced(ANNA, one)
        await passed(1)
        assert desk.people.forced == []
        desk.people.away = False
        await passed(RETRY_S + 1)
        assert desk.people.forced == forced[:1], "as many as there is room for, each once"
        assert desk.people.saved == [READY], "with what the seat is when it can be written"

    run(test)


def test_a_declaration_during_the_write_wins() -> None:
    async def test(desk: Desk) -> None:
        await taken_out(desk)
        desk.people.slow_s = 1.0
        desk.seats.presence_decided(ANNA)
        await passed(0.5)
        desk.centre.present(ANNA, PresenceKind.READY)
        await passed(3)
        assert desk.people.kept[ANNA] == READY
        desk.centre.asterisk.hang_up("caller-c1")
        await passed(0.3)

    run(test)


def test_another_number_of_the_plan_is_rendered_and_the_same_numbers_are_not(
    rendered: list[list[str]],
) -> None:
    async def test(desk: Desk) -> None:
        plan = desk.centre.plan
        desk.seats.plan_changed()
        await passed(1)
        assert rendered == []
        entries = (*plan.document.entries, Entry(number="116117", queue="emergency"))
        plan.document = msgspec.structs.replace(plan.document, entries=entries)
        desk.seats.plan_changed()
        await passed(1)
        assert [names[-1] for names in rendered] == ["116117"]
        desk.seats.plan_changed()
        await passed(1)
        assert len(rendered) == 1

    run(test)
