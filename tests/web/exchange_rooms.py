"""A stand-in for the formats of other systems."""

from dataclasses import dataclass, field
from datetime import datetime

from ccserver.web.exchange import EIDORefused, NotTaken, Taken
from ccserver.web.ports import JSONObject
from tests.web.fakes import INCIDENT


@dataclass
class FakeExchange:
    """Documents that say nothing; one that is ``bad`` is refused."""

    taken: list[tuple[bytes, str]] = field(default_factory=list)
    fails: Exception | None = None

    def eido(self, card: JSONObject) -> bytes:
        return b'{"$id": "urn:x"}'

    def cap(self, card: JSONObject, *, at: datetime, scope: str, status: str) -> bytes:
        return f"<alert>{scope} {status} {at.isoformat()}</alert>".encode()

    async def take(self, document: bytes, *, author: str, at: datetime) -> Taken:
        if self.fails:
            raise self.fails
        if document == b"bad":
            raise EIDORefused("$.callComponent[0].direction", "Invalid enum value 'x'")
        created = not self.taken
        self.taken.append((document, author))
        return Taken(INCIDENT, "2026-000001", created, [NotTaken("summary", "written_here")])
