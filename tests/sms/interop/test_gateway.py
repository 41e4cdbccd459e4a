"""The gateway with an operator at whom everything goes wrong: no text is lost and none handed on
twice as a new one, and every reply comes to an end that is the true one.
"""

import asyncio
from datetime import UTC, datetime

import pytest

from ccserver.db import Database
from ccserver.sms import sender
from ccserver.texts import FINAL_STATES, DeliveryState
from sim.aml import AMLPhone, Fix
from sim.smsc import Account, Alphabet, Faults, Form, IdForm, Join, MessageCentre
from tests.sms.interop.gateway import WITHIN_S, Taken, reply, running

ACCOUNT = Account("ccserver", "secret")
RUSSIAN = "Помогите, горит дом на улице Бривибас. Мы на третьем этаже, выйти не можем. " * 2
FORMS = (
    Form(),
    Form(join=Join.UDH16),
    Form(Alphabet.UCS2, Join.SAR),
    Form(Alphabet.UCS2, Join.PAYLOAD),
    Form(Alphabet.LATIN1),
)
CITIZENS = [f"+3712000000{number}" for number in range(4)]


async def test_every_text_comes_once_through_an_operator_that_fails_in_every_way(
    database: Database,
) -> None:
    faults = Faults(
        seed=7, drop=0.04, slow=0.1, held=0.1, garbage=0.1, bad_length=0.03, deliver_twice=0.15
    )
    taken, sent = Taken(), []
    async with (
        asyncio.timeout(WITHIN_S),
        MessageCentre([ACCOUNT], faults=faults, retry_s=0.01) as centre,
        running(database, centre.port, taken),
    ):
        for number in range(40):
            text = f"text {number:02d} of somebody in need. " * (1 + number % 7)
            sent.append(text)
            citizen = centre.citizen(CITIZENS[number % len(CITIZENS)])
            await citizen.send(text, form=FORMS[number % len(FORMS)])
        await centre.citizen(CITIZENS[0]).send(RUSSIAN, order=[3, 1, 2], again=[1])
        sent.append(RUSSIAN)
        await centre.settled(timeout_s=WITHIN_S)
        await taken.until(lambda: set(sent) <= set(taken.whole()))
        assert centre.unacknowledged == 0
        assert centre.counts["dropped"] + centre.counts["bad_length"] > 0
        assert centre.counts["delivered_twice"] > 0
    assert taken.whole() == sorted(sent)


async def test_replies_come_whole_and_in_order_although_answers_and_receipts_are_strange(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # An answer that never comes is waited for; the test has no use for the operator's patience.
    monkeypatch.setattr(sender, "SUBMIT_TIMEOUT_S", 0.5)
    faults = Faults(
        seed=5, throttled=0.1, queue_full=0.1, unanswered=0.04, wrong_sequence=0.04,
        intermediate=0.3, receipt_first=0.3, receipt_twice=0.3, ids=IdForm.MIXED,
    )  # fmt: skip
    taken = Taken()
    async with (
        asyncio.timeout(WITHIN_S),
        MessageCentre([ACCOUNT], faults=faults, retry_s=0.01) as centre,
        running(database, centre.port, taken) as gateway,
    ):
        await centre.until(lambda: len(centre.bound) == 2, "both binds are up")
        replies = {
            citizen: [f"{number}: помощь едет, ждите. " * (1 + number * 2) for number in range(4)]
            for citizen in CITIZENS
        }
        names = [
            await reply(database, gateway, citizen, texts[number])
            for number in range(4)
            for citizen, texts in replies.items()
        ]
        await taken.until(
            lambda: all(FINAL_STATES & set(taken.states.get(name, ())) for name in names)
        )
        assert {taken.states[name][-1] for name in names} == {DeliveryState.DELIVERED}
        for citizen, texts in replies.items():
            # What was sent again because nobody knew may stand there twice.
            assert list(dict.fromkeys(centre.citizen(citizen).texts)) == texts
        await centre.settled()


async def test_a_reply_that_never_arrives_is_told_as_what_the_operator_said(
    database: Database,
) -> None:
    taken = Taken()
    async with (
        asyncio.timeout(WITHIN_S),
        MessageCentre([ACCOUNT], faults=Faults(ids=IdForm.HEX_THEN_DECIMAL)) as centre,
        running(database, centre.port, taken, binds=1) as gateway,
    ):
        await centre.until(lambda: centre.bound, "the bind is up")
        for faults, wanted in (
            (Faults(undelivered=1.0), DeliveryState.FAILED),
            (Faults(expired=1.0), DeliveryState.EXPIRED),
            (Faults(rejected=1.0), DeliveryState.FAILED),
            (Faults(ids=IdForm.TLV_ONLY), DeliveryState.DELIVERED),
            (Faults(ids=IdForm.PADDED), DeliveryState.DELIVERED),
        ):
            centre.faults = faults
            name = await reply(database, gateway, CITIZENS[0], "Stay there.")
            await taken.until(lambda name=name: FINAL_STATES & set(taken.states.get(name, ())))  # type: ignore[misc]
            assert taken.states[name][-1] is wanted


async def test_a_message_centre_that_dies_in_the_middle_costs_no_text(database: Database) -> None:
    taken = Taken()
    async with (
        asyncio.timeout(WITHIN_S),
        MessageCentre([ACCOUNT]) as centre,
        running(database, centre.port, taken) as gateway,
    ):
        await centre.until(lambda: len(centre.bound) == 2, "both binds are up")
        sent = [f"text {number}" for number in range(60)]
        for text in sent[:30]:
            await centre.citizen(CITIZENS[0]).send(text)
        await centre.die()
        name = await reply(database, gateway, CITIZENS[0], "We are on our way.")
        for text in sent[30:]:
            await centre.citizen(CITIZENS[0]).send(text)
        await centre.listen()
        await centre.settled()
        await taken.until(lambda: set(sent) <= set(taken.whole()))
        await taken.until(lambda: DeliveryState.DELIVERED in taken.states.get(name, ()))
        assert taken.whole() == sorted(sent)
        assert centre.citizen(CITIZENS[0]).texts == ["We are on our way."]


async def test_positions_come_by_text_and_data_message_and_are_never_texts(
    database: Database,
) -> None:
    taken, phone = Taken(), AMLPhone(CITIZENS[0], datetime(2026, 11, 26, 12, tzinfo=UTC))
    written: list[str] = []

    def write(at_s: float) -> str:
        written.append(phone.text(Fix(56.94965, 24.10519, age_s=1.0), at_s))
        return written[-1]

    async with (
        asyncio.timeout(WITHIN_S),
        MessageCentre([ACCOUNT]) as centre,
        running(database, centre.port, taken, binds=1),
    ):
        citizen = centre.citizen(CITIZENS[0])
        await citizen.send_positions(write, at_s=(0.0, 0.01))
        await citizen.send_positions(write, at_s=(0.02, 0.03), data=True)
        citizen.send_data(write(0.05), packed=False)
        # In UCS-2, as some message centres write everything, it does not fit into one message.
        await citizen.send(write(0.06), form=Form(Alphabet.UCS2))
        await citizen.send("Palīgā!")
        await centre.settled()
        await taken.until(lambda: len(taken.positions) == len(written) and taken.by_key)
    assert sorted(taken.positions.values()) == sorted(written)
    assert taken.whole() == ["Palīgā!"]
