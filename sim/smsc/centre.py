"""The message centre: who may bind, what waits for the peer, and what the peer submits.

A message to the peer is kept until it is acknowledged, as operators do: it is sent again when the
link dies, when no answer comes in time, and after a temporary error. `MessageCentre.unacknowledged`
counts those that are left; a message that the peer refused for good is in `MessageCentre.refused`.
"""

import asyncio
import ssl
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from sim.smsc.citizen import Citizen, Reply
from sim.smsc.faults import Dice, Faults
from sim.smsc.link import UNKNOWN_SEQUENCE, Account, Delivery, Link
from sim.smsc.pieces import read
from sim.smsc.receipts import FIRST_ID, MessageId, State, outcome, receipt
from sim.smsc.wire import (
    BINDS,
    RESPONSE,
    TEMPORARY,
    Bind,
    Command,
    Message,
    Packet,
    Status,
    Tag,
    WireError,
    cstring,
    tlv,
)

RETRY_S = 0.2
"""After a temporary error. Operators wait minutes; nobody who watches a test does."""
ANSWER_S = 5.0
"""A message without an answer for so long is sent again, over a new link."""
ENQUIRE_S = 30.0
WAIT_S = 15.0
RECEIPT_AHEAD_S = 0.03
"""By how much a receipt comes before the answer, when it does."""
REGISTERED_MASK = 0x03
"""Of registered_delivery: whether a receipt is wanted (SMPP 3.4 §5.2.17)."""
INTERFACE_VERSION = 0x34


