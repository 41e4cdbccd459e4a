"""Looks names up in threads of its own.

In the loop's few threads, silent name servers would keep waiting whatever else needs one: the
journal of Asterisk, the spools, log-ins, and this process when it is to end.
"""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Sequence
from typing import Final

from aiohttp.abc import ResolveResult

PENDING_MAX: Final = 32
"""Look-ups that the system has not ended yet: it takes half a minute for one whose name servers are
silent."""

NUMERIC: Final = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV


class Names:
    """The addresses of names, as the system knows them."""

    def __init__(self) -> None:
        self._pending = 0

    async def look_up(
        self, host: str, port: int, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> Sequence[ResolveResult]:
        """The addresses of a name; raises `OSError`. Who is cancelled leaves the thread behind."""
        if self._pending >= PENDING_MAX:
            raise OSError("too many names are being looked up")
        loop = asyncio.get_running_loop()
        found: asyncio.Future[Sequence[ResolveResult]] = loop.create_future()

        def settle(result: Sequence[ResolveResult] | OSError) -> None:
            self._pending -= 1
            if found.done():
                return  # nobody waits for it any more
            if isinstance(result, OSError):
                found.set_exception(result)
            else:
                found.set_result(result)

        def work() -> None:
            result: Sequence[ResolveResult] | OSError
            try:
                result = _addresses(host, port, family)
            except OSError as error:
                result = error
            except ValueError:  # what IDNA has no form for
                result = OSError("this is no name")
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(settle, result)

        threading.Thread(target=work, name="look-up", daemon=True).start()
        self._pending += 1
        return await found


def _addresses(host: str, port: int, family: socket.AddressFamily) -> Sequence[ResolveResult]:
    told = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return [
        ResolveResult(
            hostname=host,
            host=str(address[0]),
            port=int(address[1]),
            family=kind,
            proto=protocol,
            flags=NUMERIC,
        )
        for kind, _, protocol, _, address in told
    ]
