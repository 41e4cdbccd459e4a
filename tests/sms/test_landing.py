"""What the inbox keeps is handed on once, in order, and one bad row holds up nobody."""

import json
import random
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccserver.db import Database, DatabaseUnavailable
from ccserver.sms.arrival import AMLRules, Stored, read
from ccserver.sms.gsm import pack
from ccserver.sms.models import PartRow
from ccserver.sms.pdu import PDU
from ccserver.sms.processor import DUE_AGAIN_S
from ccserver.sms.reassembly import GAP, PARTS_WAIT_S
from ccserver.sms.retention import INBOX_KEPT
from ccserver.sms.short_message import SHORT_MESSAGE_OCTETS_MAX
from tests.sms.gate import (
    AML,
    AML_TAIL,
    CITIZEN,
    START,
    ManualClock,
    Taken,
    body,
    hand_on,
    inbox,
    operator,
    part,
    processor,
    receipt,
    store,
)

SAMPLES = json.loads((Path(__file__).parents[1] / "data" / "sms" / "samples.json").read_text())


async def test_a_text_is_handed_on_with_all_that_is_known_of_it(
    database: Database, clock: ManualClock, taken: Taken
) -> None:
    await store(database, body("Palīgā!".encode("utf-16-be"), data_coding=8))
    await hand_on(processor(database, taken, clock))
    (row,) = await inbox(database)
    text = taken.by_key[f"sms:{row.inbox_id}"]
    assert (text.text, text.citizen, text.our_number, text.via) == (
        "Palīgā!",
        CITIZEN,
        "112",
        "north-1",
    )
    assert text.replyable
    assert text.complete
    assert not text.duplicate
    assert text.received_at == START
    assert row.done_at == START
    assert taken.kinds == [frozenset({"texts"})]


async def test_a_name_cannot_be_written_to(
    database: Database, clock: ManualClock, taken: Taken
) -> None:
    await store(database, body(b"offer", citizen="Banka", ton=5))
    await hand_on(processor(database, taken, clock))
    (text,) = taken.by_key.values()
    assert text.citizen == "Banka"
    assert not text.replyable


async def test_the_same_octets_within_a_day_are_marked_and_shown(
    database: Database, clock: ManualClock, taken: Taken
) -> None:
    one = processor(database, taken, clock)
    await store(database, body(b"help"), body(b"help"), body(b"other"))
    await hand_on(one)
    await store(database, body(b"help"), at=START + timedelta(hours=1))
    await hand_on(one)
    await store(database, body(b"help"), at=START + INBOX_KEPT + timedelta(hours=2))
    await store(database, body(b"help", citizen="37120000002"))
    await hand_on(one)
    marks = [(text.text, text.duplicate) for text in taken.history]
    assert marks == [
        ("help", False),
        ("help", True),
        ("other", False),
        ("help", True),
        ("help", False),
        ("help", False),
    ]
    assert one.counts["north", "duplicates"] == 2


@pytest.mark.parametrize("sample", SAMPLES["concat"], ids=lambda sample: sample["id"])
async def test_parts_of_every_form_become_the_texts_of_the_sample(
    database: Database, clock: ManualClock, taken: Taken, sample: dict[str, object]
) -> None:
    one = processor(database, taken, clock)
    steps = sample["steps"]
    assert isinstance(steps, list)
    for step in [*steps, *(["TIMEOUT"] if "after" in sample else [])]:
        if step == "TIMEOUT":
            clock.move(PARTS_WAIT_S)
        else:
            await store(database, PDU.parse(bytes.fromhex(step)).body, at=clock.now())
        await hand_on(one)
    want = sample["want"]
    if isinstance(want, str):  # two that are shown with their gaps, and never joined
        assert len(taken.by_key) == 2
        assert all(GAP in text.text and not text.complete for text in taken.by_key.values())
        return
    assert isinstance(want, list)
    complete = sorted(text for _, text, state in want if state.startswith("complete"))
    assert sorted(taken.shown) == complete
    assert all(text.complete and text.citizen == CITIZEN for text in taken.by_key.values())