class Refused(Exception):
    """The peer refused a message for good, so that it is lost."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """One message that the peer submitted, and what was said and done about it."""

    message: Message
    status: int
    state: State | None = None
    message_id: MessageId | None = None


class MessageCentre:
    """``async with MessageCentre([Account("ccserver", "secret")]) as centre`` listens."""

    def __init__(
        self,
        accounts: Sequence[Account],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        faults: Faults | None = None,
        packed: bool = False,
        retry_s: float = RETRY_S,
        answer_s: float = ANSWER_S,
        enquire_s: float = ENQUIRE_S,
    ) -> None:
        self.faults = faults or Faults()
        """May be replaced at any time."""
        self.counts: Counter[str] = Counter()
        """What happened, faults included, by name."""
        self.links: list[Link] = []
        """Those that are open, bound or not."""
        self.citizens: dict[str, Citizen] = {}
        self.submitted: list[Submitted] = []
        self.deliveries: list[Delivery] = []
        """All that were ever posted, receipts too."""
        self.refused: list[Delivery] = []
        self.largest_window = 0
        """Most submits of one link that were without an answer at a time."""
        self.on_arrival: Callable[[Citizen, Reply], None] | None = None
        """Told of each message that comes to a telephone, and of the reply so far."""
        self.dice = Dice(self.faults.seed)
        self.port = port
        self._accounts = {account.system_id: account for account in accounts}
        self._host, self._tls, self._packed = host, tls, packed
        self._retry_s, self._answer_s, self._enquire_s = retry_s, answer_s, enquire_s
        self._waiting: deque[Delivery] = deque()
        self._left = 0
        self._turn = 0
        self._number = FIRST_ID
        self._unanswered: Counter[Link] = Counter()
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()
        self._timers: set[asyncio.TimerHandle] = set()
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        for timer in self._timers:
            timer.cancel()
        await self.die()

    # -- life -------------------------------------------------------------------------------------

    async def listen(self) -> None:
        """Take connections, on the port that it had before if it had one."""
        self._server = await asyncio.start_server(
            self._accept, self._host, self.port, ssl=self._tls
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def die(self) -> None:
        """Cut every link and listen no more; what waits for the peer is kept."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.drop_links()
        if self._serving:
            await asyncio.wait(list(self._serving), timeout=WAIT_S)

    def drop_links(self) -> None:
        """Cut every link at once."""
        for link in self.links:
            link.abort()

    def citizen(self, number: str) -> Citizen:
        """The subscriber with this number (E.164)."""
        if number not in self.citizens:
            self.citizens[number] = Citizen(self, number)
        return self.citizens[number]

    @property
    def bound(self) -> list[Link]:
        """Links with a bind."""
        return [link for link in self.links if link.account is not None]

    @property
    def unacknowledged(self) -> int:
        """How many messages the peer has neither acknowledged nor refused."""
        return self._left

    async def until(
        self, condition: Callable[[], object], what: str, *, timeout_s: float = WAIT_S
    ) -> None:
        """Wait until something that this centre sees is so; raises `TimeoutError` that names it."""
        try:
            async with asyncio.timeout(timeout_s):
                while not condition():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise TimeoutError(f"{what} within {timeout_s} s; seen: {dict(self.counts)}") from None

    async def settled(self, *, timeout_s: float = WAIT_S) -> None:
        """Wait until the peer has acknowledged everything; `Refused` if it refused anything."""
        await self.until(lambda: not self._left, "all is acknowledged", timeout_s=timeout_s)
        if self.refused:
            statuses = [delivery.statuses for delivery in self.refused]
            raise Refused(f"{len(self.refused)} messages were refused: {statuses}")

    # -- to the peer ------------------------------------------------------------------------------

    def post(self, body: bytes, *, command: int = Command.DELIVER_SM) -> Delivery:
        """Have a message delivered, whatever is in it."""
        return self._post(Delivery(body, command))

    def inject(self, data: bytes) -> int:
        """Write octets into every bound link that receives; gives how many there were."""
        links = [link for link in self.bound if link.receives]
        for link in links:
            link.write(data)
        return len(links)

    def _post(self, delivery: Delivery) -> Delivery:
        self.deliveries.append(delivery)
        self._waiting.append(delivery)
        self._left += 1
        self._pump()
        return delivery

    def _pump(self) -> None:
        """Send as much of what waits as the windows of the links let; they take turns."""
        while self._waiting:
            free = [link for link in self.links if link.free > 0]
            if not free:
                return
            self._turn += 1
            self._send(free[self._turn % len(free)], self._waiting.popleft())

    def _send(self, link: Link, delivery: Delivery) -> None:
        loop, sequence = asyncio.get_running_loop(), link.next_sequence()
        link.pending[sequence] = (delivery, loop.call_later(self._answer_s, self._silent, link))
        delivery.attempts += 1
        self.counts["delivered"] += 1
        link.send_faulty(Packet(delivery.command, 0, sequence, delivery.body))

    def _silent(self, link: Link) -> None:
        """The peer has not answered in time."""
        self.counts["unanswered"] += 1
        link.abort()

    def _answered(self, link: Link, packet: Packet) -> None:
        pending = link.pending.pop(packet.sequence, None)
        if pending is None:
            self.counts["answers_to_nothing"] += packet.sequence < UNKNOWN_SEQUENCE
            return
        delivery, timer = pending
        timer.cancel()
        delivery.statuses.append(packet.status)
        if packet.status in TEMPORARY:
            self.counts["put_off"] += 1
            self._later(self._retry_s, lambda: self._again([delivery]))
        else:
            self._left -= 1
            if packet.status == Status.OK:
                self._acknowledged(delivery)
            else:
                self.counts["refused"] += 1
                self.refused.append(delivery)
        self._pump()

    def _acknowledged(self, delivery: Delivery) -> None:
        self.counts["acknowledged"] += 1
        delivery.acknowledged = True
        if not delivery.copy and self.dice.hit(self.faults.deliver_twice):
            self.counts["delivered_twice"] += 1
            self._post(Delivery(delivery.body, delivery.command, copy=True))

    def _again(self, deliveries: Sequence[Delivery]) -> None:
        """Before what waits, in their order."""
        self._waiting.extendleft(reversed(deliveries))
        self._pump()

    # -- from the peer ----------------------------------------------------------------------------

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = Link(
            (reader, writer),
            faults=lambda: self.faults,
            dice=self.dice,
            counts=self.counts,
            take=self._take,
            enquire_s=self._enquire_s,
        )
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        self.links.append(link)
        self.counts["connections"] += 1
        try:
            await link.serve()
        finally:
            self._serving.discard(task)
            self.links.remove(link)
            del self._unanswered[link]
            self._lost(link)
            self._changed.set()

    def _lost(self, link: Link) -> None:
        """Take back what the link had not acknowledged."""
        for _delivery, timer in link.pending.values():
            timer.cancel()
        left = [delivery for delivery, _timer in link.pending.values()]
        link.pending.clear()
        self.counts["taken_back"] += len(left)
        self._again(left)

    def _take(self, link: Link, packet: Packet) -> None:
        """One packet of a link."""
        self._changed.set()
        if packet.command & RESPONSE:
            self._answered(link, packet)
        elif packet.command in BINDS:
            self._bind(link, packet)
        elif packet.command == Command.ENQUIRE_LINK:
            link.send(packet.answer())
        elif packet.command == Command.UNBIND:
            self.counts["unbinds"] += 1
            link.receives = link.sends = False
            link.send(packet.answer())
            link.close()
        elif packet.command == Command.SUBMIT_SM:
            self._submit(link, packet)
        else:
            self.counts["unknown_commands"] += 1
            nack = Packet(Command.GENERIC_NACK, Status.INVALID_COMMAND, packet.sequence)
            link.send(nack)

    def _bind(self, link: Link, packet: Packet) -> None:
        status, bind = self._bind_status(link, packet)
        version = tlv(Tag.SC_INTERFACE_VERSION, bytes([INTERFACE_VERSION]))
        link.send(packet.answer(status, cstring("simulator") + version))
        if status != Status.OK or bind is None:
            self.counts["binds_refused"] += 1
            link.close()
            return
        self.counts["binds"] += 1
        link.account = self._accounts[bind.system_id]
        link.interface_version = bind.interface_version
        link.receives = packet.command != Command.BIND_TRANSMITTER
        link.sends = packet.command != Command.BIND_RECEIVER
        self._pump()

    def _bind_status(self, link: Link, packet: Packet) -> tuple[Status, Bind | None]:
        try:
            bind = Bind.parse(packet.body)
        except WireError:
            return Status.BIND_FAILED, None
        account = self._accounts.get(bind.system_id)
        if account is None:
            return Status.INVALID_SYSTEM_ID, bind
        if account.password != bind.password:
            return Status.INVALID_PASSWORD, bind
        if link.account is not None:
            return Status.ALREADY_BOUND, bind
        others = [link for link in self.bound if link.account is account and not link.closed]
        if len(others) >= account.binds_max:
            return Status.BIND_FAILED, bind
        return Status.OK, bind

    # -- what is submitted ------------------------------------------------------------------------

    def _submit(self, link: Link, packet: Packet) -> None:
        self._unanswered[link] += 1
        self.largest_window = max(self.largest_window, self._unanswered[link])
        try:
            message = Message.parse(packet.body)
        except WireError:
            self.counts["submits_unreadable"] += 1
            self._answer(link, packet.answer(Status.INVALID_COMMAND_LENGTH))
            return
        status = self._submit_status(link)
        if status != Status.OK:
            self.counts[f"status_{status:#x}"] += 1
            self.submitted.append(Submitted(message, status))
            self._later(
                self.faults.answer_after_s, lambda: self._answer(link, packet.answer(status))
            )
            return
        self._taken(link, packet, message)

    def _submit_status(self, link: Link) -> int:
        faults, dice = self.faults, self.dice
        if not link.sends:
            return Status.WRONG_BIND_STATE
        if dice.hit(faults.throttled):
            return Status.THROTTLED
        if dice.hit(faults.queue_full):
            return Status.QUEUE_FULL
        if dice.hit(faults.vendor_error):
            return Status.VENDOR + dice.random.randrange(256)
        return Status.OK

    def _taken(self, link: Link, packet: Packet, message: Message) -> None:
        """Accept a message: answer, deliver it to the citizen, and tell what became of it."""
        faults, dice = self.faults, self.dice
        self._number += 1
        name = MessageId.make(self._number, faults.ids, dice)
        citizen = self.citizen("+" + message.destination.value.removeprefix("+"))
        state = outcome(faults, dice, reachable=citizen.reachable)
        self.submitted.append(Submitted(message, Status.OK, state, name))
        self.counts["submitted"] += 1
        answer_s, receipt_s = faults.answer_after_s, faults.answer_after_s + faults.receipt_after_s
        if dice.hit(faults.receipt_first):
            self.counts["receipts_first"] += 1
            receipt_s, answer_s = answer_s, answer_s + RECEIPT_AHEAD_S
        answer = packet.answer(body=cstring(name.answered))
        self._later(answer_s, lambda: self._answer(link, self._spoiled(answer)))
        self._later(receipt_s, lambda: self._finish(citizen, message, name, state))

    def _spoiled(self, answer: Packet) -> Packet | None:
        """The answer with what the dice do to it; nothing if it is swallowed."""
        if self.dice.hit(self.faults.unanswered):
            self.counts["swallowed"] += 1
            return None
        if self.dice.hit(self.faults.wrong_sequence):
            self.counts["wrong_sequence"] += 1
            return Packet(answer.command, answer.status, answer.sequence + 1_000_000, answer.body)
        return answer

    def _answer(self, link: Link, answer: Packet | None) -> None:
        if link in self._unanswered:
            self._unanswered[link] -= 1
        if answer is not None:
            link.send(answer)
        self._changed.set()

    def _finish(self, citizen: Citizen, message: Message, name: MessageId, state: State) -> None:
        """The message has come to the citizen, or never will."""
        got = read(message, packed=self._packed)
        if state is State.DELIVERED:
            reply = citizen.receive(message.source.value, got)
            self.counts["arrived"] += 1
            if self.on_arrival is not None:
                self.on_arrival(citizen, reply)
        if message.registered_delivery & REGISTERED_MASK:
            at, states = datetime.now(UTC), [state]
            if self.dice.hit(self.faults.intermediate):
                states.insert(0, self.dice.random.choice([State.ENROUTE, State.ACCEPTED]))
            if self.dice.hit(self.faults.receipt_twice):
                states.append(state)
            for each in states:
                self.counts["receipts"] += 1
                self.post(receipt(message, name, each, at, got.text).encode())
        self._changed.set()

    def _later(self, delay_s: float, action: Callable[[], None]) -> None:
        """Now if there is no delay: order is kept."""
        if delay_s <= 0:
            action()
            return

        def run() -> None:
            self._timers.discard(timer)
            action()

        timer = asyncio.get_running_loop().call_later(delay_s, run)
        self._timers.add(timer)
