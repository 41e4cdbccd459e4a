"""Hold, consult, conference and transfer as tables: what fits where, and what follows. Pure.

A conversation has a caller, an *owner* (the call taker, or whoever has the caller after a
transfer), perhaps an *other* who is being rung or consulted, and any number of further parties.
A wish of the panel is a plan: a sequence of moves, each of which the edge carries out whole or not
at all, and after each of which the call is in a phase of its own. So a plan that breaks off in the
middle, because a command failed, the process died or somebody hung up, leaves a phase that is as
good as any other. What merely happens is news, and has an answer in every phase.

In every phase the caller is with a keeper (no lease: the hang-up handlers of the keepers' legs
guard), under a lease, in the dialplan's parachute, or gone. No move and no news leads out of that:
`tests/telephony/test_transfer.py` goes through all of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ccserver.telephony.call import CallPhase, Segment

P = CallPhase


class Guard(StrEnum):
    """What keeps the caller if everything here dies now."""

    NOBODY_YET = "nobody_yet"  # the citizen's phone has not been answered
    KEEPER = "keeper"
    LEASE = "lease"
    DIALPLAN = "dialplan"
    GONE = "gone"


GUARD: Mapping[CallPhase, Guard] = {
    P.DIALLED: Guard.NOBODY_YET,
    P.CLAIMED: Guard.LEASE,
    P.CONNECTING: Guard.LEASE,
    P.TALKING: Guard.KEEPER,
    P.HELD: Guard.LEASE,
    P.INVITING: Guard.KEEPER,
    P.DIALLING: Guard.LEASE,
    P.CONSULTING: Guard.LEASE,
    P.SWAPPED: Guard.KEEPER,
    P.BOTH_HELD: Guard.LEASE,
    P.HANDING: Guard.LEASE,
    P.HANDED_OVER: Guard.KEEPER,
    P.PARACHUTE: Guard.DIALPLAN,
    P.GONE: Guard.GONE,
}

LEASED_PHASES = frozenset(phase for phase, guard in GUARD.items() if guard is Guard.LEASE)
KEPT_PHASES = frozenset(phase for phase, guard in GUARD.items() if guard is Guard.KEEPER)
HELD_PHASES = frozenset({P.HELD, P.DIALLING, P.CONSULTING, P.BOTH_HELD})
"""A call taker has the caller, who is on hold."""
OWNED_PHASES = frozenset({P.TALKING, P.INVITING, P.SWAPPED}) | HELD_PHASES
"""A call taker has the caller, who is in the conversation or on hold."""
WITH_OTHER = frozenset({P.INVITING, P.DIALLING, P.CONSULTING, P.SWAPPED, P.BOTH_HELD, P.HANDING})
OTHER_RINGS = frozenset({P.INVITING, P.DIALLING, P.HANDING})


class Move(StrEnum):
    """What the edge does whole or not at all."""

    CALLER_OUT = "caller_out"  # lease, then out of the bridge, then music
    CALLER_IN = "caller_in"  # arm whoever keeps, into the bridge, then no lease
    RING_OTHER = "ring_other"
    OTHER_IN = "other_in"  # into the bridge; armed if the caller is in it
    OTHER_OUT = "other_out"  # disarmed, then out of the bridge, then music
    DROP_OTHER = "drop_other"  # disarmed, then hung up
    JOIN_CALLER = "join_caller"  # the answered other and the caller who waits for it: as an answer
    LEAVE_TO_AGENT = "leave_to_agent"  # the owner disarmed and hung up; a call taker takes over
    LEAVE_TO_OUTSIDE = "leave_to_outside"  # the same, and outside parties are left
    LEAVE_TO_RINGING = "leave_to_ringing"  # the same, and the other still rings
    GIVE_BACK = "give_back"  # everybody else disarmed and hung up; the caller waits in line


MOVES: Mapping[tuple[CallPhase, Move], CallPhase] = {
    (P.TALKING, Move.CALLER_OUT): P.HELD,
    (P.TALKING, Move.RING_OTHER): P.INVITING,
    (P.TALKING, Move.LEAVE_TO_AGENT): P.TALKING,
    (P.TALKING, Move.LEAVE_TO_OUTSIDE): P.HANDED_OVER,
    (P.HELD, Move.CALLER_IN): P.TALKING,
    (P.HELD, Move.RING_OTHER): P.DIALLING,
    (P.HELD, Move.GIVE_BACK): P.CLAIMED,
    (P.INVITING, Move.CALLER_OUT): P.DIALLING,
    (P.INVITING, Move.OTHER_IN): P.TALKING,
    (P.INVITING, Move.DROP_OTHER): P.TALKING,
    (P.DIALLING, Move.CALLER_IN): P.INVITING,
    (P.DIALLING, Move.OTHER_IN): P.CONSULTING,
    (P.DIALLING, Move.DROP_OTHER): P.HELD,
    (P.DIALLING, Move.LEAVE_TO_RINGING): P.HANDING,
    (P.CONSULTING, Move.CALLER_IN): P.TALKING,
    (P.CONSULTING, Move.OTHER_OUT): P.BOTH_HELD,
    (P.CONSULTING, Move.DROP_OTHER): P.HELD,
    (P.SWAPPED, Move.CALLER_OUT): P.BOTH_HELD,
    (P.SWAPPED, Move.OTHER_IN): P.TALKING,
    (P.SWAPPED, Move.DROP_OTHER): P.TALKING,
    (P.BOTH_HELD, Move.CALLER_IN): P.SWAPPED,
    (P.BOTH_HELD, Move.OTHER_IN): P.CONSULTING,
    (P.BOTH_HELD, Move.DROP_OTHER): P.HELD,
    (P.HANDING, Move.JOIN_CALLER): P.HANDED_OVER,
}
"""What fits, and the phase after it. What has no entry is refused and changes nothing."""


class Wish(StrEnum):
    """What the owner asks for in the panel."""

    HOLD = "hold"
    RESUME = "resume"
    CONSULT = "consult"
    INVITE = "invite"
    MERGE = "merge"
    SWAP = "swap"
    COMPLETE = "complete"
    CANCEL = "cancel"
    TRANSFER_OUT = "transfer_out"  # blind, to a number
    TRANSFER_IN = "transfer_in"  # blind, to a call taker or a queue


class Successor(StrEnum):
    """Who keeps the caller once the owner has left."""

    AGENT = "agent"
    OTHER = "other"  # the call taker who is being consulted
    OUTSIDE = "outside"
    NOBODY = "nobody"


LEAVE = {
    Successor.AGENT: Move.LEAVE_TO_AGENT,
    Successor.OTHER: Move.LEAVE_TO_AGENT,
    Successor.OUTSIDE: Move.LEAVE_TO_OUTSIDE,
}
_LEAVE = Move.LEAVE_TO_AGENT  # in a plan: to whoever is the successor when it is made

PLANS: Mapping[tuple[CallPhase, Wish], tuple[Move, ...]] = {
    (P.TALKING, Wish.HOLD): (Move.CALLER_OUT,),
    (P.INVITING, Wish.HOLD): (Move.CALLER_OUT,),
    (P.SWAPPED, Wish.HOLD): (Move.CALLER_OUT,),
    (P.HELD, Wish.RESUME): (Move.CALLER_IN,),
    (P.DIALLING, Wish.RESUME): (Move.CALLER_IN,),
    (P.BOTH_HELD, Wish.RESUME): (Move.CALLER_IN,),
    (P.TALKING, Wish.CONSULT): (Move.CALLER_OUT, Move.RING_OTHER),
    (P.HELD, Wish.CONSULT): (Move.RING_OTHER,),
    (P.TALKING, Wish.INVITE): (Move.RING_OTHER,),
    (P.CONSULTING, Wish.MERGE): (Move.CALLER_IN,),
    (P.SWAPPED, Wish.MERGE): (Move.OTHER_IN,),
    (P.BOTH_HELD, Wish.MERGE): (Move.OTHER_IN, Move.CALLER_IN),
    (P.CONSULTING, Wish.SWAP): (Move.OTHER_OUT, Move.CALLER_IN),
    (P.SWAPPED, Wish.SWAP): (Move.CALLER_OUT, Move.OTHER_IN),
    (P.BOTH_HELD, Wish.SWAP): (Move.OTHER_IN,),
    (P.TALKING, Wish.COMPLETE): (_LEAVE,),
    (P.CONSULTING, Wish.COMPLETE): (Move.CALLER_IN, _LEAVE),
    (P.SWAPPED, Wish.COMPLETE): (Move.OTHER_IN, _LEAVE),
    (P.BOTH_HELD, Wish.COMPLETE): (Move.OTHER_IN, Move.CALLER_IN, _LEAVE),
    (P.DIALLING, Wish.COMPLETE): (Move.LEAVE_TO_RINGING,),
    (P.INVITING, Wish.CANCEL): (Move.DROP_OTHER,),
    (P.DIALLING, Wish.CANCEL): (Move.DROP_OTHER, Move.CALLER_IN),
    (P.CONSULTING, Wish.CANCEL): (Move.DROP_OTHER, Move.CALLER_IN),
    (P.SWAPPED, Wish.CANCEL): (Move.DROP_OTHER,),
    (P.BOTH_HELD, Wish.CANCEL): (Move.DROP_OTHER, Move.CALLER_IN),
    (P.TALKING, Wish.TRANSFER_OUT): (Move.CALLER_OUT, Move.RING_OTHER, Move.LEAVE_TO_RINGING),
    (P.HELD, Wish.TRANSFER_OUT): (Move.RING_OTHER, Move.LEAVE_TO_RINGING),
    (P.TALKING, Wish.TRANSFER_IN): (Move.CALLER_OUT, Move.GIVE_BACK),
    (P.HELD, Wish.TRANSFER_IN): (Move.GIVE_BACK,),
    (P.INVITING, Wish.TRANSFER_IN): (Move.DROP_OTHER, Move.CALLER_OUT, Move.GIVE_BACK),
    (P.DIALLING, Wish.TRANSFER_IN): (Move.DROP_OTHER, Move.GIVE_BACK),
    (P.CONSULTING, Wish.TRANSFER_IN): (Move.DROP_OTHER, Move.GIVE_BACK),
    (P.SWAPPED, Wish.TRANSFER_IN): (Move.DROP_OTHER, Move.CALLER_OUT, Move.GIVE_BACK),
    (P.BOTH_HELD, Wish.TRANSFER_IN): (Move.DROP_OTHER, Move.GIVE_BACK),
}

REFUSALS: Mapping[Wish, str] = {
    Wish.HOLD: "not_talking",
    Wish.RESUME: "not_held",
    Wish.CONSULT: "not_talking",
    Wish.INVITE: "not_talking",
    Wish.MERGE: "no_consultation",
    Wish.SWAP: "no_consultation",
    Wish.COMPLETE: "no_consultation",
    Wish.CANCEL: "no_consultation",
    Wish.TRANSFER_OUT: "not_talking",
    Wish.TRANSFER_IN: "not_talking",
}
"""Why a wish without a plan is refused; for the panel."""


class CallRefused(Exception):
    """A wish that does not fit the call's state; ``code`` is for the panel."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def plan(phase: CallPhase, wish: Wish, successor: Successor) -> tuple[Move, ...]:
    """The moves for a wish of the owner; raises `CallRefused`.

    ``successor`` is who would keep the caller if the owner left after the other has come in.
    """
    moves = PLANS.get((phase, wish))
    if moves is None:
        raise CallRefused(REFUSALS[wish])
    if _LEAVE not in moves:
        return moves
    leave = LEAVE.get(successor)
    if leave is None:
        raise CallRefused("nobody_would_keep")
    return tuple(leave if move is _LEAVE else move for move in moves)


