"""What whoever watches the demonstration sees: callers, call takers, the last events in words."""

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.panel import Panel as Box
from rich.table import Table
from rich.text import Text

from sim.panel import Message, Panel


class View:
    """Tells of the centre as a supervisor's panel knows it."""

    def __init__(self, supervisor: Panel) -> None:
        self._supervisor = supervisor
        self._cards_told: set[str] = set()
        self._contacts_told: dict[str, str] = {}

    def sentence(self, message: Message) -> str:
        """What a message of the panel's WebSocket tells; empty where it tells nothing new."""
        kind = message["type"]
        if kind == "contact":
            return self._of_contact(message["contact"])
        if kind == "contact_gone":
            self._contacts_told.pop(message["contact_id"], None)
            return f"contact {message['contact_id'][:8]} is over"
        if kind == "card" and message["number"] not in (None, *self._cards_told):
            self._cards_told.add(message["number"])
            return f"card {message['number']} opened"
        return ""

    def _of_contact(self, contact: Message) -> str:
        who = self._agent_name(contact["agent_id"])
        sentence = f"{contact['caller_number'] or 'number withheld'}: {contact['state']} {who}"
        if came_by(contact) != "call":
            sentence += f" ({came_by(contact)})"
        # Each text of a conversation is told of, and changes nothing here.
        told = self._contacts_told.get(contact["contact_id"])
        self._contacts_told[contact["contact_id"]] = sentence
        return "" if told == sentence else sentence

    def picture(
        self, headline: str, events: Iterable[str], *, typed: str | None, help_text: str
    ) -> Group:
        """The whole view; ``typed`` stands before Enter, ``None`` where nobody can type."""
        parts: list[RenderableType] = [
            Box(headline),
            self._callers(),
            self._takers(),
            Box(Text("\n".join(events) or "nothing yet"), title="Last events (UTC)"),
        ]
        if typed is not None:
            # A low terminal cuts the view off below, and what is typed must be seen.
            first, *more = help_text.splitlines()
            inside = "\n".join([*more, f"> {typed}"])
            parts.insert(1, Box(Text(inside), title=first))
        return Group(*parts)

    def _callers(self) -> Table:
        line = Table(title=f"Callers, and {self._texts()}", expand=True)
        for column in ("number", "by", "card", "state", "since", "call taker"):
            line.add_column(column)
        contacts = sorted(self._supervisor.contacts.values(), key=lambda c: str(c["arrived_at"]))
        for contact in contacts:
            line.add_row(
                contact["caller_number"] or "withheld",
                came_by(contact),
                contact["card_number"] or "…",
                contact["state"],
                contact["arrived_at"][11:19],
                self._agent_name(contact["agent_id"]),
            )
        return line

    def _takers(self) -> Table:
        takers = Table(title="Call takers", expand=True)
        for column in ("name", "extension", "presence", "state", "since"):
            takers.add_column(column)
        for agent in self._supervisor.agents.values():
            takers.add_row(
                agent["name"],
                agent["extension"],
                agent["presence"]["kind"],
                agent["state"] if agent["reachable"] else f"{agent['state']} (no phone)",
                agent["since"][11:19],
            )
        return takers

    def _agent_name(self, agent_id: str | None) -> str:
        if agent_id is None:
            return ""
        return str(self._supervisor.agents.get(agent_id, {}).get("name", agent_id))

    def _texts(self) -> str:
        """How many who text are there, wait, and have no answer, in words."""
        texts = [one for one in self._supervisor.contacts.values() if one["conversation"]]
        waiting = sum(one["agent_id"] is None for one in texts)
        unanswered = sum(one["conversation"]["unanswered_since"] is not None for one in texts)
        return f"{len(texts)} who text ({waiting} wait, {unanswered} unanswered)"


def came_by(contact: Message) -> str:
    """How a contact came, in a word or two."""
    if contact["medium"] != "voice":
        return "text"
    word = "car" if contact["vehicle"] else "call"
    return f"{word}, test" if contact["test"] else word