async def test_the_first_part_is_shown_at_once_and_a_late_one_mends_the_text(
    database: Database, clock: ManualClock, taken: Taken
) -> None:
    one = processor(database, taken, clock)
    await store(database, part(b"second ", 2, 3))
    await hand_on(one)
    (first,) = taken.by_key.values()
    assert (first.text, first.complete) == ("second ", False)
    assert (first.parts_have, first.parts_total) == (1, 3)
    clock.move(PARTS_WAIT_S - 1)
    await hand_on(one)
    assert len(taken.history) == 1
    clock.move(1)
    await hand_on(one)
    (late,) = taken.by_key.values()
    assert late.text == f"{GAP}second {GAP}"
    assert late.oddities == ("incomplete",)
    await hand_on(one)
    assert len(taken.history) == 2
    await store(database, part(b"first ", 1, 3), at=clock.now())
    await hand_on(one)
    assert taken.shown == [f"first second {GAP}"]
    await store(database, part(b"third", 3, 3), at=clock.now())
    await hand_on(one)
    assert taken.shown == ["first second third"]
    (mended,) = taken.by_key.values()
    assert mended.complete
    assert mended.oddities == ()
    assert one.counts == {("north", "texts"): 1}


async def test_a_character_that_was_cut_in_two_is_whole_when_both_halves_are_there(
    database: Database, clock: ManualClock, taken: Taken
) -> None:
    octets = "Pal\U0001f600!".encode("utf-16-be")
    udh = [bytes((5, 0, 3, 9, 2, number)) for number in (1, 2)]
    await store(
        database,
        body(udh[1] + octets[8:], esm_class=0x40, data_coding=8),
        body(udh[0] + octets[:8], esm_class=0x40, data_coding=8),
    )
    await hand_on(processor(database, taken, clock))
    assert taken.shown == ["Pal\U0001f600!"]


async def test_a_repeated_part_changes_nothing_until_the_text_is_whole_and_marks_it_then(
    database: Database, clock: ManualClock, taken: Taken
) -> None:
    one = processor(database, taken, clock)
    await store(database, part(b"A", 1, 2), part(b"A", 1, 2), part(b"B", 2, 2))
    await hand_on(one)
    (text,) = taken.by_key.values()
    assert (text.text, text.duplicate, text.complete) == ("AB", False, True)
    await store(database, part(b"A", 1, 2))
    await hand_on(one)
    (text,) = taken.by_key.values()
    assert (text.text, text.duplicate) == ("AB", True)


async def test_parts_that_come_by_both_binds_of_an_operator_are_one_text(
    database: Database, clock: ManualClock, taken: Taken
) -> None:
    await store(database, part(b"A", 1, 2), bind="north-1")
    await store(database, part(b"B", 2, 2), bind="north-2")
    await store(database, part(b"C", 2, 2), bind="south-1", operator="south")
    await hand_on(processor(database, taken, clock))
    assert sorted(taken.shown) == ["AB", "C"]


async def test_parts_survive_a_restart_between_any_two_of_them(
    database: Database, clock: ManualClock, taken: Taken
) -> None:
    for number, text in enumerate((b"one ", b"two ", b"three"), start=1):
        await store(database, part(text, number, 3))
        await hand_on(processor(database, taken, clock))
    assert taken.shown == ["one two three"]
    assert len(taken.by_key) == 1


async def test_a_position_is_never_shown_and_its_octets_do_not_stay(
    database: Database, clock: ManualClock, taken: Taken
) -> None:
    whole = (AML + AML_TAIL).encode()
    packed = bytes((6, 5, 4, 0x0B, 0x84, 0xC0, 0xDE)) + pack(whole, fill_bits=0)
    await store(
        database,
        body(whole),
        body(packed, esm_class=0x40, data_coding=4),
        body((AML + AML_TAIL).encode("utf-16-be")[: SHORT_MESSAGE_OCTETS_MAX - 1], data_coding=8),
        body(b"a text"),
    )
    await hand_on(processor(database, taken, clock))
    assert taken.shown == ["a text"]
    assert len(taken.positions) == 3
    rows = await inbox(database)
    assert [row.octets == b"" for row in rows] == [True, True, True, False]
    text, octets_hex, sender = taken.positions[f"sms:{rows[0].inbox_id}"]
    assert (text, bytes.fromhex(octets_hex), sender) == (AML + AML_TAIL, whole, CITIZEN)
    assert taken.positions[f"sms:{rows[1].inbox_id}"][0].startswith(AML)


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
async def test_a_position_in_parts_is_held_until_it_is_whole(
    database: Database, clock: ManualClock, taken: Taken, order: tuple[int, int]
) -> None:
    one = processor(database, taken, clock)
    pieces = {1: AML.encode(), 2: AML_TAIL.encode()}
    await store(database, part(pieces[order[0]], order[0], 2))
    await hand_on(one)
    assert not taken.history
    assert not taken.positions
    await store(database, part(pieces[order[1]], order[1], 2), part(pieces[1], 1, 2))
    await hand_on(one)
    assert not taken.history
    assert [text for text, _, _ in taken.positions.values()] == [AML + AML_TAIL]
    assert all(row.octets == b"" for row in await inbox(database))
    parts = await database.read(lambda session: [row.octets for row in session.query(PartRow)])
    assert parts == [b"", b""]