def after(phase: CallPhase, moves: tuple[Move, ...]) -> CallPhase:
    """The phase at the end of a plan; ``KeyError`` if a move does not fit."""
    for move in moves:
        phase = MOVES[phase, move]
    return phase


class News(StrEnum):
    """What happens without anybody here wanting it."""

    OTHER_ANSWERED = "other_answered"
    OTHER_ENDED = "other_ended"  # before or after an answer
    OWNER_HUNG_UP = "owner_hung_up"
    OWNER_LOST = "owner_lost"
    CALLER_LEFT = "caller_left"  # the lease ran out, or a hang-up handler sent the caller away
    CALLER_GONE = "caller_gone"


class Effect(StrEnum):
    """What the edge does about it, beside the moves."""

    NONE = "none"
    DROP_LEG = "drop_leg"  # whose answer nobody wants any more
    WAIT_AGAIN = "wait_again"  # lease, music, everybody else hung up; back in line
    CALL_OVER = "call_over"  # the dialplan ends the caller's leg; so do we
    EXPECT_RETURN = "expect_return"  # the dialplan sends the caller back to us; look whether
    LET_GO = "let_go"  # everybody else is hung up
    NO_CITIZEN = "no_citizen"  # nobody answered our call, or nobody wants it any more


@dataclass(frozen=True, slots=True)
class Reaction:
    """The phase at once, and what is done then."""

    phase: CallPhase
    effect: Effect = Effect.NONE
    moves: tuple[Move, ...] = ()


