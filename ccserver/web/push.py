"""Publishing to the panels: one stream of numbered messages, each with its audience.

`PushHub.publish` numbers a message, keeps it in a ring buffer for those who come back after a
break, and hands it to the `Subscription` of every connected client that may see it. It never
waits: a client that does not keep up is ended and comes back with the last number it saw.

A client resumes by naming an *epoch* and a number. The epoch stands for this hub (numbers start
anew with the process) and for the audience, so that a change of person gets a fresh snapshot.
"""

import asyncio
import hashlib
import itertools
import secrets
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import structlog

from ccserver.metrics import Metrics
from ccserver.types import AgentId, ServiceCode

RING_MESSAGES_MAX = 10_000
"""A shift change of 100 messages a second may be missed for more than a minute and a half."""

RING_BYTES_MAX = 32 * 1024 * 1024
"""Whatever the messages' size, the ring stays this small."""

PENDING_MESSAGES_MAX = 2_000
"""Of one client, beyond what the socket's buffers hold: 20 s at 100 messages a second."""

PENDING_BYTES_MAX = 2 * 1024 * 1024
"""With a thousand slow clients at once this is 2 GB at the very worst, for a few seconds."""

CLOSE_SLOW = 1013
"""RFC 6455 §11.7 "try again later": the client did not keep up and may resume."""

FOR_EVERYBODY = frozenset({"routing", "catalogue"})
"""Types that tell a version and nothing of people; whoever can log in may see them."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Listener:
    """Who a client is: somebody of the centre or not, at which seat, of which service."""

    agent_id: AgentId | None = None
    service: ServiceCode | None = None
    centre: bool = True


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom a message is for: one seat; one service and the centre; everybody; else the centre."""

    agent_id: AgentId | None = None
    service: ServiceCode | None = None
    everybody: bool = False

    def includes(self, listener: Listener) -> bool:
        """Whether this client may see the message."""
        if self.agent_id is not None:
            return self.agent_id == listener.agent_id
        if self.everybody or listener.centre:
            return True
        return self.service is not None and self.service == listener.service


@dataclass(frozen=True, slots=True)
class Pushed:
    """One numbered message as it goes over the wire, and whom it is for."""

    seq: int
    audience: Audience
    data: bytes


class Subscription:
    """What one client still has to be sent, in order, and whether it must be closed."""

    def __init__(self, listener: Listener, first: Sequence[bytes]) -> None:
        self.listener = listener
        self.ended = asyncio.Event()
        self.close_code: int | None = None
        # What the client asked for when it connected is shared with the ring and bounded by it;
        # only what comes afterwards counts against the client's own bounds.
        self._first = deque(first)
        self._live: deque[bytes] = deque()
        self._live_bytes = 0
        self._ready = asyncio.Event()
        if first:
            self._ready.set()

    def put(self, data: bytes) -> bool:
        """Append; false if the client is too slow, whose subscription has then ended."""
        if self.ended.is_set():
            return False
        if (
            len(self._live) >= PENDING_MESSAGES_MAX
            or self._live_bytes + len(data) > PENDING_BYTES_MAX
        ):
            self.end(CLOSE_SLOW)
            return False
        self._live.append(data)
        self._live_bytes += len(data)
        self._ready.set()
        return True

    async def take(self) -> bytes:
        """The next message; waits for one, for ever once the subscription has ended."""
        while (data := self.take_now()) is None:
            self._ready.clear()
            await self._ready.wait()
        return data

    def take_now(self) -> bytes | None:
        """The next message, or ``None`` if there is none yet."""
        if self._first:
            return self._first.popleft()
        if not self._live:
            return None
        data = self._live.popleft()
        self._live_bytes -= len(data)
        return data

    def end(self, close_code: int) -> None:
        """Send nothing more; the connection is to be closed with ``close_code``. First one wins."""
        if self.ended.is_set():
            return
        self.close_code = close_code
        self._first.clear()
        self._live.clear()
        self._live_bytes = 0
        self.ended.set()

    @property
    def pending_bytes(self) -> int:
        """Of live messages; never over `PENDING_BYTES_MAX`."""
        return self._live_bytes


