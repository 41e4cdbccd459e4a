"""One bind of ours, kept up: the socket, the clock and the log of `ccserver.sms.connection`.

A session never ends by itself. It connects, binds, serves, and when the connection is over, for
whatever reason, it waits a while (`ccserver.sms.backoff`) and begins again. Nothing that a peer
sends and nothing that a handler raises ends it; cancelling `Session.run` does, with an unbind.

Texts are handed to the handler in the loop, as fast as they come; answers are written together,
once in a turn of the loop, so that a thousand acknowledgements after one commit are one write.
"""

import asyncio
import contextlib
import random
import ssl
import time
from collections import Counter
from collections.abc import Callable
from typing import Final, Protocol

import smpplib.smpp
import structlog

from ccserver.config import SMSBindSettings, SMSOperatorSettings
from ccserver.sms import statuses
from ccserver.sms.backoff import STABLE_AFTER_S, Reconnect, Throttle
from ccserver.sms.connection import (
    UNBIND_TIMEOUT_S,
    Bound,
    Closed,
    CloseReason,
    Connection,
    Delivered,
    Odd,
)
from ccserver.sms.link import Link
from ccserver.sms.pdu import Command, Status
from ccserver.sms.refusals import (
    NotBound,
    OutcomeUnknown,
    Refused,
    SubmitFailed,
    Throttled,
    WindowFull,
)

__all__ = [
    "Delivered",
    "NotBound",
    "OutcomeUnknown",
    "Refused",
    "Session",
    "SessionHandler",
    "SubmitFailed",
    "Throttled",
    "WindowFull",
]

CONNECT_TIMEOUT_S: Final = 10.0
"""TCP and TLS together; a host that swallows packets must not cost the minute that TCP allows."""

PART_TIMEOUT_S: Final = UNBIND_TIMEOUT_S + 0.5
"""A stop waits no longer, should the connection's own timer fail to end it."""

ODD_LOGGED_MAX: Final = 20
"""Of one connection; the counters go on. A peer that is odd is odd with every PDU."""

PEER_ID_LOGGED_MAX: Final = 15
"""As long as a system_id may be (SMPP 3.4 §5.2.1); a peer can say anything."""

_COMMANDS: Final = {
    "transceiver": Command.BIND_TRANSCEIVER,
    "transmitter": Command.BIND_TRANSMITTER,
    "receiver": Command.BIND_RECEIVER,
}


class SessionHandler(Protocol):
    """Who stores what a session delivers. Called in the loop; must be quick."""

    def delivered(self, session: "Session", delivered: Delivered) -> None:
        """Store it, then answer with `Session.acknowledge`; raising answers "not now"."""

    def state_changed(self, session: "Session") -> None:
        """Bound, lost, down for another reason, or no longer throttled: look at it again."""


