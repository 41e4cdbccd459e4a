"""What may be wrong with a routing document: stable codes, each with a sentence that helps."""

from collections.abc import Iterable, Mapping

from ccserver.documents import Found, Problem
from ccserver.documents.problems import GENERAL_ERRORS

ERRORS: Mapping[str, str] = {
    **GENERAL_ERRORS,
    "bad_name": "Choose another name than “{name}”: small letters a–z, digits, - and _, beginning "
    "with a letter, 64 characters at most; a skill may be category:name.",
    "unknown_skill": "Choose one of the skills listed under skills, or add “{name}” there.",
    "unknown_queue": "Choose one of the queues listed under queues, or add “{name}” there.",
    "unknown_site": "Choose one of the sites listed under sites, or add “{name}” there.",
    "unknown_prompt": "Choose one of the prompts listed under prompts, or add “{name}” there.",
    "unknown_schedule": "Choose one of the schedules listed under schedules, or add “{name}” "
    "there.",
    "unknown_language": "Choose lv, ru or en instead of “{name}”.",
    "unknown_timezone": "Choose a time zone such as Europe/Riga instead of “{name}”.",
    "bad_number": "Write the number “{number}” as digits only, with + in front if it is "
    "international, at most 20 digits; an entry may also name a service such as "
    "urn:service:sos.ecall.",
    "bad_service": "Write the service “{service}” such as urn:service:sos.ecall, in small letters, "
    "or leave it empty.",
    "service_twice": "Leave the service empty: {number} says already what is asked for.",
    "emergency_is_test": "Name no test here: whoever dials {number} asks for help.",
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
    "texts_nobody": "Let somebody take texts: at all seats the number of texts at once is 0, so "
    "who cannot speak is never answered.",
    "relax_no_effect": "Lower the level or remove this step: {skill} is already down to level "
    "{level}.",
    "step_after_escalation": "Move this step before {escalate_after_s} s: from then on everybody "
    "may answer anyway.",
    "schedule_never_open": "Add a span: the schedule {name} is never open.",
    "recorded_always": "Leave this out, as the next save does: every call is recorded.",
    "test_among_calls": "Let tests wait in a queue of their own: {queue} also serves people who "
    "ask for help.",
    "prompt_text_missing": "Write the text in {language}, or callers hear nothing in it.",
}


def found() -> Found:
    """Collects what is wrong with a routing document."""
    return Found(ERRORS, WARNINGS)


def ignored_problems(paths: Iterable[str]) -> list[Problem]:
    """What a person is told of keys that were left out when reading."""
    told = found()
    for path in paths:
        told.add(path, "recorded_always")
    return told.problems
