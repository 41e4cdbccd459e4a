"""Texts by SIP MESSAGE: from Asterisk's spool into conversations, and replies to Asterisk.

The files of the spool are deleted after the commit that stores their texts, and the replies that
wait are the messages themselves, in state QUEUED: so nothing is lost between this process, Asterisk
and the database, whichever of them dies. Read or sent twice is the worst that can happen, and what
is read twice is the same message.

Asterisk says that it has sent a text, and never what the citizen's side has answered to it. So a
reply ends as SENT.
"""

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Protocol

import structlog
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from ccserver.db import Database, DatabaseUnavailable
from ccserver.messaging import NoWayBack
from ccserver.messaging.models import QUEUED, ConversationRow, MessageRow
from ccserver.telephony.ari import ARIClient
from ccserver.telephony.errors import DeadlinePassed, Refused, TelephonyError
from ccserver.telephony.messages import (
    KeptText,
    MessageTooLong,
    TextSpool,
    destination_of,
    pieces_of,
)
from ccserver.texting.replies import TextTooLong
from ccserver.texts import Channel, Delivery, DeliveryState, IncomingText, OutgoingText
from ccserver.types import MessageId
from ccserver.web.ports import Clock

log = structlog.get_logger(__name__)

POLL_S: Final = 0.25
"""Between two looks into the spool; listing an empty directory costs some 20 µs."""
PAUSE_S: Final = 0.05
"""Between two transactions while more texts lie there, so that the cards of live calls get in."""
REFUSED_ALARM_S: Final = 3_600.0
"""For how long somebody is told of a text that could not be stored."""
RETRY_S: Final = 2.0
"""After Asterisk or the database was away."""
LOOK_S: Final = 10.0
"""Between two looks for replies, should a wake-up have been lost with a process."""
SEND_TIMEOUT_S: Final = 4.0
QUEUED_MAX: Final = 200
"""Replies read at once."""
VALIDITY: Final = timedelta(minutes=20)
"""As with SMS: an answer of an hour ago misleads whoever gets it now."""
NOT_SENT_IN_TIME: Final = "not_sent_in_time"
OURS: Final = "internal"
NO_LINE_OUT: Final = "no_line_out"
REFUSED: Final = "address_invalid"
"""Asterisk cannot make a request of it."""
OUTCOME_UNKNOWN: Final = "outcome_unknown"
DOUBTS_MAX: Final = 3
"""Times that a text is handed over without an answer. An Asterisk that hangs sends each when it
goes on, and the citizen should not get one text a hundred times."""


class Takers(Protocol):
    """Whose texts and deliveries are; as the SMS gateway's, in a transaction of ours."""

    def texts(self, session: Session, texts: Sequence[IncomingText]) -> None:
        """Keep these; the same text again is the same message."""

    def deliveries(self, session: Session, deliveries: Sequence[Delivery]) -> None:
        """Keep what became of our texts."""


class Exchange(Protocol):
    """Asterisk's side; `ARISender` fits."""

    async def send(self, to: str, sender: str, body: str) -> None:
        """Send one MESSAGE; raises `TelephonyError`."""


