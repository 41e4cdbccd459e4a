"""Proves that what a call asks for reaches its queue, its card and the panels, and stays with it.

And that a call that only tries whether we answer is answered and recorded like any other, and
counts nowhere, alarms nobody and is not called back.
"""

from collections.abc import Mapping

import msgspec

from ccserver.acd.events import PresenceKind
from ccserver.acd.plan import Requirement
from ccserver.card import ContactOpened
from ccserver.outbound import Outbound
from ccserver.routing import DEFAULT_DOCUMENT, Document
from ccserver.routing import document as d
from ccserver.telephony.call import CallFacts
from ccserver.telephony.queue_log import JournalEntry, JournalKind
from ccserver.types import ContactId
from tests.newsroom import (
    C1,
    CITIZEN,
    FIRST,
    SECOND,
    TAG,
    answered,
    live,
    replaced,
    run,
    shown,
)
from tests.telephony.centre import EPOCH, Centre, passed

AUTOMATIC = "urn:service:sos.ecall.automatic"
TEST = "urn:service:test.sos.ecall"
CAR = {
    "SERVICE": AUTOMATIC,
    "TRUNK": "operator",
    "SIP_CALL_ID": "abc@car",
    "CALL_DATA": "1",
    "MSD_ACK": "received",
}
MARKED: Document = msgspec.structs.replace(
    DEFAULT_DOCUMENT,
    entries=(
        *DEFAULT_DOCUMENT.entries,
        d.Entry(number="+37167000112", queue="ecall", service="urn:service:sos.ecall"),
        d.Entry(
            number="urn:service:sos.fire",
            queue="emergency",
            skills=(d.SkillLevel(skill="medical"),),
        ),
    ),
)


def opened(centre: Centre, contact_id: str = "c1") -> ContactOpened:
    (found,) = [
        item
        for item in centre.journal.items
        if isinstance(item, ContactOpened) and item.contact_id == contact_id
    ]
    return found


def counted(centre: Centre) -> Mapping[str, float]:
    """Everything that is counted of contacts, by name and labels."""
    return {
        f"{sample.name}{sorted(sample.labels.values())}": sample.value
        for family in centre.metrics.registry.collect()
        for sample in family.samples
        if sample.name.startswith(
            (
                *("ccserver_contacts", "ccserver_answer_seconds", "ccserver_connect_seconds"),
                *("ccserver_offers", "ccserver_alarms", "ccserver_parachute", "ccserver_test"),
            )
        )
        and not sample.name.endswith("_created")
        and sample.value
    }


# -- what was asked for ---------------------------------------------------------------------------


def test_a_car_waits_in_its_queue_and_its_card_and_the_panels_know_it() -> None:
    async def test(centre: Centre) -> None:
        centre.asterisk.call("c1", CAR)
        await passed(0.2)
        contact = live(centre)
        assert (contact.queue, contact.priority) == ("ecall", 6)
        assert (contact.service, contact.test, contact.trunk) == (AUTOMATIC, False, "operator")
        call = centre.runtime.calls.table.get(C1)
        assert call is not None
        assert (call.facts.sip_call_id, call.facts.has_data) == ("abc@car", True)
        message = shown(centre)
        assert message["service"] == AUTOMATIC
        assert (message["test"], message["trunk"], message["vehicle"]) == (False, "operator", None)
        card = opened(centre)
        assert (card.service, card.test, card.queue) == (AUTOMATIC, False, "ecall")

    run(test)


def test_another_process_knows_it_again_and_tells_it_once() -> None:
    async def test(centre: Centre) -> None:
        centre.asterisk.call("c1", CAR)
        await passed(0.2)
        await answered(centre, FIRST)
        successor = await replaced(centre)
        contact = live(successor)
        assert (contact.service, contact.trunk, contact.queue) == (AUTOMATIC, "operator", "ecall")
        call = successor.runtime.calls.table.get(C1)
        assert call is not None
        assert (call.facts.sip_call_id, call.facts.has_data) == ("abc@car", True)
        assert call.facts.msd_ack == "received"
        # Repeated and late news open nothing anew.
        successor.news.caller_waits(call.facts)
        successor.news.caller_left(call.facts, agent_channel=None)
        assert successor.journal.opened() == {C1: 1}
        assert opened(successor).service == AUTOMATIC

    run(test)


