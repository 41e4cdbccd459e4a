"""Whether the parts of a catalogue fit together: everything that is wrong with it, at once.

They terminate on any document that can be decoded, because too long lists are refused before
anything compares their items with one another.
"""

from collections.abc import Iterable, Mapping, Sequence

from ccserver.catalogue import document as d
from ccserver.catalogue import problems
from ccserver.catalogue.geometry import check_areas
from ccserver.catalogue.limits import (
    CODE,
    COUNTS,
    DEPTH_MAX,
    HELP_CHARS_MAX,
    PHONE,
    RANGES,
    TEXT_CHARS_MAX,
)
from ccserver.documents import LANGUAGES, Found, Problem, Texts
from ccserver.documents.walk import Bounds, known_name, unique, walk

CHOSEN = ("choice", "multi", "yes_no")
"""Kinds of questions whose answer is chosen from a list."""


def check(catalogue: d.Catalogue) -> list[Problem]:
    """Everything wrong with the catalogue, errors and warnings. Takes seconds for large areas."""
    found = problems.found()
    walk(found, "", catalogue, _BOUNDS)
    if not any(problem.code == "too_many" for problem in found.problems):
        known = _Known(catalogue)
        for one in (_codes, _types, _questions, _services):
            one(found, catalogue, known)
        check_areas(found, catalogue.areas)
    return found.problems


class _Known:
    """The codes that may be referred to."""

    def __init__(self, catalogue: d.Catalogue) -> None:
        self.types = {one.code: one for one in catalogue.types}
        self.questions = {one.code: one for one in catalogue.questions}
        self.hazards = {one.code for one in catalogue.hazards}
        self.services = {one.code: one for one in catalogue.services}
        self.areas = {one.code for one in catalogue.areas}


def _chars_max(path: str) -> int:
    return HELP_CHARS_MAX if path.endswith(".help") else TEXT_CHARS_MAX


_BOUNDS = Bounds(RANGES, COUNTS, _chars_max)


# -- codes and titles -------------------------------------------------------------------------


def _codes(found: Found, catalogue: d.Catalogue, _: _Known) -> None:
    for name in catalogue.__struct_fields__:
        parts = getattr(catalogue, name)
        _codes_of(found, name, parts)
    for number, question in enumerate(catalogue.questions):
        _codes_of(found, f"questions[{number}].answers", question.answers)


def _codes_of(
    found: Found,
    path: str,
    parts: Sequence[d.IncidentType | d.Question | d.Answer | d.Coded | d.Service | d.Area],
) -> None:
    unique(found, path, "code", [one.code for one in parts], CODE.fullmatch, bad="bad_code")
    for number, one in enumerate(parts):
        _titles(found, f"{path}[{number}].titles", one.titles)


def _titles(found: Found, path: str, titles: Texts) -> None:
    missing = [language for language in LANGUAGES if not getattr(titles, language).strip()]
    if len(missing) == len(LANGUAGES):
        found.add(path, "title_empty")
        return
    for language in missing:
        found.add(f"{path}.{language}", "title_missing", language=language)


def _references(
    found: Found, path: str, kind: str, names: Sequence[str], known: Iterable[str]
) -> None:
    unique(found, path, "", names)
    for number, name in enumerate(names):
        known_name(found, f"{path}[{number}]", kind, name, set(known))


# -- types ------------------------------------------------------------------------------------


def _types(found: Found, catalogue: d.Catalogue, known: _Known) -> None:
    told: set[str] = set()
    for number, one in enumerate(catalogue.types):
        path = f"types[{number}]"
        _references(found, f"{path}.questions", "question", one.questions, known.questions)
        _named_services(found, f"{path}.services", one.services, known)
        if one.parent is not None:
            known_name(found, f"{path}.parent", "type", one.parent, known.types)
        line, looped = ancestry(known.types, one.code)
        if looped:
            if not told & {ancestor.code for ancestor in line}:
                circle = " → ".join(ancestor.code for ancestor in line)
                found.add(f"{path}.parent", "type_loop", types=circle)
            told |= {ancestor.code for ancestor in line}
        elif len(line) > DEPTH_MAX:
            found.add(f"{path}.parent", "type_too_deep", depth=len(line), limit=DEPTH_MAX)
        elif one.active and not _has_service(catalogue, line) and _priority(line) != 0:
            found.add(path, "type_without_service", type=one.code)
    if not any(one.active for one in catalogue.types):
        found.add("types", "types_none")


