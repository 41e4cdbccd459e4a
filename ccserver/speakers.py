"""Who spoke with a caller last, and in which language: kept in memory, rebuilt at start."""

from collections import OrderedDict
from dataclasses import dataclass

from ccserver.types import AgentId

CALLERS_MAX = 50_000
"""Two weeks of the first customer's calls, about 10 MB."""


@dataclass(frozen=True, slots=True)
class LastTime:
    """What is known of a caller's last conversation."""

    agent_id: AgentId | None = None
    language: str | None = None


class Speakers:
    """Callers by their number; the one heard of longest ago is forgotten first."""

    def __init__(self, callers_max: int = CALLERS_MAX) -> None:
        self._callers: OrderedDict[str, LastTime] = OrderedDict()
        self._callers_max = callers_max

    def __len__(self) -> int:
        return len(self._callers)

    def last_time(self, caller: str | None) -> LastTime:
        """What is known; nothing for a caller without a number."""
        return self._callers.get(caller or "", LastTime())

    def spoke(self, caller: str | None, agent_id: AgentId, language: str | None = None) -> None:
        """The caller talks with this call taker now."""
        if caller is None:
            return
        known = self._callers.pop(caller, LastTime())
        self._callers[caller] = LastTime(agent_id, language or known.language)
        if len(self._callers) > self._callers_max:
            self._callers.popitem(last=False)