_WITHOUT_OTHER = {
    P.INVITING: P.TALKING,
    P.DIALLING: P.HELD,
    P.CONSULTING: P.HELD,
    P.SWAPPED: P.TALKING,
    P.BOTH_HELD: P.HELD,
}
_ON_ANSWER = {
    P.INVITING: (Move.OTHER_IN,),
    P.DIALLING: (Move.OTHER_IN,),
    P.HANDING: (Move.JOIN_CALLER,),
}


def react(phase: CallPhase, news: News, successor: Successor = Successor.NOBODY) -> Reaction:
    """What follows from news; there is an answer in every phase.

    ``successor``: who is in the dialplan's group beside the one who left.
    """
    if news in (News.OWNER_HUNG_UP, News.OWNER_LOST):
        return _owner_left(phase, successor, hung_up=news is News.OWNER_HUNG_UP)
    if news is News.OTHER_ENDED and phase is P.HANDING:
        return Reaction(P.CLAIMED, Effect.WAIT_AGAIN)
    if news is News.OTHER_ENDED:
        return Reaction(_WITHOUT_OTHER.get(phase, phase))
    if news is News.OTHER_ANSWERED:
        moves = _ON_ANSWER.get(phase, ())
        return Reaction(phase, Effect.NONE if moves else Effect.DROP_LEG, moves)
    if news is News.CALLER_GONE:
        return Reaction(P.GONE, Effect.LET_GO)
    nowhere = phase in (P.GONE, P.DIALLED)  # CALLER_LEFT of somebody who was not there
    return Reaction(phase) if nowhere else Reaction(P.PARACHUTE, Effect.LET_GO)


