"""From the document to what the rooms work with: the core's plan, entries, the directory.

A document that was saved passed the checks, but one that lies in the database need not have: these
functions never fail. A part that cannot be used is left out, a number out of range is moved into
it, and all other parts keep their effect.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

import msgspec

from ccserver.acd import plan
from ccserver.documents import LANGUAGES, Part, Texts
from ccserver.ecall.urn import is_test, parents
from ccserver.routing import document as d
from ccserver.routing.default import DEFAULT_DOCUMENT, DEFAULT_TEST_QUEUE, EMERGENCY_QUEUE
from ccserver.routing.dialling import usable
from ccserver.routing.limits import (
    AGENT_ID,
    COUNTS,
    KEYS,
    MUSIC,
    NAME,
    NUMBER,
    SILENT_KEY,
    SKILL_PATTERN,
    clamped,
    clamped_or_none,
    is_service,
)
from ccserver.routing.membership import cycles
from ccserver.routing.schedule import is_open
from ccserver.types import AgentId

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class EntryRoute:
    """Where a dialled number, or a service, leads now.

    ``site`` is empty where the entry has none. ``service``: what the contact asks for, by its call
    or by the entry; ``None``: just the number. ``skills`` come on top of the queue's.
    """

    queue: str
    priority: int
    site: str
    service: str | None = None
    skills: tuple[plan.Requirement, ...] = ()


def to_plan(document: d.Document, *, supervisors: Collection[AgentId] = ()) -> plan.Plan:
    """The core's plan. ``supervisors`` are the seats of supervisors and admins.

    A seat that is not in the plan is a member of every queue, without skills.
    """
    queues = _usable_queues(document)
    names = frozenset(queue.name for queue in queues)
    sites = frozenset(site.name for site in document.sites)
    in_circle = {(index, step) for index, step, _ in cycles(queues)}
    plans = {
        queue.name: _queue(queue, number, names, sites, in_circle)
        for number, queue in enumerate(queues)
    }
    emergency = _entry_for(document, d.EMERGENCY_NUMBER)
    fallback = plans.get(emergency.queue if emergency else EMERGENCY_QUEUE)
    if d.TEST_QUEUE not in plans:
        plans[d.TEST_QUEUE] = _test_plan(fallback)
    return plan.Plan(
        queues=plans,
        agents=_agents(document, supervisors, names),
        fallback=fallback or _default_fallback(),
        missed_offers_max=int(clamped(document.general, "missed_offers_max")),
        text_during_voice=document.general.text_during_voice,
        voice_during_text=document.general.voice_during_text,
    )


def entry(
    document: d.Document, number: str, at: datetime, service: str | None = None
) -> EntryRoute:
    """Where a call to ``number`` goes at the aware moment ``at``.

    ``service``: the URN that the call asks for, if any; the entry of it, or of its nearest parent,
    comes before the number's. A number without an entry goes where 112 goes: nobody who calls here
    is turned away. A test never waits among those who ask for help: without an entry it goes to the
    test queue.
    """
    queues = {queue.name: queue for queue in reversed(_usable_queues(document))}
    found = _entry_asked(document, number, service)
    asked = service or (service_asked(found) if found is not None else None)
    resort = d.TEST_QUEUE if is_test(asked) else _safest(queues)
    if found is None:
        return _route(resort, queues, None, asked)
    schedules = {schedule.name: schedule for schedule in reversed(document.schedules)}
    for rule in found.rules:
        schedule = schedules.get(rule.schedule)
        if rule.queue in queues and schedule is not None and is_open(schedule, at):
            return _route(rule.queue, queues, found, asked)
    return _route(found.queue if found.queue in queues else resort, queues, found, asked)


def service_asked(entry: d.Entry) -> str | None:
    """What whoever comes by this entry asks for, where the call does not say.

    Whoever dials 112 asks for help, whatever is written there.
    """
    asked = next((each for each in (entry.number, entry.service) if is_service(each)), None)
    return None if entry.number == d.EMERGENCY_NUMBER and is_test(asked) else asked


def queue_settings(document: d.Document, name: str) -> d.Queue:
    """What the edges need of a queue: ``waiting`` and its title.

    Its waiting experience names only prompts that exist and keys that can be pressed. An unknown
    queue is like that of the default document.
    """
    found = next((queue for queue in _usable_queues(document) if queue.name == name), None)
    default = DEFAULT_TEST_QUEUE if name == d.TEST_QUEUE else DEFAULT_DOCUMENT.queues[0]
    queue = found or msgspec.structs.replace(default, name=name)
    waiting = queue.waiting
    prompts = {prompt.name for prompt in document.prompts}
    cleaned = msgspec.structs.replace(
        waiting,
        greeting=waiting.greeting if waiting.greeting in prompts else None,
        announcement=waiting.announcement if waiting.announcement in prompts else None,
        announce_every_s=clamped(waiting, "announce_every_s"),
        music=waiting.music if MUSIC.fullmatch(waiting.music) else d.Waiting().music,
        languages={
            key: language
            for key, language in waiting.languages.items()
            if key in KEYS
            and language in LANGUAGES
            and not (waiting.silent_keys and key == SILENT_KEY)
        },
    )
    return msgspec.structs.replace(queue, waiting=cleaned)


def general_settings(document: d.Document) -> d.General:
    """What holds for the whole centre, with every number in its bounds."""
    general, callbacks = document.general, document.general.callbacks
    known = general.default_language in LANGUAGES
    return msgspec.structs.replace(
        general,
        missed_offers_max=int(clamped(general, "missed_offers_max")),
        default_language=general.default_language if known else d.General().default_language,
        silence_after_s=clamped(general, "silence_after_s"),
        callbacks=msgspec.structs.replace(
            callbacks,
            attempts_max=int(clamped(callbacks, "attempts_max")),
            retry_after_s=clamped(callbacks, "retry_after_s"),
        ),
        dialling=d.Dialling(
            allow=usable(_some(general.dialling, "allow", general.dialling.allow)),
            deny=usable(_some(general.dialling, "deny", general.dialling.deny)),
        ),
    )


def prompt(document: d.Document, name: str) -> Texts:
    """What is spoken; empty texts for a prompt that does not exist."""
    return next((one.texts for one in document.prompts if one.name == name), Texts())


def directory(document: d.Document) -> list[d.DirectoryEntry]:
    """Whom call takers may call and transfer to, in the document's order."""
    usable = [
        one
        for one in _some(document, "directory", document.directory)
        if NAME.fullmatch(one.name) and NUMBER.fullmatch(one.number)
    ]
    return list({one.name: one for one in reversed(usable)}.values())[::-1]


