"""Dialogs (RFC 3261 §12): who talks with whom, by which way, in which order."""

from dataclasses import dataclass
from typing import Self

from sim.sip.address import is_loose
from sim.sip.message import Header, Request, Response, parameters, uri_of


@dataclass(slots=True)
class Dialog:
    """One dialog, as one of its ends sees it."""

    call_id: str
    local: str
    """From of our requests, with our tag."""
    remote: str
    """To of our requests, with the peer's tag."""
    target: str
    """The peer's Contact."""
    routes: tuple[str, ...]
    local_sequence: int
    remote_sequence: int | None = None

    @classmethod
    def as_caller(cls, request: Request, response: Response) -> Self:
        """Open the dialog that a response to our INVITE makes (§12.1.2)."""
        return cls(
            call_id=request.call_id,
            local=request.need("From"),
            remote=response.need("To"),
            target=uri_of(_contact(response) or request.uri),
            routes=tuple(reversed(response.values("Record-Route"))),
            local_sequence=request.sequence[0],
        )

    @classmethod
    def as_callee(cls, request: Request, tag: str) -> Self:
        """Open the dialog that our response to an INVITE makes (§12.1.1)."""
        to = request.need("To")
        return cls(
            call_id=request.call_id,
            local=to if "tag" in parameters(to) else f"{to};tag={tag}",
            remote=request.need("From"),
            target=uri_of(_contact(request) or uri_of(request.need("From"))),
            routes=request.values("Record-Route"),
            local_sequence=0,
            remote_sequence=request.sequence[0],
        )

    @property
    def key(self) -> tuple[str, str, str]:
        """Call-ID, our tag, the peer's tag."""
        return self.call_id, tag_of(self.local), tag_of(self.remote)

    @property
    def next_hop(self) -> str:
        """The URI to which the next request is sent."""
        return uri_of(self.routes[0]) if self.routes else self.target

    def request(
        self,
        method: str,
        *,
        sequence: int | None = None,
        headers: tuple[Header, ...] = (),
        body: bytes = b"",
    ) -> Request:
        """Write a request inside of the dialog; ``sequence`` for ACK and for bad behaviour."""
        if sequence is None:
            self.local_sequence += 1
            sequence = self.local_sequence
        uri, routes = self.target, self.routes
        if routes and not is_loose(uri_of(routes[0])):
            uri, routes = uri_of(routes[0]), (*routes[1:], f"<{self.target}>")
        lines: tuple[Header, ...] = (
            *(("Route", route) for route in routes),
            ("From", self.local),
            ("To", self.remote),
            ("Call-ID", self.call_id),
            ("CSeq", f"{sequence} {method}"),
            ("Max-Forwards", "70"),
        )
        return Request((*lines, *headers), body, method, uri)

    def in_order(self, request: Request) -> bool:
        """Whether a request of the peer comes after all before it; it then counts (§12.2.2)."""
        number = request.sequence[0]
        if self.remote_sequence is not None and number <= self.remote_sequence:
            return False
        self.remote_sequence = number
        return True

    def refresh(self, message: Request | Response) -> None:
        """The peer's Contact may have moved (§12.2.1.2)."""
        contact = _contact(message)
        if contact:
            self.target = uri_of(contact)


def _contact(message: Request | Response) -> str:
    return next(iter(message.values("Contact")), "")


def tag_of(value: str) -> str:
    """Give the tag of a From or To, empty where there is none."""
    return parameters(value).get("tag", "")
