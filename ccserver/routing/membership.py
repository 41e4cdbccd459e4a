"""Who is a member of which queue, which skills remain needed, and overflow in a circle."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from ccserver.routing.document import Agent, Document, Queue, SkillLevel


@dataclass(frozen=True, slots=True)
class Seat:
    """What membership depends on; seats that do the same are one value."""

    queues: frozenset[str] | None
    site: str
    skills: frozenset[tuple[str, int]]


class Seats:
    """The seats of a centre as the document describes them."""

    def __init__(self, document: Document, known_agents: Collection[str]) -> None:
        listed: dict[str, Agent] = {}
        for agent in document.agents:
            listed.setdefault(agent.agent_id, agent)
        nothing_said = Agent(agent_id="")
        # Thousands of call takers do a handful of different things, so equal ones count once.
        self._seats = list(
            dict.fromkeys(_seat(listed.get(agent_id, nothing_said)) for agent_id in known_agents)
        )
        self.take_texts = any(
            listed.get(agent_id, nothing_said).text_max > 0 for agent_id in known_agents
        )
        """Whether a text could be given to anybody at all."""
        self._levels = {seat: _highest(seat.skills) for seat in self._seats}

    def members(self, queue: Queue) -> list[Seat]:
        """The queue's own members at its own sites."""
        return self._of({queue.name}, frozenset(queue.sites))

    def members_after_overflow(self, queue: Queue) -> list[Seat]:
        """With those of every queue and site that it overflows to.

        The other queue's members are asked at this queue's sites, as the core does it.
        """
        names, sites = {queue.name}, set(queue.sites)
        for step in queue.overflow:
            if step.queue is not None:
                names.add(step.queue)
            if step.site is not None and queue.sites:
                sites.add(step.site)
        return self._of(names, frozenset(sites))

    def missing_skills(
        self, queue: Queue, seats: Iterable[Seat], more: Iterable[SkillLevel] = ()
    ) -> list[str]:
        """What nobody of ``seats`` has all of, after the last relaxing; empty if somebody has.

        ``more``: what contacts need on top of the queue's skills.
        """
        needed = needed_at_last(queue, more)
        fewest = list(needed)
        for seat in seats:
            levels = self._levels[seat]
            missing = [skill for skill, level in needed.items() if levels.get(skill, 0) < level]
            if len(missing) < len(fewest):
                fewest = missing
            if not fewest:
                break
        return fewest

    def _of(self, names: Collection[str], sites: frozenset[str]) -> list[Seat]:
        return [
            seat
            for seat in self._seats
            if (seat.queues is None or any(name in seat.queues for name in names))
            and (not sites or seat.site in sites)
        ]


def needed_at_last(queue: Queue, more: Iterable[SkillLevel] = ()) -> dict[str, int]:
    """The levels that remain after all relaxing steps; what is not needed any more is absent."""
    needed: dict[str, int] = {}
    for requirement in (*queue.skills, *more):
        steps = (step.level for step in queue.relax if matches(step.skill, requirement.skill))
        level = min([requirement.level, *steps])
        if level > needed.get(requirement.skill, 0):
            needed[requirement.skill] = level
    return needed


def matches(pattern: str, skill: str) -> bool:
    """Whether a relaxing step's pattern (exact, ``category:*``, ``*``) means the skill."""
    return pattern in {skill, "*"} or (pattern.endswith(":*") and skill.startswith(pattern[:-1]))


def cycles(queues: Sequence[Queue]) -> Iterator[tuple[int, int, list[str]]]:
    """Each overflow step that closes a circle: queue's index, step's index, the circle's names.

    Without these steps there is no circle left. A queue that overflows to itself is no circle of
    queues; it is told apart.
    """
    index: dict[str, int] = {}
    for number, queue in enumerate(queues):
        index.setdefault(queue.name, number)
    done: set[int] = set()
    for start in range(len(queues)):
        if start not in done:
            yield from _circles_from(start, queues, index, done)


def _circles_from(
    start: int, queues: Sequence[Queue], index: dict[str, int], done: set[int]
) -> Iterator[tuple[int, int, list[str]]]:
    """Depth first without recursion: the trail may be as long as there are queues."""
    trail, position, step_of = [start], {start: 0}, [0]
    while trail:
        here, step = trail[-1], step_of[-1]
        if step >= len(queues[here].overflow):
            done.add(here)
            del position[here]
            trail.pop()
            step_of.pop()
            continue
        step_of[-1] += 1
        name = queues[here].overflow[step].queue
        target = None if name is None else index.get(name)
        if target is None or target == here:
            continue
        if target in position:
            circle = [*trail[position[target] :], target]
            yield here, step, [queues[number].name for number in circle]
        elif target not in done:
            position[target] = len(trail)
            trail.append(target)
            step_of.append(0)


def _highest(skills: Iterable[tuple[str, int]]) -> dict[str, int]:
    levels: dict[str, int] = {}
    for skill, level in skills:
        levels[skill] = max(level, levels.get(skill, 0))
    return levels


def _seat(agent: Agent) -> Seat:
    return Seat(
        queues=None if agent.queues is None else frozenset(agent.queues),
        site=agent.site,
        skills=frozenset((skill.skill, skill.level) for skill in agent.skills),
    )
