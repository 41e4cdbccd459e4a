"""Calls that we place: refused without a trace, or with a contact that somebody ends."""

from dataclasses import replace

import pytest

from ccserver.acd.events import AgentDeviceChanged, PresenceKind
from ccserver.outbound import Outbound
from ccserver.telephony.call import CallPhase
from ccserver.types import AgentId, ContactId, IncidentId
from ccserver.web.ports import ControlRefused
from tests.newsroom import CITIZEN, FIRST, SECOND, answered, run, shown, state, talking
from tests.telephony.centre import Centre, passed


def outbound(centre: Centre) -> Outbound:
    return Outbound(centre.runtime, centre.clock)


def refusal(centre: Centre, agent_id: AgentId, number: str = CITIZEN) -> str:
    contacts = len(centre.live.contacts())
    with pytest.raises(ControlRefused) as caught:
        outbound(centre).place(agent_id, number, None)
    assert caught.value.message
    assert len(centre.live.contacts()) == contacts, "nothing is left of it"
    return caught.value.code


def test_what_cannot_be_placed_is_refused() -> None:
    async def test(centre: Centre) -> None:
        await talking(centre)
        assert refusal(centre, FIRST) == "not_free"
        assert refusal(centre, AgentId("agent-999")) == "no_seat"
        assert refusal(centre, SECOND, "1" * 30) == "bad_number"
        centre.runtime.post(AgentDeviceChanged(SECOND, reachable=False, busy=False))
        assert refusal(centre, SECOND) == "no_seat"
        assert state(centre) == "talking"

    run(test)


@pytest.mark.parametrize("presence", [PresenceKind.READY, PresenceKind.NOT_READY])
def test_a_placed_call_belongs_to_the_card_and_rings_the_seat(presence: PresenceKind) -> None:
    async def test(centre: Centre) -> None:
        centre.present(FIRST, presence)
        contact_id = outbound(centre).place(FIRST, CITIZEN, IncidentId("i1"))
        await passed(0.2)
        assert shown(centre, contact_id)["incident_id"] == "i1"
        assert shown(centre, contact_id)["state"] == "offered"
        assert state(centre) == "reserved"
        assert centre.journal.opened()[contact_id] == 1
        outbound(centre).withdraw(contact_id)
        await passed(0.3)
        assert centre.live.contacts() == []
        assert not centre.asterisk.channels

    run(test)


def test_a_lined_up_call_that_nobody_takes_is_over_and_the_seats_are_as_the_core_has_them() -> None:
    """Its end comes out of the very step in which the next one would have been offered it."""

    async def test(centre: Centre) -> None:
        contact_id = outbound(centre).line_up(CITIZEN, None, priority=5)
        assert contact_id is not None
        await passed(16)
        assert centre.live.get(contact_id) is None
        assert ("finished", contact_id, False, False) in centre.follow_up.told
        views = {view.agent_id: view for view in centre.core.agent_views()}
        for agent_id in (FIRST, SECOND):
            assert centre.live.seat(agent_id) == views[agent_id]
        assert centre.asterisk.phones_rung == {"PJSIP/ct-101": 1}
        await passed(5)
        assert state(centre, SECOND) == "idle"

    run(test)


def test_a_lined_up_call_is_withdrawn_only_before_the_citizen_answers() -> None:
    async def test(centre: Centre) -> None:
        contact_id = outbound(centre).line_up(CITIZEN, None, priority=5)
        assert contact_id is not None
        await passed(0.2)
        await answered(centre, FIRST)
        centre.asterisk.answer(f"call-{contact_id}")
        await passed(0.3)
        outbound(centre).withdraw(contact_id)
        outbound(centre).withdraw(ContactId("unknown"))
        await passed(0.3)
        call = centre.calls.table.get(contact_id)
        assert call is not None
        assert call.phase is CallPhase.TALKING
        assert outbound(centre).line_up("1" * 30, None, priority=5) is None

    run(test)


def test_a_call_that_the_distributor_does_not_take_leaves_nothing_behind() -> None:
    async def test(centre: Centre) -> None:
        seat = centre.live.seat(FIRST)
        assert seat is not None
        centre.present(FIRST, PresenceKind.OFF)
        centre.live.agent_changed(replace(seat))  # the view is late
        assert refusal(centre, FIRST) == "not_free"
        assert not centre.calls.table.all()

    run(test)
