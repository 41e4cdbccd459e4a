"""Only servers on the list are asked for a place, over TLS, for a while, and wherever they point.

The servers are real ones on loopback, with certificates of an authority made for the test.
"""

import asyncio
import socket
import ssl
import subprocess
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web

from ccserver.calldata.names import PENDING_MAX
from ccserver.calldata.references import BYTES_MAX, AllowList, Dereferencer, ReferenceFailed
from ccserver.config import CallDataSettings
from ccserver.location.pidf import PIDFLO
from tests.calldata.samples import pidf

HELD = (
    b'<locationResponse xmlns="urn:ietf:params:xml:ns:geopriv:held">%b</locationResponse>' % pidf()
)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate of ``localhost``, which is its own authority."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
            *("-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")),
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )
    return folder


class Server:
    """A location server; ``asked`` are its requests."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.asked: list[tuple[str, str, bytes]] = []
        self.handler: Handler = held

    @property
    def uri(self) -> str:
        return f"https://localhost:{self.port}/held/1"

    def settings(self, ca: Path, *hosts: str, timeout_s: float = 10.0) -> CallDataSettings:
        named = hosts or ("localhost",)
        return CallDataSettings(
            location_hosts=named, location_timeout_s=timeout_s, location_ca=str(ca / "cert.pem")
        )


async def held(_: web.Request) -> web.Response:
    return web.Response(body=HELD, content_type="application/held+xml")


@pytest.fixture
async def server(certificate: Path) -> AsyncIterator[Server]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    made = Server(0)

    async def handle(request: web.Request) -> web.StreamResponse:
        made.asked.append((request.method, request.content_type, await request.read()))
        return await made.handler(request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    made.port = runner.addresses[0][1]
    yield made
    await runner.cleanup()


async def failed(settings: CallDataSettings, uri: str) -> str:
    with pytest.raises(ReferenceFailed) as failure:
        await Dereferencer(settings).fetch(uri)
    return failure.value.code


async def test_a_place_is_fetched_by_held(server: Server, certificate: Path) -> None:
    fetched = await Dereferencer(server.settings(certificate)).fetch(server.uri)
    assert PIDFLO.parse(fetched.octets).places
    ((method, content_type, body),) = server.asked
    assert (method, content_type) == ("POST", "application/held+xml")
    assert b"locationRequest" in body


async def test_a_server_that_knows_no_post_is_asked_by_get(
    server: Server, certificate: Path
) -> None:
    async def get_only(request: web.Request) -> web.Response:
        if request.method != "GET":
            return web.Response(status=405)
        return web.Response(body=pidf(), content_type="application/pidf+xml")

    server.handler = get_only
    fetched = await Dereferencer(server.settings(certificate)).fetch(server.uri)
    assert (fetched.media_type, fetched.octets) == ("application/pidf+xml", pidf())
    assert [method for method, _, _ in server.asked] == ["POST", "GET"]


@pytest.mark.parametrize(
    ("hosts", "uri", "code"),
    [
        ((), "https://localhost:{port}/x", "not_allowed"),
        (("localhost:1",), "https://localhost:{port}/x", "not_allowed"),
        (("127.0.0.1:{port}",), "http://127.0.0.1:{port}/x", "scheme"),
        (("localhost:{port}",), "sip:a@localhost:{port}", "scheme"),
        (("localhost:{port}",), "https://user:pw@localhost:{port}/x", "bad_address"),
        (("localhost:{port}",), "https://localhost:99999/x", "bad_address"),
        (("localhost:{port}",), "https://[/x", "bad_address"),
        (("127.0.0.0/8",), "https://169.254.169.254/latest", "not_allowed"),
        (("127.0.0.0/8",), "https://127.0.0.1.evil.example/", "not_allowed"),
        (("localhost",), "https://10.0.0.1/", "not_allowed"),
    ],
)
async def test_nobody_else_is_asked(
    server: Server, certificate: Path, hosts: tuple[str, ...], uri: str, code: str
) -> None:
    named = tuple(host.format(port=server.port) for host in hosts)
    settings = CallDataSettings(
        location_hosts=named,
        location_timeout_s=10.0,
        location_ca=str(certificate / "cert.pem"),
    )
    assert await failed(settings, uri.format(port=server.port)) == code
    assert server.asked == []


async def test_a_name_that_leads_to_a_private_address_is_not_asked(
    server: Server, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when somebody points a name on the list to a machine of ours."""

    resolved = socket.getaddrinfo

    def pointed(host: str, *told: object, **more: object) -> object:
        name = "localhost" if host == "lis.example" else host
        return resolved(name, *told, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", pointed)
    uri = f"https://lis.example:{server.port}/x"
    for hosts in (("lis.example",), ("lis.example", "10.0.0.0/8")):
        assert await failed(server.settings(certificate, *hosts), uri) == "refused_address"
    assert server.asked == []
    listed = server.settings(certificate, "lis.example", "127.0.0.1")
    assert await failed(listed, uri) == "certificate", "asked, and not by its own name"


async def test_an_address_by_itself_may_be_listed(server: Server, certificate: Path) -> None:
    settings = server.settings(certificate, f"127.0.0.1:{server.port}")
    fetched = await Dereferencer(settings).fetch(f"https://127.0.0.1:{server.port}/x")
    assert fetched.octets == HELD


async def test_a_certificate_of_nobody_is_refused(server: Server) -> None:
    settings = CallDataSettings(
        location_hosts=(f"localhost:{server.port}",), location_timeout_s=10.0
    )
    assert await failed(settings, server.uri) == "certificate"


async def test_certificates_that_are_not_there_are_our_own_fault(server: Server) -> None:
    settings = CallDataSettings(location_hosts=("localhost",), location_ca="/nowhere.pem")
    assert await failed(settings, server.uri) == "settings"
    assert server.asked == []


async def test_no_redirect_is_followed(server: Server, certificate: Path) -> None:
    async def elsewhere(_: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "https://127.0.0.1/"})

    server.handler = elsewhere
    assert await failed(server.settings(certificate), server.uri) == "http_302"
    assert len(server.asked) == 1


