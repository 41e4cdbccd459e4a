"""Legs that answer and legs that end: what `transfer.react` says of it, carried out."""

import structlog

from ccserver.acd.commands import OfferKind
from ccserver.acd.events import OfferFailure
from ccserver.telephony.call import CUT_CAUSES, Call, CallPhase, bridge_id_of
from ccserver.telephony.conversation import Conversation
from ccserver.telephony.errors import TelephonyError
from ccserver.telephony.guard import Guard
from ccserver.telephony.joining import Joining
from ccserver.telephony.offers import FAILURE_OF_CAUSE
from ccserver.telephony.party import Leg
from ccserver.telephony.transfer import (
    HELD_PHASES,
    LEASED_PHASES,
    WITH_OTHER,
    CallRefused,
    Effect,
    Move,
    News,
    Reaction,
    Successor,
    react,
)

log = structlog.get_logger(__name__)

CAUSE_NORMAL_CLEARING = 16  # ITU-T Q.850
OUTBOUND_REASONS = {
    1: "unreachable",
    3: "unreachable",
    17: "busy",
    18: "no_answer",
    19: "no_answer",
    20: "unreachable",
    21: "rejected",
    27: "unreachable",
}


class Ends:
    """What the events of legs mean for their call."""

    def __init__(self, guard: Guard, joining: Joining, conversation: Conversation) -> None:
        self._guard = guard
        self._joining = joining
        self._conversation = conversation

    # -- legs beside the caller's ---------------------------------------------------------------

    def other_answered(self, call: Call, leg: Leg) -> None:
        """Somebody whom the call taker wants has answered; to be told once."""
        leg.created = leg.answered = True
        call.changes += 1
        reaction = react(call.phase, News.OTHER_ANSWERED)
        if call.other is not leg or reaction.effect is Effect.DROP_LEG:
            self._guard.withdraw(call, leg)
            self._conversation.tell_participant_left(call, leg)
            return
        self._guard.table.spawn(call, self._join_other(call, leg))

    async def _join_other(self, call: Call, leg: Leg) -> None:
        """The phase may be another by now: the caller has been put on hold, or taken back."""
        moves = react(call.phase, News.OTHER_ANSWERED).moves
        if call.other is not leg or not moves:
            return  # whoever changed it has let go of the leg
        try:
            for move in moves:
                await self._conversation.perform(call, move)
        except (TelephonyError, CallRefused) as error:
            log.warning("party_not_joined", contact_id=call.contact_id, reason=type(error).__name__)
            if call.legs.get(leg.leg_id) is leg and not leg.joined:
                self._guard.withdraw(call, leg)
                self._conversation.tell_participant_left(call, leg)
                self._react(call, react(call.phase, News.OTHER_ENDED))

    def leg_gone(self, call: Call, leg: Leg, cause: int) -> None:
        """A leg has ended, with this cause of ITU-T Q.850 (0: not known)."""
        leg.over = True
        self._guard.table.unbind(leg.leg_id)
        was_owner, was_other = call.owner is leg, call.other is leg
        call.lose(leg)
        if leg.withdrawn:
            return
        if was_owner:
            self._owner_gone(call, leg, cause)
        elif was_other:
            self._other_gone(call, leg, cause)
        elif leg.offer_id is not None and not leg.answered:
            self._guard.observer.offer_failed(leg.offer_id, failure_of(cause))
        elif leg.offer_kind is OfferKind.ASSIST or leg.joined:
            self._conversation.tell_participant_left(call, leg)
        else:
            self._guard.look_again = True
        if leg.offer_kind is OfferKind.OUTBOUND and call.phase is CallPhase.DIALLED:
            self.no_citizen(call, "cancelled")
            return
        self._guard.changed(call)

    def _other_gone(self, call: Call, leg: Leg, cause: int) -> None:
        if leg.offer_id is not None and not leg.answered:
            self._guard.observer.offer_failed(leg.offer_id, failure_of(cause))
        else:
            self._conversation.tell_participant_left(call, leg)
        self._react(call, react(call.phase, News.OTHER_ENDED))

    def _owner_gone(self, call: Call, leg: Leg, cause: int) -> None:
        hung_up = cause == CAUSE_NORMAL_CLEARING and not call.hold_marked
        news = News.OWNER_HUNG_UP if hung_up else News.OWNER_LOST
        after = call.successor()
        reaction = react(call.phase, news, successor_kind(call, after))
        was_kept_or_held = reaction.phase not in (CallPhase.CLAIMED, CallPhase.GONE)
        if after is not None and was_kept_or_held and reaction.effect is Effect.NONE:
            call.owner = after
            if call.other is after:
                call.other = None
            self._guard.observer.handed_over(call.contact_id, leg.agent_id, after.agent_id)
        self._react(call, reaction)

    def _react(self, call: Call, reaction: Reaction) -> None:
        if reaction.effect is Effect.WAIT_AGAIN:
            self._joining.wait_again(call)
            return
        if reaction.phase is not call.phase:
            call.move(reaction.phase)
        if call.other is not None and call.phase not in WITH_OTHER:
            other = call.other
            self._guard.withdraw(call, other)
            self._conversation.tell_participant_left(call, other)
        if reaction.effect is Effect.CALL_OVER:
            self._conversation_over(call)
        elif reaction.effect is Effect.EXPECT_RETURN:
            # The dialplan sends the caller back to us, as it would without us. If it does not,
            # the caller sits alone in the bridge.
            self._guard.look_again = True
        elif reaction.effect is Effect.NO_CITIZEN:
            self.no_citizen(call, "cancelled")
            return
        if reaction.moves:
            self._guard.table.spawn(call, self._perform(call, reaction.moves))
        self._guard.changed(call)

    async def _perform(self, call: Call, moves: tuple[Move, ...]) -> None:
        try:
            for move in moves:
                await self._conversation.perform(call, move)
        except CallRefused:
            log.info("call_changed_meanwhile", contact_id=call.contact_id)

    # -- the caller's leg -----------------------------------------------------------------------

    def caller_left_application(self, call: Call) -> None:
        """The lease ran out, or a hang-up handler sent the caller elsewhere."""
        if call.phase in (CallPhase.GONE, CallPhase.PARACHUTE, CallPhase.DIALLED):
            return
        before, owner = call.phase, call.owner
        call.move(react(before, News.CALLER_LEFT).phase)
        if owner is not None and (
            before is CallPhase.CONNECTING
            or not owner.answered
            or call.successor(without=owner) is not None
        ):
            owner = None  # whoever has ended since, the owner's cause does not tell what it means
        # Ringing offers of a waiting caller are the distributor's to rescind.
        self._guard.withdraw_all(
            call, lambda leg: leg is not owner and not (leg.offer_id and not leg.answered)
        )
        if owner is not None:
            # Should it live, it is alone, and its end would reach for the caller. The cause of its
            # end still tells whether the conversation is over.
            self._guard.table.spawn(call, self._guard.release_leg(owner.leg_id))
        call.other = None
        self._guard.changed(call)
        if before in LEASED_PHASES and not call.ended_posted:
            self._guard.observer.caller_left(call.facts, agent_channel=None)
        # Out of a conversation: the end of the owner's leg, or the next claim, tells more.

    def caller_hung_up(self, call: Call, cause: int = 0) -> None:
        """The caller's leg is at its end."""
        if call.phase is CallPhase.GONE:
            return
        if call.phase is CallPhase.DIALLED:
            self.no_citizen(call, OUTBOUND_REASONS.get(cause, "failed"))
            return
        call.move(CallPhase.GONE)
        # The distributor rescinds an offer by itself; an answered leg is ours to end.
        self._guard.withdraw_all(call, lambda leg: leg.answered or leg.offer_id is None)
        if not call.ended_posted:
            call.ended_posted = True
            if call.hang_up_wanted:
                self._guard.observer.conversation_ended(call.contact_id)
            else:
                self._guard.observer.caller_gone(call.contact_id, cause in CUT_CAUSES)

    def caller_destroyed(self, call: Call, cause: int = 0) -> None:
        """The caller's channel does not exist any more."""
        dialled = call.phase is CallPhase.DIALLED
        self.caller_hung_up(call, cause)
        if dialled:
            return
        self._forget(call)
        self._guard.observer.recording_complete(call.contact_id, call.facts.arrived_at)

    def no_citizen(self, call: Call, reason: str) -> None:
        """Our own call has come to nothing: nobody answered it, or its call taker is gone."""
        if call.ended_posted:
            return
        call.ended_posted = True
        call.move(CallPhase.GONE)
        self._guard.withdraw_all(call)
        if call.dialled:
            self._guard.table.spawn(call, self._guard.end_caller(call))
        self._forget(call)
        self._guard.observer.outbound_failed(call.contact_id, reason)

    def _conversation_over(self, call: Call) -> None:
        """Whoever had the caller hung up; the dialplan ends the caller's leg, we make sure."""
        self.conversation_ended(call)
        self._guard.table.spawn(call, self._guard.end_caller(call))

    def conversation_ended(self, call: Call) -> None:
        """Tell it, if the end is not yet known."""
        if not call.ended_posted:
            call.ended_posted = True
            call.changes += 1
            self._guard.observer.conversation_ended(call.contact_id)

    def _forget(self, call: Call) -> None:
        self._guard.table.forget(call)
        if call.bridge_made:
            bridge_id = bridge_id_of(call.contact_id)
            self._guard.table.spawn(call, self._guard.actions.destroy_bridge(bridge_id))


def failure_of(cause: int) -> OfferFailure:
    """What a phone's cause of release means for the distributor."""
    return FAILURE_OF_CAUSE.get(cause, OfferFailure.FAILED)


def successor_kind(call: Call, after: Leg | None) -> Successor:
    """How the tables call the one who would keep the caller."""
    if after is None:
        return Successor.NOBODY
    if after is call.other and call.phase in HELD_PHASES:
        return Successor.OTHER
    return Successor.OUTSIDE if after.agent_id is None else Successor.AGENT
