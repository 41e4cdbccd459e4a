"""Whether the parts of a document fit together: everything that is wrong with it, at once.

The general checks walk over every value (bounds, lengths, characters); the others each look at one
kind of part. They terminate on any document that can be decoded, because too long lists are
refused before anything compares their items with one another.
"""

from collections.abc import Collection, Sequence

from ccserver.documents import LANGUAGES, Found, Problem
from ccserver.documents.walk import Bounds, known_name, unique, walk
from ccserver.ecall.urn import is_test
from ccserver.routing import document as d
from ccserver.routing import problems
from ccserver.routing import schedule as times
from ccserver.routing.compile import service_asked
from ccserver.routing.dialling import same_prefix
from ccserver.routing.limits import (
    AGENT_ID,
    COUNTS,
    KEYS,
    MUSIC,
    NAME,
    NUMBER,
    PREFIX,
    PROMPT_CHARS_MAX,
    RANGES,
    SILENT_KEY,
    SKILL,
    SKILL_PATTERN,
    TEXT_CHARS_MAX,
    is_service,
)
from ccserver.routing.membership import Seats, cycles

EMERGENCY_SERVICE = "urn:service:sos"

_Spans = dict[str, list[tuple[str, d.Span | d.Weekly]]]
"""By day or date: the spans that open it, each with its path."""


def check(document: d.Document, known_agents: Collection[str]) -> list[Problem]:
    """Everything wrong with the document, errors and warnings, in its own order.

    ``known_agents`` are the seats that exist.
    """
    found = problems.found()
    walk(found, "", document, _BOUNDS)
    if not any(problem.code == "too_many" for problem in found.problems):
        known = _Known(document)
        for one in (_names, _queues, _agents, _schedules, _entries, _prompts, _general):
            one(found, document, known)
        _seats(found, document, known_agents)
    return found.problems


def _chars_max(path: str) -> int:
    spoken = path.startswith("prompts[") and path.endswith(".texts")
    return PROMPT_CHARS_MAX if spoken else TEXT_CHARS_MAX


_BOUNDS = Bounds(RANGES, COUNTS, _chars_max)


class _Known:
    """The names that may be referred to."""

    def __init__(self, document: d.Document) -> None:
        self.skills = {skill.name for skill in document.skills}
        self.queues = {queue.name for queue in document.queues}
        self.sites = {site.name for site in document.sites}
        self.prompts = {prompt.name for prompt in document.prompts}
        self.schedules = {schedule.name: schedule for schedule in document.schedules}

    def has_skill(self, pattern: str) -> bool:
        """Whether a skill, or any skill of ``category:*``, is listed; ``*`` always is."""
        if pattern.endswith(":*"):
            return any(name.startswith(pattern[:-1]) for name in self.skills)
        return pattern == "*" or pattern in self.skills


# -- names ------------------------------------------------------------------------------------


def _names(found: Found, document: d.Document, _: _Known) -> None:
    unique(found, "sites", "name", [site.name for site in document.sites], NAME.fullmatch)
    unique(found, "skills", "name", [skill.name for skill in document.skills], SKILL.fullmatch)
    unique(found, "queues", "name", [queue.name for queue in document.queues], NAME.fullmatch)
    unique(found, "agents", "agent_id", [a.agent_id for a in document.agents], AGENT_ID.fullmatch)
    unique(found, "schedules", "name", [s.name for s in document.schedules], NAME.fullmatch)
    unique(found, "prompts", "name", [p.name for p in document.prompts], NAME.fullmatch)
    unique(found, "directory", "name", [e.name for e in document.directory], NAME.fullmatch)
    for number, entry in enumerate(document.directory):
        if not NUMBER.fullmatch(entry.number):
            found.add(f"directory[{number}].number", "bad_number", number=entry.number)
    unique(found, "entries", "number", [entry.number for entry in document.entries])
    for number, one in enumerate(document.entries):
        named = is_service(one.number)
        if not named and not NUMBER.fullmatch(one.number):
            found.add(f"entries[{number}].number", "bad_number", number=one.number)
        if one.service and not is_service(one.service):
            found.add(f"entries[{number}].service", "bad_service", service=one.service)
        elif one.service and named:
            found.add(f"entries[{number}].service", "service_twice", number=one.number)
        elif one.number == d.EMERGENCY_NUMBER and is_test(one.service):
            found.add(f"entries[{number}].service", "emergency_is_test", number=one.number)