class PushHub:
    """The stream. All methods belong to the event loop's thread and none of them waits."""

    def __init__(self, *, metrics: Metrics | None = None, epoch: str | None = None) -> None:
        self._metrics = metrics
        self._epoch = epoch or secrets.token_hex(8)
        self._seq = 0
        self._ring: deque[Pushed] = deque()
        self._ring_bytes = 0
        # A dict keeps the order of arrival, so that every run serves its clients alike.
        self._subscriptions: dict[Subscription, None] = {}

    @property
    def seq(self) -> int:
        """Number of the last published message; 0 before the first."""
        return self._seq

    @property
    def subscriptions(self) -> int:
        """Clients connected now."""
        return len(self._subscriptions)

    def epoch_for(self, *parts: str | None) -> str:
        """The epoch as a client of this audience knows it; ``parts`` identify the audience."""
        text = "\0".join(part or "" for part in parts)
        return f"{self._epoch}.{hashlib.blake2s(text.encode(), digest_size=6).hexdigest()}"

    def publish(
        self,
        message: Mapping[str, object],
        *,
        agent_id: AgentId | None = None,
        service: ServiceCode | None = None,
    ) -> None:
        """Number ``message`` and send it to the centre, or only to the client of one seat.

        With ``service`` its dispatchers get it beside the centre; what tells nothing of people
        (`FOR_EVERYBODY`) goes to whoever is connected.

        It is encoded here and may be changed by the caller afterwards. One that cannot be written
        as JSON is our own defect: it is logged and counted, never raised into a live call.
        """
        try:
            data = msgspec.json.encode({**message, "seq": self._seq + 1})
        except (TypeError, ValueError):
            log.exception("push_message_unencodable", type=str(message.get("type")))
            if self._metrics:
                self._metrics.push_unencodable.inc()
            return
        self._seq += 1
        everybody = message.get("type") in FOR_EVERYBODY
        audience = Audience(agent_id, service, everybody)
        pushed = Pushed(self._seq, audience, data)
        self._keep(pushed)
        if self._metrics:
            self._metrics.push_messages.inc()
        slow = [
            subscription
            for subscription in self._subscriptions
            if audience.includes(subscription.listener) and not subscription.put(data)
        ]
        for subscription in slow:
            self.unsubscribe(subscription)

    def _keep(self, pushed: Pushed) -> None:
        self._ring.append(pushed)
        self._ring_bytes += len(pushed.data)
        while len(self._ring) > RING_MESSAGES_MAX or self._ring_bytes > RING_BYTES_MAX:
            self._ring_bytes -= len(self._ring.popleft().data)

    def missed(self, seq: int, listener: Listener) -> list[bytes] | None:
        """What the client missed after ``seq``; ``None`` if that is not known."""
        first_kept = self._ring[0].seq if self._ring else self._seq + 1
        if not first_kept - 1 <= seq <= self._seq:
            return None
        kept = itertools.islice(self._ring, seq - first_kept + 1, None)
        return [pushed.data for pushed in kept if pushed.audience.includes(listener)]

    def subscribe(
        self,
        listener: Listener,
        *,
        epoch: str,
        after: tuple[str, int] | None,
        snapshot: Callable[[], Mapping[str, object]],
    ) -> Subscription:
        """A new client's subscription, begun by what it missed or by a snapshot.

        ``epoch`` is the client's audience's own (`epoch_for`), ``after`` the epoch and number it
        came with. Everything happens in one step of the event loop, so nothing published before
        or after is lost or doubled.
        """
        first: list[bytes] | None = None
        if after is not None and after[0] == epoch:
            missed = self.missed(after[1], listener)
            if missed is not None:
                # The number is the client's own: it has not seen the rest yet, and if the
                # connection breaks before they arrive it must ask for them again.
                resumed = {"type": "resumed", "epoch": epoch, "seq": after[1]}
                first = [msgspec.json.encode(resumed), *missed]
        if self._metrics:
            self._metrics.push_starts.labels("snapshot" if first is None else "resumed").inc()
        if first is None:
            whole = {"type": "snapshot", **snapshot(), "epoch": epoch, "seq": self._seq}
            first = [msgspec.json.encode(whole)]
        subscription = Subscription(listener, first)
        self._subscriptions[subscription] = None
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """The client is gone."""
        self._subscriptions.pop(subscription, None)
