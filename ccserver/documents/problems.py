"""What may be wrong with a document: stable codes, each with a sentence that says what to do."""

from collections.abc import Mapping
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


class DocumentInvalid(Exception):
    """The document has errors; ``problems`` holds them and the warnings."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(f"{sum(p.severity is Severity.ERROR for p in problems)} errors")
        self.problems = problems


GENERAL_ERRORS: Mapping[str, str] = {
    "shape": "The document has the wrong shape here: {message}",
    "duplicate_name": "Choose another name: “{name}” is already used at {first}.",
    "out_of_range": "Choose a value from {low} to {high}.",
    "too_many": "Remove some: there are {count} and at most {limit} are possible.",
    "too_long": "Shorten the text to at most {limit} characters.",
    "bad_character": "Remove the control character from this text.",
}
"""Of every document."""


@dataclass(slots=True)
class Found:
    """Collects problems up to their bounds; the tables give each code its severity and sentence."""

    errors: Mapping[str, str] = field(default_factory=lambda: GENERAL_ERRORS)
    warnings: Mapping[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    _errors: int = 0
    _warnings: int = 0

    @property
    def has_errors(self) -> bool:
        """Whether the document must be refused."""
        return self._errors > 0

    def add(self, path: str, code: str, /, **params: Parameter) -> None:
        """Note a problem; its severity and sentence come from the tables."""
        if code in self.errors:
            severity, sentence = Severity.ERROR, self.errors[code]
            self._errors += 1
            full = self._errors > PROBLEMS_MAX
        else:
            severity, sentence = Severity.WARNING, self.warnings[code]
            self._warnings += 1
            full = self._warnings > PROBLEMS_MAX
        if not full:
            short = {
                name: value[:PARAMETER_CHARS_MAX] if isinstance(value, str) else value
                for name, value in params.items()
            }
            text = sentence.format_map(short)
            self.problems.append(Problem(path, code, text, severity, short))


def shape_problem(path: str, message: str) -> Problem:
    """The one problem of something that is no document at all."""
    found = Found()
    found.add(path, "shape", message=message)
    return found.problems[0]