async def test_an_endless_answer_is_cut_off(server: Server, certificate: Path) -> None:
    async def endless(_: web.Request) -> web.Response:
        return web.Response(body=b"x" * (BYTES_MAX * 4))

    server.handler = endless
    assert await failed(server.settings(certificate), server.uri) == "too_large"


async def test_a_slow_server_is_given_up(server: Server, certificate: Path) -> None:
    async def never(_: web.Request) -> web.Response:
        await asyncio.sleep(60)
        return web.Response()

    server.handler = never
    assert await failed(server.settings(certificate, timeout_s=0.3), server.uri) == "timeout"


async def test_an_error_of_the_server_says_which(server: Server, certificate: Path) -> None:
    async def unknown(_: web.Request) -> web.Response:
        body = b'<error xmlns="urn:ietf:params:xml:ns:geopriv:held" code="locationUnknown"/>'
        return web.Response(body=body, content_type="application/held+xml")

    server.handler = unknown
    assert await failed(server.settings(certificate), server.uri) == "held_locationUnknown"


async def test_a_server_that_is_not_there_is_told(certificate: Path) -> None:
    settings = CallDataSettings(location_hosts=("127.0.0.1:1",), location_timeout_s=10.0)
    assert await failed(settings, "https://127.0.0.1:1/") == "unreachable"


async def test_silent_name_servers_keep_nobody_else_waiting(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A storm of calls names servers whose names cannot be looked up now."""
    answered = threading.Event()

    def silent(*_: object, **__: object) -> list[object]:
        answered.wait(60)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    settings = CallDataSettings(
        location_hosts=("lis.example",),
        location_timeout_s=2.0,
        location_ca=str(certificate / "cert.pem"),
    )
    dereferencer = Dereferencer(settings)
    try:
        fetches = [dereferencer.fetch(f"https://lis.example/{n}") for n in range(PENDING_MAX * 2)]
        results = await asyncio.gather(*fetches, return_exceptions=True)
        codes = {one.code for one in results if isinstance(one, ReferenceFailed)}
        assert len(results) == PENDING_MAX * 2
        assert codes == {"timeout", "unreachable"}
        looking_up = [thread for thread in threading.enumerate() if thread.name == "look-up"]
        assert len(looking_up) == PENDING_MAX
        # Others need threads, too: the journal of Asterisk, the spools, log-ins.
        async with asyncio.timeout(60):
            await asyncio.gather(*(asyncio.to_thread(bool) for _ in range(40)))
    finally:
        answered.set()


def test_the_list_is_read() -> None:
    allowed = AllowList.of(["LIS.Example", "lis2.example:8443", "10.1.0.0/16", "::1", "bad:port"])
    assert allowed.names("lis.example", 443)
    assert allowed.names("lis.example", 8443)
    assert allowed.names("lis2.example", 8443)
    assert not allowed.names("lis2.example", 443)
    assert allowed.names("10.1.2.3", 443)
    assert not allowed.names("10.2.2.3", 443)
    assert allowed.admits("10.1.2.3")
    assert allowed.admits("9.9.9.9")
    assert not allowed.admits("10.2.0.1")
    assert not allowed.admits("169.254.169.254")
    assert not allowed.admits("::ffff:127.0.0.1")
