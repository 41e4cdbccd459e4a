"""Somebody with a telephone: texts, receives what is written back, and sends positions."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sim.smsc.pieces import Form, Read, cut, with_ports
from sim.smsc.wire import Message, Party

if TYPE_CHECKING:
    from sim.smsc.centre import MessageCentre
    from sim.smsc.link import Delivery

EMERGENCY = Party("112", ton=3, npi=1)
"""A short code is a network specific number for most operators."""
AML_PORT = 9999
"""The port is not published, and phones differ; receivers must not look at it."""
AML_AFTER_S = (2.0, 20.0, 35.0)
"""Seconds of the call at which phones send a position: soon, better, and best."""


@dataclass(slots=True)
class Reply:
    """What the citizen reads; in pieces until all parts are there."""

    sender: str
    reference: int | None = None
    total: int = 1
    parts: dict[int, str] = field(default_factory=dict)
    repeated: int = 0
    """How many of its parts came more than once."""

    def takes(self, sender: str, read: Read) -> bool:
        """Whether this part is of it; another text at its place is of another reply."""
        of_it = (self.sender, self.reference, self.total) == (sender, read.reference, read.total)
        return of_it and self.parts.get(read.number, read.text) == read.text

    @property
    def complete(self) -> bool:
        """Whether every part came."""
        return len(self.parts) == self.total

    @property
    def text(self) -> str:
        """All parts that are there, in their order."""
        return "".join(text for _number, text in sorted(self.parts.items()))


class Citizen:
    """A subscriber; `MessageCentre.citizen` makes it."""

    def __init__(self, centre: "MessageCentre", number: str) -> None:
        self.number = number
        self.party = Party(number.removeprefix("+"), ton=1, npi=1)
        self.reachable = True
        """Switched on, and in a network; otherwise what is written expires."""
        self.replies: list[Reply] = []
        self._centre = centre
        self._reference = 0

    @property
    def texts(self) -> list[str]:
        """Complete replies, oldest first."""
        return [reply.text for reply in self.replies if reply.complete]

    # -- sends ------------------------------------------------------------------------------------

    async def send(
        self,
        text: str,
        *,
        form: Form | None = None,
        order: Sequence[int] | None = None,
        again: Iterable[int] = (),
        pause_s: float = 0.0,
        to: Party = EMERGENCY,
    ) -> "list[Delivery]":
        """Text; gives what is on its way to the peer, which `MessageCentre.settled` waits for.

        ``order`` are the parts' numbers from 1 in the order in which they leave (parts left out
        never do), ``again`` those that leave twice, ``pause_s`` the time between two.
        """
        self._reference += 1
        bodies = [
            Message(
                source=self.party,
                destination=to,
                octets=piece.octets,
                data_coding=piece.data_coding,
                esm_class=piece.esm_class,
                tlvs=piece.tlvs,
            ).encode()
            for piece in cut(text, form or Form(), self._reference)
        ]
        twice = set(again)
        numbers = [
            number
            for leaving in order or range(1, len(bodies) + 1)
            for number in [leaving] * (2 if leaving in twice else 1)
        ]
        posted = []
        for place, number in enumerate(numbers):
            if place and pause_s:
                await asyncio.sleep(pause_s)
            posted.append(self._centre.post(bodies[number - 1]))
        return posted

    def send_data(self, text: str, *, packed: bool = True, to: Party = EMERGENCY) -> "Delivery":
        """A data message to a port, in the default alphabet: nobody is shown it as a text."""
        piece = with_ports(text, destination=AML_PORT, packed=packed)
        message = Message(
            source=self.party,
            destination=to,
            octets=piece.octets,
            data_coding=piece.data_coding,
            esm_class=piece.esm_class,
        )
        return self._centre.post(message.encode())

    async def send_positions(
        self,
        write: Callable[[float], str],
        *,
        at_s: Sequence[float] = AML_AFTER_S,
        data: bool = False,
    ) -> "list[Delivery]":
        """A position at each of these seconds from now, as ``write`` says it for that second."""
        loop, posted = asyncio.get_running_loop(), []
        began = loop.time()
        for second in at_s:
            await asyncio.sleep(max(0.0, began + second - loop.time()))
            text = write(second)
            posted += [self.send_data(text)] if data else await self.send(text)
        return posted

    # -- receives ---------------------------------------------------------------------------------

    def receive(self, sender: str, read: Read) -> Reply:
        """One message has come to the telephone; gives the reply that it is, or is a part of."""
        if read.reference is not None:
            for reply in reversed(self.replies):
                if reply.takes(sender, read):
                    reply.repeated += read.number in reply.parts
                    reply.parts[read.number] = read.text
                    return reply
        self.replies.append(Reply(sender, read.reference, read.total, {read.number: read.text}))
        return self.replies[-1]
