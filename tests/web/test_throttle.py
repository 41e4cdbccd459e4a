"""Proves the login throttle: its three buckets, its refill and the bound of its tables."""

import pytest

from ccserver.web import throttle
from ccserver.web.throttle import ADDRESS, LOGIN, LOGIN_AT_ADDRESS, LoginThrottle, subscriber_of


def attempts(guard: LoginThrottle, logins: list[str], addresses: list[str], now: float) -> int:
    """How many of the attempts, made at once, are let through."""
    pairs = zip(logins, addresses, strict=True)
    return sum(guard.acquire(login, address, now=now) == 0 for login, address in pairs)


def test_a_stranger_who_guesses_does_not_lock_the_call_taker_out() -> None:
    guard = LoginThrottle()
    allowed = 0
    for second in range(3_600):
        while guard.acquire("anna", "203.0.113.9", now=float(second)) == 0:
            allowed += 1
        assert guard.acquire("anna", "10.0.0.7", now=float(second)) == 0
        guard.refund("anna", "10.0.0.7", now=float(second))
    assert allowed <= LOGIN_AT_ADDRESS.burst + 3_600 / LOGIN_AT_ADDRESS.refill_s + 1


def test_one_address_that_tries_many_logins_is_slowed_down() -> None:
    guard = LoginThrottle()
    logins = [f"login{n}" for n in range(500)]
    assert attempts(guard, logins, ["203.0.113.9"] * 500, 0.0) == ADDRESS.burst
    assert guard.acquire("new", "203.0.113.9", now=0.0) == pytest.approx(ADDRESS.refill_s)
    assert guard.acquire("new", "203.0.113.9", now=ADDRESS.refill_s) == 0


def test_many_addresses_that_try_one_login_are_slowed_down() -> None:
    guard = LoginThrottle()
    addresses = [f"203.0.113.{n}" for n in range(200)]
    assert attempts(guard, ["anna"] * 200, addresses, 0.0) == LOGIN.burst


def test_one_ipv6_subscriber_is_one_address() -> None:
    assert subscriber_of("2001:db8:1:2::1") == subscriber_of("2001:db8:1:2:ffff::9%eth0")
    assert subscriber_of("2001:db8:1:2::1") != subscriber_of("2001:db8:1:3::1")
    assert subscriber_of("::ffff:192.0.2.1") == subscriber_of("192.0.2.1")
    assert subscriber_of("not an address") == "unknown"


def test_a_refused_attempt_costs_nothing() -> None:
    guard = LoginThrottle()
    while guard.acquire("anna", "192.0.2.1", now=0.0) == 0:
        pass
    waits = {guard.acquire("anna", "192.0.2.1", now=0.0) for _ in range(100)}
    assert waits == {LOGIN_AT_ADDRESS.refill_s}


def test_tables_stay_bounded_and_forget_the_longest_unused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(throttle, "TABLE_MAX", 100)
    guard = LoginThrottle()
    for n in range(1_000):
        guard.acquire(f"login{n}", f"10.{n // 250}.{n % 250}.1", now=float(n))
        assert guard.table_length_max() <= 100
    assert guard.table_length_max() == 100
