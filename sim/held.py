"""A network's location server (HELD, RFC 5985 and RFC 6753): it gives a caller's place by HTTPS.

Each place has an address of its own, which a telephone puts into Geolocation. A server may also be
slow, refuse, lead elsewhere or answer nonsense.
"""

import asyncio
import contextlib
import secrets
import ssl
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from aiohttp import web

from sim.certificates import authority, certificate

HELD_TYPE: Final = "application/held+xml"
PIDF_TYPE: Final = "application/pidf+xml"
SLOW_S: Final = 30.0
HUGE_BYTES: Final = 20 * 1024 * 1024
REQUESTS_MAX: Final = 1000
_SPACE: Final = "urn:ietf:params:xml:ns:geopriv:held"


@dataclass(frozen=True, slots=True)
class _Kept:
    document: bytes
    manner: str


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that came."""

    method: str
    token: str
    content_type: str
    accept: str
    body: bytes


class LocationServer:
    """``async with LocationServer(folder)``; ``ca`` is the authority to trust."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept: dict[str, _Kept] = {}
        self._runner: web.AppRunner | None = None
        self.asked: deque[Asked] = deque(maxlen=REQUESTS_MAX)
        self.port = 0
        self.ca = folder / "ca.pem"

    async def __aenter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        signer = await authority(self._folder)
        names = ("DNS:localhost", "IP:127.0.0.1")
        own = await certificate(signer, self._folder, "localhost", names)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(own.path, own.key)
        app = web.Application()
        app.router.add_route("*", "/held/{token}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        self.port = int(self._runner.addresses[0][1])
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def keep(self, document: bytes, manner: str = "ok") -> str:
        """Keep a place and give its address.

        ``manner``: ``ok``, ``bare`` (PIDF-LO alone), ``slow``, ``refused`` (a HELD error),
        ``missing`` (404), ``elsewhere`` (a redirect), ``huge``, ``nonsense``.
        """
        token = secrets.token_urlsafe(9)
        self._kept[token] = _Kept(document, manner)
        return f"https://localhost:{self.port}/held/{token}"

    async def _answer(self, request: web.Request) -> web.Response:
        token = request.match_info["token"]
        self.asked.append(
            Asked(
                request.method,
                token,
                request.content_type,
                request.headers.get("Accept", ""),
                await request.read(),
            )
        )
        kept = self._kept.get(token, _Kept(b"", "missing"))
        if kept.manner == "slow":
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(SLOW_S)
        return _answer(kept)


def _answer(kept: _Kept) -> web.Response:
    match kept.manner:
        case "ok":
            inside = kept.document.partition(b"?>")[2] or kept.document
            body = f'<locationResponse xmlns="{_SPACE}">'.encode() + inside + b"</locationResponse>"
            answer = web.Response(body=body, content_type=HELD_TYPE)
        case "bare":
            answer = web.Response(body=kept.document, content_type=PIDF_TYPE)
        case "refused":
            text = f'<error xmlns="{_SPACE}" code="locationUnknown"/>'
            answer = web.Response(body=text.encode(), content_type=HELD_TYPE)
        case "elsewhere":
            headers = {"Location": "https://elsewhere.invalid/"}
            answer = web.Response(status=302, headers=headers)
        case "huge":
            answer = web.Response(body=b"<" * HUGE_BYTES, content_type=PIDF_TYPE)
        case "nonsense":
            answer = web.Response(body=b"\xff\xfe nothing", content_type=PIDF_TYPE)
        case _:
            answer = web.Response(status=404)
    return answer
