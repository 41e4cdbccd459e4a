"""Texts by SIP MESSAGE are stored once and replies are sent once, over both databases.

A file stays until its text is committed, whatever fails in between; a reply stays queued until
Asterisk has taken it; what can never be stored or sent holds up nothing else.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from ccserver.db import Database, DatabaseUnavailable
from ccserver.messaging import Conversation, Message, MessagingStore, NoWayBack, writing
from ccserver.telephony.errors import ARIRefused, ARITimeout, ARIUnavailable
from ccserver.telephony.messages import PIECE_BYTES_MAX, PIECES_MAX, TextSpool
from ccserver.texting.replies import TextTooLong, outgoing
from ccserver.texting.sip import (
    DOUBTS_MAX,
    NO_LINE_OUT,
    NOT_SENT_IN_TIME,
    OUTCOME_UNKNOWN,
    REFUSED,
    REFUSED_ALARM_S,
    VALIDITY,
    SIPTexts,
)
from ccserver.texts import Delivery, DeliveryState, IncomingText
from tests.databases import (  # noqa: F401  (fixtures)
    cluster,
    database,
    database_kind,
    database_url,
    sqlite_template,
)
from tests.telephony.test_messages import kept

EPOCH = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
OUT = "sip:10.0.0.1:5060"


class HandClock:
    """Time passes when the test says so."""

    def __init__(self) -> None:
        self.at = EPOCH

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return (self.at - EPOCH).total_seconds()


class Asterisk:
    """Takes what it is given, or refuses, or is away."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, str]] = []
        self.errors: list[Exception | None] = []

    async def send(self, to: str, sender: str, body: str) -> None:
        error = self.errors.pop(0) if self.errors else None
        if error is not None:
            raise error
        self.sent.append((to, sender, body))


