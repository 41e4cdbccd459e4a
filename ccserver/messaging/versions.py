"""The messaging document's versions."""

from ccserver.audit import AuditTag
from ccserver.db import Database
from ccserver.documents import Problem, VersionStore
from ccserver.messaging.checks import check
from ccserver.messaging.default import default_messaging
from ccserver.messaging.document import MESSAGING, Messaging
from ccserver.messaging.models import MessagingVersionRow


class MessagingVersions(VersionStore[Messaging]):
    """The messaging document of one centre."""

    def __init__(self, db: Database) -> None:
        super().__init__(
            db,
            MESSAGING,
            MessagingVersionRow,
            saved=AuditTag.MESSAGING_SAVED,
            default=default_messaging,
        )

    async def check(self, document: Messaging) -> list[Problem]:
        """Everything wrong with the document, as a save would find it."""
        return check(document)