_OWNER_LEFT = {
    P.DIALLED: Reaction(P.GONE, Effect.NO_CITIZEN),
    P.CONNECTING: Reaction(P.CLAIMED, Effect.WAIT_AGAIN),
}


def _owner_left(phase: CallPhase, successor: Successor, *, hung_up: bool) -> Reaction:
    """The group decides in the dialplan too: as long as somebody else is in it, nothing ends."""
    if phase in HELD_PHASES:
        return _owner_left_on_hold(phase, successor)
    if phase not in KEPT_PHASES and phase is not P.PARACHUTE:
        return _OWNER_LEFT.get(phase, Reaction(phase))
    if successor is Successor.NOBODY or phase is P.PARACHUTE:
        return Reaction(phase, Effect.CALL_OVER if hung_up else Effect.EXPECT_RETURN)
    if successor is Successor.OUTSIDE:
        return Reaction(P.HANDED_OVER)
    return Reaction(P.TALKING if phase is P.HANDED_OVER else phase)


def _owner_left_on_hold(phase: CallPhase, successor: Successor) -> Reaction:
    """Nobody has said goodbye to a caller on hold, however the call taker's leg has ended.

    A call taker who is there already takes over. Outside parties do not: they have agreed to
    nothing yet, and the next call taker can call them again.
    """
    match successor:
        case Successor.OTHER:
            return Reaction(P.HELD, moves=(Move.CALLER_IN,))
        case Successor.AGENT:
            return Reaction(phase)
        case Successor.OUTSIDE:
            return Reaction(P.CLAIMED, Effect.WAIT_AGAIN)
    return Reaction(phase, Effect.EXPECT_RETURN)


SEGMENTS: Mapping[CallPhase, Segment] = {
    P.CLAIMED: Segment.QUEUE,
    P.TALKING: Segment.TALK,
    P.INVITING: Segment.TALK,
    P.SWAPPED: Segment.TALK,
    P.HELD: Segment.HOLD,
    P.DIALLING: Segment.HOLD,
    P.BOTH_HELD: Segment.HOLD,
    P.CONSULTING: Segment.CONSULT,
    P.HANDING: Segment.TRANSFER,
    P.HANDED_OVER: Segment.HANDED_OVER,
    P.PARACHUTE: Segment.PARACHUTE,
}
"""Phases without an entry are on the way to another and begin no segment."""


def segment(phase: CallPhase, parties: int) -> Segment | None:
    """The segment of a phase with so many parties beside the caller in the conversation."""
    found = SEGMENTS.get(phase)
    return Segment.CONFERENCE if found is Segment.TALK and parties > 1 else found
