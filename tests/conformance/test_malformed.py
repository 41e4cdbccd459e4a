"""Calls for help that are unusual or wrong, through the real edge to the real Asterisk: the caller
is heard, or gets a refusal that a car understands (4xx); never silence, and nothing is hurt.
"""

import asyncio
from collections.abc import Callable

import pytest

from ccserver.ecall import control
from sim.car import Car
from sim.faulty import FAULTS, call_with
from sim.sip import Media, divided
from sim.sip.rtp import loudness
from sim.sipp.ends import Ends, invite
from sim.sipp.probe import Outcome
from tests.conformance.malformed import UNUSUAL
from tests.conformance.noise import noisy
from tests.conformance.streams import Stream, is_heard
from tests.conformance.world import TRUNK, World

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("conformance")]
in_session = pytest.mark.asyncio(loop_scope="session")

LISTEN_S = 0.2
LISTEN_TIMES = 150
SEED = 1
NOISY = 100
AT_ONCE = 50
NOISY_WAIT_S = 3.5
"""Asterisk drops some in silence; then the edge refuses them after a second and a half."""
QUIET = 0.001


def offers_voice(outcome: Outcome) -> bool:
    """Whether an answer accepts the call and has an audio stream in it."""
    final = outcome.final
    if final is None or final.code != 200:
        return False
    kind = (final.headers("Content-Type") or [""])[0]
    for part in divided(kind, final.body):
        if part.content_type.lower().startswith("application/sdp"):
            lines = part.body.decode().splitlines()
            return any(line.startswith("m=audio ") and line[8:10] != "0 " for line in lines)
    return False


@in_session
@pytest.mark.parametrize("name", UNUSUAL)
async def test_an_unusual_call_is_heard_or_refused_in_order(world: World, name: str) -> None:
    unusual = UNUSUAL[name]
    outcome = await world.ask(TRUNK, unusual.build)
    if unusual.voice:
        assert offers_voice(outcome), outcome.codes
    else:
        assert offers_voice(outcome) or outcome.digit == "4", outcome.codes
    assert not outcome.strangers


@in_session
@pytest.mark.parametrize("name", FAULTS)
async def test_a_car_with_a_fault_is_heard(world: World, name: str) -> None:
    fault = FAULTS[name]
    async with Car(f"sip:127.0.0.1:{world.port}", host=TRUNK, tone=3) as car:
        call = await call_with(car, name)
        response = await call.final()
        if response.code >= 300:
            assert fault.call_taken is None, f"{fault.says}: {response.code}"
            assert 400 <= response.code < 500
            return
        if fault.ack is not None:
            assert car.read_acks(call) is fault.ack, fault.says
        assert call.media is not None
        await _sounds(call.media)
        assert not car.heard.unreadable
        await car.hang_up()


async def _sounds(media: Media) -> None:
    """Wait until something is heard: the greeting or the music of who waits."""
    for _ in range(LISTEN_TIMES):
        if loudness(media.samples(LISTEN_S)) >= QUIET:
            return
        await asyncio.sleep(LISTEN_S)
    pytest.fail("the caller hears nothing")


@in_session
async def test_a_call_by_tcp_may_come_in_pieces(world: World) -> None:
    async with Stream.open("127.0.0.1", world.port, TRUNK) as stream:
        octets = invite(stream.ends)
        pieces = [octets[at : at + 7] for at in range(0, len(octets), 7)]
        assert await is_heard(stream, stream.ends, *pieces, pause_s=0.001)


@in_session
async def test_two_calls_by_tcp_may_come_at_once_with_empty_lines_between(world: World) -> None:
    async with Stream.open("127.0.0.1", world.port, TRUNK) as stream:
        first, second = stream.ends, stream.again()
        await stream.send(b"\r\n\r\n" + invite(first) + b"\r\n\r\n" + invite(second))
        answers = [await stream.answer(), await stream.answer()]
        taken = [answer for answer in answers if answer is not None and answer.code == 200]
        assert {answer.headers("Call-ID")[0] for answer in taken} == {first.call_id, second.call_id}
        for answer in taken:
            of = first if answer.headers("Call-ID")[0] == first.call_id else second
            await stream.end(of, answer)


@in_session
@pytest.mark.parametrize(
    "build",
    [
        lambda e: invite(e, length="-999"),
        lambda e: invite(e, length="99999999999999999999"),
        lambda e: invite(e).replace(b"\r\n\r\n", b"\r\nX-Endless: " + b"x" * 100_000, 1),
        lambda _: bytes(range(256)) * 64,
        lambda _: b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        lambda _: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
        lambda e: invite(e)[:200],
    ],
    ids=["length-negative", "length-huge", "header-endless", "noise", "http", "tls", "cut-off"],
)
async def test_what_is_wrong_by_tcp_harms_that_connection_alone(
    world: World, build: Callable[[Ends], bytes]
) -> None:
    async with (
        Stream.open("127.0.0.1", world.port, TRUNK) as other,
        Stream.open("127.0.0.1", world.port, TRUNK) as stream,
    ):
        await stream.send(build(stream.ends))
        answer = await stream.answer(wait_s=0.3)
        assert answer is None or answer.code >= 400
        assert await is_heard(other, other.ends)


@in_session
async def test_octets_changed_at_random_harm_nobody(world: World) -> None:
    """eCalls that are almost good: what is answered is for their senders alone."""

    async def one(build: Callable[[Ends], bytes]) -> Outcome:
        async with turn:
            return await world.ask(TRUNK, build, wait_s=NOISY_WAIT_S)

    turn = asyncio.Semaphore(AT_ONCE)
    outcomes = await asyncio.gather(*(one(build) for build in noisy(SEED, NOISY)))
    assert world.lives()
    assert not [outcome.strangers for outcome in outcomes if outcome.strangers]
    heard = [outcome for outcome in outcomes if offers_voice(outcome)]
    assert len(heard) > NOISY / 3, "most of them can be read"
    assert {outcome.digit for outcome in outcomes} <= {"2", "4", "5", "-"}
    # Asterisk may be believed dead until it answers the next probe; calls go on all the same.
    assert offers_voice(await world.ask(TRUNK, invite))


@in_session
async def test_a_good_car_is_served_as_ever(world: World) -> None:
    assert world.lives()
    async with Car(f"sip:127.0.0.1:{world.port}", host=TRUNK) as car:
        call = await car.connected()
        assert [ack.received for ack in car.heard.acks] == [True]
        assert control.CONTENT_TYPE.lower() in {p.content_type.lower() for p in call.answer_parts}
        await car.hang_up()
    await world.nothing_left()
