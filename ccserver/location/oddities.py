"""What was wrong with something that was read all the same."""

from dataclasses import dataclass, field

ODDITIES_MAX = 50
"""Of one document; who sends more is not helped by the fifty-first."""

DETAIL_CHARS_MAX = 120


@dataclass(frozen=True, slots=True)
class Oddity:
    """``code`` is for programs and statistics, ``detail`` the spot or the value, cut short."""

    code: str
    detail: str = ""


@dataclass(slots=True)
class Oddities:
    """Collects them, up to their bound."""

    found: list[Oddity] = field(default_factory=list)

    def add(self, code: str, detail: str = "") -> None:
        """Note one."""
        if len(self.found) < ODDITIES_MAX:
            self.found.append(Oddity(code, detail[:DETAIL_CHARS_MAX]))
