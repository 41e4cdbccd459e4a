"""The mobile operator of the demonstration: its subscribers text, are written to, and are found."""

import random
import secrets
from collections.abc import Callable
from types import TracebackType
from typing import Self

from ccserver.config import AMLSettings, SMSSettings
from sim.places import Place
from sim.scenarios.sms import PASSWORD, SYSTEM_ID, operator_at
from sim.smsc import Account, Citizen, Faults, MessageCentre, Reply
from sim.smsc.serve import CentreConsole
from sim.texters import Texters

CONSOLE_HELP = "type a number and a text, such as +37120000000 Palīgā; help says what else"
TELLS_ITS_PLACE = 0.7
"""Chance that a caller's telephone does; old ones do not."""
FAULTS = Faults(
    answer_after_s=0.1,
    receipt_after_s=1.5,
    throttled=0.05,
    undelivered=0.03,
    deliver_twice=0.05,
    receipt_first=0.1,
    slow=0.1,
)
"""An ordinary day."""


class Operator:
    """``async with Operator(…) as operator`` takes binds; ``tell`` gets sentences to be shown."""

    def __init__(self, chance: random.Random, tell: Callable[[str], None]) -> None:
        self.centre = MessageCentre([Account(SYSTEM_ID, PASSWORD)], faults=FAULTS)
        self.texters = Texters(self.centre, chance, tell)
        self._chance = chance
        self._key = secrets.token_hex(16)
        self._console = _Sentences(self.centre, tell)

    async def __aenter__(self) -> Self:
        await self.centre.listen()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        await self.centre.__aexit__(kind, error, at)

    @property
    def settings(self) -> tuple[SMSSettings, AMLSettings]:
        """What ccserver has to know of it, and of the telephones' signatures."""
        return operator_at(self.centre.port), AMLSettings(hmac_keys=(self._key,))

    def place_of(self, number: str, panel_url: str) -> Place | None:
        """The telephone of somebody who calls now, if it tells where it is."""
        if self._chance.random() >= TELLS_ITS_PLACE:
            return None
        citizen = self.centre.citizen(number)
        return Place(citizen, self._chance, endpoint=f"{panel_url}/aml", key=self._key)

    async def obey(self, line: str) -> None:
        """Do what somebody typed, as at ``bin/sim smsc``; what means nothing is answered."""
        await self._console.obey(line)


class _Sentences(CentreConsole):
    """What happens in words: whoever watches is a person."""

    def __init__(self, centre: MessageCentre, tell: Callable[[str], None]) -> None:
        super().__init__(centre, self._say_lines)
        self._sentence = tell

    def _say_lines(self, text: str) -> None:
        for line in text.splitlines():
            self._sentence(line)

    def tell(self, event: str, **data: object) -> None:
        """The event as a sentence."""
        match event:
            case "sent":
                self._sentence(f"{data['citizen']} texts, in {data['messages']} part(s)")
            case "error":
                self._sentence(f"{data['line']}: {data['error']}")
            case _:
                told = ", ".join(f"{name} {value}" for name, value in data.items())
                self._sentence(f"{event}: {told}")

    def _arrived(self, citizen: Citizen, reply: Reply) -> None:
        if reply.complete:
            self._sentence(f"{citizen.number} reads: {reply.text}")