def ancestry(types: Mapping[str, d.IncidentType], code: str) -> tuple[list[d.IncidentType], bool]:
    """The type and its parents upwards, and whether they go round in a circle."""
    line: list[d.IncidentType] = []
    seen: set[str] = set()
    here: str | None = code
    while here is not None and here in types:
        if here in seen:
            return line, True
        seen.add(here)
        line.append(types[here])
        here = types[here].parent
    return line, False


def _priority(line: Sequence[d.IncidentType]) -> int | None:
    """Its own or the next parent's; 0 is what nobody need do anything about."""
    return next((one.priority for one in line if one.priority is not None), None)


def _has_service(catalogue: d.Catalogue, line: Sequence[d.IncidentType]) -> bool:
    codes = {one.code for one in line}
    return any(one.services for one in line) or any(
        codes.intersection(service.types) for service in catalogue.services if service.active
    )


def _named_services(found: Found, path: str, names: Sequence[str], known: _Known) -> None:
    _references(found, path, "service", names, known.services)
    for number, name in enumerate(names):
        if name in known.services and not known.services[name].active:
            found.add(f"{path}[{number}]", "service_inactive", service=name)


# -- questions --------------------------------------------------------------------------------


def _questions(found: Found, catalogue: d.Catalogue, known: _Known) -> None:
    asked = {code for one in catalogue.types for code in one.questions}
    for number, question in enumerate(catalogue.questions):
        path = f"questions[{number}]"
        _kind(found, path, question)
        for item, answer in enumerate(question.answers):
            here = f"{path}.answers[{item}]"
            asked.update(answer.next)
            if answer.type is not None:
                known_name(found, f"{here}.type", "type", answer.type, known.types)
            _named_services(found, f"{here}.services_add", answer.services_add, known)
            hazards = f"{here}.hazards_add"
            _references(found, hazards, "hazard", answer.hazards_add, known.hazards)
            _references(found, f"{here}.next", "question", answer.next, known.questions)
    for number, question in enumerate(catalogue.questions):
        if question.code not in asked:
            found.add(f"questions[{number}]", "question_unasked", question=question.code)
    _question_loops(found, catalogue)


def _kind(found: Found, path: str, question: d.Question) -> None:
    if question.kind not in CHOSEN:
        if question.answers:
            found.add(f"{path}.answers", "answers_unused", kind=question.kind)
        return
    if not question.answers:
        found.add(f"{path}.answers", "answers_missing")
    if question.kind == "yes_no":
        for item, answer in enumerate(question.answers):
            if answer.code not in d.YES_NO:
                found.add(f"{path}.answers[{item}].code", "yes_no_codes", name=answer.code)


def _question_loops(found: Found, catalogue: d.Catalogue) -> None:
    """Follow-up questions never lead back; each circle is told once.

    A search in depth with a stack of its own: a chain may be as long as there are questions.
    """
    follow_ups = {
        question.code: tuple(
            dict.fromkeys(code for answer in question.answers for code in answer.next)
        )
        for question in catalogue.questions
    }
    numbers = {question.code: number for number, question in enumerate(catalogue.questions)}
    done: set[str] = set()
    for start in follow_ups:
        chain: dict[str, None] = {}
        stack = [(start, False)]
        while stack:
            code, left = stack.pop()
            if left:
                chain.pop(code, None)
                done.add(code)
            elif code in chain:
                codes = list(chain)
                circle = [*codes[codes.index(code) :], code]
                where = f"questions[{numbers[code]}].answers"
                found.add(where, "question_loop", questions=" → ".join(circle))
            elif code not in done and code in follow_ups:
                chain[code] = None
                stack.append((code, True))
                stack.extend((after, False) for after in reversed(follow_ups[code]))


# -- services ---------------------------------------------------------------------------------


def _services(found: Found, catalogue: d.Catalogue, known: _Known) -> None:
    for number, service in enumerate(catalogue.services):
        path = f"services[{number}]"
        _references(found, f"{path}.areas", "area", service.areas, known.areas)
        _references(found, f"{path}.types", "type", service.types, known.types)
        if not PHONE.fullmatch(service.phone):
            found.add(f"{path}.phone", "bad_phone", number=service.phone)
