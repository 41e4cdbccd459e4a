"""Who stands where: every waiting contact and every free agent, in the pools of their needs.

This is an index and decides nothing: it follows from the contacts' and the agents' facts and from
the plan, and the core keeps it up to date after each change (`place`, `enlist`).

A contact's *home* is the pool of its own need. As long as nobody who qualifies there is logged in,
it stands in the pool of everybody instead, and goes back when somebody comes. As long as nobody at
all is *on duty* (logged in, with a reachable device), vacant positions ring for that pool.

There are as many pools as distinct needs with which somebody waits.
"""

from collections.abc import Collection
from collections.abc import Set as AbstractSet

from ccserver.acd.agent import IDLE, STANDS_BY, VACANT, Agent, Standing
from ccserver.acd.contact import Contact
from ccserver.acd.matching import Free, Front, Line, Pool, Rank
from ccserver.acd.needs import Need, qualifies
from ccserver.acd.plan import Requirement, Selection
from ccserver.acd.roster import NOBODY, Bits, Roster
from ccserver.types import AgentId, ContactId, Medium

NOWHERE = Standing()


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

    def __init__(self) -> None:
        self.roster = Roster()
        self.by_need: dict[Need, Pool] = {}
        self.fronts: Line[Front] = Line()
        """The first contact of each pool: voice before text, then by place."""
        self.free: dict[tuple[bool, Selection], Free] = {}
        """By whether it is for texts, and by selection; as far as anybody has asked."""
        self._standings: dict[AgentId, tuple[str, Standing]] = {}
        """Of each agent: its site, and what it said last."""
        self._by_front: dict[ContactId, Pool] = {}
        self._news: dict[Pool, None] = {}
        """Pools whose first contact may find somebody free, because it was not first before."""
        self._freed: Bits = NOBODY
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
            if self._freed & pool.members and self.choose(pool):
                best = front
                break
        if best is None:
            self._freed = NOBODY
            return None
        return self._by_front[best[1][-1]]

    def choose(
        self,
        pool: Pool,
        *,
        refused_by: AbstractSet[AgentId] = frozenset(),
        preferred: AgentId | None = None,
        wanted: Collection[Requirement] = (),
        site: str | None = None,
        count: int = 1,
    ) -> list[AgentId]:
        """Return the first ``count`` agents for the contacts of a pool; see `Free.choose`.

        ``wanted``: the skills that somebody should have, of those who may get it at all.
        """
        return self._free_for(pool.need).choose(
            pool,
            levels=self._levels(pool.need),
            refused_by=refused_by,
            preferred=preferred,
            skilled=self.roster.skilled(wanted) if wanted else None,
            site=site,
            count=count,
        )

    def rings_vacant(self, pool: Pool) -> bool:
        """Return whether vacant positions are rung for the contacts of a pool now."""
        return self._levels(pool.need) == VACANT

    def somebody_for(self, need: Need) -> bool:
        """Return whether anybody on duty is free for a contact with this need now."""
        asked = Pool(need, self.roster)
        if not self.is_there(asked):
            asked = Pool(need.widened(), self.roster)
        levels = min(self._levels(asked.need), STANDS_BY)
        return bool(self._free_for(need).choose(asked, levels=levels))

    def is_there(self, pool: Pool) -> bool:
        """Return whether anybody is logged in who qualifies."""
        return bool(pool.members & self.roster.logged_in)

    def take_shifted(self) -> list[Pool]:
        """Return, once, the pools where the reason for waiting is another now."""
        shifted, self._shifted = list(self._shifted), {}
        return shifted

    def _levels(self, need: Need) -> int:
        """Return how little free somebody may be who is asked for such contacts."""
        if not need.everybody:
            return IDLE
        return STANDS_BY if self.roster.reachable else VACANT

    def _free_for(self, need: Need) -> Free:
        """Return the free in the order in which they are asked for such contacts."""
        text, selection = key = (need.medium is not Medium.VOICE, need.selection)
        free = self.free.get(key)
        if free is None:
            free = self.free[key] = Free(self.roster)
            for agent_id, (site, standing) in self._standings.items():
                free.stand(
                    agent_id, site, rank_of(agent_id, standing, text=text, selection=selection)
                )
        return free

    # ---- contacts ----------------------------------------------------------------------------

    def place(self, contact: Contact, need: Need | None) -> None:
        """Let a contact wait with ``need``, in its place; ``None``: it does not wait."""
        home = None if need is None else self._pool(need)
        pool = home
        if home is not None and not self.is_there(home):
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

    def _pool(self, need: Need) -> Pool:
        pool = self.by_need.get(need)
        if pool is None:
            pool = self.by_need[need] = Pool(need, self.roster)
        return pool

    def _note(self, pool: Pool) -> None:
        """Keep up to date who is first in a pool, and forget a pool that nobody needs."""
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
        if not pool.homed and not pool.waiting:
            self.by_need.pop(pool.need, None)
            self._news.pop(pool, None)

    # ---- agents ------------------------------------------------------------------------------

    def enlist(self, agent: Agent, standing: Standing) -> None:
        """Let an agent stand in all lines as these facts say."""
        before, agent.standing = agent.standing, standing
        if before == standing:
            return
        if before is None:
            bit = self.roster.add(agent.agent_id, agent.plan)
            for pool in self.by_need.values():
                if qualifies(agent.plan, pool.need):
                    pool.members |= bit
        if before is None or before.there != standing.there:
            self._note_there(agent, standing)
        self._stand(agent, standing)

    def strike(self, agent: Agent) -> None:
        """Take an agent out of all lines; it may be enlisted anew."""
        before, agent.standing = agent.standing, None
        if before is None:
            return
        self._stand(agent, NOWHERE)
        self._note_there(agent, NOWHERE)
        bit = self.roster.bit(agent.agent_id)
        del self._standings[agent.agent_id]
        self.roster.remove(agent.agent_id)
        for pool in self.by_need.values():
            pool.members &= ~bit
            self._note_shortage(pool)

    def _note_there(self, agent: Agent, standing: Standing) -> None:
        """Note who is there, why contacts wait now, and whether vacant positions may ring."""
        bit, on_duty = self.roster.bit(agent.agent_id), self.roster.reachable
        self.roster.note(bit, logged_in=standing.logged_in, reachable=standing.reachable)
        last_left = bool(on_duty) and not self.roster.reachable
        for pool in self.by_need.values():
            if pool.members & bit:
                self._note_shortage(pool)
            if last_left and pool.front is not None:
                self._news[pool] = None

    def _note_shortage(self, pool: Pool) -> None:
        shortage = pool.lacking(self.roster)
        if shortage is not pool.shortage:
            pool.shortage = shortage
            if pool.homed:
                self._shifted[pool] = None

    def _stand(self, agent: Agent, standing: Standing) -> None:
        agent_id, bit = agent.agent_id, self.roster.bit(agent.agent_id)
        self._standings[agent_id] = (agent.plan.site, standing)
        for (text, selection), free in self.free.items():
            rank = rank_of(agent_id, standing, text=text, selection=selection)
            free.stand(agent_id, agent.plan.site, rank)
        self._freed &= ~bit
        if standing.voice is not None or standing.text is not None:
            self._freed |= bit
