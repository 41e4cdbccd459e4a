"""The messaging document in force: read after the start, replaced when a new version is saved."""

from collections.abc import Callable

import msgspec
import structlog

from ccserver.documents import Follower, Stored
from ccserver.messaging.default import default_messaging
from ccserver.messaging.document import Messaging
from ccserver.messaging.language import Detector
from ccserver.messaging.structured import found_fields
from ccserver.messaging.values import FoundFields
from ccserver.messaging.versions import MessagingVersions

log = structlog.get_logger(__name__)


class CurrentMessaging:
    """What the other rooms ask of the document; never empty, whatever the database holds.

    Until it is read for the first time it is the default one. ``publish`` tells the panels of each
    version.
    """

    def __init__(
        self, store: MessagingVersions, publish: Callable[[dict[str, object]], None]
    ) -> None:
        self._publish = publish
        self._follower = Follower(store, self._apply, applied=None, name="messaging")
        self.version = 0
        self.document = default_messaging()
        self.detector = Detector(self.document.languages)
        self.encoded = for_panels(0, self.document)
        """The answer to whoever asks for it, written once for each version."""

    async def run(self) -> None:
        """Read it now, and follow it for ever."""
        await self._follower.run()

    def saved(self, _: int) -> None:
        """A new version was saved in this process: look at once."""
        self._follower.wake()

    def found_fields(self, text: str) -> FoundFields | None:
        """What an app put into a text, by the layouts in force."""
        try:
            return found_fields(self.document.templates, text)
        except Exception:
            # A help: without it the text is shown as it is, and a fault would keep it from people.
            log.exception("text_fields_failed")
            return None

    def _apply(self, stored: Stored[Messaging]) -> None:
        if stored.document.languages != self.document.languages:
            # Its model is read again when it is needed; the languages of a centre seldom change.
            self.detector = Detector(stored.document.languages)
        self.version, self.document = stored.version, stored.document
        self.encoded = for_panels(stored.version, stored.document)
        self._publish({"type": "messaging", "version": stored.version})
        log.info("messaging_in_force", version=stored.version)


def for_panels(version: int, document: Messaging) -> bytes:
    """What a call taker's panel needs; the layouts are the server's matter."""
    return msgspec.json.encode(
        {
            "version": version,
            "snippets": document.snippets,
            "acknowledges": document.automatic_acknowledgement.active,
            "languages": document.languages,
            "unanswered_after_s": document.unanswered_after_s,
            "keep_open_h": document.keep_open_h,
        }
    )
