"""Every phase × every wish, move and news: the caller is always with exactly one who keeps.

The world of the model is a caller, a call taker, an other who is a call taker, keeps or does not,
and their places; the moves do in it what `conversation` does in Asterisk. Whatever sequence of
wishes and news Hypothesis finds, the phase and the world agree, and nobody is dropped.
"""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ccserver.telephony.call import CallPhase, Segment
from ccserver.telephony.transfer import (
    GUARD,
    HELD_PHASES,
    KEPT_PHASES,
    LEASED_PHASES,
    MOVES,
    OTHER_RINGS,
    OWNED_PHASES,
    PLANS,
    REFUSALS,
    WITH_OTHER,
    CallRefused,
    Effect,
    Guard,
    Move,
    News,
    Reaction,
    Successor,
    Wish,
    after,
    plan,
    react,
    segment,
)

P = CallPhase
PHASES = list(CallPhase)
SUCCESSORS = list(Successor)


def test_every_phase_has_exactly_one_guard() -> None:
    assert set(GUARD) == set(PHASES)
    assert LEASED_PHASES.isdisjoint(KEPT_PHASES)
    assert {phase for phase in PHASES if GUARD[phase] is Guard.GONE} == {P.GONE}


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("wish", list(Wish))
@pytest.mark.parametrize("successor", SUCCESSORS)
def test_every_wish_in_every_phase_is_carried_out_or_refused_whole(
    phase: CallPhase, wish: Wish, successor: Successor
) -> None:
    if (phase, wish) not in PLANS:
        with pytest.raises(CallRefused, match=REFUSALS[wish]):
            plan(phase, wish, successor)
        return
    try:
        moves = plan(phase, wish, successor)
    except CallRefused:
        assert successor is Successor.NOBODY
        return
    assert phase in OWNED_PHASES, "only who has the caller has wishes"
    end = after(phase, moves)
    assert GUARD[end] in (Guard.KEEPER, Guard.LEASE)


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("news", list(News))
@pytest.mark.parametrize("successor", SUCCESSORS)
def test_all_news_in_every_phase_has_an_answer_that_loses_nobody(
    phase: CallPhase, news: News, successor: Successor
) -> None:
    reaction = react(phase, news, successor)
    guard = GUARD[reaction.phase]
    after(reaction.phase, reaction.moves)
    if news is News.CALLER_GONE:
        assert reaction == Reaction(P.GONE, Effect.LET_GO)
    elif guard is Guard.GONE:
        assert phase is P.GONE or reaction.effect is Effect.NO_CITIZEN
    if reaction.effect is Effect.WAIT_AGAIN:
        assert reaction.phase is P.CLAIMED
    if news in (News.OWNER_HUNG_UP, News.OWNER_LOST) and guard is Guard.KEEPER:
        # Somebody is left, or the dialplan acts, or the call is over because it was said so.
        alone = successor is Successor.NOBODY
        acted = reaction.effect in (Effect.CALL_OVER, Effect.EXPECT_RETURN)
        assert acted is alone
        assert news is News.OWNER_HUNG_UP or reaction.effect is not Effect.CALL_OVER


@pytest.mark.parametrize("phase", sorted(HELD_PHASES))
@pytest.mark.parametrize("successor", SUCCESSORS)
def test_nobody_says_goodbye_to_a_caller_on_hold(phase: CallPhase, successor: Successor) -> None:
    for news in (News.OWNER_HUNG_UP, News.OWNER_LOST):
        reaction = react(phase, news, successor)
        assert reaction.effect is not Effect.CALL_OVER
        assert GUARD[reaction.phase] is Guard.LEASE


@pytest.mark.parametrize("phase", sorted(WITH_OTHER))
def test_a_consultation_that_fails_leaves_the_caller_where_it_was(phase: CallPhase) -> None:
    reaction = react(phase, News.OTHER_ENDED)
    assert GUARD[reaction.phase] is GUARD[phase]
    assert reaction.phase not in WITH_OTHER
    assert reaction.effect is (Effect.WAIT_AGAIN if phase is P.HANDING else Effect.NONE)


