"""Proves that no input to any route is a 500 or ends the server: random bodies, headers, bytes.

The fakes behind the ports work, so that a 500 could only be a fault of this room.
"""

import asyncio
import contextlib
import json
from urllib.parse import quote

import aiohttp
from hypothesis import given, settings
from hypothesis import strategies as st

from ccserver.web.app import ROUTES
from tests.web.card_rooms import ATTACHMENT
from tests.web.fakes import CONTACT, INCIDENT, PASSWORD, RECORDING
from tests.web.world import Person, World

KEYS = st.sampled_from(
    [
        *("login", "password", "language", "kind", "reason", "text", "type", "epoch", "seq", "x"),
        *("value", "entry", "source", "lat", "lon", "x", "y", "radius_m", "key", "location_id"),
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from(["anna", PASSWORD, "lv", "ready", "not_ready", "break", "hello"])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=12,
)
BODIES = (
    st.none()
    | st.binary(max_size=200)
    | JSON.map(lambda value: json.dumps(value).encode())
    | st.dictionaries(KEYS, SCALARS, max_size=4).map(lambda value: json.dumps(value).encode())
    | st.sampled_from([b"[" * 100_000, b'{"text":"\\ud800"}', b"9" * 10_000, b"\xef\xbb\xbf{}"])
)
SHAPED = st.fixed_dictionaries(
    {},
    optional={
        "login": st.sampled_from(["anna", "chief"]) | SCALARS,
        "password": st.just(PASSWORD) | SCALARS,
    },
).map(lambda value: json.dumps(value).encode()) | st.one_of(
    st.fixed_dictionaries({"language": st.sampled_from(["lv", "ru", "en"]) | SCALARS}),
    st.fixed_dictionaries(
        {"kind": st.sampled_from(["ready", "not_ready", "off"])}, optional={"reason": SCALARS}
    ),
    st.fixed_dictionaries({"text": st.text(max_size=100)}),
    st.fixed_dictionaries({"value": JSON}),
    st.fixed_dictionaries(
        {"kind": st.just("incident"), "source": st.just("map")},
        optional={
            name: st.floats(allow_nan=False) | st.floats(20, 60) | SCALARS
            for name in ("lat", "lon", "x", "y", "radius_m", "address", "address_version")
        },
    ),
).map(lambda value: json.dumps(value).encode())
FIELDS = ("type", "priority", "summary", "address", "hazards", "answers", "nothing")
PARTS = st.sampled_from([CONTACT, INCIDENT, RECORDING]) | st.text(max_size=80)
QUERIES = st.dictionaries(
    st.sampled_from(["q", "before", "limit", "x"]), st.text(max_size=60), max_size=3
)
HEADER_TEXT = st.text(
    st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=40
)
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            "Accept",
            "Accept-Encoding",
            "Content-Encoding",
            "Content-Type",
            "Cookie",
            "Forwarded",
            "Host",
            "If-Match",
            "If-Modified-Since",
            "If-None-Match",
            "If-Range",
            "Origin",
            "Range",
            "Sec-Fetch-Mode",
            "Sec-Fetch-Site",
            "Sec-WebSocket-Key",
            "Sec-WebSocket-Version",
            "Upgrade",
            "X-Forwarded-For",
        ]
    ),
    HEADER_TEXT
    | st.sampled_from(
        [
            '"0"',
            '"1"',
            'W/"x", *',
            "*",
            "bytes=0-",
            "bytes=-5",
            "bytes=9-2",
            "text/html",
            "gzip",
            "websocket",
            "Thu, 01 Jan 1970 00:00:00 GMT",
            "Fri, 31 Dec 9999 23:59:60 GMT",
        ]
    ),
    max_size=4,
)