async def test_half_a_position_is_used_when_the_rest_never_comes(
    database: Database, clock: ManualClock, taken: Taken
) -> None:
    one = processor(database, taken, clock)
    await store(database, part(AML.encode(), 1, 2))
    await hand_on(one)
    clock.move(PARTS_WAIT_S)
    await hand_on(one)
    assert [text for text, _, _ in taken.positions.values()] == [AML]
    await store(database, part(AML_TAIL.encode(), 2, 2), at=clock.now())
    await hand_on(one)
    assert not taken.history
    assert len(taken.positions) == 1
    assert all(row.octets == b"" for row in await inbox(database))


async def test_what_only_looks_like_the_end_of_a_position_is_shown_in_the_end(
    database: Database, clock: ManualClock, taken: Taken
) -> None:
    one = processor(database, taken, clock)
    await store(database, part(AML_TAIL.encode(), 2, 2))
    await hand_on(one)
    assert not taken.history
    clock.move(PARTS_WAIT_S)
    await hand_on(one)
    assert taken.shown == [f"{GAP}{AML_TAIL}"]


async def test_octets_that_nobody_can_read_are_shown_as_they_are(
    database: Database, clock: ManualClock, taken: Taken
) -> None:
    await store(database, b"\x01\x02", body(b"good"))
    await hand_on(processor(database, taken, clock))
    unreadable, good = taken.by_key.values()
    assert unreadable.text == "0102"
    assert unreadable.oddities == ("unreadable",)
    assert not unreadable.replyable
    assert good.text == "good"


async def test_a_citizen_who_writes_like_a_receipt_is_shown(
    database: Database, clock: ManualClock, taken: Taken
) -> None:
    await store(database, body(b"id:1 stat:DELIVRD err:000"), receipt("1"))
    one = processor(database, taken, clock)
    await hand_on(one)
    assert taken.shown == ["id:1 stat:DELIVRD err:000"]
    assert one.counts["north", "receipts_unmatched"] == 1


async def test_one_bad_row_holds_up_nobody_and_is_shown_as_its_octets(
    database: Database, clock: ManualClock, taken: Taken
) -> None:
    taken.poison = lambda text: text.text == "poison"
    one = processor(database, taken, clock)
    await store(database, body(b"before"), body(b"poison"), body(b"after"))
    await hand_on(one)
    assert taken.shown == ["before", body(b"poison").hex(), "after"]
    assert one.counts["north", "salvaged"] == 1
    assert [text.citizen for text in taken.by_key.values()] == [CITIZEN] * 3


async def test_what_cannot_be_handed_on_is_set_aside_and_tried_by_the_next_process(
    database: Database, clock: ManualClock, taken: Taken
) -> None:
    taken.poison = lambda text: "poison" in text.text or bytes.hex(b"poison") in text.text
    one = processor(database, taken, clock)
    await store(database, body(b"poison"), body((AML + AML_TAIL).encode()), body(b"after"))
    await hand_on(one)
    assert taken.shown == ["after"]
    assert len(taken.positions) == 1
    assert [row.failed for row in await inbox(database)] == ["RuntimeError", None, None]
    assert one.counts["north", "set_aside"] == 1
    assert one.set_aside_at == clock.now()
    taken.poison = lambda _: False
    clock.move(60)
    mended = processor(database, taken, clock)
    await mended.start()
    await hand_on(mended)
    assert sorted(taken.shown) == ["after", "poison"]
    assert [row.failed for row in await inbox(database)] == [None] * 3


async def test_an_incomplete_text_that_nobody_can_be_told_of_holds_up_no_other(
    database: Database, clock: ManualClock, taken: Taken
) -> None:
    one = processor(database, taken, clock)
    await store(database, part(b"bad ", 1, 2, reference=1), part(b"good ", 1, 2, reference=2))
    await hand_on(one)
    taken.poison = lambda text: text.text.startswith("bad")
    clock.move(PARTS_WAIT_S)
    await hand_on(one)
    assert taken.shown == ["bad ", f"good {GAP}"]
    assert one.set_aside_at == clock.now()
    taken.poison = lambda _: False
    clock.move(DUE_AGAIN_S)
    await hand_on(one)
    assert taken.shown == [f"bad {GAP}", f"good {GAP}"]


