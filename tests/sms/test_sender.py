"""Replies leave in each citizen's order, by a bind that takes them, until their end is known."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from ccserver.db import Database, DatabaseUnavailable
from ccserver.sms import correlation, sends
from ccserver.sms.models import SendIdRow, SendRow
from ccserver.sms.roster import OTHER_OPERATOR_AFTER_S, Roster
from ccserver.sms.sender import NOT_TAKEN_PAUSE_S, Sender
from ccserver.sms.sends import DOUBTS_MAX
from ccserver.sms.session import NotBound, OutcomeUnknown, Refused, Throttled
from ccserver.texts import OutgoingText
from tests.sms.gate import (
    Bind,
    ManualClock,
    Taken,
    hand_on,
    operator,
    outgoing,
    processor,
    receipt,
    store,
)

LONG = "Ūdens ceļas, kāpiet uz jumta. " * 5
"""Three parts in UCS-2."""


class Office:
    """A sender with two operators of two binds each."""

    def __init__(self, database: Database, clock: ManualClock, taken: Taken) -> None:
        self.database = database
        self.clock = clock
        self.taken = taken
        self.operators = {one.name: one for one in (operator("north"), operator("south"))}
        self.binds = {
            bind.name: Bind(bind.name) for one in self.operators.values() for bind in one.binds
        }
        self.begin()

    def begin(self) -> None:
        """A new process on the same database."""
        roster = Roster(
            {
                name: [self.binds[bind.name] for bind in one.binds]
                for name, one in self.operators.items()
            }
        )
        self.sender = Sender(self.database, roster, self.operators, self.taken, clock=self.clock)

    async def enqueue(self, *texts: OutgoingText) -> None:
        def work(session: object) -> None:
            for text in texts:
                name = text.via.partition("-")[0]
                sends.enqueue(
                    session,  # type: ignore[arg-type]
                    text,
                    operator=self.operators[name],
                    bind=text.via,
                )

        await self.database.write(work)

    async def step(self) -> None:
        """One look, and everything that it began."""
        await self.sender.step()
        await self.settle()

    async def settle(self) -> None:
        while tasks := list(self.sender._under_way.values()):
            await asyncio.gather(*tasks)

    async def all_sent(self) -> None:
        for _ in range(20):
            await self.step()

    async def rows(self) -> list[SendRow]:
        return await self.database.read(
            lambda session: list(session.scalars(select(SendRow).order_by(SendRow.send_id)))
        )

    async def receipts(self, *bodies: bytes, operator: str = "north") -> None:
        await store(
            self.database,
            *bodies,
            at=self.clock.now(),
            bind=f"{operator}-1",
            operator=operator,
        )
        await hand_on(processor(self.database, self.taken, self.clock, *self.operators.values()))


@pytest.fixture
def office(database: Database, clock: ManualClock, taken: Taken) -> Office:
    return Office(database, clock, taken)


async def test_a_reply_leaves_by_the_bind_that_the_citizen_used(office: Office) -> None:
    await office.enqueue(outgoing("m1", via="north-2"))
    await office.step()
    (sent,) = office.binds["north-2"].bodies
    assert sent.text().text == "Kur Jūs esat?"
    assert (sent.destination.value, sent.destination.ton, sent.destination.npi) == (
        "37120000001",
        1,
        1,
    )
    assert (sent.source.value, sent.source.ton) == ("112", 0)
    assert sent.registered_delivery == 1
    assert sent.validity == "000000002000000R"  # twenty minutes
    assert [one.state.value for one in office.taken.told] == ["sent"]
    assert (await office.rows())[0].octets == b""


async def test_what_waited_is_given_no_longer_life_than_it_has_left(office: Office) -> None:
    await office.enqueue(outgoing("m1"))
    office.clock.move(300)
    await office.step()
    assert office.binds["north-1"].bodies[0].validity == "000000001500000R"


async def test_a_clock_that_is_set_back_keeps_no_reply(office: Office) -> None:
    await office.enqueue(outgoing("m1"))
    office.clock.move(-3_600)
    await office.step()
    assert office.binds["north-1"].bodies[0].validity == "000000002000000R"


async def test_parts_and_texts_of_a_citizen_wait_for_the_one_before(office: Office) -> None:
    answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    office.binds["north-1"].answers = [answer]
    await office.enqueue(
        outgoing("m1", LONG), outgoing("m2", "two"), outgoing("m3", "x", citizen="+37120000002")
    )
    await office.sender.step()
    await asyncio.sleep(0)
    await office.sender.step()
    await asyncio.sleep(0)
    destinations = [one.destination.value for one in office.binds["north-1"].bodies]
    assert destinations == ["37120000001", "37120000002"]
    answer.set_result("first")
    await office.settle()
    await office.all_sent()
    own = [one for one in office.binds["north-1"].bodies if one.destination.value[-1] == "1"]
    numbers = [one.concatenation.number for one in own if one.concatenation is not None]
    assert numbers == [1, 2, 3]
    assert own[-1].text().text == "two"
    assert office.taken.state_of("m1") == "sent"


async def test_two_texts_in_parts_to_one_citizen_have_different_references(office: Office) -> None:
    await office.enqueue(outgoing("m1", LONG), outgoing("m2", LONG))
    await office.all_sent()
    references = [one.concatenation for one in office.binds["north-1"].bodies]
    assert len({one.reference for one in references if one is not None}) == 2


async def test_the_same_message_is_enqueued_once(office: Office) -> None:
    await office.enqueue(outgoing("m1", LONG), outgoing("m1", LONG))
    await office.enqueue(outgoing("m1", LONG))
    assert len(await office.rows()) == 3


async def test_no_more_is_given_to_a_bind_than_it_takes(office: Office) -> None:
    loop = asyncio.get_running_loop()
    for name in ("north-1", "north-2"):
        office.binds[name].window = 2
        office.binds[name].answers = [loop.create_future() for _ in range(2)]
    await office.enqueue(*(outgoing(f"m{n}", citizen=f"+3712000{n:04}") for n in range(9)))
    await office.sender.step()
    await asyncio.sleep(0)
    assert [len(office.binds[name].bodies) for name in office.binds] == [2, 2, 0, 0]
    waiting = [one for name in ("north-1", "north-2") for one in office.binds[name].answers]
    assert not waiting  # all were begun
    assert office.sender.waiting["north"][0] == 9
    await office.sender._stop_now()


async def test_a_slowed_bind_is_left_alone_and_another_of_the_operator_is_used(
    office: Office,
) -> None:
    office.binds["north-1"].answers = [Throttled(1.0)]
    await office.enqueue(outgoing("m1"))
    await office.step()
    office.binds["north-1"].throttled = True
    await office.step()
    assert not office.binds["north-2"].bodies  # the pause of a part that was not taken
    office.clock.move(NOT_TAKEN_PAUSE_S)
    await office.step()
    assert office.binds["north-2"].texts == ["Kur Jūs esat?"]
    assert [one.state.value for one in office.taken.told] == ["sent"]


async def test_another_operator_is_used_only_when_all_binds_are_down_for_long(
    office: Office,
) -> None:
    for name in ("north-1", "north-2"):
        office.binds[name].down_since = office.clock.monotonic()
    await office.enqueue(outgoing("m1"))
    await office.step()
    office.clock.move(OTHER_OPERATOR_AFTER_S - 1)
    await office.step()
    assert not office.binds["south-1"].bodies
    office.clock.move(1)
    await office.step()
    assert office.binds["south-1"].texts == ["Kur Jūs esat?"]
    # Its receipt comes by the operator that has it.
    await office.receipts(receipt("south-1-1"), operator="south")
    assert office.taken.state_of("m1") == "delivered"


async def test_slowed_binds_are_not_down(office: Office) -> None:
    for name in ("north-1", "north-2"):
        office.binds[name].throttled = True
    await office.enqueue(outgoing("m1"))
    await office.step()
    office.clock.move(10 * OTHER_OPERATOR_AFTER_S)
    await office.step()
    assert not office.binds["south-1"].bodies


async def test_what_is_refused_for_now_is_tried_again_later_and_later(office: Office) -> None:
    bind = office.binds["north-1"]
    bind.answers = [Refused(0x08, permanent=False), Refused(0x08, permanent=False)]
    await office.enqueue(outgoing("m1"), outgoing("m2", "behind"))
    await office.step()
    assert len(bind.bodies) == 1
    await office.step()
    assert len(bind.bodies) == 1
    office.clock.move(1)
    await office.step()
    assert len(bind.bodies) == 2
    office.clock.move(1)
    await office.step()
    assert len(bind.bodies) == 2
    office.clock.move(1)
    await office.all_sent()
    assert bind.texts == ["Kur Jūs esat?"] * 3 + ["behind"]


async def test_what_is_refused_for_good_ends_the_text_and_frees_the_citizens_next(
    office: Office,
) -> None:
    office.binds["north-1"].answers = ["first", Refused(0x0B, permanent=True)]
    await office.enqueue(outgoing("m1", LONG), outgoing("m2", "next"))
    await office.all_sent()
    (failed,) = [one for one in office.taken.told if one.message_id == "m1"]
    assert (failed.state.value, failed.error, failed.parts_total) == ("failed", "11", 3)
    # The third part would only be a piece of a text that never arrives.
    assert len(office.binds["north-1"].bodies) == 3
    assert office.taken.state_of("m2") == "sent"
    assert all(row.octets == b"" for row in await office.rows())
    assert office.sender.counts == {
        ("north", "sent"): 2,
        ("north", "refused"): 1,
        ("north", "failed"): 1,
    }


async def test_an_address_that_nobody_can_send_to_fails_at_once(office: Office) -> None:
    await office.enqueue(outgoing("m1", citizen="+" + "1" * 40))
    await office.step()
    assert [(one.state.value, one.error) for one in office.taken.told] == [
        ("failed", sends.ADDRESS_INVALID)
    ]


async def test_an_unknown_outcome_is_sent_again_flagged_and_not_for_ever(office: Office) -> None:
    bind = office.binds["north-1"]
    bind.answers = [OutcomeUnknown()]
    await office.enqueue(outgoing("m1"))
    await office.all_sent()
    assert len(bind.bodies) == 2
    assert [one.state.value for one in office.taken.told] == ["unknown"]
    await office.receipts(receipt("north-1-1"))
    assert office.taken.state_of("m1") == "delivered"
    bind.answers = [OutcomeUnknown()] * 20
    await office.enqueue(outgoing("m2"))
    await office.all_sent()
    assert len(bind.bodies) == 2 + DOUBTS_MAX
    assert office.taken.state_of("m2") == "unknown"


async def test_a_fault_of_ours_in_sending_counts_as_a_doubt_and_blocks_nobody(
    office: Office,
) -> None:
    office.binds["north-1"].answers = [RuntimeError("a fault of ours")]
    await office.enqueue(outgoing("m1"), outgoing("m2", "next"))
    await office.all_sent()
    assert office.taken.state_of("m1") == "unknown"
    assert office.taken.state_of("m2") == "sent"


async def test_an_outcome_that_cannot_be_written_holds_up_no_later_text(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("nobody foresaw this")

    monkeypatch.setattr(correlation, "remember", broken)
    await office.enqueue(outgoing("m1"), outgoing("m2", text="Otra"))
    await office.all_sent()
    assert [row.state for row in await office.rows()] == ["sent", "sent"]
    sent = [one.text().text for one in office.binds["north-1"].bodies]
    assert sent.count("Otra") == DOUBTS_MAX, "not for ever"


async def test_takers_who_fail_do_not_make_a_text_leave_twice(office: Office) -> None:
    office.taken.unwell = True
    await office.enqueue(outgoing("m1"))
    await office.all_sent()
    assert len(office.binds["north-1"].bodies) == 1
    assert office.sender.untold == 1


async def test_what_nobody_took_in_its_time_is_given_up_and_said_so(office: Office) -> None:
    for bind in office.binds.values():
        bind.down_since = office.clock.monotonic()
    await office.enqueue(outgoing("m1", LONG))
    await office.step()
    office.clock.move(1_199)
    await office.step()
    assert not office.taken.told
    office.clock.move(1)
    await office.step()
    assert [(one.state.value, one.error) for one in office.taken.told] == [
        ("expired", sends.NOT_SENT_IN_TIME)
    ]
    await office.step()
    assert not office.sender.waiting


async def test_a_new_process_sends_what_was_under_way_again_and_says_that_it_may_come_twice(
    office: Office,
) -> None:
    office.binds["north-1"].answers = [asyncio.get_running_loop().create_future()]
    await office.enqueue(outgoing("m1", LONG), outgoing("m2", "next"))
    await office.sender.step()
    await asyncio.sleep(0)
    assert len(office.binds["north-1"].bodies) == 1
    await office.sender._stop_now()
    office.binds["north-1"].open = 0
    office.begin()
    await office.sender.start()
    assert [one.state.value for one in office.taken.told] == ["unknown"]
    await office.all_sent()
    numbers = [
        one.concatenation.number
        for one in office.binds["north-1"].bodies
        if one.concatenation is not None
    ]
    assert numbers == [1, 1, 2, 3]
    assert office.taken.state_of("m1") == "unknown"
    assert office.taken.state_of("m2") == "sent"


async def test_a_mark_that_was_written_though_we_were_told_otherwise_is_taken_back(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.enqueue(outgoing("m1"))
    write = office.database.write

    async def slow(work: object) -> object:
        await write(work)  # type: ignore[arg-type]
        raise DatabaseUnavailable("no answer within the request's time")

    monkeypatch.setattr(office.database, "write", slow)
    with pytest.raises(DatabaseUnavailable):
        await office.sender.step()
    monkeypatch.undo()
    await office.all_sent()
    assert len(office.binds["north-1"].bodies) == 1
    assert [one.state.value for one in office.taken.told] == ["sent"]


async def test_an_answer_is_kept_until_the_database_takes_it(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ccserver.sms.sender.AWAY_PAUSE_S", 0.01)
    answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    office.binds["north-1"].answers = [answer]
    await office.enqueue(outgoing("m1"))
    await office.sender.step()
    write, failures = office.database.write, 3

    async def away(work: object) -> object:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            raise DatabaseUnavailable("away")
        return await write(work)  # type: ignore[arg-type]

    monkeypatch.setattr(office.database, "write", away)
    answer.set_result("id")
    await office.settle()
    assert office.taken.state_of("m1") == "sent"
    assert len(office.binds["north-1"].bodies) == 1


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("38601fa", "0059113978"),
        ("59113978", "38601FA"),
        ("0000ABC", "abc"),
        ("74e02ee1-4e2f-4a6e-a78b-4b247d756a22", "74E02EE1-4E2F-4A6E-A78B-4B247D756A22"),
    ],
)
async def test_a_receipt_is_known_in_whatever_spelling(
    office: Office, given: str, written: str
) -> None:
    office.binds["north-1"].answers = [given]
    await office.enqueue(outgoing("m1"))
    await office.step()
    await office.receipts(receipt(written))
    assert office.taken.state_of("m1") == "delivered"


async def test_a_receipt_may_come_before_the_answer(office: Office) -> None:
    answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    office.binds["north-1"].answers = [answer]
    await office.enqueue(outgoing("m1"))
    await office.sender.step()
    await asyncio.sleep(0)
    await office.receipts(receipt("59113978"))
    assert not office.taken.told
    answer.set_result("38601fa")
    await office.settle()
    assert [one.state.value for one in office.taken.told] == ["delivered"]


async def test_ten_may_be_sixteen_and_the_citizen_decides(office: Office) -> None:
    office.binds["north-1"].answers = ["16", "10"]
    await office.enqueue(
        outgoing("m1", citizen="+37120000001"), outgoing("m2", citizen="+37120000002")
    )
    await office.all_sent()
    # Written as it was given it is that one, whoever is named.
    await office.receipts(receipt("10", citizen="37120000002"))
    assert office.taken.state_of("m2") == "delivered"
    assert office.taken.state_of("m1") == "sent"
    # In another base it has to be the same citizen's.
    await office.receipts(receipt("10", citizen="37120000001"))
    assert office.taken.state_of("m1") == "delivered"


async def test_what_is_on_its_way_never_overwrites_an_end(office: Office) -> None:
    await office.enqueue(outgoing("m1"))
    await office.step()
    await office.receipts(
        receipt("north-1-1", "ENROUTE", intermediate=True),
        receipt("north-1-1", "DELIVRD", intermediate=True),
    )
    assert office.taken.state_of("m1") == "sent"
    await office.receipts(receipt("north-1-1", "UNDELIV", err="00b"))
    await office.receipts(receipt("north-1-1", "DELIVRD"), receipt("north-1-1", "ACCEPTD"))
    assert [(one.state.value, one.error) for one in office.taken.told] == [
        ("sent", None),
        ("failed", "00b"),
    ]


async def test_a_text_in_parts_is_there_when_its_last_part_is(office: Office) -> None:
    await office.enqueue(outgoing("m1", LONG))
    await office.all_sent()
    await office.receipts(receipt("north-1-3"), receipt("north-1-1"))
    assert office.taken.state_of("m1") == "sent"
    await office.receipts(receipt("north-1-2"))
    told = [(one.state.value, one.parts_done) for one in office.taken.told]
    assert told == [("sent", 0), ("sent", 1), ("sent", 2), ("delivered", 3)]


async def test_a_part_that_never_arrives_ends_the_text_before_the_rest_is_sent(
    office: Office,
) -> None:
    await office.enqueue(outgoing("m1", LONG))
    await office.step()
    await office.receipts(receipt("north-1-1", "REJECTD", err="0a3"))
    await office.all_sent()
    assert len(office.binds["north-1"].bodies) == 1
    (told,) = office.taken.told
    assert (told.state.value, told.error, told.parts_done) == ("failed", "0a3", 0)


async def test_receipts_of_another_operator_are_not_ours(office: Office) -> None:
    await office.enqueue(outgoing("m1"))
    await office.step()
    await office.receipts(receipt("north-1-1"), operator="south")
    assert office.taken.state_of("m1") == "sent"


async def test_an_operator_that_gives_no_identifier_is_sent_to_all_the_same(
    office: Office,
) -> None:
    office.binds["north-1"].answers = [""]

    async def answer(body: bytes, *, timeout_s: float) -> str:
        return ""

    office.binds["north-1"].submit = answer  # type: ignore[method-assign]
    await office.enqueue(outgoing("m1"))
    await office.step()
    assert office.taken.state_of("m1") == "sent"
    keys = await office.database.read(lambda session: list(session.scalars(select(SendIdRow))))
    assert keys == []


async def test_a_bind_that_is_lost_in_the_choice_costs_a_moment(office: Office) -> None:
    office.binds["north-1"].answers = [NotBound("lost")]
    await office.enqueue(outgoing("m1"))
    await office.step()
    office.clock.move(NOT_TAKEN_PAUSE_S)
    await office.step()
    assert office.taken.state_of("m1") == "sent"
    assert (await office.rows())[0].expires_at - (await office.rows())[0].created_at == timedelta(
        seconds=1_200
    )
