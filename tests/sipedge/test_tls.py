"""The edge by TLS: telephones from anywhere, trunks that show a certificate, and strangers.

Certificates are made by openssl for each run.
"""

import asyncio
import contextlib
import hashlib
import re
import secrets
import ssl
import warnings
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ccserver.accounts import AgentProfile
from ccserver.sipedge import conf
from sim.stack import Stack, seats
from tests.sipedge.secure import Authority, put_tls_on, read_message
from tests.sipedge.wire import EDGE, SDP, STRANGER, TRUNK, Answer, header, peer

pytestmark = [pytest.mark.asterisk, pytest.mark.stack]

IDLE_S = 2


class Site:
    """An edge with TLS in front of one Asterisk."""

    def __init__(self, stack: Stack, authority: Authority, folder: Path) -> None:
        self.stack, self.authority, self.folder = stack, authority, folder

    def context(self, own: tuple[Path, Path] | None = None) -> ssl.SSLContext:
        return self.authority.context(own)

    async def ask(
        self, address: str, method: str, own: tuple[Path, Path] | None = None
    ) -> Answer | None:
        """Send one request by TLS from that address; gives the final answer."""
        port = self.stack.ports.edge_tls
        reader, writer = await asyncio.open_connection(
            EDGE, port, ssl=self.context(own), local_addr=(address, 0)
        )
        host, own_port = writer.get_extra_info("sockname")[:2]
        async with peer(port, address) as made:
            text = made.request(method, uri=f"sip:112@{EDGE}:{port};transport=tls")
        text = text.replace("SIP/2.0/UDP", "SIP/2.0/TLS")
        via = header(text, "Via")
        text = text.replace(via.split(";")[0], f"SIP/2.0/TLS {host}:{own_port}")
        try:
            writer.write(text.encode())
            await writer.drain()
            async with asyncio.timeout(3):
                while True:
                    answer = await read_message(reader)
                    if answer.code >= 200:
                        return answer
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError):
            return None
        finally:
            writer.close()
            with contextlib.suppress(OSError, ssl.SSLError):
                await writer.wait_closed()

    def log(self) -> str:
        return (self.stack.data_dir / "edge.log").read_text()