# -- queues -----------------------------------------------------------------------------------


def _usable_queues(document: d.Document) -> list[d.Queue]:
    """Those with a possible name; of two with one name the first."""
    found: dict[str, d.Queue] = {}
    for queue in _some(document, "queues", document.queues):
        if NAME.fullmatch(queue.name):
            found.setdefault(queue.name, queue)
    return list(found.values())


def _queue(
    queue: d.Queue,
    number: int,
    names: Collection[str],
    sites: Collection[str],
    in_circle: Collection[tuple[int, int]],
) -> plan.QueuePlan:
    overflow = [
        step
        for index, step in enumerate(_some(queue, "overflow", queue.overflow))
        if (number, index) not in in_circle
    ]
    # A queue bound to sites of which none exists would be nobody's; it is everybody's then.
    own_sites = tuple(site for site in _some(queue, "sites", queue.sites) if site in sites)
    return plan.QueuePlan(
        name=queue.name,
        queue_class=int(clamped(queue, "queue_class")),
        head_start_s=clamped(queue, "head_start_s"),
        priority_step_s=clamped(queue, "priority_step_s"),
        skills=_requirements(queue),
        relax=_relax(queue),
        overflow=tuple(
            plan.OverflowStep(
                after_s=clamped(step, "after_s"),
                queue=step.queue if step.queue in names and step.queue != queue.name else None,
                site=step.site if step.site in sites else None,
            )
            for step in sorted(overflow, key=lambda step: clamped(step, "after_s"))
            if (step.queue in names and step.queue != queue.name) or step.site in sites
        ),
        sites=own_sites,
        site_affinity=queue.site_affinity,
        prefer_last_agent=queue.prefer_last_agent,
        selection=plan.Selection(queue.selection),
        ring_all_max=int(clamped(queue, "ring_all_max")),
        offer_timeout_s=clamped_or_none(queue, "offer_timeout_s"),
        wrap_up_s=clamped_or_none(queue, "wrap_up_s"),
        alarm_after_s=clamped(queue, "alarm_after_s"),
        escalate_after_s=clamped(queue, "escalate_after_s"),
        redial_window_s=clamped(queue, "redial_window_s"),
    )


