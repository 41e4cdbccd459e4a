"""Who is next: the order of the waiting, the order of the idle, and which of them meet.

Contacts wait by priority (highest first), then by arrival time, then by the order in which they
came to the core. Agents stand by how long they have been idle. The best contact meets the
longest-idle agent, with one exception: an agent whose offer of this contact already failed is
asked again only when no other agent is eligible.

Both orders, and that of the deadlines, are kept in sorted lists. Keys are unique and comparable,
so no order ever depends on a hash. Inserting moves memory, but 1 000 entries are 8 kB: less than
a microsecond, and without the dead entries that a heap with lazy deletion has to carry.
"""

from bisect import bisect_left
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Generic, TypeVar

from ccserver.acd.errors import InvariantBroken
from ccserver.types import AgentId, ContactId

Place = tuple[int, float, int, ContactId]
"""Of a waiting contact: negated priority, arrival time, sequence, id."""

Rank = tuple[float, int, AgentId]
"""Of an agent, by a time: idle since, or next deadline; then sequence, id."""

Key = TypeVar("Key", Place, Rank)


class Line(Generic[Key]):
    """Keys in ascending order, each at most once."""

    __slots__ = ("_keys",)

    def __init__(self) -> None:
        self._keys: list[Key] = []

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[Key]:
        return iter(self._keys)

    def add(self, key: Key) -> None:
        """Put ``key`` in its place; raises `InvariantBroken` if it stands there already."""
        index = bisect_left(self._keys, key)
        if index < len(self._keys) and self._keys[index] == key:
            raise InvariantBroken(f"{key} would stand in line twice")
        self._keys.insert(index, key)

    def remove(self, key: Key) -> None:
        """Take ``key`` out; raises `InvariantBroken` if it is not there."""
        index = bisect_left(self._keys, key)
        if index == len(self._keys) or self._keys[index] != key:
            raise InvariantBroken(f"{key} does not stand in line")
        del self._keys[index]

    def first(self) -> Key | None:
        """Return the least key, or ``None``."""
        return self._keys[0] if self._keys else None


def choose_agent(idle: Line[Rank], refused_by: AbstractSet[AgentId]) -> AgentId | None:
    """Return who gets the contact; ``None`` if nobody is idle.

    The scan ends at the first agent who has not refused it, so it is as long as the refusals.
    """
    for _, _, agent_id in idle:
        if agent_id not in refused_by:
            return agent_id
    longest_idle = idle.first()
    return longest_idle[2] if longest_idle is not None else None
