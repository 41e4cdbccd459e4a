"""A caller whom this process does not know, found in Asterisk: taken on, in whatever phase.

Every phase of a conversation can be told from Asterisk alone: whether the caller is marked as on
hold, who is in the dialplan's group, and who else is in the bridge or on hold. What was on its way
(a phone that rang for a consultation, a blind transfer) is not: its leg is swept, and the caller
is with the call taker, or waits in line.
"""

from dataclasses import dataclass

from ccserver.telephony.call import Call, CallPhase, bridge_id_of
from ccserver.telephony.calls import Calls
from ccserver.telephony.guard import GROUP, HELD
from ccserver.telephony.joining import music_of
from ccserver.telephony.party import Leg
from ccserver.telephony.survey import FoundCaller, FoundLeg
from ccserver.telephony.transfer import HELD_PHASES


@dataclass(frozen=True, slots=True)
class Standing:
    """What a found caller's conversation is."""

    phase: CallPhase
    owner: FoundLeg | None = None
    other: FoundLeg | None = None
    parties: tuple[FoundLeg, ...] = ()
    """All who stay, owner and other among them."""


WAITING = Standing(CallPhase.CLAIMED)


def standing(found: FoundCaller) -> Standing:
    """Read it; pure. Nobody is left with a party that does not keep, or on hold with nobody."""
    if not found.keepers or not (found.in_bridge or found.held):
        return WAITING
    owner = found.keepers[0]
    on_hold = next((leg for leg in found.others if leg.held and not leg.in_bridge), None)
    beside = tuple(leg for leg in found.others if leg.in_bridge)
    if owner.agent_id is None:
        # Nobody is there who could take somebody off hold.
        if found.held:
            return WAITING
        return Standing(CallPhase.HANDED_OVER, owner, None, (*found.keepers, *beside))
    if not found.held:
        phase = CallPhase.SWAPPED if on_hold else CallPhase.TALKING
        return Standing(phase, owner, on_hold, _all(found, beside, on_hold))
    if on_hold is not None:
        return Standing(CallPhase.BOTH_HELD, owner, on_hold, _all(found, beside, on_hold))
    # On hold, whoever is beside the owner is consulted: an outside party that keeps nobody yet, or
    # a call taker. Of a conference on hold it is the last one; everything it allows fits that too.
    last = found.keepers[-1] if len(found.keepers) > 1 else None
    consulted = next(iter(beside), last if last and last.agent_id else None)
    phase = CallPhase.CONSULTING if consulted else CallPhase.HELD
    return Standing(phase, owner, consulted, _all(found, beside, None))


def _all(
    found: FoundCaller, beside: tuple[FoundLeg, ...], on_hold: FoundLeg | None
) -> tuple[FoundLeg, ...]:
    return (*found.keepers, *beside, *((on_hold,) if on_hold else ()))


async def adopt(calls: Calls, found: FoundCaller, *, bridge_exists: bool) -> None:
    """Lease or no lease first, then music, then told; what has changed meanwhile is left alone."""
    contact_id = found.facts.contact_id
    stands = standing(found)
    before = calls.table.get(contact_id)
    changes = before.changes if before else None
    await _secure(calls, found, stands)
    now = calls.table.get(contact_id)
    if (now.changes if now else None) != changes or calls.table.is_over(contact_id):
        return
    call = calls.table.remember(found.facts, found.leg_id, found.channel)
    call.bridge_made = bridge_exists
    call.hold_marked = found.held
    call.conversation = found.conversation
    call.move(stands.phase)
    if stands.phase is CallPhase.CLAIMED:
        calls.observer.caller_waits(found.facts)
        calls.guard.changed(call)
        for leg in (*found.keepers, *found.others):
            await calls.guard.release_leg(leg.leg_id)
        return
    for party in stands.parties:
        _take(calls, call, party, stands)
    _tell(calls, call)
    calls.guard.changed(call)


async def _secure(calls: Calls, found: FoundCaller, stands: Standing) -> None:
    """The process that died may have done half of a step; this is whole in any case."""
    if stands.phase is CallPhase.CLAIMED:
        # Refused unless the channel is in our application: it may be about to be offered.
        await calls.actions.start_music(found.leg_id, music_of(stands.phase))
        await calls.actions.set_lease(found.leg_id, calls.lease_s)
        return
    for leg in found.keepers:
        # It may have left the group, about to be hung up by the process that died.
        await calls.actions.set_variable(leg.leg_id, GROUP, found.conversation)
    if stands.phase not in HELD_PHASES:
        await calls.actions.set_variable(found.leg_id, HELD, "")
        await calls.actions.set_lease(found.leg_id, 0)
        return
    await calls.actions.set_lease(found.leg_id, calls.lease_s)
    if found.in_bridge:
        await calls.actions.leave(bridge_id_of(found.facts.contact_id), found.leg_id)
    await calls.actions.start_music(found.leg_id, music_of(stands.phase))


def _take(calls: Calls, call: Call, party: FoundLeg, stands: Standing) -> Leg:
    leg = party.leg()
    leg.armed = bool(party.conversation) and party.conversation == call.conversation
    leg.held = party is stands.other and party.held and not party.in_bridge
    call.take(leg)
    calls.table.bind(leg.leg_id, call.contact_id)
    if party is stands.owner:
        call.owner = leg
    if party is stands.other:
        call.other = leg
    return leg


def _tell(calls: Calls, call: Call) -> None:
    owner = call.owner
    agent_id = owner.agent_id if owner else None
    participants = tuple(
        leg.agent_id for leg in call.legs.values() if leg is not owner and leg.agent_id is not None
    )
    calls.observer.caller_adopted(
        call.facts,
        agent_id,
        held=call.phase in HELD_PHASES,
        participants=participants,
        handed_over=agent_id is None,
    )
