"""Proves what surrounds every request: headers, errors that tell nothing, the server itself."""

import asyncio
import socket
from pathlib import Path
from typing import NoReturn

import pytest
import structlog
from structlog.testing import capture_logs

from ccserver.accounts import UnknownAccount
from ccserver.web import errors
from ccserver.web.app import WebServer
from tests.web.fakes import CONTACT, INCIDENT
from tests.web.world import World

CSP_FIXED = (
    "img-src 'self' data: blob:; media-src 'self' blob:; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


async def raw(world: World, request: bytes) -> bytes:
    """The answer to bytes that no client library would send."""
    host, port = world.host.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request)
    answer = await asyncio.wait_for(reader.read(), 60)
    writer.close()
    return answer


@pytest.mark.parametrize("path", ["/", "/api/me", "/api/nothing", "/livez", "/api/login"])
async def test_every_answer_tells_the_browser_its_bounds(tmp_path: Path, path: str) -> None:
    settings = {"sip_websocket_url": "wss://pbx.example:8089/ws"}
    async with World(tmp_path, settings=settings) as world:
        answer = await world.nobody().get(path)
        own = f"ws://{world.host} wss://{world.host}"
    assert answer.headers["Content-Security-Policy"] == (
        f"default-src 'self'; connect-src 'self' {own} wss://pbx.example:8089; {CSP_FIXED}"
    )
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "microphone=(self)" in answer.headers["Permissions-Policy"]
    assert answer.headers["Server"] == "ccserver"
    assert len(answer.headers["X-Request-Id"]) == 32


@pytest.mark.parametrize(
    ("asked", "status", "code", "title"),
    [
        ("GET /api/me", 401, "signed_out", "Unauthorized"),
        ("GET /api/nothing", 404, "not_found", "Not Found"),
        ("OPTIONS /api/me", 405, "method_not_allowed", "Method Not Allowed"),
    ],
)
async def test_every_refusal_is_a_problem_document(
    world: World, asked: str, status: int, code: str, title: str
) -> None:
    answer = await world.nobody().ask(*asked.split())
    assert answer.headers["Content-Type"] == "application/problem+json"
    told = answer.json()
    assert told.pop("detail").endswith(".")
    urn = f"urn:ccserver:problem:{code}"
    assert told == {"type": urn, "title": title, "status": status, "code": code}


@pytest.mark.parametrize("host", ["a b", "x; script-src *", "[::1", "ž", "", "a" * 300])
async def test_a_host_that_is_none_never_gets_into_a_header(world: World, host: str) -> None:
    request = f"GET /livez HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    answer = (await raw(world, request.encode())).decode("latin-1")
    assert answer.split(" ")[1] in ("200", "400")
    if answer.split(" ")[1] == "200":
        assert "connect-src 'self'; img-src" in answer


async def test_what_nobody_foresaw_is_logged_with_an_id_and_tells_nothing(world: World) -> None:
    chief = await world.person("chief")
    world.cards.fails = RuntimeError("SELECT secret FROM card")
    with capture_logs() as logs:
        answer = await chief.get(f"/api/cards/{INCIDENT}")
    assert answer.status == 500
    body = answer.json()
    assert set(body) == {*errors.MEMBERS, "error_id"}
    assert body["code"] == "internal"
    assert body["error_id"] == answer.headers["X-Request-Id"]
    assert b"secret" not in answer.body
    assert b"Traceback" not in answer.body
    (event,) = [entry for entry in logs if entry["event"] == "request_failed"]
    assert event["error_id"] == body["error_id"]
    assert event["exc_info"] is world.cards.fails
    # The next request is answered as if nothing had happened.
    world.cards.fails = None
    assert (await chief.get(f"/api/cards/{INCIDENT}")).status == 200


async def test_an_account_that_was_deleted_meanwhile_is_signed_out(world: World) -> None:
    world.cards.fails = UnknownAccount("anna")
    answer = await (await world.person("anna")).get("/api/cards")
    assert (answer.status, answer.json()["code"]) == (401, "signed_out")


async def test_every_line_of_a_request_carries_its_ids(world: World) -> None:
    seen: list[dict[str, object]] = []

    def note(_logger: object, _name: str, event: structlog.types.EventDict) -> NoReturn:
        seen.append(dict(event))
        raise structlog.DropEvent

    structlog.configure(processors=[structlog.contextvars.merge_contextvars, note])
    try:
        anna = await world.person("anna")
        answer = await anna.post(f"/api/contacts/{CONTACT}/answer")
        await anna.get("/livez")
    finally:
        structlog.reset_defaults()
    (event,) = [event for event in seen if event["event"] == "action_asked"]
    assert event["contact_id"] == CONTACT
    assert event["request_id"] == answer.headers["X-Request-Id"]
    assert structlog.contextvars.get_contextvars() == {}


async def test_a_body_over_the_bound_is_refused_with_or_without_its_length(world: World) -> None:
    anna = await world.person("anna")
    large = b"x" * (errors.BODY_BYTES_MAX + 1)
    answer = await anna.ask("PUT", "/api/me/language", raw=large)
    assert (answer.status, answer.json()["code"]) == (413, "too_large")

    async def chunks() -> object:
        for _ in range(5):
            yield b"x" * 64 * 1024

    async with world.http.put(
        world.url("/api/me/language"), data=chunks(), headers=anna.headers()
    ) as response:
        assert response.status == 413


async def test_a_compressed_body_is_refused_unread(world: World) -> None:
    anna = await world.person("anna")
    for encoding in ("gzip", "deflate", "br", "x"):
        async with world.http.put(
            world.url("/api/me/language"),
            data=b"\x1f\x8b not really",
            headers={**anna.headers(), "Content-Encoding": encoding},
        ) as response:
            assert response.status in (400, 415)


async def test_a_body_that_never_comes_is_given_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(errors, "BODY_TIMEOUT_S", 0.05)
    reader, writer = await asyncio.open_connection(*world.host.split(":"))
    writer.write(
        b"POST /api/login HTTP/1.1\r\nHost: x\r\nX-CCServer: 1\r\nContent-Length: 10\r\n\r\n{"
    )
    async with asyncio.timeout(60):
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 408 ")
        assert b"body_timeout" in await reader.readuntil(b"}")
    writer.close()


async def test_the_server_takes_a_free_port_and_stops_in_order(tmp_path: Path) -> None:
    world = World(tmp_path)
    server = WebServer(world.app, host="127.0.0.1", port=0)
    await server.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
    assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
    async with asyncio.timeout(60):
        await server.stop()
        while await reader.read(1_024):  # an idle connection is closed, too
            pass
    await server.stop()
    writer.close()
    with pytest.raises(OSError):  # noqa: PT011
        await asyncio.open_connection("127.0.0.1", server.port)


async def test_a_port_that_is_taken_is_said_at_the_start(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = WebServer(World(tmp_path).app, host="127.0.0.1", port=taken.getsockname()[1])
        with pytest.raises(OSError, match="address already in use"):
            await server.start()


async def test_malformed_http_is_one_line_without_its_bytes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = WebServer(World(tmp_path).app, host="127.0.0.1", port=0)
    await server.start()
    try:
        with capture_logs() as logs:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(b"GET / HTTP/1.1\r\nNot a header 37120000001\r\n\r\n")
            answer = await asyncio.wait_for(reader.read(), 60)
            writer.close()
    finally:
        await server.stop()
    assert answer.startswith(b"HTTP/1.0 400 ")
    assert [entry for entry in logs if entry["event"] == "http_malformed"]
    assert "37120000001" not in caplog.text + str(logs)
