"""What follows from a type and answers: what to ask, what it is, how urgent, whom to send.

Pure functions of a prepared catalogue. They only propose: what a person chose on the card stands.
They hold for every document that can be decoded, also a faulty one.
"""

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from ccserver.catalogue import document as d
from ccserver.catalogue.prepared import Prepared

Answers = Mapping[str, object]
"""Question code → code of the answer, several codes, a text or number, or ``None``."""

MUST_BE_SENT = frozenset({"fire", "ambulance", "police", "gas"})
"""A gap between their areas must not leave anybody without them."""


class Why(StrEnum):
    """Why a service is proposed."""

    TYPE = "type"
    ANSWER = "answer"
    AREA = "area"
    """By its type or an answer, and because its area holds the place."""


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """A question to ask. ``after`` is the question whose answer led to it; ``None``: the type."""

    code: str
    answered: bool
    required: bool
    after: str | None


@dataclass(frozen=True, slots=True)
class Proposal:
    """A service to send.

    ``named_by`` is the type or question that names it, ``area`` the one that holds the place.
    ``unknown_area``: whether it works there is not known.
    """

    service: str
    why: Why
    named_by: str
    area: str | None = None
    unknown_area: bool = False


@dataclass(frozen=True, slots=True)
class Guidance:
    """What follows; ``type`` is ``None`` if none was chosen or the chosen one is unknown."""

    type: str | None
    priority: int | None
    hazards: tuple[str, ...]
    questions: tuple[AskedQuestion, ...]
    services: tuple[Proposal, ...]


@dataclass
class _Walk:
    """What was gathered while the questions are walked through."""

    type: str | None
    raised: int | None = None
    hazards: dict[str, None] = field(default_factory=dict)
    added: dict[str, str] = field(default_factory=dict)
    """Service → the question whose answer named it."""
    asked: list[AskedQuestion] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)


def guided(
    prepared: Prepared,
    type_code: str | None,
    answers: Answers,
    *,
    longitude: float | None = None,
    latitude: float | None = None,
) -> Guidance:
    """What to ask, and what the answers given so far mean.

    The questions of the type's parents come first, then its own; an answer's follow-up questions
    come directly after it, and those of a type it leads to at the end. The last answer that names
    a type decides. Answers to questions that are not asked are not used.
    """
    walk = _walk(prepared, type_code, answers)
    line = prepared.line(walk.type)
    priority = next((one.priority for one in reversed(line) if one.priority is not None), None)
    if walk.raised is not None:
        priority = walk.raised if priority is None else max(priority, walk.raised)
    return Guidance(
        walk.type,
        priority,
        tuple(walk.hazards),
        tuple(walk.asked),
        _proposals(prepared, line, walk.added, longitude, latitude),
    )


def proposed_services(
    prepared: Prepared,
    type_code: str | None,
    answers: Answers,
    *,
    longitude: float | None = None,
    latitude: float | None = None,
) -> tuple[Proposal, ...]:
    """Whom to send; the position is ``None`` as long as it is not known."""
    return guided(prepared, type_code, answers, longitude=longitude, latitude=latitude).services


# -- questions --------------------------------------------------------------------------------


def _walk(prepared: Prepared, type_code: str | None, answers: Answers) -> _Walk:
    walk = _Walk(type_code if type_code in prepared.types else None)
    waiting = deque(_questions_of(prepared, walk.type))
    while waiting:
        code, led_here = waiting.popleft()
        question = prepared.questions.get(code)
        if question is None or code in walk.seen:
            continue
        walk.seen.add(code)
        chosen, answered = _chosen(question, answers.get(code))
        walk.asked.append(AskedQuestion(code, answered, question.required, led_here))
        follow_ups: dict[str, None] = {}
        for answer in chosen:
            follow_ups.update(dict.fromkeys(answer.next))
            if _use(walk, prepared, code, answer):
                waiting += _questions_of(prepared, walk.type)
        waiting.extendleft((after, code) for after in reversed(follow_ups))
    return walk


def _questions_of(prepared: Prepared, type_code: str | None) -> list[tuple[str, str | None]]:
    return [(code, None) for one in prepared.line(type_code) for code in one.questions]


def _use(walk: _Walk, prepared: Prepared, question: str, answer: d.Answer) -> bool:
    """Whether the answer has led to another type."""
    walk.hazards.update(dict.fromkeys(answer.hazards_add))
    for service in answer.services_add:
        walk.added.setdefault(service, question)
    if answer.priority is not None:
        raised = answer.priority
        walk.raised = raised if walk.raised is None else max(walk.raised, raised)
    if answer.type is None or answer.type == walk.type or answer.type not in prepared.types:
        return False
    walk.type = answer.type
    return True


def _chosen(question: d.Question, given: object) -> tuple[Sequence[d.Answer], bool]:
    """The answers that were chosen, and whether there is an answer at all.

    Of a question with several answers they are given as a list of codes.
    """
    if question.kind == "number":
        return (), isinstance(given, int | float) and not isinstance(given, bool)
    if question.kind == "text":
        return (), isinstance(given, str) and bool(given.strip())
    codes: Collection[object] = given if isinstance(given, list | tuple) else (given,)
    if question.kind != "multi" and len(codes) != 1:
        return (), False
    chosen = [answer for answer in question.answers if answer.code in codes]
    return chosen, bool(chosen)


# -- services ---------------------------------------------------------------------------------


def _proposals(
    prepared: Prepared,
    line: Sequence[d.IncidentType],
    added: Mapping[str, str],
    longitude: float | None,
    latitude: float | None,
) -> tuple[Proposal, ...]:
    candidates = _candidates(prepared, line, added)
    holding: frozenset[str] | None = None
    if longitude is not None and latitude is not None and prepared.areas is not None:
        holding = prepared.areas.holding(longitude, latitude)
    inside: list[Proposal] = []
    outside: list[Proposal] = []
    for candidate in candidates:
        service = prepared.services[candidate.service]
        area = next((code for code in service.areas if code in (holding or ())), None)
        if not service.areas:
            inside.append(candidate)
        elif area is not None:
            inside.append(Proposal(candidate.service, Why.AREA, candidate.named_by, area=area))
        else:
            unknown = Proposal(
                candidate.service, candidate.why, candidate.named_by, unknown_area=True
            )
            (inside if holding is None else outside).append(unknown)
    kinds = {prepared.services[one.service].kind for one in inside}
    left_out = [
        one
        for one in outside
        if (kind := prepared.services[one.service].kind) in MUST_BE_SENT and kind not in kinds
    ]
    return (*inside, *left_out)


def _candidates(
    prepared: Prepared, line: Sequence[d.IncidentType], added: Mapping[str, str]
) -> list[Proposal]:
    """Whoever the type, an answer or the service itself names, wherever it works."""
    found: dict[str, Proposal] = {}
    own = next((one for one in reversed(line) if one.services), None)
    for code in own.services if own is not None else ():
        assert own is not None
        found.setdefault(code, Proposal(code, Why.TYPE, own.code))
    codes = {one.code for one in line}
    for service in prepared.catalogue.services:
        named_by = next((code for code in service.types if code in codes), None)
        if named_by is not None:
            found.setdefault(service.code, Proposal(service.code, Why.TYPE, named_by))
    for code, question in added.items():
        found.setdefault(code, Proposal(code, Why.ANSWER, question))
    return [
        proposal
        for code, proposal in found.items()
        if code in prepared.services and prepared.services[code].active
    ]
