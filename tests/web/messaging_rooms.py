"""Stand-ins for the rooms of texts."""

from ccserver.messaging import Messaging
from ccserver.messaging.checks import check
from ccserver.messaging.current import for_panels
from ccserver.messaging.default import default_messaging
from tests.web.rooms import FakeVersions


class FakeMessaging(FakeVersions[Messaging]):
    """Versions of the messaging document."""

    def __init__(self) -> None:
        super().__init__(default_messaging(), check)


class FakeMessagingInForce:
    """The default messaging document."""

    def __init__(self) -> None:
        self.version = 0
        self.encoded = for_panels(0, default_messaging())
        self.told: list[int] = []

    def saved(self, version: int) -> None:
        self.told.append(version)