async def test_a_transaction_that_was_given_up_on_and_done_all_the_same_is_not_done_twice(
    database: Database, clock: ManualClock, taken: Taken, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = processor(database, taken, clock)
    await store(database, body(b"help"), part(b"A", 1, 2))
    write = database.write

    async def slow(work: object) -> object:
        await write(work)  # type: ignore[arg-type]
        raise DatabaseUnavailable("no answer within the request's time")

    batch = await database.read(lambda session: one._landing.pending(session, 20))
    monkeypatch.setattr(database, "write", slow)
    with pytest.raises(DatabaseUnavailable):
        await one._land(batch)
    monkeypatch.undo()
    await one._land(batch)
    assert [text.duplicate for text in taken.history] == [False, False]
    assert one.counts["north", "duplicates"] == 0


async def test_takers_who_are_unwell_get_everything_when_they_are_well_again(
    database: Database, clock: ManualClock, taken: Taken
) -> None:
    taken.unwell = True
    one = processor(database, taken, clock)
    await store(database, *(body(b"text %d" % number) for number in range(30)))
    await hand_on(one)
    taken.unwell = False
    again = processor(database, taken, clock)
    await again.start()
    await hand_on(again)
    assert taken.shown == [f"text {number}" for number in range(30)]


@given(octets=st.binary(max_size=80), command_id=st.sampled_from([5, 0x103]))
def test_any_octets_are_something(octets: bytes, command_id: int) -> None:
    taken = Taken()
    stored = Stored(1, "north", "north-1", command_id, octets, START)
    arrival = read(stored, operator(), AMLRules(taken.is_aml, taken.is_aml_tail))
    assert isinstance(arrival.text.text, str)
    assert len(arrival.digest) == 32
    if arrival.is_part:
        assert arrival.part_key().total >= arrival.number >= 1


@pytest.mark.parametrize("seed", range(4))
async def test_texts_of_many_in_any_order_with_repetitions_and_restarts_are_the_texts_they_were(
    database: Database, clock: ManualClock, taken: Taken, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311
    arriving, wanted = [], []
    for number in range(24):
        citizen = f"3712000000{number % 4}"
        pieces = [b"%d.%d " % (number, at) for at in range(1, chance.randint(2, 4) + 1)]
        wanted.append(b"".join(pieces).decode())
        parts = [
            part(piece, at, len(pieces), reference=number, citizen=citizen)
            for at, piece in enumerate(pieces, start=1)
        ]
        arriving += parts + chance.choices(parts, k=chance.randint(0, 2))
    chance.shuffle(arriving)
    while arriving:
        together = [arriving.pop() for _ in range(min(len(arriving), chance.randint(1, 15)))]
        await store(database, *together, bind=f"north-{chance.randint(1, 2)}")
        # Each is a process of its own.
        await hand_on(processor(database, taken, clock))
    assert sorted(taken.shown) == sorted(wanted)
    assert all(text.complete for text in taken.by_key.values())
    assert len(taken.by_key) == len(wanted)


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
async def test_a_position_that_a_phone_sends_as_data_in_packed_parts_is_one(
    database: Database, clock: ManualClock, taken: Taken, order: tuple[int, int]
) -> None:
    pieces = {1: AML.encode(), 2: AML_TAIL.encode()}
    bodies = []
    for number in order:
        udh = bytes((11, 5, 4, 0x0B, 0x84, 0xC0, 0xDE, 0, 3, 7, 2, number))
        packed = pack(pieces[number], fill_bits=-8 * len(udh) % 7)
        bodies.append(body(udh + packed, esm_class=0x40, data_coding=4))
    one = processor(database, taken, clock)
    for each in bodies:
        await store(database, each)
        await hand_on(one)
    assert not taken.history
    assert [text for text, _, _ in taken.positions.values()] == [AML + AML_TAIL]


async def test_a_text_that_was_late_and_is_whole_is_marked_when_it_comes_again(
    database: Database, clock: ManualClock, taken: Taken
) -> None:
    one = processor(database, taken, clock)
    await store(database, part(b"A", 1, 2))
    await hand_on(one)
    clock.move(PARTS_WAIT_S)
    await hand_on(one)
    await store(database, part(b"A", 1, 2), at=clock.now())
    await hand_on(one)
    assert [text.duplicate for text in taken.history] == [False, False]
    await store(database, part(b"B", 2, 2), at=clock.now())
    await hand_on(one)
    (text,) = taken.by_key.values()
    assert (text.text, text.complete, text.duplicate) == ("AB", True, False)
    await store(database, part(b"A", 1, 2), at=clock.now())
    await hand_on(one)
    (text,) = taken.by_key.values()
    assert (text.text, text.complete, text.duplicate) == ("AB", True, True)
