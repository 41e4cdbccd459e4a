"""The chain of the audit: each act holds the hash of the one before it, and its own over both.

Whoever changes, removes or inserts an act breaks the chain at that place, which `Verifier` finds
by reading on from the first act. Whoever cuts off the end, or makes the whole chain anew, is found
by an *anchor*: number and hash of an act, written down where the database's owner cannot reach it.

The encoding is a promise to everybody who kept an anchor, and to programs that verify by
themselves; it is documented in ``docs/reference/audit.md`` and must never change. Another one
would begin with another `ENCODING`.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

ENCODING = "ccserver-audit-1"
FIRST = "0" * 64
"""Stands for the hash before the first act."""

_ANCHOR = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class ChainedAct:
    """An act exactly as stored, with its place in the chain."""

    number: int
    key: str
    tag: str
    at: datetime
    author: str
    login: str | None
    agent_id: str | None
    comment: str
    data: Mapping[str, object]
    previous_hash: str
    hash: str

    def digest(self) -> str:
        """The hash that it ought to have."""
        text = json.dumps(
            [
                ENCODING,
                self.previous_hash,
                self.key,
                self.tag,
                self.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
                self.author,
                self.login,
                self.agent_id,
                self.comment,
                dict(self.data),
            ],
            ensure_ascii=True,
            separators=(",", ":"),
            sort_keys=True,
        )
        return hashlib.sha256(text.encode("ascii")).hexdigest()


@dataclass(frozen=True, slots=True)
class Anchor:
    """An act by number and hash, kept elsewhere."""

    number: int
    hash: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str` gives; raises `ValueError` with a sentence."""
        found = _ANCHOR.fullmatch(text.strip())
        if found is None:
            raise ValueError("an anchor is a number, a colon and 64 hexadecimal digits")
        return cls(int(found[1]), found[2])

    def __str__(self) -> str:
        return f"{self.number}:{self.hash}"


class ChainBroken(Exception):
    """The acts are not those that were written; the text says where it shows first."""


class Verifier:
    """Takes every act in order of its number; remembers only the last."""

    def __init__(self, anchor: Anchor | None = None) -> None:
        self._anchor = anchor
        self._last: Anchor | None = None
        self.acts = 0

    @property
    def last(self) -> Anchor | None:
        """The last act taken; ``None`` before the first."""
        return self._last

    def take(self, act: ChainedAct) -> None:
        """Raises `ChainBroken` at the first act that does not fit."""
        expected = FIRST if self._last is None else self._last.hash
        if act.previous_hash != expected:
            raise ChainBroken(
                f"act {act.number} does not follow the one before it: "
                "something was removed, inserted or moved there"
            )
        if act.hash != act.digest():
            raise ChainBroken(f"act {act.number} is not what was written")
        self._last = Anchor(act.number, act.hash)
        self.acts += 1
        if self._anchor is not None and act.number == self._anchor.number:
            if act.hash != self._anchor.hash:
                raise ChainBroken(f"act {act.number} is another than that of the anchor")
            self._anchor = None

    def finish(self) -> None:
        """Raises `ChainBroken` if the anchor's act never came."""
        if self._anchor is not None:
            end = 0 if self._last is None else self._last.number
            raise ChainBroken(
                f"act {self._anchor.number} of the anchor is missing, the last one is {end}: "
                "the end was cut off"
            )
