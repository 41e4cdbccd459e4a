"""What is over, remembered for a while, so that late events find the truth and not a gap."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Generic, TypeVar

REMEMBERED_MAX = 10_000
"""How many ended contacts, and how many closed offers, are remembered. Reorderings last seconds;
ten thousand calls are a quarter of an hour of the largest centre, and about 2 MB."""

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """A mapping that forgets what was put in first when it is full."""

    __slots__ = ("_items", "_items_max")

    def __init__(self, items_max: int = REMEMBERED_MAX) -> None:
        self._items: OrderedDict[K, V] = OrderedDict()
        self._items_max = items_max

    def __contains__(self, key: K) -> bool:
        return key in self._items

    def __getitem__(self, key: K) -> V:
        return self._items[key]

    def __len__(self) -> int:
        return len(self._items)

    def remember(self, key: K, value: V) -> None:
        """Keep ``value`` for ``key``; at the bound, forget the oldest."""
        self._items[key] = value
        if len(self._items) > self._items_max:
            self._items.popitem(last=False)


@dataclass(frozen=True, slots=True)
class Redial:
    """What somebody keeps who comes back: place and priority, if soon enough after ``over_at``."""

    arrived_at: float
    priority: int
    over_at: float


class Redials:
    """Voice callers whose call came to nothing, for as long as a redial counts.

    What cannot count any more is forgotten when the next is remembered; nothing else looks.
    """

    __slots__ = ("_by_caller", "_items_max")

    def __init__(self, items_max: int = REMEMBERED_MAX) -> None:
        self._by_caller: OrderedDict[str, Redial] = OrderedDict()
        self._items_max = items_max

    def __len__(self) -> int:
        return len(self._by_caller)

    def remember(self, caller: str, redial: Redial, *, forget_before: float) -> None:
        """Keep the newest of a caller; forget who was over before then, and what is too much."""
        known = self._by_caller.get(caller)
        if known is not None and known.over_at > redial.over_at:
            return
        self._by_caller[caller] = redial
        self._by_caller.move_to_end(caller)
        while len(self._by_caller) > self._items_max or self._oldest().over_at < forget_before:
            self._by_caller.popitem(last=False)
            if not self._by_caller:
                break

    def _oldest(self) -> Redial:
        return next(iter(self._by_caller.values()))

    def take(self, caller: str, *, not_before: float) -> Redial | None:
        """Return, once, what a caller keeps who was over ``not_before`` then."""
        redial = self._by_caller.pop(caller, None)
        return redial if redial is not None and redial.over_at >= not_before else None