UPGRADE = (
    b"GET /api/ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


def address(path: str, parts: list[str], query: dict[str, str]) -> str:
    """The route's path with its placeholders filled, and a query."""
    filled = path
    for name, part in zip(
        ("contact_id", "incident_id", "recording_id", "path:.*"), parts, strict=True
    ):
        filled = filled.replace(f"{{{name}}}", quote(part, safe=""))
    filled = filled.replace("{attachment_id}", ATTACHMENT)
    filled = filled.replace("{name}", FIELDS[sum(map(len, parts)) % len(FIELDS)])
    pairs = "&".join(f"{key}={quote(value, safe='')}" for key, value in query.items())
    return f"{filled}?{pairs}" if pairs else filled


Request = tuple[int, str | None, str, list[str], dict[str, str], bytes | None, dict[str, str]]
"""Route's number, person, method, parts of the path, query, body, headers."""

REQUESTS: st.SearchStrategy[list[Request]] = st.lists(
    st.tuples(
        st.integers(0, 10**6),
        st.sampled_from([None, "anna", "anna", "anna", "chief", "root"]),
        # Most requests are nearly right, so that they get far enough to find something.
        st.sampled_from(["as it is"] * 20 + ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"]),
        st.just([CONTACT, INCIDENT, RECORDING, "x"]) | st.lists(PARTS, min_size=4, max_size=4),
        QUERIES,
        BODIES | SHAPED,
        st.just({"If-Match": '"0"'}) | HEADERS,
    ),
    min_size=2,
    max_size=6,
)


async def test_no_request_to_any_route_is_a_500(world: World) -> None:
    people = {login: await world.person(login) for login in ("anna", "chief", "root")}
    routes = world.app[ROUTES]
    loop = asyncio.get_running_loop()

    async def ask_all(batch: list[Request]) -> None:
        for number, login, method, parts, query, body, headers in batch:
            route = routes[number % len(routes)]
            person = people[login] if login else world.nobody()
            verb = route.method if method == "as it is" else method
            path = address(route.path, parts, query)
            await ask_one(person, verb, path, body=body, headers=headers)
            # Nobody stays logged out or throttled, so that later requests still go deep.
            for known_login, known in people.items():
                if known.token not in world.accounts.sessions:
                    people[known_login] = await world.person(known_login)
            world.clock.seconds += 60

    @settings(max_examples=250, deadline=None)
    @given(batch=REQUESTS)
    def check(batch: list[Request]) -> None:
        asyncio.run_coroutine_threadsafe(ask_all(batch), loop).result(60)

    # Hypothesis drives from a thread, the server lives in the test's own loop.
    await asyncio.to_thread(check)
    assert (await world.nobody().get("/livez")).status == 200


async def ask_one(
    person: Person, method: str, path: str, *, body: bytes | None, headers: dict[str, str]
) -> None:
    try:
        answer = await person.ask(method, path, raw=body, headers=headers)
    except (aiohttp.ClientError, ValueError):
        # The client library itself refused to send it, or could not decode what came back.
        return
    assert answer.status != 500, (method, path, body, headers, answer.body)
    assert answer.status < 500 or answer.status == 503, answer.body
    if answer.status >= 400 and method != "HEAD" and answer.headers.get("X-Request-Id"):
        if answer.headers["Content-Type"].startswith("text/html"):
            return  # the page that says that no panel is built
        if answer.status in {412, 416} and not answer.body:
            return  # a precondition on a file, or a range of it, refused by the framework
        assert answer.body, (method, path, headers, answer.status)
        told = answer.json()
        assert isinstance(told["code"], str)
        assert told["detail"].endswith(".")


async def test_no_bytes_on_the_socket_are_a_500_or_end_the_server(world: World) -> None:
    loop = asyncio.get_running_loop()
    host, port = world.host.split(":")
    starts = st.sampled_from(
        [
            b"",
            b"GET /",
            b"GET /api/cards HTTP/1.1\r\nHost: x\r\n",
            b"POST /api/login HTTP/1.1\r\nHost: x\r\nX-CCServer: 1\r\nContent-Length: 9\r\n\r\n",
            b"POST /api/login HTTP/1.1\r\nX-CCServer: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            UPGRADE,
        ]
    )

    async def send(data: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(host, int(port))
        answer = b""
        with contextlib.suppress(ConnectionError):
            writer.write(data)
            writer.write_eof()
            answer = await asyncio.wait_for(reader.read(), 60)
        writer.close()
        return answer

    @settings(max_examples=150, deadline=None)
    @given(start=starts, rest=st.binary(max_size=200))
    def check(start: bytes, rest: bytes) -> None:
        answer = asyncio.run_coroutine_threadsafe(send(start + rest), loop).result(60)
        assert b" 500 " not in answer.partition(b"\r\n")[0]

    await asyncio.to_thread(check)
    assert (await world.nobody().get("/livez")).status == 200


async def test_no_frames_after_the_handshake_end_the_server(world: World) -> None:
    anna = await world.person("anna")
    loop = asyncio.get_running_loop()

    async def talk(messages: list[bytes | str]) -> None:
        socket = await anna.connect()
        with contextlib.suppress(ConnectionError, aiohttp.ClientError):
            for message in messages:
                if isinstance(message, str):
                    await socket.send_str(message)
                else:
                    await socket.send_bytes(message)
        await socket.close()

    texts = st.text(max_size=50) | JSON.map(json.dumps)
    hellos = st.fixed_dictionaries(
        {"type": st.just("hello")}, optional={"epoch": SCALARS, "seq": SCALARS}
    )

    @settings(max_examples=60, deadline=None)
    @given(
        first=texts | hellos.map(json.dumps),
        rest=st.lists(texts | st.binary(max_size=50), max_size=4),
    )
    def check(first: str, rest: list[bytes | str]) -> None:
        asyncio.run_coroutine_threadsafe(talk([first, *rest]), loop).result(60)

    await asyncio.to_thread(check)
    sample = world.metrics.registry.get_sample_value
    assert sample("ccserver_websocket_closed_total", {"code": "1011"}) is None
    assert (await anna.get("/api/me")).status == 200
