"""Who stands where: every waiting contact and every free agent, in the pools of their needs.

This is an index and decides nothing: it follows from the contacts' and the agents' facts and from
the plan, and the core keeps it up to date after each change (`place`, `enlist`).

A contact's *home* is the pool of its own need. As long as nobody who qualifies there is logged in,
it stands in the pool of everybody instead, and goes back when somebody comes. As long as nobody at
all is *on duty* (logged in, with a reachable device), vacant positions ring for that pool.

There are as many pools as distinct needs in use, and a bounded number of empty ones, so that an
arrival at an empty line does not have to look at all agents.
"""

from collections import OrderedDict
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from ccserver.acd.agent import IDLE, STANDS_BY, VACANT, Agent, Standing
from ccserver.acd.contact import Contact
from ccserver.acd.matching import Free, Front, Line, Pool, Rank
from ccserver.acd.needs import Need, qualifies
from ccserver.acd.plan import Selection
from ccserver.types import AgentId, ContactId, Medium

NOWHERE = Standing()

EMPTY_POOLS_MAX = 1_000
"""Pools kept though nobody waits in them: far more than the queues of a centre times its languages.
Each holds the ids of those who qualify: 20 kB with 500 agents."""


def rank_of(
    agent_id: AgentId, standing: Standing, *, text: bool, selection: Selection
) -> Rank | None:
    """Return where an agent stands among the free; ``None``: it may be offered nothing.

    Someone who is NOT_READY stands by for those who are escalated only, behind all who are ready;
    a vacant position comes last.
    """
    level = standing.text if text else standing.voice
    if level is None:
        return None
    counted = 0
    if selection is Selection.FEWEST_CONTACTS:
        counted = standing.accepted
    elif selection is Selection.ROUND_ROBIN:
        counted = standing.last_offer
    idle_since, idle_sequence = standing.idle_since, standing.idle_sequence
    return (level, standing.texts, counted, idle_since, idle_sequence, agent_id)


