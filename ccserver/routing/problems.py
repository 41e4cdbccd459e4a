"""What may be wrong with a document: stable codes, each with a sentence that says what to do."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

PROBLEMS_MAX = 200
"""Of each severity; nobody reads more, and mending the first ones often mends the rest."""

PARAMETER_CHARS_MAX = 120
"""A name may be a megabyte long; that is what is wrong with it, and no reason to repeat it."""

Parameter = str | int | float


class Severity(StrEnum):
    """An error refuses the document; a warning is shown and saved all the same."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """``path`` is like ``queues[2].overflow[0].queue``; ``params`` are the code's parameters."""

    path: str
    code: str
    text: str
    severity: Severity = Severity.ERROR
    params: Mapping[str, Parameter] = field(default_factory=dict)


class PlanInvalid(Exception):
    """The document has errors; ``problems`` holds them and the warnings."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(f"{sum(p.severity is Severity.ERROR for p in problems)} errors")
        self.problems = problems


ERRORS: Mapping[str, str] = {
    "shape": "The document has the wrong shape here: {message}",
    "bad_name": "Choose another name than “{name}”: small letters a–z, digits, - and _, beginning "
    "with a letter, 64 characters at most; a skill may be category:name.",
    "duplicate_name": "Choose another name: “{name}” is already used at {first}.",
    "unknown_skill": "Choose one of the skills listed under skills, or add “{name}” there.",
    "unknown_queue": "Choose one of the queues listed under queues, or add “{name}” there.",
    "unknown_site": "Choose one of the sites listed under sites, or add “{name}” there.",
    "unknown_prompt": "Choose one of the prompts listed under prompts, or add “{name}” there.",
    "unknown_schedule": "Choose one of the schedules listed under schedules, or add “{name}” "
    "there.",
    "unknown_language": "Choose lv, ru or en instead of “{name}”.",
    "unknown_timezone": "Choose a time zone such as Europe/Riga instead of “{name}”.",
    "out_of_range": "Choose a value from {low} to {high}.",
    "too_many": "Remove some: there are {count} and at most {limit} are possible.",
    "too_long": "Shorten the text to at most {limit} characters.",
    "bad_character": "Remove the control character from this text.",
    "bad_number": "Write the number “{number}” as digits only, with + in front if it is "
    "international, at most 20 digits.",
    "bad_prefix": "Write the beginning “{prefix}” as digits, with + in front if it is "
    "international, at most 15 digits.",
    "prefix_contradicts": "Remove “{prefix}” from one of the two lists: it is both allowed and "
    "denied.",
    "bad_time": "Write the time “{value}” as HH:MM from 00:00 to 24:00.",
    "bad_key": "Choose one key of the telephone (0 to 9, * or #) instead of “{key}”.",
    "key_taken": "Choose another key than {key}: it means “I cannot speak”; or switch silent_keys "
    "off.",
    "span_empty": "Let it begin before it ends: {from} is not before {to}. A night is two spans, "
    "up to 24:00 and from 00:00.",
    "spans_overlap": "Join or shorten the spans {first} and {second}: both are open on {day}.",
    "days_empty": "Name at least one day of the week, or remove this line.",
    "duplicate_date": "Keep one exception for {date}: there are two.",
    "rules_contradict": "Change one of the schedules: {first} and {second} are both open on "
    "{day}, but lead to different queues.",
    "rules_timezones": "Use schedules of one time zone in one entry: {first} is in another one "
    "than {second}.",
    "steps_out_of_order": "Put the steps in the order of their time: this one comes before the "
    "one above it.",
    "overflow_empty": "Name the queue or the site to overflow to, or remove this step.",
    "overflow_self": "Choose another queue: {queue} cannot overflow to itself.",
    "overflow_cycle": "Remove one of the steps by which these queues overflow in a circle: "
    "{queues}.",
    "queue_nobody": "Add a call taker to the queue {queue}: nobody could ever answer in it.",
    "queue_unskilled": "Give a member of the queue {queue} the skills {skills}, or relax them: "
    "nobody could ever answer in it.",
    "emergency_entry_missing": "Add an entry for the number {number}: it must always lead "
    "somewhere.",
    "emergency_class_low": "Let {number} lead only to queues of the highest class, {highest}: "
    "{queue} has class {queue_class}.",
    "callback_queue_missing": "Add a queue named {queue}: abandoned contacts are called back "
    "through it.",
}

WARNINGS: Mapping[str, str] = {
    "unknown_agent": "Remove {name}, or make this seat: nobody has it, so the line has no effect.",
    "no_agents": "Make seats for call takers: there are none yet, so nobody can answer.",
    "agent_without_queue": "Give {name} a queue: nothing but escalated contacts will reach this "
    "seat.",
    "queue_only_overflow": "Add a call taker to the queue {queue}: without members of its own it "
    "waits for overflow every time.",
    "relax_no_effect": "Lower the level or remove this step: {skill} is already down to level "
    "{level}.",
    "step_after_escalation": "Move this step before {escalate_after_s} s: from then on everybody "
    "may answer anyway.",
    "schedule_never_open": "Add a span: the schedule {name} is never open.",
    "recorded_always": "Leave this out, as the next save does: every call is recorded.",
    "prompt_text_missing": "Write the text in {language}, or callers hear nothing in it.",
}


@dataclass(slots=True)
class Found:
    """Collects problems up to their bounds."""

    problems: list[Problem] = field(default_factory=list)
    _errors: int = 0
    _warnings: int = 0

    @property
    def has_errors(self) -> bool:
        """Whether the document must be refused."""
        return self._errors > 0

    def add(self, path: str, code: str, /, **params: Parameter) -> None:
        """Note a problem; its severity and sentence come from the tables above."""
        if code in ERRORS:
            severity, sentence = Severity.ERROR, ERRORS[code]
            self._errors += 1
            full = self._errors > PROBLEMS_MAX
        else:
            severity, sentence = Severity.WARNING, WARNINGS[code]
            self._warnings += 1
            full = self._warnings > PROBLEMS_MAX
        if not full:
            short = {
                name: value[:PARAMETER_CHARS_MAX] if isinstance(value, str) else value
                for name, value in params.items()
            }
            text = sentence.format_map(short)
            self.problems.append(Problem(path, code, text, severity, short))


def ignored_problems(paths: Iterable[str]) -> list[Problem]:
    """What a person is told of keys that were left out when reading."""
    found = Found()
    for path in paths:
        found.add(path, "recorded_always")
    return found.problems


def shape_problem(path: str, message: str) -> Problem:
    """The one problem of something that is no document at all."""
    found = Found()
    found.add(path, "shape", message=message)
    return found.problems[0]