class Landing:
    """Puts texts into conversations; may be told to fail."""

    def __init__(self) -> None:
        self.failing: str | None = None
        self.unavailable = False

    def texts(self, session: Session, texts: Sequence[IncomingText]) -> None:
        for text in texts:
            writing.add_incoming(session, text)
        if self.unavailable:
            raise DatabaseUnavailable("gone")
        if any(text.text == self.failing for text in texts):
            raise RuntimeError("a fault of ours")

    def deliveries(self, session: Session, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            writing.set_delivery(session, delivery)


class Place:
    """One centre's side of SIP texts, with a spool of its own."""

    def __init__(self, db: Database, folder: Path) -> None:
        self.database = db
        self.folder = folder
        self.clock = HandClock()
        self.asterisk = Asterisk()
        self.landing = Landing()
        self.stored = 0
        self.store = MessagingStore(db)
        self.texts = self.process()

    def process(self, out: str = OUT) -> SIPTexts:
        return SIPTexts(
            self.database,
            TextSpool(self.folder),
            self.asterisk,
            self.landing,
            trunk_out=out,
            stored=self._stored,
            clock=self.clock,
        )

    def _stored(self) -> None:
        self.stored += 1

    def comes(self, body: str, name: str = "a.text", **changes: str) -> None:
        (self.folder / name).write_bytes(kept(body.encode(), **changes))  # type: ignore[arg-type]

    def files(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())

    async def conversation(self) -> Conversation:
        (found,) = await self.store.open_conversations()
        return found

    async def messages(self) -> tuple[Message, ...]:
        known = await self.conversation()
        return (await self.store.messages(known.conversation_id)).messages

    async def reply(self, words: str, key: str = "1") -> Delivery | None:
        """Save a reply as a call taker's is saved, and send what is due."""
        await self.save(words, key)
        await self.texts.send()
        return (await self.messages())[-1].delivery

    async def save(self, words: str, key: str = "1") -> None:
        known, at = await self.conversation(), self.clock.now()

        def work(session: Session) -> None:
            written = writing.add_outgoing(
                session,
                known.conversation_id,
                key=key,
                text=words,
                at=at,
                author="anna",
                author_name="Anna",
            )
            self.texts.enqueue(session, outgoing(written.conversation, written.message))

        await self.database.write(work)
        self.texts.wake()


@pytest.fixture
def place(database: Database, tmp_path: Path) -> Place:  # noqa: F811
    folder = tmp_path / "texts"
    folder.mkdir()
    return Place(database, folder)


async def test_a_text_is_stored_and_then_its_file_is_deleted(place: Place) -> None:
    place.comes("Palīgā!")
    assert await place.texts.take()
    (message,) = await place.messages()
    assert message.text == "Palīgā!"
    assert place.files() == []
    assert place.stored == 1
    assert not await place.texts.take()


async def test_texts_of_one_citizen_are_one_conversation(place: Place) -> None:
    place.comes("Palīgā!", "a.text")
    place.comes("Deg!", "b.text", call_id="call-2")
    await place.texts.take()
    assert {message.text for message in await place.messages()} == {"Palīgā!", "Deg!"}


async def test_a_process_that_dies_after_the_commit_stores_it_once(place: Place) -> None:
    place.comes("Palīgā!")
    await place.texts.take()
    place.comes("Palīgā!")  # as if it had not come to deleting the file
    assert await place.process().take()
    assert len(await place.messages()) == 1
    assert place.files() == []


async def test_with_the_database_away_the_file_stays(place: Place) -> None:
    place.landing.unavailable = True
    place.comes("Palīgā!")
    with pytest.raises(DatabaseUnavailable):
        await place.texts.take()
    assert place.files() == ["a.text"]
    place.landing.unavailable = False
    await place.texts.take()
    assert len(await place.messages()) == 1


async def test_a_text_that_cannot_be_stored_holds_up_no_other(place: Place) -> None:
    place.landing.failing = "bad"
    place.comes("bad", "a.text")
    place.comes("Palīgā!", "b.text", call_id="call-2")
    await place.texts.take()
    assert [message.text for message in await place.messages()] == ["Palīgā!"]
    assert place.files() == ["a.refused"]
    assert place.texts.behind
    place.clock.at += timedelta(seconds=REFUSED_ALARM_S + 1)
    assert not place.texts.behind


async def test_a_reply_goes_back_over_the_trunk(place: Place) -> None:
    place.comes("Palīgā!")
    await place.texts.take()
    delivery = await place.reply("Kur Jūs atrodaties?")
    assert delivery is not None
    assert delivery.state is DeliveryState.SENT
    assert (delivery.parts_done, delivery.parts_total) == (1, 1)
    to = "pjsip:trunk/sip:+37120000001@10.0.0.1:5060"
    assert place.asterisk.sent == [(to, "112", "Kur Jūs atrodaties?")]
    await place.texts.send()
    assert len(place.asterisk.sent) == 1


async def test_replies_are_sent_in_their_order_and_by_the_next_process_too(place: Place) -> None:
    place.comes("Palīgā!")
    await place.texts.take()
    for number in range(3):
        await place.save(str(number), key=str(number))
    place.asterisk.errors = [None, ARIUnavailable("away")]
    with pytest.raises(ARIUnavailable):
        await place.texts.send()
    await place.process().send()
    assert [body for _, _, body in place.asterisk.sent] == ["0", "1", "2"]


async def test_a_long_reply_goes_on_where_it_was_broken_off(place: Place) -> None:
    place.comes("Palīgā!")
    await place.texts.take()
    words = "x" * (PIECE_BYTES_MAX + 1)
    place.asterisk.errors = [None, ARIUnavailable("away")]
    with pytest.raises(ARIUnavailable):
        await place.reply(words)
    await place.texts.send()
    assert "".join(body for _, _, body in place.asterisk.sent) == words
    delivery = (await place.messages())[-1].delivery
    assert delivery is not None
    assert (delivery.parts_done, delivery.parts_total) == (2, 2)


async def test_a_reply_that_asterisk_refuses_has_failed_and_holds_up_no_other(
    place: Place,
) -> None:
    place.comes("Palīgā!")
    await place.texts.take()
    place.asterisk.errors = [ARIRefused(400, "no")]
    refused = await place.reply("one")
    assert refused is not None
    assert (refused.state, refused.error) == (DeliveryState.FAILED, REFUSED)
    sent = await place.reply("two", key="2")
    assert sent is not None
    assert sent.state is DeliveryState.SENT


async def test_a_reply_that_breaks_something_of_ours_holds_up_no_other(place: Place) -> None:
    place.comes("Palīgā!")
    await place.texts.take()
    await place.save("one")
    await place.save("two", key="2")
    place.asterisk.errors = [RuntimeError("a fault of ours")]
    await place.texts.send()
    states = [message.delivery.state for message in await place.messages() if message.delivery]
    assert states == [DeliveryState.FAILED, DeliveryState.SENT]


async def test_a_reply_that_asterisk_never_answers_is_not_handed_over_for_ever(
    place: Place,
) -> None:
    place.comes("Palīgā!")
    await place.texts.take()
    place.asterisk.errors = [ARITimeout("no answer") for _ in range(DOUBTS_MAX)]
    with pytest.raises(ARITimeout):
        await place.reply("one")
    with pytest.raises(ARITimeout):
        await place.texts.send()
    await place.texts.send()
    message = (await place.messages())[-1]
    assert message.delivery is not None
    assert message.delivery.state is DeliveryState.UNKNOWN
    assert message.delivery.error == OUTCOME_UNKNOWN
    await place.texts.send()
    assert place.asterisk.sent == []


async def test_a_reply_that_waited_too_long_is_not_sent(place: Place) -> None:
    place.comes("Palīgā!")
    await place.texts.take()
    await place.save("Kur Jūs atrodaties?")
    place.clock.at += VALIDITY + timedelta(seconds=1)
    await place.texts.send()
    delivery = (await place.messages())[-1].delivery
    assert delivery is not None
    assert (delivery.state, delivery.error) == (DeliveryState.EXPIRED, NOT_SENT_IN_TIME)
    assert place.asterisk.sent == []


async def test_a_reply_that_is_too_long_is_not_saved(place: Place) -> None:
    place.comes("Palīgā!")
    await place.texts.take()
    with pytest.raises(TextTooLong):
        await place.save("Ж" * (PIECE_BYTES_MAX * PIECES_MAX // 2 + 1))
    assert len(await place.messages()) == 1


async def test_without_a_line_out_nobody_is_answered(place: Place) -> None:
    place.comes("Palīgā!")
    await place.texts.take()
    await place.save("one")
    nowhere = place.process(out="")
    await nowhere.send()
    delivery = (await place.messages())[-1].delivery
    assert delivery is not None
    assert (delivery.state, delivery.error) == (DeliveryState.FAILED, NO_LINE_OUT)
    place.texts = nowhere
    with pytest.raises(NoWayBack):
        await place.save("two", key="2")
    place.comes("Atbildiet!", call_id="call-2")
    await nowhere.take()
    assert not (await place.conversation()).replyable
