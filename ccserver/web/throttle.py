"""How often somebody may try to log in: token buckets in tables of bounded size.

Three buckets are asked for every attempt: the login from this address, the address, and the
login from anywhere. The first is the tight one, so that a stranger who tries a call taker's login
locks himself out and not the call taker, who sits at another address.
"""

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BucketLimit:
    """``burst`` attempts at once, then one every ``refill_s`` seconds."""

    burst: int
    refill_s: float


LOGIN_AT_ADDRESS = BucketLimit(burst=10, refill_s=15.0)
"""A person who has forgotten which password it was; for a guesser 5 760 tries a day."""

ADDRESS = BucketLimit(burst=60, refill_s=1.0)
"""A site's call takers come to their shift behind one address; successes are given back."""

LOGIN = BucketLimit(burst=50, refill_s=3.0)
"""Many addresses against one login: slower than one guess in three seconds over all of them."""

TABLE_MAX = 10_000
"""Keys in each table, about 2 MB; the one longest unused goes first."""

IPV6_PREFIX = 64
"""One subscriber owns a whole /64 and could change the address for every attempt."""


class Buckets:
    """One bucket for each key, in a table of bounded size. Times are monotonic seconds."""

    def __init__(self, limit: BucketLimit) -> None:
        self._limit = limit
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._levels)

    def level(self, key: str, now: float) -> float:
        """What is in the bucket."""
        level, at = self._levels.get(key, (float(self._limit.burst), now))
        return min(float(self._limit.burst), level + max(0.0, now - at) / self._limit.refill_s)

    def wait_s(self, key: str, now: float) -> float:
        """Seconds until one attempt is allowed; 0 if now."""
        return max(0.0, 1.0 - self.level(key, now)) * self._limit.refill_s

    def add(self, key: str, tokens: float, now: float) -> None:
        """Put in ``tokens``, or take them out."""
        level = min(float(self._limit.burst), self.level(key, now) + tokens)
        self._levels[key] = (level, now)
        self._levels.move_to_end(key)
        while len(self._levels) > TABLE_MAX:
            self._levels.popitem(last=False)


class LoginThrottle:
    """Decides whether an attempt may be made now. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._login_at_address = Buckets(LOGIN_AT_ADDRESS)
        self._address = Buckets(ADDRESS)
        self._login = Buckets(LOGIN)

    def acquire(self, login: str, address: str, *, now: float) -> float:
        """Count an attempt and return 0, or return the seconds to wait and count nothing."""
        keyed = self._keyed(login, address)
        wait_s = max(buckets.wait_s(key, now) for buckets, key in keyed)
        if wait_s > 0:
            return wait_s
        for buckets, key in keyed:
            buckets.add(key, -1.0, now)
        return 0.0

    def refund(self, login: str, address: str, *, now: float) -> None:
        """The attempt succeeded, or was not judged: it does not count."""
        for buckets, key in self._keyed(login, address):
            buckets.add(key, 1.0, now)

    def table_length_max(self) -> int:
        """Keys in the fullest table; never over `TABLE_MAX`."""
        return max(len(self._login_at_address), len(self._address), len(self._login))

    def _keyed(self, login: str, address: str) -> tuple[tuple[Buckets, str], ...]:
        # Like the accounts do, so that "Anna " is not a second chance for "anna".
        login = login.strip().casefold()
        subscriber = subscriber_of(address)
        return (
            (self._login_at_address, f"{subscriber} {login}"),
            (self._address, subscriber),
            (self._login, login),
        )


def subscriber_of(address: str) -> str:
    """What one subscriber cannot change: the IPv4 address, or the /64 of an IPv6 one."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, IPV6_PREFIX), strict=False))
    return str(parsed)
