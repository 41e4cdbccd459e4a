"""The command line of the routing document."""

from ccserver.accounts import AccountStore
from ccserver.documents.commands import DocumentCommands
from ccserver.routing.document import ROUTING
from ccserver.routing.problems import ignored_problems
from ccserver.routing.store import RoutingStore

COMMANDS = DocumentCommands(
    ROUTING,
    lambda database: RoutingStore(database, AccountStore(database).agent_ids),
    help="queues, skills, schedules: the routing document",
    told=ignored_problems,
)
