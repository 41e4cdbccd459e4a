"""Lines: the order of the waiting, of the free agents, and of the deadlines.

Contacts wait by class (highest first), then by arrival less their head start, then by arrival, then
by the order in which they came to the core. No part of that changes while one waits, so a line is
sorted once and for all. Free agents stand by what their queue's selection asks.

The orders are kept in sorted lists. Keys are unique and comparable, so no order ever depends on a
hash. Inserting moves memory, but 10 000 entries are 80 kB: a few microseconds, and without the dead
entries that a heap with lazy deletion has to carry.

A `Pool` holds everybody of one `Need`: the contacts that wait with it in one line, and the set of
the agents who qualify. `Free` holds the agents who could take something at once. The first contact
of a pool meets the first of the free who is a member.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import islice, takewhile
from typing import Generic, TypeVar

from ccserver.acd.commands import Shortage
from ccserver.acd.errors import InvariantBroken
from ccserver.acd.needs import Need
from ccserver.acd.roster import NOBODY, Bits, Roster
from ccserver.types import AgentId, ContactId

Place = tuple[int, float, float, int, ContactId]
"""Of a waiting contact: negated class, arrival less head start, arrival, sequence, id."""

Rank = tuple[int, int, int, float, int, AgentId]
"""Of a free agent: how little free it is, texts in hand, what the selection counts, idle since,
idle sequence, id."""

Moment = tuple[float, int]
"""A deadline and the order in which it was set."""

Front = tuple[bool, Place]
"""Of a pool: whether it is of texts, and the place of its first contact."""

Key = TypeVar("Key", Place, Rank, Moment, Front)


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


class Pool:
    """The contacts that wait with one need, and the agents who qualify for it."""

    __slots__ = ("front", "homed", "members", "need", "shortage", "waiting")

    def __init__(self, need: Need, roster: Roster) -> None:
        self.need = need
        self.members = roster.qualified(need)
        """Who qualifies, there or not."""
        self.shortage = self.lacking(roster)
        """Why those wait who wait here."""
        self.homed: dict[ContactId, None] = {}
        """Who waits with this need, though perhaps standing in a wider pool."""
        self.waiting: Line[Place] = Line()
        self.front: Front | None = None
        """The first of the waiting, as all pools know it."""

    def lacking(self, roster: Roster) -> Shortage:
        """Return why one who waits with this need waits now."""
        if not self.members:
            return Shortage.NOBODY_QUALIFIED
        if not self.members & roster.logged_in:
            return Shortage.NOBODY_LOGGED_IN
        return Shortage.ALL_BUSY if self.members & roster.reachable else Shortage.NO_DEVICE


class Free:
    """The agents who may be offered something by one medium now, in the order of one selection."""

    __slots__ = ("_roster", "free", "lines", "places")

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self.free: Bits = NOBODY
        self.places: dict[AgentId, tuple[str, Rank]] = {}
        """Of each: where it is, and its rank."""
        self.lines: dict[str, Line[Rank]] = {}
        """The ranks by site; a site with nobody has no line."""

    def stand(self, agent_id: AgentId, site: str, rank: Rank | None) -> None:
        """Let an agent stand with this rank; ``None``: not at all."""
        before = self.places.pop(agent_id, None)
        bit = self._roster.bit(agent_id)
        self.free = self.free & ~bit if rank is None else self.free | bit
        if before is not None:
            line = self.lines[before[0]]
            line.remove(before[1])
            if not line:
                del self.lines[before[0]]
        if rank is not None:
            self.places[agent_id] = (site, rank)
            self.lines.setdefault(site, Line()).add(rank)

    def choose(
        self,
        pool: Pool,
        *,
        levels: int,
        refused_by: AbstractSet[AgentId] = frozenset(),
        preferred: AgentId | None = None,
        skilled: Bits | None = None,
        site: str | None = None,
        count: int = 1,
    ) -> list[AgentId]:
        """Return the first ``count`` for the contacts of a pool, of those at most so little free.

        In this order: who has not refused; the preferred, if IDLE; who is ready before who stands
        by before who is not there; who is ``skilled``; who is at ``site``; rank.
        """
        members = pool.members & self.free
        groups = [members] if skilled is None else [members & skilled, members & ~skilled]
        chosen = self._best(groups, levels, refused_by, site, count)
        if not chosen and refused_by:
            chosen = self._best(groups, levels, frozenset(), site, count)
        if preferred is not None and preferred not in refused_by and self._idle(preferred, pool):
            chosen = [preferred, *(other for other in chosen if other != preferred)]
        return chosen[:count]

    def _idle(self, agent_id: AgentId, pool: Pool) -> bool:
        place = self.places.get(agent_id)
        member = pool.members & self._roster.bit(agent_id)
        return bool(member) and place is not None and place[1][0] == 0

    def _best(
        self,
        groups: Sequence[Bits],
        levels: int,
        passed_over: AbstractSet[AgentId],
        site: str | None,
        count: int,
    ) -> list[AgentId]:
        """Return the first ``count`` who are not to be passed over; of equals, earlier groups'."""
        best: list[tuple[int, int, bool, Rank]] = []
        for group, members in enumerate(groups):
            for at_site, ranks in self._in_order(members, levels):
                fit = (rank for rank in ranks if rank[-1] not in passed_over)
                elsewhere = site is not None and site != at_site
                best.extend((rank[0], group, elsewhere, rank) for rank in islice(fit, count))
        return [rank[-1] for *_, rank in sorted(best)[:count]]

    def _in_order(self, members: Bits, levels: int) -> Iterator[tuple[str, Iterator[Rank]]]:
        """Yield sites and the ranks of those of these members who are free enough, in order.

        If many of the free qualify, one is soon found along the line; if few do, it is quicker to
        ask those. So neither a scarce skill nor a common one makes a decision look at all agents.
        """
        count = members.bit_count()
        if count * count <= len(self.places):
            for agent_id in self._roster.agents(members):
                site, rank = self.places[agent_id]
                if rank[0] <= levels:
                    yield site, iter((rank,))
            return
        for at_site, line in self.lines.items():
            free = takewhile(lambda rank: rank[0] <= levels, line)
            yield at_site, (rank for rank in free if members & self._roster.bit(rank[-1]))
