"""Plans of routing as centres might write them: plain, rich, and broken.

A plan is drawn by a seed like everything else. Broken parts (an overflow to a queue that is not
there, a cycle, a queue without members, a skill that nobody has) are drawn on purpose: they must
have no effect, and escalation must bring every contact to somebody all the same.
"""

from random import Random

from ccserver.acd.plan import (
    AgentPlan,
    OverflowStep,
    Plan,
    QueuePlan,
    RelaxStep,
    Requirement,
    Selection,
)
from ccserver.types import AgentId

QUEUES = ("emergency", "ecall", "office", "callback", "messages")
SITES = ("riga", "valmiera", "liepaja")
LANGUAGES = ("language:lv", "language:ru", "language:en")
SKILLS = (*LANGUAGES, "ecall", "sms", "medical", "supervisor")
NOBODYS_SKILL = "language:liv"
NO_QUEUE = "closed-years-ago"


def draw_plan(rng: Random, agents: tuple[AgentId, ...], *, rich: bool, texts: bool) -> Plan:
    """Draw a plan for ``agents``. One that is not rich is one line for all."""
    if not rich:
        seats = {agent_id: AgentPlan(agent_id, text_max=2 * texts) for agent_id in agents}
        return Plan(
            queues={"emergency": _plain(rng, "emergency")},
            agents=seats,
            fallback=_plain(rng, "fallback"),
            missed_offers_max=rng.randint(1, 4),
        )
    queues = {name: _queue(rng, name) for name in QUEUES if rng.random() < 0.8}
    seats = {agent_id: _agent(rng, agent_id) for agent_id in agents if rng.random() < 0.9}
    if texts:
        # Somebody must be able to take a text: capacity is the one thing that does not relax.
        first = agents[0]
        seats[first] = AgentPlan(first, text_max=3)
    return Plan(
        queues=queues,
        agents=seats,
        fallback=_queue(rng, "fallback"),
        missed_offers_max=rng.randint(1, 4),
        text_during_voice=rng.random() < 0.5,
        voice_during_text=rng.random() < 0.7,
        wrap_up_extension_max_s=rng.uniform(5.0, 300.0),
    )


def _plain(rng: Random, name: str) -> QueuePlan:
    return QueuePlan(name=name, alarm_after_s=30.0, escalate_after_s=rng.uniform(40.0, 120.0))


def _queue(rng: Random, name: str) -> QueuePlan:
    return QueuePlan(
        name=name,
        queue_class=rng.choice((0, 5, 5, 9)),
        head_start_s=rng.choice((0.0, 0.0, 30.0, 120.0)),
        priority_step_s=rng.choice((0.0, 10.0, 60.0)),
        skills=requirements(rng) if rng.random() < 0.6 else (),
        relax=tuple(_relax(rng) for _ in range(rng.randint(0, 3))),
        overflow=tuple(_overflow(rng) for _ in range(rng.randint(0, 2))),
        sites=tuple(rng.sample(SITES, rng.choice((0, 0, 1, 2)))),
        site_affinity=rng.random() < 0.5,
        prefer_last_agent=rng.random() < 0.5,
        selection=rng.choice(tuple(Selection)),
        ring_all_max=rng.randint(1, 5),
        offer_timeout_s=rng.choice((None, rng.uniform(4.0, 20.0))),
        wrap_up_s=rng.choice((None, rng.uniform(1.0, 40.0))),
        alarm_after_s=rng.uniform(5.0, 60.0),
        escalate_after_s=rng.uniform(10.0, 180.0),
        redial_window_s=rng.choice((60.0, 600.0)),
    )


def requirements(rng: Random) -> tuple[Requirement, ...]:
    """Draw what a queue or a contact asks for; now and then what nobody can."""
    skills = rng.sample(SKILLS, rng.randint(0, 2))
    if rng.random() < 0.05:
        skills.append(NOBODYS_SKILL)
    return tuple(Requirement(skill, rng.randint(1, 6)) for skill in skills)


def _relax(rng: Random) -> RelaxStep:
    skill = rng.choice((*SKILLS, "language:*", "*"))
    return RelaxStep(rng.uniform(0.0, 60.0), skill, rng.choice((0, 0, 1, 2, 3, 9)))


def _overflow(rng: Random) -> OverflowStep:
    after_s = rng.uniform(0.0, 60.0)
    if rng.random() < 0.5:
        return OverflowStep(after_s, queue=rng.choice((*QUEUES, NO_QUEUE)))
    return OverflowStep(after_s, site=rng.choice(SITES))


def _agent(rng: Random, agent_id: AgentId) -> AgentPlan:
    return AgentPlan(
        agent_id,
        queues=rng.choice((None, (), tuple(rng.sample(QUEUES, rng.randint(1, 4))))),
        skills=tuple(
            Requirement(skill, rng.randint(1, 10))
            for skill in rng.sample(SKILLS, rng.randint(0, len(SKILLS)))
        ),
        site=rng.choice((*SITES, "")),
        text_max=rng.choice((0, 0, 1, 3)),
        supervisor=rng.random() < 0.2,
        may_pick=rng.random() < 0.5,
    )