def test_a_number_of_cars_says_what_is_asked_for_where_the_call_does_not() -> None:
    """A circuit-switched eCall: nothing came with it, and it is an eCall all the same."""

    async def test(centre: Centre) -> None:
        caller = centre.asterisk.call("c1", {"CALLED_NUMBER": "+37167000112"})
        await passed(0.2)
        assert (live(centre).service, live(centre).queue) == ("urn:service:sos.ecall", "ecall")
        assert opened(centre).service == "urn:service:sos.ecall"
        # Asterisk knows it from now on, whatever becomes of the plan.
        assert caller.variables["SERVICE"] == "urn:service:sos.ecall"
        successor = await replaced(centre, document=DEFAULT_DOCUMENT)
        assert live(successor).service == "urn:service:sos.ecall"

    run(test, document=MARKED)


def test_skills_of_an_entry_are_needed_beside_the_language_and_after_it_was_chosen() -> None:
    async def test(centre: Centre) -> None:
        for agent_id in centre.agents:
            centre.present(agent_id, PresenceKind.OFF)
        centre.asterisk.call("c1", {"SERVICE": "urn:service:sos.fire"})
        await passed(0.2)
        view = live(centre).view
        assert view is not None
        assert view.skills == (Requirement("medical"),)
        centre.callers.language_chosen(C1, "ru")
        view = live(centre).view
        assert view is not None
        assert view.skills == (Requirement("medical"), Requirement("language:ru"))

    run(test, document=MARKED)


def test_a_car_that_only_asterisk_saw_has_a_card_with_its_service() -> None:
    async def test(centre: Centre) -> None:
        for number, called in (("seen", "112"), ("marked", "+37167000112")):
            facts = CallFacts.from_texts(
                number, str(EPOCH.timestamp()), CITIZEN, "0", called,
                service=AUTOMATIC if number == "seen" else "",
            )  # fmt: skip
            contact_id = ContactId(number)
            for _ in range(2):  # a line that is read again changes nothing
                centre.news.journal_read(
                    JournalEntry(JournalKind.ARRIVED, contact_id, EPOCH, "arrived", facts=facts)
                )
            for kind in (JournalKind.PARACHUTE_ENTERED, JournalKind.ENDED):
                centre.news.journal_read(JournalEntry(kind, contact_id, EPOCH, kind.value))
        assert (opened(centre, "seen").service, opened(centre, "seen").queue) == (
            AUTOMATIC,
            "ecall",
        )
        assert opened(centre, "marked").service == "urn:service:sos.ecall"
        assert centre.journal.tags("seen") == [TAG.PARACHUTE_ENTERED, TAG.ABANDONED]

    run(test, document=MARKED)


# -- tests of the service -------------------------------------------------------------------------


def test_a_test_is_answered_and_written_down_and_counts_nowhere() -> None:
    async def test(centre: Centre) -> None:
        centre.asterisk.call("c1", CAR | {"SERVICE": TEST})
        await passed(0.2)
        contact = live(centre)
        assert (contact.queue, contact.test, contact.caller) == ("ecall_test", True, None)
        assert shown(centre)["test"]
        await answered(centre, FIRST)
        assert contact.answered
        centre.asterisk.hang_up("caller-c1")
        await passed(0.3)
        card = opened(centre)
        assert (card.test, card.service) == (True, TEST)
        assert card.caller_number is not None, "the number is shown, and not hidden"
        assert centre.journal.tags("c1")[-2:] == [TAG.CONNECTED, TAG.ENDED]
        assert counted(centre) == {"ccserver_test_contacts_total['answered']": 1.0}
        assert centre.follow_up.told == []

    run(test)


