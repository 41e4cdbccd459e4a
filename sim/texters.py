"""Simulated citizens who text 112: each tells a story, reads what is asked, and answers it.

They know nothing of the centre: what they send leaves by the simulated operator, and what they
read came by it.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable
from dataclasses import dataclass

from sim.smsc import Citizen, Form, Join, MessageCentre

TEXT_EVERY_S = (12.0, 35.0)
WRITES_FOR_S = (3.0, 8.0)
"""From a reply on the telephone to the answer."""
NOTICES_AFTER_S = 4.0
"""How long somebody takes to see the own mistake."""
PATIENCE_S = 180.0
"""Whoever gets no reply for so long puts the telephone away."""
TEXTING_MAX = 6
"""Citizens who text at a time: two for each simulated call taker."""
TWICE = 0.2
"""Chance that the operator hands a part over twice."""
NUMBERS = 10_000


@dataclass(frozen=True, slots=True)
class Story:
    """What a citizen texts: the first text, a correction of it, and an answer to each reply."""

    text: str
    answers: tuple[str, ...]
    kind: str
    """Type of the default catalogue: what a call taker makes of it."""
    summary: str
    correction: str = ""


STORIES = (
    Story(
        "Palīgā! Kaimiņš sit sievu, dzirdu kliedzienus. Nevaru runāt, viņš dzirdēs.",
        ("Rīga, Dzirnavu iela 12, 3. stāvs", "Es esmu savā dzīvoklī, durvis ciet", "Paldies"),
        "violence.domestic",
        "Vardarbība kaimiņu dzīvoklī",
    ),
    Story(
        "Помогите! Горит квартира на третьем этаже, улица Бривибас 45, внутри двое детей и "
        "бабушка, дверь заклинило. Мы на балконе, спуститься не можем, огонь уже в коридоре. "
        "Говорить не могу, дым.",
        ("Бривибас 45, вход со двора", "Нас четверо, все дышат", "Поняли, ждем"),
        "fire.building",
        "Deg dzīvoklis 3. stāvā, uz balkona četri cilvēki",
    ),
    Story(
        "Car crash on the A2 after Sigulda, two people hurt. I am deaf, please text me.",
        ("Km 58, there is a petrol station", "Two, one of them cannot move", "Thank you"),
        "traffic.injured",
        "Avārija uz A2 aiz Siguldas, divi cietušie",
    ),
    Story(
        "Vīrs nokrita uz ielas, neatbild, Briviibas iela 54",
        ("Pie aptiekas", "Elpo, bet neatbild", "Labi, gaidu"),
        "medical.unconscious",
        "Vīrietis sabrucis uz ielas, neatbild",
        correction="Kļūda, māja ir 45, nevis 54!",
    ),
    Story(
        "V podjezde pahnet gazom, Maskavas 120, zhiltsy vyhodjat",
        ("Подъезд 2, подвал", "Нас человек десять, все на улице"),
        "gas",
        "Gāzes smaka kāpņu telpā",
    ),
)
DURING_A_CALL = "Slikti dzirdu Jūs. Esmu pie dzeltenās mājas, otrais stāvs."
"""What a caller may text while talking."""


class Texters:
    """All of them; ``tell`` takes a sentence for whoever watches."""

    def __init__(
        self, centre: MessageCentre, chance: random.Random, tell: Callable[[str], None]
    ) -> None:
        self._centre = centre
        self._chance = chance
        self._tell = tell
        # Another start would otherwise go on with conversations of the one before.
        self._number = chance.randrange(NUMBERS)

    async def run(self) -> None:
        """Somebody begins a story every now and then, for ever."""
        texting: set[asyncio.Task[None]] = set()
        try:
            while True:
                if len(texting) < TEXTING_MAX:
                    self._number = (self._number + 1) % NUMBERS
                    story = STORIES[self._number % len(STORIES)]
                    one = asyncio.create_task(self.text(f"+3712810{self._number:04d}", story))
                    texting.add(one)
                    one.add_done_callback(texting.discard)
                await asyncio.sleep(self._chance.uniform(*TEXT_EVERY_S))
        finally:
            for one in texting:
                one.cancel()

    async def text(self, number: str, story: Story) -> None:
        """One citizen's story, until all is answered or nobody replies any more."""
        citizen = self._centre.citizen(number)
        seen = len(citizen.texts)
        await self.send(citizen, story.text)
        if story.correction:
            await asyncio.sleep(NOTICES_AFTER_S)
            await self.send(citizen, story.correction)
        with contextlib.suppress(TimeoutError):
            for answer in story.answers:
                seen = await self._replied(citizen, seen)
                await asyncio.sleep(self._chance.uniform(*WRITES_FOR_S))
                await self.send(citizen, answer)

    async def send(self, citizen: Citizen, text: str) -> None:
        """In any form that operators have; some operators hand a part over twice."""
        form = Form(join=self._chance.choice(list(Join)))
        self._tell(f"{citizen.number} texts: {text}")
        await citizen.send(text, form=form, again=[1] if self._chance.random() < TWICE else ())

    async def _replied(self, citizen: Citizen, seen: int) -> int:
        """Wait for more replies than were seen; gives how many there are."""
        await self._centre.until(
            lambda: len(citizen.texts) > seen, "a reply is there", timeout_s=PATIENCE_S
        )
        return len(citizen.texts)