@pytest.mark.parametrize("phase", PHASES)
def test_an_answer_counts_only_where_somebody_is_rung(phase: CallPhase) -> None:
    """After a cancel, a second answer, or the end of the call, the phone is let go."""
    reaction = react(phase, News.OTHER_ANSWERED)
    assert (reaction.effect is Effect.DROP_LEG) is (phase not in OTHER_RINGS)
    assert bool(reaction.moves) is (phase in OTHER_RINGS)


def test_news_told_twice_changes_nothing_more() -> None:
    for phase in PHASES:
        for news in (News.OTHER_ENDED, News.CALLER_LEFT, News.CALLER_GONE):
            once = react(phase, news).phase
            assert react(once, news).phase is once


def test_complete_is_done_once() -> None:
    """The one who completed is not the owner any more; for the new one nothing is to complete."""
    for phase in OWNED_PHASES:
        for successor in SUCCESSORS:
            try:
                end = after(phase, plan(phase, Wish.COMPLETE, successor))
            except CallRefused:
                continue
            if end is P.HANDED_OVER or end is P.HANDING:
                with pytest.raises(CallRefused):
                    plan(end, Wish.COMPLETE, Successor.NOBODY)
            else:
                with pytest.raises(CallRefused, match="nobody_would_keep"):
                    plan(end, Wish.COMPLETE, Successor.NOBODY)


def test_the_caller_is_let_out_of_hold_only_by_arming_somebody() -> None:
    """Of all moves only two lead from a lease to a keeper, and both arm before they unlease."""
    for (phase, move), end in MOVES.items():
        if GUARD[phase] is Guard.LEASE and GUARD[end] is Guard.KEEPER:
            assert move in (Move.CALLER_IN, Move.JOIN_CALLER)
        if GUARD[phase] is Guard.KEEPER and GUARD[end] is Guard.LEASE:
            assert move is Move.CALLER_OUT


def test_every_move_is_wanted_by_some_wish_or_news() -> None:
    wanted = {move for moves in PLANS.values() for move in moves} | {Move.LEAVE_TO_OUTSIDE}
    wanted |= {move for phase in PHASES for move in react(phase, News.OTHER_ANSWERED).moves}
    assert wanted == set(Move)


def test_segments() -> None:
    assert segment(P.TALKING, 1) is Segment.TALK
    assert segment(P.TALKING, 2) is Segment.CONFERENCE
    assert segment(P.CONSULTING, 2) is Segment.CONSULT
    assert segment(P.CONNECTING, 1) is None


@dataclass(eq=False)
class Somebody:
    """A leg of the model's world."""

    agent: bool
    keeps: bool = True
    answered: bool = True
    in_bridge: bool = True
    armed: bool = True
    hung_up: bool = False


