"""The simulator's audio stream: what comes is kept in order, and whoever waits in vain for a voice
is told what came instead, from where and how long ago.
"""

import asyncio
from collections.abc import AsyncIterator

import pytest

from sim.sip import Media, Voices
from sim.sip.rtp import HEADER, SOURCES_MAX
from sim.sip.sdp import PCMA
from sim.sip.waits import within

PEER = ("127.0.0.9", 4000)


def packet(
    sequence: int, octets: bytes = bytes(160), *, stream: int = 1, kind: int = PCMA
) -> bytes:
    return HEADER.pack(0x80, kind, sequence & 0xFFFF, 0, stream) + octets


@pytest.fixture
async def media() -> AsyncIterator[Media]:
    opened = await Media.open("127.0.0.1")
    yield opened
    opened.close()


def speaks(media: Media, party: int, *, first: int = 0, stream: int = 1) -> None:
    voices = Voices(party)
    for number in range(50):
        media.datagram_received(packet(first + number, voices.frame(number), stream=stream), PEER)


async def test_a_late_packet_is_left_out_and_a_lost_one_is_silence(media: Media) -> None:
    for sequence in (65534, 65535, 2, 1):
        media.datagram_received(packet(sequence), PEER)
    assert len(media.samples()) == 5 * 160
    assert media.received == 4


async def test_another_stream_may_count_from_anywhere(media: Media) -> None:
    speaks(media, 4, first=200)
    speaks(media, 7, first=100, stream=2)
    assert media.parties(2.0) == {4, 7}


async def test_who_waits_in_vain_is_told_what_came(media: Media) -> None:
    speaks(media, 5)
    media.datagram_received(packet(9, kind=101), PEER)
    media.talk("127.0.0.8", 9, Voices(1))
    with pytest.raises(TimeoutError) as told:
        await media.hears(6, timeout_s=0.2)
    text = str(told.value)
    for known in (
        "party 6 is not heard",
        "heard in the last 1 s: 5, loudness 0.1",
        "received 50",
        "50 of them from 127.0.0.9:4000 as 00000001, the last 0.",
        "left out 1",
        "to 127.0.0.8:9",
        "waited 0.2 s",
    ):
        assert known in text


async def test_who_waits_without_a_peer_is_told_that(media: Media) -> None:
    with pytest.raises(TimeoutError, match=r"received 0; .*sent 0 to nobody"):
        await media.hears(6, timeout_s=0.01)
    media.close()
    assert media.account().startswith("closed")


async def test_a_peer_that_changes_its_stream_for_ever_is_counted_within_bounds(
    media: Media,
) -> None:
    for stream in range(3 * SOURCES_MAX):
        media.datagram_received(packet(1, stream=stream), PEER)
    assert media.account().count("of them from") == SOURCES_MAX
    assert media.received == 3 * SOURCES_MAX


async def test_a_deadline_speaks_for_itself_and_for_no_other() -> None:
    with pytest.raises(TimeoutError, match=r"nothing came \(waited 0.01 s\)"):
        async with within(0.01, lambda: "nothing came"):
            await asyncio.sleep(10)
    with pytest.raises(TimeoutError, match="of another"):
        async with within(10, lambda: "nothing came"):
            raise TimeoutError("of another")