# -- queues -----------------------------------------------------------------------------------


def _queues(found: Found, document: d.Document, known: _Known) -> None:
    for number, queue in enumerate(document.queues):
        path = f"queues[{number}]"
        _skill_levels(found, f"{path}.skills", queue.skills, known)
        _relax(found, path, queue, known)
        _overflow(found, path, queue, known)
        unique(found, f"{path}.sites", "", queue.sites)
        for item, site in enumerate(queue.sites):
            known_name(found, f"{path}.sites[{item}]", "site", site, known.sites)
        _waiting(found, f"{path}.waiting", queue.waiting, known)
    for index, step, names in cycles(document.queues):
        circle = " → ".join(names)
        found.add(f"queues[{index}].overflow[{step}].queue", "overflow_cycle", queues=circle)
    if d.CALLBACK_QUEUE not in known.queues:
        found.add("queues", "callback_queue_missing", queue=d.CALLBACK_QUEUE)


def _skill_levels(found: Found, path: str, levels: Sequence[d.SkillLevel], known: _Known) -> None:
    unique(found, path, "skill", [level.skill for level in levels])
    for number, level in enumerate(levels):
        known_name(found, f"{path}[{number}].skill", "skill", level.skill, known.skills)


def _relax(found: Found, path: str, queue: d.Queue, known: _Known) -> None:
    _in_order(found, f"{path}.relax", queue, [step.after_s for step in queue.relax])
    reached = {needed.skill: needed.level for needed in queue.skills}
    for number, step in enumerate(queue.relax):
        here = f"{path}.relax[{number}].skill"
        if not SKILL_PATTERN.fullmatch(step.skill) or not known.has_skill(step.skill):
            found.add(here, "unknown_skill", name=step.skill)
            continue
        level = reached.get(step.skill)
        if level is not None and step.level >= level:
            found.add(
                f"{path}.relax[{number}].level", "relax_no_effect", skill=step.skill, level=level
            )
        reached[step.skill] = step.level if level is None else min(level, step.level)


def _overflow(found: Found, path: str, queue: d.Queue, known: _Known) -> None:
    _in_order(found, f"{path}.overflow", queue, [step.after_s for step in queue.overflow])
    for number, step in enumerate(queue.overflow):
        here = f"{path}.overflow[{number}]"
        if step.queue is None and step.site is None:
            found.add(here, "overflow_empty")
        if step.queue is not None:
            known_name(found, f"{here}.queue", "queue", step.queue, known.queues)
        if step.queue == queue.name:
            found.add(f"{here}.queue", "overflow_self", queue=queue.name)
        if step.site is not None:
            known_name(found, f"{here}.site", "site", step.site, known.sites)


def _in_order(found: Found, path: str, queue: d.Queue, steps: Sequence[float]) -> None:
    for number, after_s in enumerate(steps):
        here = f"{path}[{number}].after_s"
        if number and after_s < steps[number - 1]:
            found.add(here, "steps_out_of_order")
        elif after_s >= queue.escalate_after_s:
            found.add(here, "step_after_escalation", escalate_after_s=queue.escalate_after_s)


def _waiting(found: Found, path: str, waiting: d.Waiting, known: _Known) -> None:
    for field, name in (("greeting", waiting.greeting), ("announcement", waiting.announcement)):
        if name is not None:
            known_name(found, f"{path}.{field}", "prompt", name, known.prompts)
    if not MUSIC.fullmatch(waiting.music):
        found.add(f"{path}.music", "bad_name", name=waiting.music)
    for key, language in waiting.languages.items():
        here = f"{path}.languages.{key[:8]}"
        if key not in KEYS:
            found.add(here, "bad_key", key=key)
        elif waiting.silent_keys and key == SILENT_KEY:
            found.add(here, "key_taken", key=key)
        if language not in LANGUAGES:
            found.add(here, "unknown_language", name=language)
        else:
            # Whoever presses the key gets a call taker with this skill.
            known_name(found, here, "skill", f"language:{language}", known.skills)


# -- call takers ------------------------------------------------------------------------------


def _agents(found: Found, document: d.Document, known: _Known) -> None:
    for number, agent in enumerate(document.agents):
        path = f"agents[{number}]"
        _skill_levels(found, f"{path}.skills", agent.skills, known)
        if agent.site:
            known_name(found, f"{path}.site", "site", agent.site, known.sites)
        if agent.queues is None:
            continue
        unique(found, f"{path}.queues", "", agent.queues)
        for item, name in enumerate(agent.queues):
            known_name(found, f"{path}.queues[{item}]", "queue", name, known.queues)
        if not agent.queues:
            found.add(f"{path}.queues", "agent_without_queue", name=agent.agent_id)


