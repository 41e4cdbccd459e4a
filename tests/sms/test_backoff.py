"""Pauses grow to their bound and start anew, and a message centre's "enough" counts once."""

import random

from ccserver.sms.backoff import (
    CONNECT_FIRST_S,
    CONNECT_MAX_S,
    CREDENTIALS_S,
    STABLE_AFTER_S,
    THROTTLE_FIRST_S,
    THROTTLE_MAX_S,
    Reconnect,
    Throttle,
)


class Upper(random.Random):
    """Chance that always draws the longest pause."""

    def uniform(self, a: float, b: float) -> float:
        return b


def test_pauses_double_up_to_their_bound_for_ever() -> None:
    reconnect = Reconnect(Upper())
    pauses = [reconnect.pause(credentials=False) for _ in range(2_000)]
    assert pauses[:3] == [CONNECT_FIRST_S, CONNECT_FIRST_S * 2, CONNECT_FIRST_S * 4]
    assert max(pauses) == pauses[-1] == CONNECT_MAX_S


def test_two_binds_that_were_lost_together_do_not_come_back_in_step() -> None:
    one, other = Reconnect(random.Random(1)), Reconnect(random.Random(2))  # noqa: S311
    assert one.pause(credentials=False) != other.pause(credentials=False)


def test_only_a_bind_that_lasted_makes_the_pauses_start_anew() -> None:
    reconnect = Reconnect(Upper())
    for _ in range(5):
        reconnect.pause(credentials=False)
    reconnect.bound_for(STABLE_AFTER_S - 1)
    assert reconnect.pause(credentials=False) == CONNECT_MAX_S
    reconnect.bound_for(STABLE_AFTER_S)
    assert reconnect.pause(credentials=False) == CONNECT_FIRST_S


def test_a_wrong_password_is_not_tried_four_times_a_minute() -> None:
    assert Reconnect(Upper()).pause(credentials=True) == CREDENTIALS_S


def test_a_whole_window_of_refusals_is_one_pause() -> None:
    throttle = Throttle(Upper())
    assert throttle.remaining(0.0) == 0
    for _ in range(10):
        throttle.refused(100.0)
    assert throttle.remaining(100.0) == THROTTLE_FIRST_S
    assert throttle.remaining(100.0 + THROTTLE_FIRST_S) == 0


def test_refusals_after_a_pause_make_the_next_one_longer_up_to_a_bound() -> None:
    throttle, now, pauses = Throttle(Upper()), 0.0, []
    for _ in range(100):
        throttle.refused(now)
        pauses.append(throttle.remaining(now))
        now += pauses[-1]
    assert pauses[:3] == [THROTTLE_FIRST_S, THROTTLE_FIRST_S * 2, THROTTLE_FIRST_S * 4]
    assert pauses[-1] == THROTTLE_MAX_S


def test_after_a_pause_one_request_goes_ahead_and_opens_the_window() -> None:
    throttle = Throttle(Upper())
    throttle.refused(0.0)
    throttle.accepted(0.5)
    assert throttle.probing, "what was taken before the pause says nothing"
    throttle.accepted(THROTTLE_FIRST_S)
    assert not throttle.probing
    throttle.refused(50.0)
    assert throttle.remaining(50.0) == THROTTLE_FIRST_S