class SIPTexts:
    """Both directions; `run` does everything. ``stored`` is called after each commit.

    It is the way of `Channel.SIP`: `enqueue` and `wake` belong to whoever writes replies.
    ``trunk_out`` is as in ``[asterisk]``; empty, nobody can be answered.
    """

    def __init__(
        self,
        database: Database,
        spool: TextSpool,
        exchange: Exchange,
        takers: Takers,
        *,
        trunk_out: str,
        stored: Callable[[], None],
        clock: Clock,
    ) -> None:
        self._db = database
        self._spool = spool
        self._exchange = exchange
        self._takers = takers
        self._trunk_out = trunk_out
        self._stored = stored
        self._clock = clock
        self._woken = asyncio.Event()
        self._done: dict[MessageId, int] = {}
        """Pieces that Asterisk has sent of a text whose others it has not."""
        self._doubts: Counter[MessageId] = Counter()
        """Times that Asterisk was given a piece of a text and did not answer."""
        self._waiting = False
        self._refused_told = 0
        self._alarm_until = -math.inf

    @property
    def behind(self) -> bool:
        """Whether texts lie, or may lie, in the spool that cannot be stored."""
        if self._spool.refused > self._refused_told:
            self._refused_told = self._spool.refused
            self._alarm_until = self._clock.monotonic() + REFUSED_ALARM_S
        refused = self._clock.monotonic() < self._alarm_until
        return self._waiting or self._spool.unreadable or refused

    # -- replies: what others call ----------------------------------------------------------------

    def enqueue(self, session: Session, text: OutgoingText) -> None:
        """Whether it can be sent at all; the message itself is the queue.

        Raises `TextTooLong`, `NoWayBack`.
        """
        if not self._trunk_out:
            raise NoWayBack("no line for what goes out is set up")
        try:
            pieces_of(text.text)
        except MessageTooLong as error:
            raise TextTooLong(str(error)) from error

    def wake(self) -> None:
        """A reply was saved, and that is committed."""
        self._woken.set()

    # -- the tasks --------------------------------------------------------------------------------

    async def run(self) -> None:
        """Carry texts for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._take_for_ever(), name="sip_texts.take")
            tasks.create_task(self._send_for_ever(), name="sip_texts.send")

    async def _take_for_ever(self) -> None:
        while True:
            try:
                more = await self.take()
                self._waiting = False
            except DatabaseUnavailable as error:
                self._waiting = True
                log.warning("sip_texts_wait_for_database", reason=str(error))
                await asyncio.sleep(RETRY_S)
                continue
            except Exception:
                # Calls go on, whatever is wrong with texts.
                self._waiting = True
                log.exception("sip_texts_failed")
                await asyncio.sleep(RETRY_S)
                continue
            await asyncio.sleep(PAUSE_S if more else POLL_S)

    async def _send_for_ever(self) -> None:
        while True:
            self._woken.clear()
            try:
                await self.send()
            except (DatabaseUnavailable, TelephonyError) as error:
                log.warning("sip_replies_wait", reason=type(error).__name__)
                await asyncio.sleep(RETRY_S)
                continue
            except Exception:
                log.exception("sip_replies_failed")
                await asyncio.sleep(RETRY_S)
                continue
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._woken.wait()
            except TimeoutError:
                pass

    async def take(self) -> bool:
        """Store what lies in the spool; whether there was anything. Raises `DatabaseUnavailable`.

        A text that cannot be stored, which would be a fault of ours, is put aside and holds up no
        other.
        """
        found = await asyncio.to_thread(self._spool.read, now=self._clock.now().timestamp())
        if not found:
            return False
        try:
            await self._store(found)
        except DatabaseUnavailable:
            raise
        except Exception:
            log.exception("sip_texts_failed", count=len(found))
            await self._store_each(found)
        return True

    async def _store_each(self, found: Sequence[tuple[str, KeptText]]) -> None:
        for each in found:
            try:
                await self._store([each])
            except DatabaseUnavailable:
                raise
            except Exception:
                log.exception("sip_text_failed", file=each[0])
                await asyncio.to_thread(self._spool.refuse, each[0])

    async def _store(self, found: Sequence[tuple[str, KeptText]]) -> None:
        now = self._clock.now()
        answerable = bool(self._trunk_out)
        texts = [kept.incoming(name, now=now, answerable=answerable) for name, kept in found]
        await self._db.write(partial(self._takers.texts, texts=texts))
        self._stored()
        for (name, _), one in zip(found, texts, strict=True):
            log.info("sip_text_stored", file=name, oddities=list(one.oddities))
        await asyncio.to_thread(self._spool.remove, [name for name, _ in found])

    async def send(self) -> None:
        """Give Asterisk every reply that waits, in their order.

        Raises `DatabaseUnavailable`, and `TelephonyError` where Asterisk does not answer: then
        this one and those behind it stay queued.
        """
        for reply in await self._db.read(_queued):
            try:
                delivery = await self._send(reply)
            except TelephonyError:
                raise
            except Exception:
                # Calls go on, and so do the replies behind it, whatever is wrong with this one.
                log.exception("sip_reply_failed", message_id=reply.message_id)
                delivery = _delivery(reply, DeliveryState.FAILED, self._clock.now(), OURS)
            await self._db.write(partial(self._takers.deliveries, deliveries=[delivery]))
            self._done.pop(reply.message_id, None)
            self._doubts.pop(reply.message_id, None)
            self._stored()
            log.info(
                "sip_reply", message_id=reply.message_id, state=delivery.state, error=delivery.error
            )

    async def _send(self, text: OutgoingText) -> Delivery:
        now = self._clock.now()
        pieces = pieces_of(text.text)
        if now - text.at > VALIDITY:
            return _delivery(text, DeliveryState.EXPIRED, now, NOT_SENT_IN_TIME)
        if not self._trunk_out:
            return _delivery(text, DeliveryState.FAILED, now, NO_LINE_OUT)
        to = destination_of(text.citizen, self._trunk_out)
        for piece in pieces[self._done.get(text.message_id, 0) :]:
            try:
                await self._exchange.send(to, text.our_number, piece)
            except Refused:
                return _delivery(text, DeliveryState.FAILED, now, REFUSED)
            except DeadlinePassed:
                self._doubts[text.message_id] += 1
                if self._doubts[text.message_id] < DOUBTS_MAX:
                    raise
                return _delivery(text, DeliveryState.UNKNOWN, now, OUTCOME_UNKNOWN)
            self._done[text.message_id] = self._done.get(text.message_id, 0) + 1
        return Delivery(
            text.message_id,
            DeliveryState.SENT,
            self._clock.now(),
            parts_done=len(pieces),
            parts_total=len(pieces),
        )


class ARISender:
    """Implements `Exchange` over ARI."""

    def __init__(self, ari: ARIClient) -> None:
        self._ari = ari

    async def send(self, to: str, sender: str, body: str) -> None:
        """See `Exchange`. In the body of the request, so that no text stands in a URL."""
        await self._ari.request(
            "PUT",
            "/endpoints/sendMessage",
            json={"to": to, "from": sender, "body": body},
            deadline_s=SEND_TIMEOUT_S,
        )


def _queued(session: Session) -> list[OutgoingText]:
    query = (
        select(MessageRow, ConversationRow)
        .join(ConversationRow, ConversationRow.conversation_id == MessageRow.conversation_id)
        .where(
            text(QUEUED),  # as the index has it, or no database would use that
            ConversationRow.channel == Channel.SIP.value,
        )
        .order_by(MessageRow.position)
        .limit(QUEUED_MAX)
    )
    return [
        OutgoingText(
            message_id=MessageId(message.message_id),
            channel=Channel.SIP,
            via=conversation.via,
            citizen=conversation.citizen,
            our_number=conversation.our_number,
            text=message.text,
            at=message.at,
        )
        for message, conversation in session.execute(query)
    ]


def _delivery(text: OutgoingText, state: DeliveryState, at: datetime, error: str) -> Delivery:
    return Delivery(text.message_id, state, at, error=error)