class Session:
    """One bind with an operator. All of it belongs to the loop that runs `run`."""

    def __init__(
        self,
        bind: SMSBindSettings,
        operator: SMSOperatorSettings,
        handler: SessionHandler,
        *,
        clock: Callable[[], float] = time.monotonic,
        chance: random.Random | None = None,
    ):
        self.name = bind.name
        self.operator = operator.name
        self.down_since: float | None = clock()
        """By ``clock``; None while bound. A bind that did not last is as if it had not been, so
        that a peer which takes us and drops us, over and over, is down all the while."""
        self.why_down = "not yet connected"
        """The last reason, for those who look after the bind."""
        self.counters: Counter[str] = Counter()
        self._bind = bind
        self._window = operator.window
        self._handler = handler
        self._clock = clock
        chance = chance or random.Random()  # noqa: S311 - spreads attempts, keeps no secret
        self._reconnect = Reconnect(chance)
        self._throttle = Throttle(chance)
        self._link: Link | None = None
        self._connections = 0
        self._bound_at = 0.0
        self._down_before: float | None = None
        self._odd_logged = 0
        self._wake: asyncio.TimerHandle | None = None
        self._log = structlog.get_logger(__name__).bind(bind=self.name, operator=self.operator)

    # What others may know.

    @property
    def ready(self) -> bool:
        """Whether it is bound."""
        return self._link is not None and self._link.bound

    @property
    def can_send(self) -> bool:
        """Whether a submit would be written now, were there room in the window."""
        return (
            self.ready
            and self._bind.mode != "receiver"
            and not self._throttle.remaining(self._clock())
        )

    @property
    def free(self) -> int:
        """Requests that may be sent now; after a pause one alone, until it is taken."""
        if self._link is None or not self.can_send:
            return 0
        core = self._link.core
        return max(0, min(core.free, 1 - core.pending)) if self._throttle.probing else core.free

    @property
    def throttled_s(self) -> float:
        """Seconds for which the operator takes nothing more; 0 where it does."""
        return self._throttle.remaining(self._clock())

    # What the gateway does.

    def acknowledge(self, delivered: Delivered, status: int = Status.ROK) -> bool:
        """Answer a text; false where that connection is gone, and the operator will come again."""
        link = self._link
        if link is None or not link.acknowledge(delivered, status):
            self.counters["acknowledged_too_late"] += 1
            return False
        self.counters["acknowledged" if status == Status.ROK else "turned_away"] += 1
        return True

    async def submit(self, body: bytes, *, timeout_s: float) -> str:
        """Send a submit_sm and give back the operator's id of the message, which may be empty.

        Raises `NotBound` and `Throttled` where it was not taken, `Refused` where it will not be,
        and `OutcomeUnknown` where it was written and nobody answered in ``timeout_s``.
        """
        link = self._link
        if link is None or not self.ready or self._bind.mode == "receiver":
            raise NotBound(self.why_down)
        if self.throttled_s:
            raise Throttled(self.throttled_s)
        if self.free <= 0:
            raise WindowFull("window")
        self.counters["submitted"] += 1
        try:
            answer = await link.submit(body, timeout_s)
        except OutcomeUnknown:
            self.counters["outcome_unknown"] += 1
            raise
        if answer.status == Status.ROK:
            self._throttle.accepted(self._clock())
            return answer.message_id
        raise self._refusal(answer.status)

    def _refusal(self, status: int) -> SubmitFailed:
        verdict = statuses.verdict(status)
        if verdict is not statuses.Verdict.SLOWER:
            # It was looked at, so the message centre has not had enough.
            self._throttle.accepted(self._clock())
            self.counters["refused"] += 1
            self._log.warning("sms_submit_refused", status=statuses.name(status))
            return Refused(status, permanent=verdict is statuses.Verdict.NEVER)
        self.counters["throttled"] += 1
        if not self.throttled_s:
            self._throttle.refused(self._clock())
            pause = self.throttled_s
            self._log.warning("sms_bind_throttled", status=statuses.name(status), pause_s=pause)
            self._call_when_free(pause)
        return Throttled(self.throttled_s)

    def _call_when_free(self, pause_s: float) -> None:
        if self._wake is not None:
            self._wake.cancel()
        self._wake = asyncio.get_running_loop().call_later(pause_s, self._tell)

    # Its life.

    async def run(self) -> None:
        """Keep it up for ever; cancel it to unbind and stop."""
        try:
            while True:
                end = await self._serve_once()
                refused = end.reason is CloseReason.BIND_REFUSED
                credentials = refused and statuses.about_credentials(end.status)
                await asyncio.sleep(self._reconnect.pause(credentials=credentials))
        finally:
            if self._wake is not None:
                self._wake.cancel()

    async def _serve_once(self) -> Closed:
        """One connection, from the attempt to its end, whatever that is."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                link = await self._connect()
        # Whatever it is, of the network, of TLS, of a file of certificates: it may mend itself.
        except Exception as error:
            self._connect_failed(error)
            return Closed(CloseReason.LOST)
        try:
            return await asyncio.shield(link.ended)
        except asyncio.CancelledError:
            # The operator should not go on sending to nobody until it notices.
            link.unbind()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(link.ended), PART_TIMEOUT_S)
            raise
        finally:
            link.abort()

    async def _connect(self) -> Link:
        bind = self._bind
        # Reading the system's certificates takes tens of milliseconds, and calls do not wait.
        context = await asyncio.to_thread(_tls_context, bind) if bind.tls else None
        self._connections += 1
        core = Connection(
            _COMMANDS[bind.mode], _bind_body(bind), number=self._connections, window=self._window
        )
        self._link = link = Link(core, self, self._clock)
        await asyncio.get_running_loop().create_connection(
            lambda: link,
            bind.host,
            bind.port,
            ssl=context,
            server_hostname=(bind.tls_name or bind.host) if context else None,
        )
        return link

    def _connect_failed(self, error: Exception) -> None:
        self.counters["connect_failed"] += 1
        reason = type(error).__name__
        # An operator that is away for a night is one line, and another when the reason changes.
        if self.why_down != reason:
            self.why_down = reason
            # Networks, TLS and files fail with an OSError; anything else is a fault of ours.
            ours = None if isinstance(error, OSError) else error
            self._log.warning("sms_connect_failed", reason=reason, exc_info=ours)
            self._tell()

    # What the link tells.

    def link_bound(self, _link: Link, bound: Bound) -> None:
        """The peer took our bind."""
        self._bound_at = self._clock()
        self._down_before, self.down_since = self.down_since, None
        self._odd_logged = 0
        self.counters["bound"] += 1
        peer = bound.peer_id[:PEER_ID_LOGGED_MAX]
        self._log.info("sms_bind_up", peer=peer, version=bound.version)
        self._tell()

    def link_delivered(self, _link: Link, delivered: Delivered) -> None:
        """Hand a text to the handler; one that it fails over is asked for again later."""
        self.counters["delivered"] += 1
        try:
            self._handler.delivered(self, delivered)
        except Exception:
            self.counters["handler_failed"] += 1
            self._log.exception("sms_handler_failed", sequence=delivered.sequence)
            self.acknowledge(delivered, Status.RX_T_APPN)

    def link_odd(self, _link: Link, odd: Odd) -> None:
        """Count and log what the peer should not have done; never what was in it."""
        self.counters[f"odd_{odd.what}"] += 1
        self._odd_logged += 1
        if self._odd_logged <= ODD_LOGGED_MAX:
            self._log.warning(
                "sms_pdu_odd",
                what=odd.what,
                command=f"{odd.command_id:#010x}",
                status=statuses.name(odd.status),
                sequence=odd.sequence,
            )

    def link_closed(self, _link: Link, closed: Closed) -> None:
        """Say that we are down, and why; `run` goes on from here."""
        now = self._clock()
        was_bound = self.down_since is None
        reason = str(closed.reason)
        if closed.reason is CloseReason.BIND_REFUSED:
            reason = f"{reason}: {statuses.name(closed.status)}"
            self.counters["bind_refused"] += 1
            credentials = statuses.about_credentials(closed.status)
            self._log.error("sms_bind_refused", reason=reason, credentials=credentials)
        elif closed.reason is CloseReason.UNBOUND:
            self._log.info("sms_bind_down", reason=reason)
        elif was_bound or self.why_down != reason:
            self._log.warning("sms_bind_lost", reason=reason)
        if was_bound:
            self.counters["lost"] += 1
            lasted = now - self._bound_at
            self.down_since = now if lasted >= STABLE_AFTER_S else self._down_before
            self._reconnect.bound_for(lasted)
        changed = was_bound or self.why_down != reason
        self.why_down = reason
        if changed:
            self._tell()

    def _tell(self) -> None:
        try:
            self._handler.state_changed(self)
        except Exception:
            self.counters["handler_failed"] += 1
            self._log.exception("sms_handler_failed")


def _tls_context(bind: SMSBindSettings) -> ssl.SSLContext:
    """What proves the operator to us: its own authority, or those of the system."""
    return ssl.create_default_context(cafile=bind.tls_ca or None)


def _bind_body(bind: SMSBindSettings) -> bytes:
    """The body of the bind (SMPP 3.4 §4.1); any address may reach us, so none is named."""
    pdu = smpplib.smpp.make_pdu(
        f"bind_{bind.mode}",
        client=None,
        sequence=0,
        system_id=bind.system_id,
        password=bind.password,
        system_type=bind.system_type,
    )
    body: bytes = pdu.generate_params()
    return body