def _seats(found: Found, document: d.Document, known_agents: Collection[str]) -> None:
    """Somebody can answer in every queue, once all steps of relaxing and overflow are reached."""
    if not known_agents:
        found.add("agents", "no_agents")
        return
    seats = Seats(document, known_agents)
    for number, agent in enumerate(document.agents):
        known_name(found, f"agents[{number}].agent_id", "agent", agent.agent_id, known_agents)
    if not seats.take_texts:
        found.add("agents", "texts_nobody")
    for number, queue in enumerate(document.queues):
        path = f"queues[{number}]"
        own, reached = seats.members(queue), seats.members_after_overflow(queue)
        if not reached:
            found.add(path, "queue_nobody", queue=queue.name)
            continue
        missing = seats.missing_skills(queue, reached)
        if missing:
            names = ", ".join(missing)
            found.add(f"{path}.skills", "queue_unskilled", queue=queue.name, skills=names)
        if not own:
            found.add(path, "queue_only_overflow", queue=queue.name)
    _skills_of_entries(found, document, seats)


def _skills_of_entries(found: Found, document: d.Document, seats: Seats) -> None:
    """Somebody has what an entry asks for on top of its queue."""
    queues = {queue.name: queue for queue in reversed(document.queues)}
    for number, entry in enumerate(document.entries):
        targets = dict.fromkeys((entry.queue, *(rule.queue for rule in entry.rules)))
        for name in targets if entry.skills else ():
            queue = queues.get(name)
            reached = seats.members_after_overflow(queue) if queue is not None else []
            if queue is None or not reached:
                continue  # told of the queue itself
            missing = seats.missing_skills(queue, reached, entry.skills)
            if missing and not seats.missing_skills(queue, reached):
                path, names = f"entries[{number}].skills", ", ".join(missing)
                found.add(path, "queue_unskilled", queue=name, skills=names)


# -- schedules and entries --------------------------------------------------------------------


def _schedules(found: Found, document: d.Document, _: _Known) -> None:
    for number, schedule in enumerate(document.schedules):
        path = f"schedules[{number}]"
        if times.zone(schedule.timezone) is None:
            found.add(f"{path}.timezone", "unknown_timezone", name=schedule.timezone)
        spans: _Spans = {}
        for item, weekly in enumerate(schedule.weekly):
            here = f"{path}.weekly[{item}]"
            _span(found, here, weekly)
            if not weekly.days:
                found.add(f"{here}.days", "days_empty")
            for day in weekly.days:
                spans.setdefault(day, []).append((here, weekly))
        _exceptions(found, path, schedule, spans)
        _overlaps(found, spans)
        if times.never_open(schedule):
            found.add(path, "schedule_never_open", name=schedule.name)


def _exceptions(found: Found, path: str, schedule: d.Schedule, spans: _Spans) -> None:
    seen: set[str] = set()
    for item, exception in enumerate(schedule.exceptions):
        here, day = f"{path}.exceptions[{item}]", exception.date.isoformat()
        if day in seen:
            found.add(f"{here}.date", "duplicate_date", date=day)
            continue
        seen.add(day)
        for number, span in enumerate(() if isinstance(exception.open, bool) else exception.open):
            _span(found, f"{here}.open[{number}]", span)
            spans.setdefault(day, []).append((f"{here}.open[{number}]", span))


def _span(found: Found, path: str, span: d.Span | d.Weekly) -> None:
    begin, end = times.minutes(span.from_), times.minutes(span.to)
    if begin is None:
        found.add(f"{path}.from", "bad_time", value=span.from_)
    if end is None:
        found.add(f"{path}.to", "bad_time", value=span.to)
    if begin is not None and end is not None and begin >= end:
        found.add(path, "span_empty", **{"from": span.from_, "to": span.to})


def _overlaps(found: Found, spans: _Spans) -> None:
    """One minute of one day is opened by one span; each pair is reported for its first day."""
    told: set[tuple[str, str]] = set()
    for day, of_day in spans.items():
        for number, (path, span) in enumerate(of_day):
            for other_path, other in of_day[:number]:
                if (path, other_path) not in told and times.mask([span]) & times.mask([other]):
                    told.add((path, other_path))
                    first, second = (f"{s.from_}–{s.to}" for s in (other, span))
                    found.add(path, "spans_overlap", day=day, first=first, second=second)