def test_a_test_that_nobody_answers_alarms_nobody_and_is_not_called_back() -> None:
    slow = msgspec.structs.replace(
        DEFAULT_DOCUMENT,
        queues=tuple(
            msgspec.structs.replace(queue, alarm_after_s=2.0, escalate_after_s=5.0)
            if queue.name == "ecall_test"
            else queue
            for queue in DEFAULT_DOCUMENT.queues
        ),
    )

    async def test(centre: Centre) -> None:
        for agent_id in centre.agents:
            centre.present(agent_id, PresenceKind.OFF)
        before = counted(centre)
        centre.asterisk.call("c1", {"SERVICE": TEST})
        await passed(12)
        assert not centre.of_type("alarm")
        assert not live(centre).alarms
        centre.asterisk.hang_up("caller-c1")
        await passed(0.3)
        assert centre.journal.tags("c1")[-1] is TAG.ABANDONED
        assert not [told for told in centre.follow_up.told if told[0] in ("lost", "called")]
        # Nor has the next call of this number, a real one, somebody else's place.
        centre.asterisk.call("c2", {"CALLER_NUMBER": CITIZEN})
        await passed(0.2)
        assert not shown(centre, "c2")["redial"]
        after = counted(centre)
        assert after["ccserver_test_contacts_total['abandoned']"] == 1.0
        tests = {name for name in after if after[name] != before.get(name)}
        assert "ccserver_contacts_finished_total['abandoned']" not in tests

    run(test, document=slow)


def test_whoever_needs_help_is_before_every_test() -> None:
    async def test(centre: Centre) -> None:
        for agent_id in centre.agents:
            centre.present(agent_id, PresenceKind.OFF)
        centre.asterisk.call("test", {"SERVICE": TEST})
        await passed(5)
        centre.asterisk.call("help")
        await passed(0.2)
        centre.present(SECOND, PresenceKind.READY)
        await passed(0.2)
        assert live(centre, "help").view is not None
        assert shown(centre, "help")["state"] == "offered"
        assert shown(centre, "test")["state"] == "waiting"

    run(test)


def test_a_test_of_a_document_without_a_test_queue_waits_in_one_all_the_same() -> None:
    old = Document(
        queues=(d.Queue(name="calls", queue_class=9), d.Queue(name="callback", queue_class=0)),
        entries=(d.Entry(number="112", queue="calls"),),
        agents=(d.Agent(agent_id=FIRST, queues=("calls",)),),
    )

    async def test(centre: Centre) -> None:
        centre.asterisk.call("c1", {"SERVICE": TEST})
        await passed(0.2)
        assert live(centre).queue == "ecall_test"
        # The members of the queue of 112 take it.
        await answered(centre, FIRST)
        assert live(centre).answered

    run(test, document=old)


# -- calls that we place --------------------------------------------------------------------------


def test_a_car_that_is_called_back_is_known_by_its_dialog_once_it_answers() -> None:
    async def test(centre: Centre) -> None:
        contact_id = Outbound(centre.runtime, centre.clock).place(FIRST, CITIZEN, None)
        await passed(0.2)
        await answered(centre, FIRST)
        leg = centre.asterisk.channels[f"call-{contact_id}"]
        assert leg.variables["PJSIP_HEADER(add,Priority)"] == "psap-callback"
        leg.variables["SIP_CALL_ID"] = "ours@edge"
        centre.asterisk.answer(leg.id)
        await passed(0.3)
        call = centre.runtime.calls.table.get(contact_id)
        assert call is not None
        assert call.facts.sip_call_id == "ours@edge"

    run(test)


def test_a_service_is_not_called_as_somebody_who_asked_for_help() -> None:
    async def test(centre: Centre) -> None:
        outbound = Outbound(centre.runtime, centre.clock)
        contact_id = outbound.place(FIRST, "113", None, calls_back=False)
        await passed(0.2)
        await answered(centre, FIRST)
        variables = centre.asterisk.channels[f"call-{contact_id}"].variables
        assert not any("Priority" in name for name in variables)

    run(test)
