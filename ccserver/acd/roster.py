"""Who has what: sets of agents, so that those who qualify for a need are found without a search.

A set of agents is an integer with one bit for each seat. So the members of a queue at a site with a
skill are three sets and two ANDs, which cost the same for one agent and nearly the same for five
hundred. What the sets hold follows from the plan (`qualifies` says the same of one agent) and from
who is there.
"""

from collections.abc import Iterable, Iterator

from ccserver.acd.needs import Need
from ccserver.acd.plan import AgentPlan, Requirement
from ccserver.types import AgentId, Medium

Bits = int
"""A set of agents."""

NOBODY: Bits = 0

LEVELS_MAX = 2_000
"""Sets of one skill at one level that are kept: two hundred skills at ten levels. The names come
from outside, with contacts, so there must be an end; then they are made anew as they are asked."""


class Roster:
    """The seats that are known, each with its bit."""

    __slots__ = (
        "_by_level",
        "_by_queue",
        "_by_site",
        "_everybody",
        "_in_all_queues",
        "_numbers",
        "_plans",
        "_seats",
        "_vacated",
        "_with_texts",
        "logged_in",
        "reachable",
    )

    def __init__(self) -> None:
        self._numbers: dict[AgentId, int] = {}
        self._seats: list[AgentId] = []
        self._vacated: list[int] = []
        self._plans: dict[AgentId, AgentPlan] = {}
        self._everybody = self._in_all_queues = self._with_texts = NOBODY
        self._by_queue: dict[str, Bits] = {}
        self._by_site: dict[str, Bits] = {}
        self._by_level: dict[tuple[str, int], Bits] = {}
        self.logged_in = NOBODY
        """Who is logged in, or may be, for nobody has said yet."""
        self.reachable = NOBODY
        """Who of those has a reachable device: they are on duty."""

    def bit(self, agent_id: AgentId) -> Bits:
        """Return the set of this one agent; of nobody if it is unknown."""
        number = self._numbers.get(agent_id)
        return NOBODY if number is None else 1 << number

    def agents(self, members: Bits) -> Iterator[AgentId]:
        """Yield the agents of a set, in no order that means anything."""
        while members:
            lowest = members & -members
            yield self._seats[lowest.bit_length() - 1]
            members ^= lowest

    # ---- seats -------------------------------------------------------------------------------

    def add(self, agent_id: AgentId, plan: AgentPlan) -> Bits:
        """Take an agent in; return its bit."""
        if self._vacated:
            number = self._vacated.pop()
            self._seats[number] = agent_id
        else:
            number = len(self._seats)
            self._seats.append(agent_id)
        self._numbers[agent_id], self._plans[agent_id] = number, plan
        bit = 1 << number
        self._everybody |= bit
        if plan.text_max >= 1:
            self._with_texts |= bit
        self._by_site[plan.site] = self._by_site.get(plan.site, NOBODY) | bit
        if plan.queues is None:
            self._in_all_queues |= bit
        for queue in plan.queues or ():
            self._by_queue[queue] = self._by_queue.get(queue, NOBODY) | bit
        for (skill, level), have in self._by_level.items():
            if plan.level(skill) >= level:
                self._by_level[skill, level] = have | bit
        return bit

    def remove(self, agent_id: AgentId) -> None:
        """Let an agent go; its bit is another's from now on."""
        number = self._numbers.pop(agent_id)
        del self._plans[agent_id]
        self._vacated.append(number)
        others = ~(1 << number)
        self._everybody &= others
        self._in_all_queues &= others
        self._with_texts &= others
        self.logged_in &= others
        self.reachable &= others
        sets: tuple[dict[str, Bits], ...] = (self._by_queue, self._by_site)
        for by_name in sets:
            for name in by_name:
                by_name[name] &= others
        for asked in self._by_level:
            self._by_level[asked] &= others

    def note(self, bit: Bits, *, logged_in: bool, reachable: bool) -> None:
        """Note whether an agent is there."""
        self.logged_in = self.logged_in | bit if logged_in else self.logged_in & ~bit
        self.reachable = self.reachable | bit if reachable else self.reachable & ~bit

    # ---- who qualifies -----------------------------------------------------------------------

    def qualified(self, need: Need) -> Bits:
        """Return everybody who may be given such a contact when there and free; as `qualifies`."""
        members = self._everybody if need.medium is Medium.VOICE else self._with_texts
        if need.everybody:
            return members
        in_queues = self._in_all_queues
        for queue in need.queues:
            in_queues |= self._by_queue.get(queue, NOBODY)
        members &= in_queues
        if need.sites:
            at_sites = NOBODY
            for site in need.sites:
                at_sites |= self._by_site.get(site, NOBODY)
            members &= at_sites
        return members & self.skilled(need.skills) if need.skills else members

    def skilled(self, skills: Iterable[Requirement]) -> Bits:
        """Return everybody who has all of these skills."""
        members = self._everybody
        for asked in skills:
            members &= self._with_level(asked.skill, asked.level)
        return members

    def _with_level(self, skill: str, level: int) -> Bits:
        have = self._by_level.get((skill, level))
        if have is None:
            if len(self._by_level) >= LEVELS_MAX:
                self._by_level.clear()
            have = NOBODY
            for agent_id, plan in self._plans.items():
                if plan.level(skill) >= level:
                    have |= 1 << self._numbers[agent_id]
            self._by_level[skill, level] = have
        return have
