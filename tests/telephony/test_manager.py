"""What goes through AMI: phones' states are kept, phones reloaded, callers taken back.

Asterisk is a list of actions and answers; the link itself is proved on a real one.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress

import pytest

from ccserver.telephony import manager as managers
from ccserver.telephony.ami import AMIClient, AMIResponse
from ccserver.telephony.ami_protocol import AMIMessage, FieldValue
from ccserver.telephony.devices import Device, Devices
from ccserver.telephony.errors import AMIRefused, AMITimeout, TelephonyError
from ccserver.telephony.manager import Manager
from ccserver.types import AgentId, LegId
from tests.faults.links import ami_settings

WITHIN_S = 20.0
SEAT = AgentId("agent-101")
OK = AMIMessage((("Response", "Success"),))


class Asterisk(AMIClient):
    """Notes the actions; ``refuse`` some of them; ``states`` answers the list of devices."""

    def __init__(self) -> None:
        super().__init__(ami_settings(1))
        self.asked: list[tuple[str, Mapping[str, FieldValue]]] = []
        self.refuse: dict[str, TelephonyError] = {}
        self.states: list[AMIMessage] = []
        self.events: asyncio.Queue[AMIMessage] = asyncio.Queue()
        self.refused = asyncio.Event()

    @property
    def ready(self) -> bool:
        return True

    async def run(
        self, on_connected: Callable[[], Awaitable[None]], on_lost: Callable[[], None]
    ) -> None:
        with suppress(TelephonyError):  # the link would connect again
            await on_connected()

    async def next_event(self) -> AMIMessage:
        return await self.events.get()

    async def request(
        self,
        action: str,
        fields: Mapping[str, FieldValue] | None = None,
        *,
        deadline_s: float | None = None,
    ) -> AMIResponse:
        self.asked.append((action, fields or {}))
        if action in self.refuse:
            self.refused.set()
            raise self.refuse[action]
        return AMIResponse(OK, tuple(self.states) if action == "DeviceStateList" else ())


class Told:
    """What is told of phones."""

    def __init__(self) -> None:
        self.devices: list[Device] = []
        self.news = asyncio.Event()

    def __call__(self, agent_id: AgentId, device: Device) -> None:
        assert agent_id == SEAT
        self.devices.append(device)
        self.news.set()

    async def wait(self, count: int) -> None:
        async with asyncio.timeout(WITHIN_S):
            while len(self.devices) < count:
                self.news.clear()
                await self.news.wait()


def manager(asterisk: Asterisk) -> tuple[Manager, Told]:
    told = Told()
    devices = Devices(told)
    devices.add(SEAT, "ct-101")
    return Manager(asterisk, devices), told


def state(value: str, event: str = "DeviceStateChange") -> AMIMessage:
    return AMIMessage((("Event", event), ("Device", "PJSIP/ct-101"), ("State", value)))


@asynccontextmanager
async def running(made: Manager) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(work) for work in made.services().values()]
    try:
        yield
        for task in tasks:
            assert not task.done() or task.exception() is None
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_every_connection_begins_with_the_states_of_all_phones() -> None:
    asterisk = Asterisk()
    asterisk.states = [state("UNAVAILABLE")]
    made, told = manager(asterisk)
    async with running(made):
        await told.wait(1)
    assert told.devices == [Device(reachable=False, busy=False)]


async def test_changes_of_phones_are_taken_and_other_events_passed_over() -> None:
    asterisk = Asterisk()
    made, told = manager(asterisk)
    async with running(made):
        for message in (state("RINGING", "Hold"), state("NOT_INUSE"), state("INUSE")):
            asterisk.events.put_nowait(message)
        await told.wait(2)
    assert told.devices == [Device(reachable=True, busy=False), Device(reachable=True, busy=True)]


async def test_states_are_asked_anew_although_one_asking_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(managers, "DEVICES_INTERVAL_S", 0.001)
    asterisk = Asterisk()
    made, told = manager(asterisk)
    asterisk.refuse["DeviceStateList"] = AMITimeout("no answer")
    async with running(made):
        for _ in ("at the connection", "later"):
            async with asyncio.timeout(WITHIN_S):
                await asterisk.refused.wait()
            asterisk.refused.clear()
        asterisk.refuse.clear()
        asterisk.states = [state("NOT_INUSE")]
        await told.wait(1)


async def test_phones_are_reloaded_by_their_modules() -> None:
    asterisk = Asterisk()
    made, _ = manager(asterisk)
    await made.reload_phones()
    assert [fields["Module"] for _, fields in asterisk.asked] == [
        "res_pjsip.so",
        "app_queue.so",
        "pbx_config.so",
    ]
    assert {fields["LoadType"] for _, fields in asterisk.asked} == {"reload"}


async def test_a_caller_who_cannot_be_taken_back_stays_where_somebody_answers() -> None:
    asterisk = Asterisk()
    made, _ = manager(asterisk)
    await made.redirect_to_claim("PJSIP/trunk-00000001")
    asterisk.refuse["Redirect"] = AMIRefused("no such channel")
    await made.redirect_to_claim("PJSIP/trunk-00000002")
    first, second = asterisk.asked
    assert first == (
        "Redirect",
        {
            "Channel": "PJSIP/trunk-00000001",
            "Context": "contact",
            "Exten": "claim",
            "Priority": "1",
        },
    )
    assert second[1]["Channel"] == "PJSIP/trunk-00000002"


async def test_who_wants_a_phone_to_answer_hears_that_it_does_not() -> None:
    asterisk = Asterisk()
    made, _ = manager(asterisk)
    await made.answer_phone(LegId("leg-1"))
    assert asterisk.asked == [("PJSIPNotify", {"Channel": "leg-1", "Variable": "Event=talk"})]
    asterisk.refuse["PJSIPNotify"] = AMIRefused("no")
    with pytest.raises(AMIRefused):
        await made.answer_phone(LegId("leg-1"))
