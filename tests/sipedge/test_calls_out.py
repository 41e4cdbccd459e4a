"""What leaves by the edge: it reaches the carrier, comes back, and tells nothing of inside."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sim.stack import Stack, seats
from tests.sipedge.wire import EDGE, SDP, STRANGER, TRUNK, Answer, Peer, header, peer

pytestmark = [pytest.mark.asterisk, pytest.mark.stack]

NUMBER = "+37126000000"
WITHIN_S = 5.0


class Outside:
    """An Asterisk behind an edge, and the carrier that its calls go out to."""

    def __init__(self, stack: Stack, carrier: Peer) -> None:
        self.stack, self.carrier = stack, carrier

    async def place_call(self) -> str:
        """Asterisk calls; gives the INVITE as the carrier sees it."""
        host, port = self.carrier.address
        status = await self.stack.ari(
            "POST",
            "channels",
            endpoint=f"PJSIP/{NUMBER}@trunk",
            context="from-trunk",
            extension="999",
            priority="1",
            callerId="112",
        )
        assert status == 200
        assert (host, port) == self.carrier.address
        return await self.heard("INVITE ")

    async def heard(self, start: str) -> str:
        """The next message that begins so."""
        return await self.carrier.heard(start, within_s=WITHIN_S)

    def accept(self, invite: str, code: int = 200) -> None:
        """Answer the INVITE."""
        host, port = self.carrier.address
        kept = ("Via", "From", "Call-ID", "CSeq", "Record-Route")
        lines = invite.partition("\r\n\r\n")[0].split("\r\n")[1:]
        same = "".join(f"{line}\r\n" for line in lines if line.partition(":")[0] in kept)
        body = SDP if code == 200 else ""
        kind = "Content-Type: application/sdp\r\n" if body else ""
        self.carrier.send(
            f"SIP/2.0 {code} Answer\r\n{same}To: {header(invite, 'To')};tag=far\r\n"
            f"Contact: <sip:{host}:{port}>\r\n{kind}Content-Length: {len(body)}\r\n\r\n{body}"
        )


@pytest.fixture
async def outside(tmp_path: Path) -> AsyncIterator[Outside]:
    async with peer(0, TRUNK) as carrier:
        host, port = carrier.address
        stack = Stack(tmp_path / "stack", seats(1), edge=True, trunk_out=f"sip:{host}:{port}")
        carrier.edge_port = stack.ports.edge
        try:
            await stack.prepare()
            await stack.start_asterisk()
            await stack.start_edge()
            yield Outside(stack, carrier)
        finally:
            await stack.stop()


async def test_a_call_of_ours_goes_out_and_ends(outside: Outside) -> None:
    invite = await outside.place_call()
    host, port = outside.carrier.address
    assert invite.startswith(f"INVITE sip:{NUMBER}@{host}:{port} SIP/2.0\r\n")
    assert f"sip:{NUMBER}@{host}" in header(invite, "To")
    outside.accept(invite)
    acknowledged = await outside.heard("ACK ")
    assert header(acknowledged, "Call-ID") == header(invite, "Call-ID")
    bye = await outside.heard("BYE ")  # nobody has the number 999
    # The names within the dialog are those that it began with (RFC 3261 §12.2.1.1).
    for name in ("From", "To"):
        assert header(bye, name).partition(";")[0] == header(invite, name).partition(";")[0]
    outside.accept(bye)


async def test_nothing_of_ours_leaves_with_it(outside: Outside) -> None:
    stack = outside.stack
    invite = await outside.place_call()
    outside.accept(invite)
    for text in (invite, await outside.heard("ACK "), await outside.heard("BYE ")):
        head = text.partition("\r\n\r\n")[0]
        assert "X-CCServer" not in head
        assert stack.trunk_token not in head
        assert f":{stack.ports.sip}" not in head, "an Asterisk's address"
        assert not re.search("asterisk|kamailio", text, re.IGNORECASE)


async def test_a_refusal_comes_back_as_it_is(outside: Outside) -> None:
    invite = await outside.place_call()
    outside.accept(invite, 486)
    acknowledged = await outside.heard("ACK ")
    assert header(acknowledged, "CSeq").endswith(" ACK")
    channels = await outside.stack.asterisk_cli("core show channels count")
    assert "0 active channels" in channels


async def test_a_stranger_cannot_send_anything_out(outside: Outside) -> None:
    """Neither by a number of somebody else's, nor by a route that was made up."""
    host, port = outside.carrier.address
    edge = f"{EDGE}:{outside.stack.ports.edge}"
    async with peer(outside.stack.ports.edge, STRANGER) as stranger:
        for headers in ({}, {"Route": f"<sip:{edge};lr>"}):
            request = stranger.request("INVITE", uri=f"sip:{NUMBER}@{host}:{port}", headers=headers)
            assert await stranger.answer_to(request, within_s=1) is None


async def test_a_trunk_cannot_send_anything_out_either(outside: Outside) -> None:
    """We carry no calls between strangers: a number that is not ours is not found."""
    edge = f"{EDGE}:{outside.stack.ports.edge}"
    async with peer(outside.stack.ports.edge, "127.0.1.9") as trunk:
        for uri, headers in (
            (f"sip:{NUMBER}@{edge}", {}),
            (f"sip:{NUMBER}@198.51.100.7", {}),
            (f"sip:{NUMBER}@198.51.100.7", {"Route": f"<sip:{edge};lr>"}),
        ):
            request = trunk.request("INVITE", uri=uri, headers=headers)
            answer = await trunk.answer_to(request, within_s=3)
            assert isinstance(answer, Answer)
            assert answer.code in (403, 404)
            trunk.within(answer, request, "ACK")
