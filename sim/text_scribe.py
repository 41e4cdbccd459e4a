"""Simulated call takers who answer texts, by the API that a panel uses and nothing else."""

import asyncio
import contextlib
import random
import time
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

from sim.panel import Message, Panel
from sim.scribes import DAY_S, Refused
from sim.texters import STORIES, Story

ACCEPT_AFTER_S = (1.5, 5.0)
WRITES_FOR_S = (3.0, 9.0)
"""From a citizen's text to the reply."""
LOOK_EVERY_S = 1.5
QUIET_S = 15.0
"""After the last text of either side a conversation is closed."""
QUESTIONS = ("where", "how_many", "safe")
"""Codes of the default document's prepared texts, in the order in which they are sent."""
DISPOSITIONS = ("dispatched", "resolved")
TOGETHER_MAX = 20
"""Conversations of one seat; the distributor gives far fewer."""
CENTRE_LANGUAGE = "lv"
IN_HAND = ("open", "riding")
KNOWN: Mapping[str, Story] = {story.text: story for story in STORIES}


class TextScribe:
    """Accepts the texts that are offered to one seat, and converses until all is quiet."""

    def __init__(self, panel: Panel, chance: random.Random) -> None:
        self._panel = panel
        self._chance = chance
        self._conversing: dict[str, asyncio.Task[None]] = {}
        self._written: set[str] = set()
        self._texts: dict[str, Message] = {}

    async def run(self) -> None:
        """For ever; what is refused (somebody else was faster, a server away) is left."""
        accepting = asyncio.create_task(self._accept_for_ever())
        try:
            await self._converse_for_ever()
        finally:
            for task in (accepting, *self._conversing.values()):
                task.cancel()

    async def _accept_for_ever(self) -> None:
        after = time.monotonic()
        while True:
            after, message = await self._panel.wait_for(
                _is_text_offer, timeout_s=DAY_S, after=after
            )
            after += 1e-6
            offer = message["offer"]
            if offer["agent_id"] != self._panel.agent_id:
                continue
            await asyncio.sleep(self._chance.uniform(*ACCEPT_AFTER_S))
            with contextlib.suppress(*Refused):
                await self._panel.act(offer["contact_id"], "answer")

    async def _converse_for_ever(self) -> None:
        """Look at every conversation of which something is told, and take up those of this seat."""
        after = 0.0
        while True:
            after, message = await self._panel.wait_for(
                self._names_of, timeout_s=DAY_S, after=after
            )
            after += 1e-6
            names = self._names_of(message)
            assert names is not None
            conversation_id, incident_id = names
            if conversation_id in self._conversing or len(self._conversing) >= TOGETHER_MAX:
                continue
            with contextlib.suppress(*Refused):
                found = await self._look(incident_id, conversation_id)
                if found is not None:
                    talk = asyncio.create_task(self._converse(incident_id, conversation_id))
                    self._conversing[conversation_id] = talk
                    talk.add_done_callback(partial(self._forget, conversation_id))

    def _names_of(self, message: Message) -> tuple[str, str] | None:
        """The conversation and the card that are spoken of, if they can be this seat's."""
        if message["type"] == "conversation":
            names = message["conversation_id"], message["incident_id"]
        elif message["type"] == "contact" and message["contact"]["conversation"]:
            contact = message["contact"]
            if contact["agent_id"] != self._panel.agent_id:
                return None
            names = contact["conversation"]["conversation_id"], contact["incident_id"]
        else:
            return None
        return names if names[1] else None

    def _forget(self, conversation_id: str, _: asyncio.Task[None]) -> None:
        """It may be opened again."""
        del self._conversing[conversation_id]

    async def _look(self, incident_id: str, conversation_id: str) -> Message | None:
        """The conversation as it is, if it is open at this seat."""
        found = await self._panel.get(f"/api/incidents/{incident_id}/conversations")
        return next(
            (
                one
                for one in found["conversations"]
                if one["conversation_id"] == conversation_id
                and one["state"] in IN_HAND
                and one["agent_id"] == self._panel.agent_id
            ),
            None,
        )

    async def _converse(self, incident_id: str, conversation_id: str) -> None:
        """Ask one thing at a time until nothing is left to ask or to answer, and close."""
        while True:
            with contextlib.suppress(*Refused):
                now = await self._look(incident_id, conversation_id)
                if now is None:
                    return
                await self._write_card(incident_id, now)
                asked = sum(one["direction"] == "out" for one in now["messages"])
                if now["unanswered_since"] is not None and asked < len(QUESTIONS):
                    await asyncio.sleep(self._chance.uniform(*WRITES_FOR_S))
                    await self._reply(now, QUESTIONS[asked])
                elif _quiet_s(now) > QUIET_S:
                    await self._panel.post(
                        f"/api/conversations/{conversation_id}/close",
                        {"disposition": self._chance.choice(DISPOSITIONS)},
                    )
            await asyncio.sleep(LOOK_EVERY_S)

    async def _reply(self, conversation: Message, question: str) -> None:
        """A prepared text in the citizen's language, once."""
        if not self._texts:
            document = await self._panel.get("/api/messaging")
            self._texts = {one["code"]: one["texts"] for one in document["snippets"]}
        texts = self._texts.get(question, {})
        text = texts.get(conversation["language"]) or texts.get(CENTRE_LANGUAGE)
        if text:
            await self._panel.post(
                f"/api/conversations/{conversation['conversation_id']}/messages",
                {"text": text},
                headers={"Idempotency-Key": str(uuid.uuid4())},
            )

    async def _write_card(self, incident_id: str, conversation: Message) -> None:
        """What happened, where the story is known; somebody else's text is left to people."""
        story = _story_of(conversation["messages"])
        if story is None or incident_id in self._written:
            return
        self._written.add(incident_id)
        for field, value in (("type", story.kind), ("summary", story.summary)):
            await self._panel.put(
                f"/api/cards/{incident_id}/fields/{field}",
                {"value": value},
                headers={"If-Match": '"0"'},
            )


def _is_text_offer(message: Message) -> bool:
    return bool(message["type"] == "offer" and message["offer"]["medium"] != "voice")


def _story_of(messages: Sequence[Message]) -> Story | None:
    return next((KNOWN[one["text"]] for one in messages if one["text"] in KNOWN), None)


def _quiet_s(conversation: Message) -> float:
    """Seconds since the last text of either side."""
    last = datetime.fromisoformat(conversation["last_text_at"])
    return (datetime.now(UTC) - last).total_seconds()
