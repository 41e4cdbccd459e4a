"""The command line of the messaging document."""

from ccserver.documents.commands import DocumentCommands
from ccserver.messaging.document import MESSAGING
from ccserver.messaging.versions import MessagingVersions

COMMANDS = DocumentCommands(
    MESSAGING, MessagingVersions, help="texts: snippets, layouts of apps, acknowledgement"
)