def _relax(queue: d.Queue) -> tuple[plan.RelaxStep, ...]:
    steps = [
        plan.RelaxStep(clamped(step, "after_s"), step.skill, int(clamped(step, "level")))
        for step in _some(queue, "relax", queue.relax)
        if SKILL_PATTERN.fullmatch(step.skill)
    ]
    return tuple(sorted(steps, key=lambda step: step.after_s))


def _requirements(owner: d.Queue | d.Agent | d.Entry) -> tuple[plan.Requirement, ...]:
    """The skills as the core reads them; of two for one skill the first.

    A required skill that is not listed is kept: nobody has it, it can be relaxed, and it ends at
    the escalation, while leaving it out would send the contact to people who cannot help.
    """
    levels: dict[str, int] = {}
    for level in _some(owner, "skills", owner.skills):
        levels.setdefault(level.skill, int(clamped(level, "level")))
    return tuple(plan.Requirement(skill, level) for skill, level in levels.items())


def _default_fallback() -> plan.QueuePlan:
    first = DEFAULT_DOCUMENT.queues[0]
    return _queue(first, 0, frozenset(), frozenset(), frozenset())


def _test_plan(emergency: plan.QueuePlan | None) -> plan.QueuePlan:
    """The test queue of a document that has none: whoever takes calls to 112 takes tests last."""
    test = _queue(DEFAULT_TEST_QUEUE, 0, frozenset(), frozenset(), frozenset())
    if emergency is None:
        return test
    return replace(test, overflow=(plan.OverflowStep(0.0, queue=emergency.name),))


# -- call takers ------------------------------------------------------------------------------


def _agents(
    document: d.Document, supervisors: Collection[AgentId], queues: Collection[str]
) -> dict[AgentId, plan.AgentPlan]:
    sites = {site.name for site in document.sites}
    plans: dict[AgentId, plan.AgentPlan] = {}
    for agent in _some(document, "agents", document.agents):
        agent_id = AgentId(agent.agent_id)
        if agent_id in plans or not AGENT_ID.fullmatch(agent_id):
            continue
        supervisor = agent_id in supervisors
        plans[agent_id] = plan.AgentPlan(
            agent_id=agent_id,
            queues=None
            if agent.queues is None
            else tuple(dict.fromkeys(name for name in agent.queues if name in queues)),
            skills=_requirements(agent),
            site=agent.site if agent.site in sites else "",
            text_max=int(clamped(agent, "text_max")),
            supervisor=supervisor,
            may_pick=agent.may_pick or supervisor,
        )
    for agent_id in sorted(supervisors):
        plans.setdefault(
            agent_id, plan.AgentPlan(agent_id=agent_id, supervisor=True, may_pick=True)
        )
    return plans


# -- entries ----------------------------------------------------------------------------------


def _entry_for(document: d.Document, number: str) -> d.Entry | None:
    return next((one for one in document.entries if one.number == number), None)


def _entry_asked(document: d.Document, number: str, service: str | None) -> d.Entry | None:
    if service is not None:
        served = (_entry_for(document, urn) for urn in parents(service))
        found = next((one for one in served if one is not None), None)
        if found is not None or is_test(service):
            return found
    dialled = _entry_for(document, number.strip())
    if dialled is None or (service is not None and is_test(service_asked(dialled))):
        # Also whoever asks for help by a number that is there for tests.
        return _entry_for(document, d.EMERGENCY_NUMBER)
    return dialled


def _safest(queues: dict[str, d.Queue]) -> str:
    """Where a contact goes whose entry is broken: the queue that is served before all others."""
    if EMERGENCY_QUEUE in queues or not queues:
        return EMERGENCY_QUEUE
    return max(queues.values(), key=lambda queue: clamped(queue, "queue_class")).name


def _route(
    name: str, queues: dict[str, d.Queue], found: d.Entry | None, service: str | None
) -> EntryRoute:
    default = DEFAULT_TEST_QUEUE if name == d.TEST_QUEUE else DEFAULT_DOCUMENT.queues[0]
    queue = queues.get(name, default)
    own = None if found is None else clamped_or_none(found, "priority")
    priority = clamped(queue, "priority") if own is None else own
    if found is None:
        return EntryRoute(name, int(priority), "", service)
    return EntryRoute(name, int(priority), found.site, service, _requirements(found))


def _some(owner: Part, field: str, items: Sequence[T]) -> Iterable[T]:
    """Not more than the bound: a list without end must not keep the centre from starting."""
    return items[: COUNTS[type(owner), field]]
