"""A small HTTP server that remembers what it was asked: Kannel hands over texts in this way."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import unquote_to_bytes

from aiohttp import web

DEADLINE_S = 60.0


class Asked:
    """Every request so far, by path."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[tuple[str, dict[str, bytes]]] = []
        self._came = asyncio.Event()

    def of(self, path: str) -> list[dict[str, bytes]]:
        return [query for asked, query in self.requests if asked == path]

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not condition():
                self._came.clear()
                await self._came.wait()

    async def handle(self, request: web.Request) -> web.Response:
        # Octets are escaped, not letters: the query is taken apart as it is.
        pairs = (pair.partition("=") for pair in request.rel_url.raw_query_string.split("&"))
        query = {name: _octets(value) for name, _, value in pairs}
        self.requests.append((request.path, query))
        self._came.set()
        return web.Response(text="")


def _octets(value: str) -> bytes:
    return unquote_to_bytes(value.replace("+", " "))


@asynccontextmanager
async def asked() -> AsyncIterator[Asked]:
    server = Asked()
    application = web.Application()
    application.router.add_get("/{path}", server.handle)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield server
    finally:
        await runner.cleanup()
