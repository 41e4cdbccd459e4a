"""A real edge in front of a real Asterisk, without ccserver: callers wait in the parachute queue.

What the edge hands to Asterisk is read where the dialplan leaves it.
"""

import asyncio
import contextlib
import re
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from ccserver.sipedge.client import EdgeClient
from ccserver.telephony.asterisk_conf import call_data_spool_dir
from sim.car import Car
from sim.sip import UA, Call
from sim.stack import Stack, seats
from tests.telephony.kept import Kept, whole_in

EVENTUALLY_S = 10.0
TRUNK = "127.0.1.5"
"""From where citizens and cars call."""
Found = TypeVar("Found")


class Site:
    """One edge and one Asterisk."""

    def __init__(self, stack: Stack, carrier: UA) -> None:
        self.stack = stack
        self.carrier = carrier
        """The other end of calls that go out."""
        self.directory = call_data_spool_dir(stack.config)
        self.control = EdgeClient(stack.config.edge)

    @property
    def uri(self) -> str:
        """Where calls are sent to."""
        return f"sip:127.0.0.1:{self.stack.ports.edge}"

    def car(self, **options: object) -> Car:
        """A car of the trunk."""
        options.setdefault("host", TRUNK)
        hop = self.uri if options.get("protocol", "udp") == "udp" else f"{self.uri};transport=tcp"
        return Car(hop, **options)  # type: ignore[arg-type]

    def phone(self, **options: object) -> UA:
        """A telephone of the trunk's network."""
        options.setdefault("next_hop", self.uri)
        options.setdefault("host", TRUNK)
        return UA(**options)  # type: ignore[arg-type]

    def log(self) -> str:
        """What the edge has written."""
        return (self.stack.data_dir / "edge.log").read_text("utf-8", "replace")

    def events(self, call_id: str, name: str = "call") -> list[dict[str, str]]:
        """The edge's lines about a call."""
        found = []
        for line in self.log().splitlines():
            if f"event={name} " in line:
                fields = dict(re.findall(r"(\w+)=(\S*)", line[line.index("event=") :]))
                if fields.get("call_id") == call_id:
                    found.append(fields)
        return found

    async def kept(self, call_id: str, *, kind: str = "invite", count: int = 1) -> list[Kept]:
        """What Asterisk kept of a call, once there is so much of it."""

        def look() -> list[Kept]:
            found = [
                kept
                for kept in whole_in(self.directory)
                if kept.call_id == call_id and kept.kind == kind
            ]
            return found if len(found) >= count else []

        return await eventually(look, f"{count} × {kind} kept")

    def kept_now(self, call_id: str) -> list[Kept]:
        """What Asterisk has kept of a call by now."""
        return [kept for kept in whole_in(self.directory) if kept.call_id == call_id]

    async def channels(self) -> list[list[str]]:
        """The channels of Asterisk's calls, with name and id."""
        output = await self.stack.asterisk_cli("core show channels concise")
        rows = [line.split("!") for line in output.splitlines() if line.startswith("PJSIP/")]
        return [[row[0], row[-1]] for row in rows]

    async def channel_of(self, call_id: str) -> str:
        """The id of the channel that Asterisk has for a call."""
        for name, identity in await self.channels():
            if f"SIP_CALL_ID={call_id}\n" in await self.stack.asterisk_cli(
                f"core show channel {name}"
            ):
                return identity
        raise AssertionError("Asterisk has no channel of this call")

    async def place(self, number: str = "+37129000000") -> tuple[str, Call]:
        """Have Asterisk call somebody; gives its channel's id and the call at the other end."""
        identity = f"placed-{secrets.token_hex(4)}"
        before = len(self.carrier.calls)
        status = await self.stack.ari(
            "POST",
            "channels",
            endpoint=f"PJSIP/{number}@trunk",
            extension="s",
            context="outbound",
            channelId=identity,
        )
        assert status == 200
        calls = await eventually(lambda: self.carrier.calls[before:], "the call at the carrier")
        return identity, calls[0]

    async def hang_up(self, channel_id: str) -> None:
        """Have Asterisk end a call."""
        assert await self.stack.ari("DELETE", f"channels/{channel_id}") == 204

    async def refresh(self, channel_id: str, method: str = "invite") -> None:
        """Have Asterisk send a request within a call: a re-INVITE, or an UPDATE."""
        name = next(name for name, identity in await self.channels() if identity == channel_id)
        await self.stack.asterisk_cli(
            f"dialplan set chanvar {name} PJSIP_SEND_SESSION_REFRESH() {method}"
        )


async def eventually(
    look: Callable[[], Found], what: str, *, within_s: float = EVENTUALLY_S
) -> Found:
    """Wait until there is something, and give it; fails where there is not in time."""
    give_up_at = time.monotonic() + within_s
    while not (found := look()):
        assert time.monotonic() < give_up_at, f"not in time: {what}"
        await asyncio.sleep(0.02)
    return found


async def until(
    ask: Callable[[], Awaitable[bool]], what: str, *, within_s: float = EVENTUALLY_S
) -> None:
    """Wait until somebody says yes; fails where that is not in time."""
    give_up_at = time.monotonic() + within_s
    while not await ask():
        assert time.monotonic() < give_up_at, f"not in time: {what}"
        await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def site(folder: Path) -> AsyncIterator[Site]:
    """Start them, and a carrier for calls that go out."""
    async with UA("127.0.1.9", user="carrier") as carrier:
        stack = Stack(
            folder / "stack", seats(1), edge=True, trunk_out=f"sip:127.0.1.9:{carrier.port}"
        )
        made = None
        try:
            await stack.prepare()
            await stack.start_asterisk()
            await stack.start_edge()
            made = Site(stack, carrier)
            yield made
        finally:
            if made is not None:
                await made.control.close()
            await stack.stop()