class World(RuleBasedStateMachine):
    """What the moves do, and the dialplan; one caller."""

    @initialize()
    def start(self) -> None:
        self.begin()

    def begin(self) -> None:
        self.phase = P.TALKING
        self.in_bridge, self.lease, self.in_line, self.over = True, False, False, False
        self.owner: Somebody | None = Somebody(agent=True)
        self.other: Somebody | None = None
        self.others: list[Somebody] = []
        self.rung: list[Somebody] = []

    # -- what the edge does ---------------------------------------------------------------------

    def armed(self, *but: Somebody | None) -> list[Somebody]:
        there = [self.owner, self.other, *self.others]
        return [leg for leg in there if leg is not None and leg.armed and leg not in but]

    def successor(self, *but: Somebody | None) -> Successor:
        left = sorted(self.armed(*but), key=lambda leg: not leg.agent)
        if not left:
            return Successor.NOBODY
        if left[0] is self.other and self.phase in HELD_PHASES:
            return Successor.OTHER
        return Successor.AGENT if left[0].agent else Successor.OUTSIDE

    def perform(self, move: Move) -> None:  # noqa: C901 - one line per move
        end = MOVES[self.phase, move]
        match move:
            case Move.CALLER_OUT:
                self.lease = True
                self.in_bridge = False
            case Move.CALLER_IN:
                for leg in (self.owner, self.other, *self.others):
                    if leg and leg.answered and leg.in_bridge and leg.keeps:
                        leg.armed = True
                self.in_bridge = True
                assert self.armed(), "unleased with nobody armed"
                self.lease = False
                self.settle_other(end)
            case Move.OTHER_IN:
                assert self.other
                self.other.in_bridge = True
                self.other.armed = self.other.keeps and (end in KEPT_PHASES or self.other.agent)
                self.settle_other(end)
            case Move.OTHER_OUT:
                assert self.other
                self.other.armed = False
                self.other.in_bridge = False
            case Move.DROP_OTHER:
                self.let_go(self.other)
                self.other = None
            case Move.JOIN_CALLER:
                assert self.other
                self.in_bridge = self.other.in_bridge = self.other.armed = True
                self.owner, self.other, self.lease = self.other, None, False
            case Move.LEAVE_TO_AGENT | Move.LEAVE_TO_OUTSIDE:
                before, self.owner = self.owner, self.pick(self.owner)
                self.let_go(before)
            case Move.LEAVE_TO_RINGING:
                self.let_go(self.owner)
                self.owner = None
            case Move.GIVE_BACK:
                self.back_in_line()
        self.phase = end

    def settle_other(self, end: CallPhase) -> None:
        if end not in WITH_OTHER and self.other is not None:
            self.others.append(self.other)
            self.other = None

    def pick(self, *but: Somebody | None) -> Somebody:
        chosen = min(self.armed(*but), key=lambda leg: not leg.agent)
        if chosen in self.others:
            self.others.remove(chosen)
        elif chosen is self.other:
            self.other = None
        return chosen

    def let_go(self, leg: Somebody | None) -> None:
        if leg is not None:
            leg.armed, leg.in_bridge, leg.hung_up = False, False, True

    def back_in_line(self) -> None:
        self.lease, self.in_bridge, self.in_line = True, False, True
        for leg in (self.owner, self.other, *self.others):
            self.let_go(leg)
        self.owner, self.other, self.others = None, None, []

    def obey(self, reaction: Reaction, *, dialplan_returns: bool) -> None:
        self.phase = reaction.phase
        if reaction.effect is Effect.WAIT_AGAIN:
            self.back_in_line()
            return
        if reaction.effect is Effect.CALL_OVER:
            self.over = True
        if reaction.effect is Effect.EXPECT_RETURN:
            assert dialplan_returns, "the dialplan counts somebody: nobody acts"
            self.back_in_line()
            self.phase = P.CLAIMED
            return
        if self.other is not None and self.phase not in WITH_OTHER:
            self.let_go(self.other)
            self.other = None
        for move in reaction.moves:
            self.perform(move)

    # -- what people do -------------------------------------------------------------------------

    @property
    def live(self) -> bool:
        return not (self.over or self.in_line)

    @precondition(lambda self: self.live and self.phase in OWNED_PHASES)
    @rule(
        wish=st.sampled_from(list(Wish)),
        agent=st.booleans(),
        keeps=st.booleans(),
        stop=st.booleans(),
    )
    def wish(self, wish: Wish, agent: bool, keeps: bool, stop: bool) -> None:
        """``stop``: the process dies, or a command fails, somewhere on the way."""
        there = [leg for leg in (self.other, *self.others) if leg and leg.answered and leg.keeps]
        prospect = Successor.NOBODY
        if there:
            prospect = Successor.AGENT if any(leg.agent for leg in there) else Successor.OUTSIDE
        try:
            moves = plan(self.phase, wish, prospect)
        except CallRefused:
            return
        if Move.LEAVE_TO_RINGING in moves:
            ringing = self.other or Somebody(agent=agent, keeps=keeps)
            if ringing.agent or not ringing.keeps:
                return  # refused by the edge
        for number, move in enumerate(moves):
            if stop and number:
                return
            if move is Move.RING_OTHER:
                self.other = Somebody(agent, keeps or agent, False, False, False)
                self.rung.append(self.other)
                self.phase = MOVES[self.phase, move]
            else:
                self.perform(move)

    @precondition(lambda self: self.live and self.phase in OTHER_RINGS)
    @rule()
    def other_answers(self) -> None:
        assert self.other
        self.other.answered = True
        self.obey(react(self.phase, News.OTHER_ANSWERED), dialplan_returns=False)

    @precondition(lambda self: self.live and self.phase in WITH_OTHER)
    @rule()
    def other_ends(self) -> None:
        self.let_go(self.other)
        self.other = None
        self.obey(react(self.phase, News.OTHER_ENDED), dialplan_returns=False)

    @precondition(lambda self: self.live and self.owner is not None)
    @rule(hung_up=st.booleans())
    def owner_ends(self, hung_up: bool) -> None:
        before, self.owner = self.owner, None
        self.let_go(before)
        hung_up = hung_up and self.phase not in HELD_PHASES  # the dialplan's mark
        news = News.OWNER_HUNG_UP if hung_up else News.OWNER_LOST
        successor = self.successor(before)
        reaction = react(self.phase, news, successor)
        kept = reaction.phase in KEPT_PHASES | HELD_PHASES and reaction.effect is Effect.NONE
        if successor is not Successor.NOBODY and kept:
            self.owner = self.pick(before)
        self.obey(reaction, dialplan_returns=successor is Successor.NOBODY)

    @precondition(lambda self: not self.live)
    @rule()
    def another_call_begins(self) -> None:
        self.begin()

    @precondition(lambda self: self.live and self.others)
    @rule()
    def a_party_ends(self) -> None:
        self.let_go(self.others.pop())

    # -- what must always hold ------------------------------------------------------------------

    @invariant()
    def the_caller_has_exactly_one_guard(self) -> None:
        if self.over:
            return
        guard = GUARD[self.phase]
        if guard is Guard.LEASE:
            assert self.lease
            assert not self.in_bridge
        if guard is Guard.KEEPER:
            assert not self.lease
            assert self.in_bridge
            assert self.armed(), "connected to nobody"

    @invariant()
    def who_is_armed_is_in_the_bridge(self) -> None:
        """Else a handler would count on somebody who is not with the caller."""
        assert all(leg.in_bridge and not leg.hung_up for leg in self.armed())

    @invariant()
    def the_phase_tells_who_is_there(self) -> None:
        if self.over:
            return
        assert (self.other is not None) is (self.phase in WITH_OTHER)
        if self.phase in OWNED_PHASES:
            assert self.owner is not None
            assert self.owner.agent
        if self.phase is P.HANDED_OVER:
            assert self.owner is not None
            assert not self.owner.agent

    @invariant()
    def nobody_is_forgotten_on_the_line(self) -> None:
        """Whoever was rung is known, or hung up."""
        known = [self.owner, self.other, *self.others]
        assert all(leg in known or leg.hung_up for leg in self.rung)


TestWorld = World.TestCase
TestWorld.settings = settings(max_examples=400, stateful_step_count=40, deadline=None)


@given(st.lists(st.sampled_from(list(Move)), max_size=12))
def test_moves_from_a_conversation_never_leave_the_guarded_phases(moves: list[Move]) -> None:
    phase = P.TALKING
    for move in moves:
        phase = MOVES.get((phase, move), phase)
        assert GUARD[phase] in (Guard.KEEPER, Guard.LEASE)
