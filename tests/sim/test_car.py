"""A simulated car against a centre made of the simulator's own user agent: its data, times and
identifiers are those of the standard, it obeys and disobeys as told, and every fault is one.
"""

import asyncio
from collections.abc import AsyncIterator

import pytest

from ccserver.ecall import control, msd
from ccserver.ecall.values import MSDInvalid
from sim.car import MSD_TYPE, PACKAGE, Car, Vehicle
from sim.faulty import BREAKS_SIP, FAULTS, call_with
from sim.sip import UA, Call, CallFailed, Media, Part, SIPInvalid, divided
from sim.sip.waits import within


class Centre:
    """Answers every call, acknowledges what is readable, and keeps what came."""

    def __init__(self, agent: UA) -> None:
        self.agent = agent
        self.calls: list[Call] = []
        self.refuses = 0
        agent.on_call = self._answer

    async def _answer(self, call: Call) -> None:
        if self.refuses:
            self.refuses -= 1
            call.reject(503)
            return
        self.calls.append(call)
        parts = []
        for part in self.parts(call):
            if part.content_type == MSD_TYPE:
                body = control.ack_xml(part.content_id, msd.structurally_plausible(part.body))
                parts.append(Part(control.CONTENT_TYPE, body, content_id="ack@centre"))
        await call.answer(parts=parts)

    @staticmethod
    def parts(call: Call) -> tuple[Part, ...]:
        try:
            return divided(call.invite.content_type, call.invite.body)
        except SIPInvalid:
            return ()

    def data(self, number: int = -1) -> bytes:
        found = [p.body for p in self.parts(self.calls[number]) if p.content_type == MSD_TYPE]
        return found[0]

    async def ask(self) -> int:
        part = Part(control.CONTENT_TYPE, control.request_xml(), content_id="ask@centre")
        return (await self.calls[-1].info(PACKAGE, [part])).code


@pytest.fixture
async def centre() -> AsyncIterator[Centre]:
    async with UA(user="112", t1_s=0.05) as agent:
        yield Centre(agent)


@pytest.fixture
async def car(centre: Centre) -> AsyncIterator[Car]:
    uri = f"sip:127.0.0.1:{centre.agent.port}"
    async with Car(uri, t1_s=0.05, redial_for_s=2.0, redial_pause_s=0.05) as one:
        yield one


@pytest.mark.parametrize("kind", ["automatic", "manual", "test"])
@pytest.mark.parametrize("version", [2, 3])
async def test_a_car_says_what_it_is(centre: Centre, car: Car, kind: str, version: int) -> None:
    car.kind = kind
    car.move(version=version, latitude=56.5, longitude=-1.25, direction_deg=358)
    call = await car.connected()
    assert call.invite.uri.startswith("urn:service:")
    assert call.invite.uri.endswith(f".{kind}") or kind == "test"
    read = msd.decode(centre.data())
    assert read.oddities == ()
    assert read.msd.version == version
    assert (read.msd.automatic_activation, read.msd.test_call) == (
        kind == "automatic",
        kind == "test",
    )
    assert read.msd.position == (56.5, -1.25)
    assert read.msd.direction_deg == 358
    assert read.msd.message_identifier == 1
    assert [ack.received for ack in car.heard.acks] == [True]
    capabilities = [p for p in centre.parts(call) if p.content_type == control.CONTENT_TYPE]
    assert control.parse(capabilities[0].body).can_send_msd


async def test_fresh_data_has_the_next_number_and_the_same_time(centre: Centre, car: Car) -> None:
    await car.connected()
    assert await centre.ask() == 200
    sent = await centre.calls[-1].wait_request("INFO")
    assert await car.send_data() == 200
    again = await centre.calls[-1].wait_request("INFO", count=2)
    read = [msd.decode(divided(r.content_type, r.body)[0].body).msd for r in (sent, again)]
    assert [one.message_identifier for one in read] == [2, 3]
    assert {one.timestamp for one in read} == {car.timestamp}
    assert [request.datatype for request in car.heard.requests] == ["eCall.MSD"]


