"""Whether the parts of a messaging document fit together: everything that is wrong, at once.

Whether a queue that is named here exists is a matter of the routing in force, which may change
after this was saved: texts to a queue that is not there stand where calls would.
"""

from collections.abc import Sequence

from ccserver.documents import LANGUAGES, Found, Problem, Texts
from ccserver.documents.walk import Bounds, unique, walk
from ccserver.messaging import document as d
from ccserver.messaging import problems
from ccserver.messaging.language import KNOWN
from ccserver.messaging.limits import (
    CODE,
    COUNTS,
    NAME_CHARS_MAX,
    NUMBER,
    QUEUE,
    RANGES,
    SIGNS_CHARS_MAX,
    TEXT_CHARS_MAX,
)
from ccserver.messaging.promises import promise_in

SINGLE_KINDS = ("latitude", "longitude", "position", "radius_m")
"""A text tells one place."""


def check(document: d.Messaging) -> list[Problem]:
    """Everything wrong with the document, errors and warnings."""
    found = problems.found()
    walk(found, "", document, _BOUNDS)
    if not any(problem.code == "too_many" for problem in found.problems):
        for one in (_snippets, _acknowledgement, _templates, _languages, _queues):
            one(found, document)
    return found.problems


def _chars_max(path: str) -> int:
    if path.endswith(".texts"):
        return TEXT_CHARS_MAX
    in_layout = path.startswith("templates[") and not path.endswith(".titles")
    return SIGNS_CHARS_MAX if in_layout else NAME_CHARS_MAX


_BOUNDS = Bounds(RANGES, COUNTS, _chars_max)


# -- what citizens get -------------------------------------------------------------------------


def _snippets(found: Found, document: d.Messaging) -> None:
    _coded(found, "snippets", document.snippets)
    for number, snippet in enumerate(document.snippets):
        path = f"snippets[{number}].texts"
        _texts(found, path, snippet.texts)
        _promises(found, path, snippet.texts, "snippet_promise")


def _acknowledgement(found: Found, document: d.Messaging) -> None:
    path, wanted = "automatic_acknowledgement.texts", document.automatic_acknowledgement
    if wanted.active:
        _texts(found, path, wanted.texts)
    # Also of one that is off: to switch it on later takes one click, and nobody reads it then.
    _promises(found, path, wanted.texts, "promise")


def _texts(found: Found, path: str, texts: Texts) -> None:
    _in_languages(found, path, texts, "text")


def _titles(found: Found, path: str, titles: Texts) -> None:
    _in_languages(found, path, titles, "title")


def _in_languages(found: Found, path: str, texts: Texts, what: str) -> None:
    missing = [language for language in LANGUAGES if not getattr(texts, language).strip()]
    if len(missing) == len(LANGUAGES):
        found.add(path, f"{what}_empty")
        return
    for language in missing:
        found.add(f"{path}.{language}", f"{what}_missing", language=language)


def _promises(found: Found, path: str, texts: Texts, code: str) -> None:
    for language in LANGUAGES:
        words = promise_in(getattr(texts, language)[:TEXT_CHARS_MAX])
        if words is not None:
            found.add(f"{path}.{language}", code, words=words)


# -- layouts -----------------------------------------------------------------------------------


def _coded(found: Found, path: str, parts: Sequence[d.Snippet | d.Template]) -> None:
    unique(found, path, "code", [one.code for one in parts], CODE.fullmatch, bad="bad_code")
    for number, one in enumerate(parts):
        _titles(found, f"{path}[{number}].titles", one.titles)


def _templates(found: Found, document: d.Messaging) -> None:
    _coded(found, "templates", document.templates)
    for number, template in enumerate(document.templates):
        path = f"templates[{number}]"
        _signs(found, path, template)
        _fields(found, path, template)


def _signs(found: Found, path: str, template: d.Template) -> None:
    keyed = template.layout == "keyed"
    if not template.separator:
        found.add(f"{path}.separator", "separator_empty")
    elif keyed and template.assignment == template.separator:
        found.add(f"{path}.assignment", "separator_twice", name=template.separator)
    by_name = keyed and any(one.required and one.key.strip() for one in template.fields)
    if not template.prefix.strip() and not by_name:
        found.add(f"{path}.prefix", "takes_all")


def _fields(found: Found, path: str, template: d.Template) -> None:
    fields = template.fields
    if not fields:
        found.add(f"{path}.fields", "fields_none")
    names = [one.name for one in fields]
    unique(found, f"{path}.fields", "name", names, CODE.fullmatch, bad="bad_code")
    if template.layout == "keyed":
        keys = [one.key.strip().casefold() for one in fields]
        for number, key in enumerate(keys):
            here = f"{path}.fields[{number}].key"
            if not key:
                found.add(here, "key_missing")
            elif key in keys[:number]:
                first = f"{path}.fields[{keys.index(key)}]"
                found.add(here, "duplicate_name", name=fields[number].key, first=first)
    for number, one in enumerate(fields):
        _titles(found, f"{path}.fields[{number}].titles", one.titles)
    _kinds(found, path, fields)


def _kinds(found: Found, path: str, fields: Sequence[d.TemplateField]) -> None:
    first: dict[str, str] = {}
    for number, one in enumerate(fields):
        if one.kind in SINGLE_KINDS and one.kind in first:
            here = f"{path}.fields[{number}].kind"
            found.add(here, "kind_twice", first=first[one.kind], kind=one.kind)
        first.setdefault(one.kind, one.name)
    for half, other in (("latitude", "longitude"), ("longitude", "latitude")):
        if half in first and other not in first:
            found.add(f"{path}.fields", "place_half", missing=other)


# -- the rest ----------------------------------------------------------------------------------


def _languages(found: Found, document: d.Messaging) -> None:
    unique(found, "languages", "", document.languages, KNOWN.__contains__, bad="unknown_language")
    if not document.languages:
        found.add("languages", "languages_none")


def _queues(found: Found, document: d.Messaging) -> None:
    numbers = [one.number for one in document.queues]
    unique(found, "queues", "number", numbers, NUMBER.fullmatch, bad="bad_number")
    for number, one in enumerate(document.queues):
        if not QUEUE.fullmatch(one.queue):
            found.add(f"queues[{number}].queue", "bad_code", name=one.queue)
