"""A text is as far as its parts are, goes forward only, and its end is not overwritten."""

from itertools import permutations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccserver.sms.folding import (
    FINAL_PARTS,
    PART_MOVES,
    Folded,
    Part,
    PartState,
    fold,
    may_become,
    may_follow,
)
from ccserver.texts import FINAL_STATES, DeliveryState

QUEUED, SENDING, SENT = PartState.QUEUED, PartState.SENDING, PartState.SENT
DELIVERED, FAILED, EXPIRED = PartState.DELIVERED, PartState.FAILED, PartState.EXPIRED

PAIRS = {
    (QUEUED, QUEUED): "queued",
    (QUEUED, SENDING): "queued",
    (QUEUED, SENT): "queued",
    (QUEUED, DELIVERED): "queued",
    (QUEUED, FAILED): "failed",
    (QUEUED, EXPIRED): "expired",
    (SENDING, SENDING): "queued",
    (SENDING, SENT): "queued",
    (SENDING, DELIVERED): "queued",
    (SENDING, FAILED): "failed",
    (SENDING, EXPIRED): "expired",
    (SENT, SENT): "sent",
    (SENT, DELIVERED): "sent",
    (SENT, FAILED): "failed",
    (SENT, EXPIRED): "expired",
    (DELIVERED, DELIVERED): "delivered",
    (DELIVERED, FAILED): "failed",
    (DELIVERED, EXPIRED): "expired",
    (FAILED, FAILED): "failed",
    (FAILED, EXPIRED): "failed",
    (EXPIRED, EXPIRED): "expired",
}


@pytest.mark.parametrize("pair", list(product(PartState, PartState)))
def test_every_pair_of_parts_folds_as_the_table_says(pair: tuple[PartState, PartState]) -> None:
    wanted = PAIRS[pair] if pair in PAIRS else PAIRS[pair[::-1]]
    assert fold([Part(state) for state in pair]).state.value == wanted


@pytest.mark.parametrize("pair", list(product(PartState, PartState)))
def test_a_doubt_shows_until_all_of_it_is_with_the_citizen_or_never_will_be(
    pair: tuple[PartState, PartState],
) -> None:
    plain = fold([Part(state) for state in pair]).state
    doubted = fold([Part(pair[0], doubtful=True), Part(pair[1])]).state
    if plain in FINAL_STATES:
        assert doubted is plain
    else:
        assert doubted is DeliveryState.UNKNOWN


def test_done_counts_the_parts_that_are_with_the_citizen_and_the_first_error_is_told() -> None:
    parts = [Part(DELIVERED), Part(FAILED, error="11"), Part(EXPIRED, error="late")]
    assert fold(parts) == Folded(DeliveryState.FAILED, "11", 1)
    assert fold([Part(SENT, error="old")]).error is None


def test_a_text_without_parts_is_our_bug() -> None:
    with pytest.raises(ValueError, match="at least one"):
        fold([])


@given(st.lists(st.tuples(st.sampled_from(PartState), st.booleans()), min_size=1, max_size=4))
def test_the_order_of_parts_changes_nothing(parts: list[tuple[PartState, bool]]) -> None:
    values = [Part(state, doubtful) for state, doubtful in parts]
    assert len({fold(order) for order in permutations(values)}) == 1


def test_nothing_leaves_an_end_and_every_other_state_reaches_each_of_them() -> None:
    for state in PartState:
        assert set(PART_MOVES[state]) <= set(PartState) - {state}
        if state in FINAL_PARTS:
            assert not PART_MOVES[state]
    assert all(may_become(SENT, end) for end in FINAL_PARTS)
    assert not may_become(QUEUED, SENT)


@given(st.lists(st.integers(0, 30), max_size=60), st.integers(1, 3))
@settings(max_examples=500)
def test_whatever_moves_are_made_who_is_told_only_hears_of_progress(
    choices: list[int], total: int
) -> None:
    parts = [Part(QUEUED) for _ in range(total)]
    told = fold(parts).state
    for choice in choices:
        at = choice % total
        moves = sorted(PART_MOVES[parts[at].state])
        if not moves:
            continue
        new = moves[choice % len(moves)]
        doubt = parts[at].doubtful or (parts[at].state is SENDING and new is QUEUED)
        parts[at] = Part(new, doubt)
        state = fold(parts).state
        if told not in FINAL_STATES:
            assert may_follow(told, state), (told, state)
            told = state


@pytest.mark.parametrize("pair", list(product(DeliveryState, DeliveryState)))
def test_what_may_be_told_after_what(pair: tuple[DeliveryState, DeliveryState]) -> None:
    order = [DeliveryState.QUEUED, DeliveryState.SENT, DeliveryState.UNKNOWN]
    old, new = pair
    if old in FINAL_STATES:
        assert not may_follow(old, new)
    elif new in FINAL_STATES:
        assert may_follow(old, new)
    else:
        assert may_follow(old, new) == (order.index(new) >= order.index(old))