class Pools:
    """All pools, and who stands in them."""

    def __init__(self, agents: Mapping[AgentId, Agent]) -> None:
        self._agents = agents
        self.by_need: dict[Need, Pool] = {}
        self.fronts: Line[Front] = Line()
        """The first contact of each pool: voice before text, then by place."""
        self.free = {(text, selection): Free() for text in (False, True) for selection in Selection}
        self.on_duty = 0
        """How many agents are logged in and have a reachable device."""
        self._by_front: dict[ContactId, Pool] = {}
        self._empty: OrderedDict[Need, None] = OrderedDict()
        self._news: dict[Pool, None] = {}
        """Pools whose first contact may find somebody free, because it was not first before."""
        self._freed: dict[AgentId, None] = {}
        """Agents who may find a contact that waits, because they were not free before."""
        self._shifted: dict[Pool, None] = {}

    # ---- who meets ---------------------------------------------------------------------------

    def next(self) -> Pool | None:
        """Return the pool whose first contact is to be given out now; ``None``: nobody can be.

        Nobody who waited before can be given to anybody who was free before: it would have been
        done. So only what is new since then is looked at.
        """
        best = None
        for pool in list(self._news):
            if pool.front is None or not self.choose(pool):
                del self._news[pool]
            elif best is None or pool.front < best:
                best = pool.front
        for front in self.fronts if self._freed else ():
            if best is not None and best <= front:
                break
            pool = self._by_front[front[1][-1]]
            may_meet = not self._freed.keys().isdisjoint(pool.members)
            if may_meet and self.choose(pool):
                best = front
                break
        if best is None:
            self._freed.clear()
            return None
        return self._by_front[best[1][-1]]

    def choose(
        self,
        pool: Pool,
        *,
        refused_by: AbstractSet[AgentId] = frozenset(),
        preferred: AgentId | None = None,
        site: str | None = None,
        count: int = 1,
    ) -> list[AgentId]:
        """Return the first ``count`` agents for the contacts of a pool; see `Free.choose`."""
        return self._free_for(pool).choose(
            pool,
            levels=self._levels(pool),
            refused_by=refused_by,
            preferred=preferred,
            site=site,
            count=count,
        )

    def rings_vacant(self, pool: Pool) -> bool:
        """Return whether vacant positions are rung for the contacts of a pool now."""
        return self._levels(pool) == VACANT

    def somebody_for(self, need: Need) -> bool:
        """Return whether anybody on duty is free for a contact with this need now."""
        home = self._pool(need)
        pool = home if home.logged_in else self._pool(need.widened())
        levels = min(self._levels(pool), STANDS_BY)
        found = bool(self._free_for(pool).choose(pool, levels=levels))
        for asked in (pool, home):
            self._note(asked)
        return found

    def _levels(self, pool: Pool) -> int:
        """Return how little free somebody may be who is asked for the contacts of a pool."""
        if not pool.need.everybody:
            return IDLE
        return STANDS_BY if self.on_duty else VACANT

    def _free_for(self, pool: Pool) -> Free:
        """Return the free in the order in which they are asked for the contacts of a pool."""
        return self.free[pool.need.medium is not Medium.VOICE, pool.need.selection]

    def take_shifted(self) -> list[Pool]:
        """Return, once, the pools where the reason for waiting is another now."""
        shifted, self._shifted = list(self._shifted), {}
        return shifted

    # ---- contacts ----------------------------------------------------------------------------

    def place(self, contact: Contact, need: Need | None) -> None:
        """Let a contact wait with ``need``, in its place; ``None``: it does not wait."""
        home = None if need is None else self._pool(need)
        pool = home
        if home is not None and not home.logged_in:
            pool = self._pool(home.need.widened())
        if contact.home is home and contact.pool is pool and contact.stands_at == contact.place:
            return
        was_home, was_pool = contact.home, contact.pool
        if was_home is not None and was_pool is not None and contact.stands_at is not None:
            del was_home.homed[contact.contact_id]
            was_pool.waiting.remove(contact.stands_at)
        contact.home, contact.pool, contact.stands_at = home, pool, None
        if home is not None and pool is not None:
            home.homed[contact.contact_id] = None
            contact.stands_at = contact.place
            pool.waiting.add(contact.place)
        for changed in (was_pool, was_home, pool, home):  # First where it was first.
            if changed is not None:
                self._note(changed)

    def _note(self, pool: Pool) -> None:
        """Keep up to date who is first in a pool, and which pools nobody needs."""
        first = pool.waiting.first()
        front = None if first is None else (pool.need.medium is not Medium.VOICE, first)
        if front != pool.front:
            if pool.front is not None:
                self.fronts.remove(pool.front)
                del self._by_front[pool.front[1][-1]]
            pool.front = front
            if front is not None:
                self.fronts.add(front)
                self._by_front[front[1][-1]] = pool
                self._news[pool] = None
        if pool.homed or pool.waiting:
            self._empty.pop(pool.need, None)
            return
        self._empty[pool.need] = None
        if len(self._empty) > EMPTY_POOLS_MAX:
            self._drop(next(iter(self._empty)))

    def _pool(self, need: Need) -> Pool:
        self._empty.pop(need, None)  # Somebody is about to wait here.
        pool = self.by_need.get(need)
        if pool is None:
            pool = self.by_need[need] = Pool(need)
            for agent in self._agents.values():
                self._join(agent, pool)
        return pool

    def _drop(self, need: Need) -> None:
        del self._empty[need]
        pool = self.by_need.pop(need)
        self._news.pop(pool, None)

    # ---- agents ------------------------------------------------------------------------------

    def enlist(self, agent: Agent, standing: Standing) -> None:
        """Let an agent stand in all lines as these facts say."""
        before, agent.standing = agent.standing, standing
        if before == standing:
            return
        self._count_on_duty(before or NOWHERE, standing)
        if before is None:
            for pool in self.by_need.values():
                self._join(agent, pool)
        elif before.there != standing.there:
            for pool in self.by_need.values():
                if agent.agent_id in pool.members:
                    self._count(pool, before, standing)
        self._stand(agent, standing)

    def strike(self, agent: Agent) -> None:
        """Take an agent out of all lines; it may be enlisted anew."""
        before, agent.standing = agent.standing, None
        if before is not None:
            self._count_on_duty(before, NOWHERE)
            self._stand(agent, NOWHERE)
            for pool in self.by_need.values():
                if agent.agent_id in pool.members:
                    self._count(pool, before, NOWHERE)
                    del pool.members[agent.agent_id]
                    self._note_shortage(pool)

    def _count_on_duty(self, before: Standing, after: Standing) -> None:
        """Note who is on duty; when the last one goes, vacant positions may ring."""
        was = self.on_duty
        self.on_duty += after.reachable - before.reachable
        if was and not self.on_duty:
            self._news |= {p: None for p in self.by_need.values() if p.need.everybody and p.front}

    def _join(self, agent: Agent, pool: Pool) -> None:
        if agent.standing is not None and qualifies(agent.plan, pool.need):
            pool.members[agent.agent_id] = None
            self._count(pool, NOWHERE, agent.standing)

    def _count(self, pool: Pool, before: Standing, after: Standing) -> None:
        """Let a pool know whether a member is there now."""
        pool.logged_in += after.logged_in - before.logged_in
        pool.reachable += after.reachable - before.reachable
        self._note_shortage(pool)

    def _note_shortage(self, pool: Pool) -> None:
        if pool.shortage is not pool.told:
            pool.told = pool.shortage
            if pool.homed:
                self._shifted[pool] = None

    def _stand(self, agent: Agent, standing: Standing) -> None:
        agent_id = agent.agent_id
        self._freed.pop(agent_id, None)
        for (text, selection), free in self.free.items():
            rank = rank_of(agent_id, standing, text=text, selection=selection)
            free.stand(agent_id, agent.plan.site, rank)
            if rank is not None:
                self._freed[agent_id] = None
