"""What is over, remembered for a while, so that late events find the truth and not a gap."""

from collections import OrderedDict
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