class Telephone:
    """A call taker's telephone that lives on one TLS connection from a foreign address."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, profile: AgentProfile
    ) -> None:
        self._reader, self._writer, self._profile = reader, writer, profile
        host, port = writer.get_extra_info("sockname")[:2]
        self.address = f"{host}:{port}"
        self._sequence = 0
        self._heard: list[str] = []

    async def next(self, start: str) -> str:
        """The first message that begins so and was not given yet; others may come before it."""
        async with asyncio.timeout(5):
            while True:
                for text in self._heard:
                    if text.startswith(start):
                        self._heard.remove(text)
                        return text
                text = (await read_message(self._reader)).text
                self._heard.append(text)
                if text.startswith("OPTIONS "):
                    await self.answer(text, 200)

    async def register(self) -> str:
        """Register with the password; gives the final answer."""
        await self._register("")
        asked = header(await self.next("SIP/2.0 401"), "WWW-Authenticate")
        fields = dict(re.findall(r'(\w+)="?([^",]+)"?', asked))
        user, uri = self._profile.sip_username, f"sip:{EDGE}"
        secret = md5(f"{user}:{fields['realm']}:{self._profile.sip_password}")
        count = f"00000001:c:{fields['qop']}"
        response = md5(f"{secret}:{fields['nonce']}:{count}:{md5(f'REGISTER:{uri}')}")
        opaque = f', opaque="{fields["opaque"]}"' if "opaque" in fields else ""
        await self._register(
            f'Authorization: Digest username="{user}", realm="{fields["realm"]}", uri="{uri}", '
            f'nonce="{fields["nonce"]}", qop={fields["qop"]}, nc=00000001, cnonce="c", '
            f'response="{response}", algorithm=MD5{opaque}\r\n'
        )
        return await self.next("SIP/2.0 ")

    async def _register(self, authorization: str) -> None:
        self._sequence += 1
        user = self._profile.sip_username
        await self._send(
            f"REGISTER sip:{EDGE} SIP/2.0\r\n"
            f"Via: SIP/2.0/TLS {self.address};branch=z9hG4bK{secrets.token_hex(8)};rport\r\n"
            f"From: <sip:{user}@{EDGE}>;tag=t\r\nTo: <sip:{user}@{EDGE}>\r\n"
            f"Call-ID: registers\r\nCSeq: {self._sequence} REGISTER\r\nMax-Forwards: 70\r\n"
            f"Contact: <sip:{user}@192.168.1.2:5061;transport=tls>\r\nExpires: 120\r\n"
            f"Supported: path\r\nPath: <sip:203.0.113.66;lr>\r\n"
            f"{authorization}Content-Length: 0\r\n\r\n"
        )

    async def answer(self, request: str, code: int, body: str = "") -> None:
        """Answer a request."""
        kept = ("via", "from", "call-id", "cseq", "record-route")
        lines = request.partition("\r\n\r\n")[0].split("\r\n")[1:]
        same = "".join(f"{line}\r\n" for line in lines if line.partition(":")[0].lower() in kept)
        to = header(request, "To")
        tag = "" if ";tag=" in to else ";tag=phone"
        kind = "Content-Type: application/sdp\r\n" if body else ""
        await self._send(
            f"SIP/2.0 {code} Answer\r\n{same}To: {to}{tag}\r\n"
            f"Contact: <sip:phone@192.168.1.2:5061;transport=tls>\r\n{kind}"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        )

    async def _send(self, text: str) -> None:
        self._writer.write(text.encode())
        await self._writer.drain()


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"), "authority")


@pytest.fixture
async def site(
    tmp_path: Path, authority: Authority, request: pytest.FixtureRequest
) -> AsyncIterator[Site]:
    stack = Stack(tmp_path / "stack", seats(1), edge=True)
    put_tls_on(stack, authority, ask_trunks=getattr(request, "param", True))
    try:
        await stack.prepare()
        conf.render(stack.config, limits=conf.Limits(connection_idle_s=IDLE_S))
        await stack.start_asterisk()
        await stack.start_edge()
        yield Site(stack, authority, tmp_path)
    finally:
        await stack.stop()


async def test_a_telephone_from_anywhere_is_asked_for_its_password(site: Site) -> None:
    answer = await site.ask(STRANGER, "REGISTER")
    assert answer is not None
    assert answer.code == 401


async def test_a_stranger_by_tls_calls_nobody(site: Site) -> None:
    answer = await site.ask(STRANGER, "INVITE")
    assert answer is None or answer.code in (401, 403)


async def test_a_trunk_with_a_certificate_is_answered(site: Site) -> None:
    answer = await site.ask(TRUNK, "INVITE", site.authority.sign("carrier"))
    assert answer is not None
    assert answer.code == 200


async def test_a_trunk_without_a_certificate_is_not_believed(site: Site) -> None:
    assert await site.ask(TRUNK, "INVITE") is None
    assert "event=no_certificate trunk=operator" in site.log()


async def test_a_trunk_with_somebody_elses_certificate_is_not_believed(site: Site) -> None:
    other = Authority(site.folder, "other")
    assert await site.ask(TRUNK, "INVITE", other.sign("impostor")) is None
    assert "event=no_certificate trunk=operator" in site.log()


@pytest.mark.parametrize("site", [False], indirect=True)
async def test_where_no_certificate_is_asked_for_the_address_is_enough(site: Site) -> None:
    answer = await site.ask(TRUNK, "INVITE")
    assert answer is not None
    assert answer.code == 200


async def test_old_versions_of_tls_are_refused(site: Site) -> None:
    context = site.context()
    with warnings.catch_warnings(action="ignore"):
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await asyncio.open_connection(EDGE, site.stack.ports.edge_tls, ssl=context)


async def test_what_is_no_tls_hurts_nobody(site: Site) -> None:
    for junk in (b"\x16\x03\x01\xff\xff", b"INVITE sip:112 SIP/2.0\r\n\r\n", b"\0" * 4096):
        _, writer = await asyncio.open_connection(EDGE, site.stack.ports.edge_tls)
        writer.write(junk)
        await writer.drain()
        writer.close()
    answer = await site.ask(TRUNK, "INVITE", site.authority.sign("carrier"))
    assert answer is not None
    assert answer.code == 200


async def test_a_telephone_from_anywhere_is_called_on_its_own_connection(site: Site) -> None:
    """Behind a router nobody could open another one to it."""
    reader, writer = await asyncio.open_connection(
        EDGE, site.stack.ports.edge_tls, ssl=site.context(), local_addr=(STRANGER, 0)
    )
    profile = site.stack.profiles["101"]
    phone = Telephone(reader, writer, profile)
    accepted = await phone.register()
    assert accepted.startswith("SIP/2.0 200")
    # A path of somebody else's would send the calls there.
    (path,) = Answer(200, accepted, 0.0).all("Path")
    assert path.startswith(f"<sip:{EDGE}:{site.stack.ports.edge};lr;received=sip:{STRANGER}:")
    # Idle for longer than a stranger's connection may be, it is still there.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(3 * IDLE_S):
            await phone.next("nothing but OPTIONS")
    # Whoever answers is hung up on: there is no such number.
    endpoint = f"PJSIP/{profile.sip_username}"
    status = await site.stack.ari(
        "POST", "channels", endpoint=endpoint, context="from-trunk", extension="999", priority="1"
    )
    assert status == 200
    invite = await phone.next("INVITE ")
    assert site.stack.trunk_token not in invite
    await phone.answer(invite, 200, SDP)
    assert header(await phone.next("ACK "), "Call-ID") == header(invite, "Call-ID")
    bye = await phone.next("BYE ")
    assert header(bye, "Call-ID") == header(invite, "Call-ID")
    await phone.answer(bye, 200)
    writer.close()