def _entries(found: Found, document: d.Document, known: _Known) -> None:
    classes = {queue.name: queue.queue_class for queue in document.queues}
    highest = max(classes.values(), default=0)
    for number, entry in enumerate(document.entries):
        path = f"entries[{number}]"
        known_name(found, f"{path}.queue", "queue", entry.queue, known.queues)
        if entry.site:
            known_name(found, f"{path}.site", "site", entry.site, known.sites)
        targets = [(f"{path}.queue", entry.queue)]
        for item, rule in enumerate(entry.rules):
            here = f"{path}.rules[{item}]"
            known_name(found, f"{here}.queue", "queue", rule.queue, known.queues)
            known_name(found, f"{here}.schedule", "schedule", rule.schedule, known.schedules)
            targets.append((f"{here}.queue", rule.queue))
        _contradictions(found, path, entry, known)
        _skill_levels(found, f"{path}.skills", entry.skills, known)
        if entry.number in (d.EMERGENCY_NUMBER, EMERGENCY_SERVICE):
            for where, queue in targets:
                if classes.get(queue, highest) < highest:
                    found.add(
                        where,
                        "emergency_class_low",
                        number=entry.number,
                        queue=queue,
                        queue_class=classes[queue],
                        highest=highest,
                    )
    if not any(entry.number == d.EMERGENCY_NUMBER for entry in document.entries):
        found.add("entries", "emergency_entry_missing", number=d.EMERGENCY_NUMBER)
    _tests(found, document)


def _tests(found: Found, document: d.Document) -> None:
    """Who tries whether we answer is in nobody's way who asks for help."""
    for_help = {
        queue
        for entry in document.entries
        if not is_test(service_asked(entry))
        for queue in (entry.queue, *(rule.queue for rule in entry.rules))
    }
    for number, entry in enumerate(document.entries):
        if not is_test(service_asked(entry)):
            continue
        path = f"entries[{number}]"
        targets = [(f"{path}.queue", entry.queue)]
        targets += [(f"{path}.rules[{n}].queue", rule.queue) for n, rule in enumerate(entry.rules)]
        for where, queue in targets:
            if queue in for_help:
                found.add(where, "test_among_calls", queue=queue)


def _contradictions(found: Found, path: str, entry: d.Entry, known: _Known) -> None:
    """Two rules that are open together say the same."""
    for number, rule in enumerate(entry.rules):
        mine = known.schedules.get(rule.schedule)
        for other in entry.rules[:number]:
            theirs = known.schedules.get(other.schedule)
            if mine is None or theirs is None or rule.queue == other.queue:
                continue
            here, names = f"{path}.rules[{number}]", (other.schedule, rule.schedule)
            if mine.timezone != theirs.timezone:
                found.add(here, "rules_timezones", first=names[0], second=names[1])
            elif (day := times.open_together(mine, theirs)) is not None:
                found.add(here, "rules_contradict", first=names[0], second=names[1], day=day)


# -- prompts and the rest ---------------------------------------------------------------------


def _prompts(found: Found, document: d.Document, _: _Known) -> None:
    used = {
        name
        for queue in document.queues
        for name in (queue.waiting.greeting, queue.waiting.announcement)
    }
    for number, prompt in enumerate(document.prompts):
        for language in LANGUAGES:
            if prompt.name in used and not getattr(prompt.texts, language).strip():
                here = f"prompts[{number}].texts.{language}"
                found.add(here, "prompt_text_missing", language=language)


def _general(found: Found, document: d.Document, _: _Known) -> None:
    if document.general.default_language not in LANGUAGES:
        name = document.general.default_language
        found.add("general.default_language", "unknown_language", name=name)
    dialling = document.general.dialling
    for key, prefixes in (("allow", dialling.allow), ("deny", dialling.deny)):
        for number, prefix in enumerate(prefixes):
            if not PREFIX.fullmatch(prefix):
                found.add(f"general.dialling.{key}[{number}]", "bad_prefix", prefix=prefix)
    for number, prefix in enumerate(dialling.deny):
        if any(same_prefix(prefix, other) for other in dialling.allow):
            found.add(f"general.dialling.deny[{number}]", "prefix_contradicts", prefix=prefix)
