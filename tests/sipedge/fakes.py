"""An edge that is not there: what it was asked for, and what it answers."""

from ccserver.sipedge.client import (
    BODY_OCTETS_MAX,
    DialogNotConfirmed,
    EdgeHealth,
    EdgeNode,
    EdgeRefused,
    EdgeUnreachable,
    NoSuchDialog,
)


class FakeEdge:
    """Implements `EdgeControl`; passes the same tests as the real one."""

    def __init__(self) -> None:
        self.calls: dict[str, bool] = {}
        """Call-IDs that it knows, and whether each is answered."""
        self.infos: list[tuple[str, str, str, bytes]] = []
        """What was sent: Call-ID, package, content type, body."""
        self.nodes = (EdgeNode(name="node1", uri="sip:127.0.0.1:5070", up=False),)
        self.reachable = True

    async def send_info(
        self, call_id: str, *, package: str, content_type: str, body: bytes
    ) -> None:
        for value in (call_id, package, content_type):
            if not value or not value.isprintable() or not value.isascii():
                raise EdgeRefused("a value that no header can carry")
        if len(body) > BODY_OCTETS_MAX:
            raise EdgeRefused("a long body")
        self._reach()
        if call_id not in self.calls:
            raise NoSuchDialog("the edge knows no such call")
        if not self.calls[call_id]:
            raise DialogNotConfirmed("the call is not answered yet")
        self.infos.append((call_id, package, content_type, body))

    async def health(self) -> EdgeHealth:
        self._reach()
        return EdgeHealth(nodes=self.nodes, dialogs=sum(self.calls.values()))

    def _reach(self) -> None:
        if not self.reachable:
            raise EdgeUnreachable("the edge is away")