async def test_a_car_may_refuse_or_keep_silent(centre: Centre, car: Car) -> None:
    await car.connected()
    car.answers.on_request = "refuse"
    assert await centre.ask() == 200
    told = await centre.calls[-1].wait_request("INFO")
    (part,) = divided(told.content_type, told.body)
    (result,) = control.parse(part.body).action_results
    assert (result.success, result.reason) == (False, "unable")
    car.answers.on_request = "reject"
    assert await centre.ask() == 469
    car.answers.on_request = "silent"
    assert await centre.ask() == 200
    car.answers.on_request = "deaf"
    with pytest.raises(CallFailed):
        await centre.calls[-1].info(PACKAGE, [Part("x/y", b"")], timeout_s=0.3)
    assert len(centre.calls[-1].received) == 1


async def test_a_car_that_is_called_back_answers_and_sends_fresh_data(
    centre: Centre, car: Car
) -> None:
    await car.connected()
    await car.hang_up()
    back = await centre.agent.call(car.uri, headers=[("Priority", "psap-callback")])
    await back.answered(5)
    assert car.heard.callbacks[0].invite.get("Priority") == "psap-callback"
    centre.calls.append(back)
    assert await centre.ask() == 200
    fresh = await back.wait_request("INFO")
    assert msd.decode(divided(fresh.content_type, fresh.body)[0].body).msd.message_identifier == 2
    await back.bye()
    car.answers.on_callback = "busy"
    assert (await (await centre.agent.call(car.uri)).final(5)).code == 486


async def test_a_car_that_was_cut_off_calls_again_with_the_same_incident(
    centre: Centre, car: Car
) -> None:
    await car.connected()
    car.drop()
    centre.refuses = 2
    await car.redial()
    first, second = (msd.decode(centre.data(number)).msd for number in (0, 1))
    assert (first.timestamp, first.vin) == (second.timestamp, second.vin)
    assert (first.message_identifier, second.message_identifier) == (1, 4)
    centre.refuses = 10_000
    with pytest.raises(CallFailed):
        await car.redial()


async def test_all_who_sit_in_a_car_are_heard_until_they_fall_silent(centre: Centre) -> None:
    hop = f"sip:127.0.0.1:{centre.agent.port}"
    async with Car(hop, t1_s=0.05, tone=30, passengers=(31, 33)) as car:
        assert car.voices is not None
        await car.connected()
        heard = centre.calls[-1].media
        assert heard is not None
        await _hears_just(heard, {30, 31, 33})
        car.voices.hush(30)
        await _hears_just(heard, {31, 33})
        car.voices.speak(35)
        await _hears_just(heard, {31, 33, 35})
        await car.hang_up()
        back = await centre.agent.call(car.uri)
        await back.answered()
        assert back.media is not None
        await _hears_just(back.media, {31, 33, 35})
        await back.bye()


async def test_a_car_without_voices_sends_no_sound(centre: Centre, car: Car) -> None:
    call = await car.connected()
    assert await car.send_data() == 200
    assert call.media is not None
    assert call.media.sent == 0


async def _hears_just(media: Media, parties: set[int]) -> None:
    async with within(30, media.account):
        while media.parties() != parties:  # noqa: ASYNC110 - sound has no event
            await asyncio.sleep(0.05)


async def test_what_a_car_does_not_know_is_said_to_be_unknown(centre: Centre, car: Car) -> None:
    car.vehicle = Vehicle(latitude=None, longitude=None, direction_deg=None, occupants=None)
    await car.connected()
    read = msd.decode(centre.data()).msd
    assert (read.position, read.direction_deg, read.occupants) == (None, None, None)


@pytest.mark.parametrize("name", [name for name in FAULTS if name not in BREAKS_SIP])
async def test_every_fault_is_a_call_with_that_fault(centre: Centre, car: Car, name: str) -> None:
    call = await call_with(car, name)
    await call.answered(5)
    fault = FAULTS[name]
    if fault.ack is not None:
        assert car.read_acks(call) is fault.ack
    if name.startswith("msd_"):
        try:
            read = msd.decode(centre.data())
        except MSDInvalid:
            return
        # What follows the data is padding, and no fault of its own.
        assert read.oddities or name in ("msd_141_octets", "msd_huge")


async def test_what_breaks_the_message_is_sent_all_the_same(centre: Centre, car: Car) -> None:
    for name in BREAKS_SIP:
        call = await call_with(car, name)
        async with asyncio.timeout(60):
            while True:
                if any(call.call_id.encode() in traced.data for traced in centre.agent.trace):
                    break
                await asyncio.sleep(0.01)
        call.finish()
