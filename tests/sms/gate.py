"""What the gateway's tests share: operators, a clock that is moved, takers, binds of their own."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from ccserver.config import SMSBindSettings, SMSOperatorSettings
from ccserver.db import Database
from ccserver.location.aml import looks_like_aml, looks_like_aml_tail
from ccserver.sms.inbox import TABLE
from ccserver.sms.landing import Landing
from ccserver.sms.models import InboxRow
from ccserver.sms.ports import Kind
from ccserver.sms.processor import Processor
from ccserver.sms.short_message import Address, ShortMessage
from ccserver.texts import Channel, Delivery, IncomingText, OutgoingText
from ccserver.types import MessageId

START = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
CITIZEN = "+37120000001"
DELIVER_SM = 0x05
AML = 'A"ML=1;lt=+56.94965;lg=+24.10521;rd=14;top=20260301115930;lc=68;pm=G;'
AML_TAIL = "si=247010000000001;ei=123456789012345;mcc=247;mnc=01;ml=129"


class ManualClock:
    """Both kinds of time, moved by the test."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return 1_000.0 + self.seconds

    def move(self, seconds: float) -> None:
        self.seconds += seconds


class Taken:
    """Takers that keep what they are given, the newest under each key, as the real ones do."""

    def __init__(self) -> None:
        self.by_key: dict[str, IncomingText] = {}
        self.history: list[IncomingText] = []
        self.positions: dict[str, tuple[str, str, str]] = {}
        self.told: list[Delivery] = []
        self.kinds: list[frozenset[Kind]] = []
        self.poison: Callable[[IncomingText], bool] = lambda _: False
        self.unwell = False

    def texts(self, session: Session, texts: Sequence[IncomingText]) -> None:
        if self.unwell or any(self.poison(text) for text in texts):
            raise RuntimeError("a fault of ours")
        for text in texts:
            self.by_key[text.key] = text
            self.history.append(text)

    def is_aml(self, text: str) -> bool:
        return looks_like_aml(text)

    def is_aml_tail(self, text: str) -> bool:
        return looks_like_aml_tail(text)

    def aml(
        self,
        session: Session,
        *,
        key: str,
        text: str,
        octets_hex: str,
        sender: str,
        received_at: datetime,
    ) -> None:
        self.positions[key] = (text, octets_hex, sender)

    def deliveries(self, session: Session, deliveries: Sequence[Delivery]) -> None:
        if self.unwell:
            raise RuntimeError("a fault of ours")
        self.told += deliveries

    def stored(self, kinds: frozenset[Kind]) -> None:
        self.kinds.append(kinds)

    @property
    def shown(self) -> list[str]:
        return [text.text for text in self.by_key.values()]

    def state_of(self, message_id: str) -> str | None:
        told = [one for one in self.told if one.message_id == message_id]
        return told[-1].state.value if told else None


def operator(name: str = "north", binds: int = 2, **more: object) -> SMSOperatorSettings:
    return SMSOperatorSettings(
        name=name,
        binds=tuple(
            SMSBindSettings(
                name=f"{name}-{number}", host="127.0.0.1", port=2775, system_id="c", password="p"
            )
            for number in range(1, binds + 1)
        ),
        **more,  # type: ignore[arg-type]
    )


def body(
    octets: bytes,
    *,
    citizen: str = "37120000001",
    ours: str = "112",
    esm_class: int = 0,
    data_coding: int = 0,
    ton: int = 1,
) -> bytes:
    """The body of a deliver_sm."""
    return ShortMessage(
        source=Address(ton, 1, citizen),
        destination=Address(0, 1, ours),
        octets=octets,
        esm_class=esm_class,
        data_coding=data_coding,
    ).encode()


def part(
    text: bytes, number: int, total: int, *, reference: int = 7, citizen: str = "37120000001"
) -> bytes:
    """The body of a deliver_sm with one part of a text in the default alphabet."""
    udh = bytes((5, 0, 3, reference, total, number))
    return body(udh + text, esm_class=0x40, citizen=citizen)


def receipt(
    smsc_id: str,
    stat: str = "DELIVRD",
    *,
    err: str = "000",
    citizen: str = "37120000001",
    intermediate: bool = False,
) -> bytes:
    """The body of a deliver_sm that tells what became of one of ours."""
    text = (
        f"id:{smsc_id} sub:001 dlvrd:001 submit date:2603011200 done date:2603011201"
        f" stat:{stat} err:{err} text:"
    )
    return body(text.encode(), esm_class=0x20 if intermediate else 0x04, citizen=citizen)


async def store(
    database: Database,
    *bodies: bytes,
    at: datetime = START,
    bind: str = "north-1",
    operator: str = "north",
) -> None:
    """Put deliveries into the inbox as they are there after their commit."""
    rows = [
        {
            "operator": operator,
            "bind": bind,
            "command_id": DELIVER_SM,
            "octets": one,
            "received_at": at,
        }
        for one in bodies
    ]
    await database.write(lambda session: session.connection().execute(insert(TABLE), rows))


async def inbox(database: Database) -> list[InboxRow]:
    return await database.read(
        lambda session: list(session.scalars(select(InboxRow).order_by(InboxRow.inbox_id)))
    )


def processor(
    database: Database, takers: Taken, clock: ManualClock, *operators: SMSOperatorSettings
) -> Processor:
    known = {one.name: one for one in operators or (operator(),)}
    return Processor(database, Landing(known, takers), takers, clock=clock)


async def hand_on(one: Processor) -> None:
    """Until nothing is left to be handed on."""
    while await one.step():
        pass


def outgoing(
    message_id: str,
    text: str = "Kur Jūs esat?",
    *,
    citizen: str = CITIZEN,
    via: str = "north-1",
    at: datetime = START,
) -> OutgoingText:
    return OutgoingText(MessageId(message_id), Channel.SMS, via, citizen, "112", text, at)


class Bind:
    """A session that answers what the test says, and remembers what it was given."""

    def __init__(self, name: str, *, window: int = 10) -> None:
        self.name = name
        self.down_since: float | None = None
        self.throttled = False
        self.window = window
        self.bodies: list[ShortMessage] = []
        self.answers: list[str | Exception | asyncio.Future[str]] = []
        """For the next submits; without one each is taken."""
        self.open = 0
        self.ids = 0

    @property
    def ready(self) -> bool:
        return self.down_since is None

    @property
    def can_send(self) -> bool:
        return self.ready and not self.throttled

    @property
    def free(self) -> int:
        return self.window - self.open if self.can_send else 0

    async def run(self) -> None:
        await asyncio.Event().wait()

    async def submit(self, body: bytes, *, timeout_s: float) -> str:
        assert self.free > 0
        self.bodies.append(ShortMessage.parse(body))
        self.open += 1
        try:
            answer = self.answers.pop(0) if self.answers else None
            if isinstance(answer, Exception):
                await asyncio.sleep(0)
                raise answer
            if isinstance(answer, asyncio.Future):
                return await answer
            self.ids += 1
            return answer or f"{self.name}-{self.ids:x}"
        finally:
            self.open -= 1

    @property
    def texts(self) -> list[str]:
        return [one.text().text for one in self.bodies]
