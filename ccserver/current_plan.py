"""The routing plan in force: loaded at start, replaced when a new version is saved."""

from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec
import structlog

from ccserver.acd.events import Event, PlanChanged
from ccserver.acd.plan import Plan
from ccserver.callbacks import CallbackSettings
from ccserver.live import LiveView, Publish
from ccserver.prompts import Prompt
from ccserver.routing import (
    EntryRoute,
    RoutingStore,
    StoredPlan,
    entry,
    general_settings,
    may_dial,
    queue_settings,
    to_plan,
)
from ccserver.routing.default import DEFAULT_DOCUMENT
from ccserver.routing.document import DirectoryEntry, Document, Queue
from ccserver.routing.limits import NUMBER
from ccserver.telephony.waiting import WaitingSettings
from ccserver.types import AgentId, PhoneNumber

log = structlog.get_logger(__name__)


class CurrentPlan:
    """What the other rooms ask of the plan; never empty, whatever the database holds."""

    def __init__(
        self,
        store: RoutingStore,
        live: LiveView,
        *,
        post: Callable[[Event], None],
        publish: Publish,
    ) -> None:
        self._store = store
        self._live = live
        self._post = post
        self._publish = publish
        self._supervisors: frozenset[AgentId] = frozenset()
        self.document: Document = DEFAULT_DOCUMENT
        self._plan = to_plan(self.document)
        self.version = 0
        self.faulty = False
        """The newest version could not be used; an older one, or the default, is in force."""
        self.took_effect: Callable[[], None] = lambda: None
        """Called after each change, for whoever else works by the plan."""
        self.media: Mapping[tuple[str, str], str] = {}
        """Prompt and language → what Asterisk plays."""

    async def load(self) -> StoredPlan:
        """Read the newest usable version and put it in force."""
        stored = await self._store.current()
        self.apply(stored)
        return stored

    def apply(self, stored: StoredPlan) -> None:
        """From now on this version; offers and conversations go on as they are."""
        self.document, self.version = stored.document, stored.version
        self.faulty = stored.faulty
        self._take_effect()
        self.took_effect()
        self._publish({"type": "routing", "version": stored.version}, None)
        log.info("plan_in_force", version=stored.version)

    def set_supervisors(self, agent_ids: frozenset[AgentId]) -> None:
        """Whose seats belong to supervisors."""
        if agent_ids != self._supervisors:
            self._supervisors = agent_ids
            self._take_effect()

    def _take_effect(self) -> None:
        # Compiled once for each change: calls and logins only look it up.
        self._plan = to_plan(self.document, supervisors=self._supervisors)
        self._live.plan_changed(self._plan)
        self._post(PlanChanged(self._plan))

    def plan(self) -> Plan:
        """The distributor's part."""
        return self._plan

    # -- questions --------------------------------------------------------------------------------

    def entry(self, number: str, at: datetime, service: str | None = None) -> EntryRoute:
        """Where a call to this number, that asks for this service, goes at this time."""
        return entry(self.document, number, at, service)

    def numbers(self) -> list[str]:
        """What a trunk may dial; services are the SIP edge's."""
        numbers = (entry.number for entry in self.document.entries)
        return [number for number in numbers if NUMBER.fullmatch(number)]

    @property
    def redial_window_s(self) -> float:
        """How long any caller who comes back may keep the place."""
        plan = self.plan()
        return max(queue.redial_window_s for queue in (plan.fallback, *plan.queues.values()))

    def queue(self, name: str) -> Queue | None:
        """A queue by its name."""
        return next((queue for queue in self.document.queues if queue.name == name), None)

    def directory_entry(self, name: str) -> DirectoryEntry | None:
        """A service or another number by its name."""
        return next((found for found in self.document.directory if found.name == name), None)

    def may_dial(self, number: str) -> bool:
        """Whether a call taker may type this number; the directory's own always may be called."""
        wanted = PhoneNumber.parse(number)
        listed = wanted is not None and self.is_listed(wanted)
        return listed or may_dial(general_settings(self.document).dialling, number)

    def is_listed(self, number: PhoneNumber) -> bool:
        """Whether the number is in the directory: a service's, an interpreter's."""
        entries = (PhoneNumber.parse(entry.number) for entry in self.document.directory)
        return number in entries

    def may_pick(self, agent_id: AgentId) -> bool:
        """Whether the seat may take contacts out of turn."""
        listed = self.plan().agents.get(agent_id)
        return listed.may_pick if listed is not None else False

    def waiting(self, queue_name: str) -> WaitingSettings:
        """What a caller hears and may press while waiting in the queue."""
        waiting = queue_settings(self.document, queue_name).waiting
        general = general_settings(self.document)
        return WaitingSettings(
            greeting=waiting.greeting,
            announcement=waiting.announcement,
            announce_every_s=waiting.announce_every_s,
            music=waiting.music,
            languages=waiting.languages,
            silent_keys=waiting.silent_keys,
            silence_after_s=general.silence_after_s,
            default_language=general.default_language,
        )

    def callbacks(self) -> CallbackSettings:
        """How call-backs are offered."""
        settings = general_settings(self.document).callbacks
        return CallbackSettings(
            automatic=settings.automatic,
            attempts_max=settings.attempts_max,
            retry_after_s=settings.retry_after_s,
        )

    def prompts(self) -> list[Prompt]:
        """Every text that callers may hear, in each language that has one."""
        return [
            Prompt(prompt.name, {k: v for k, v in msgspec.to_builtins(prompt.texts).items() if v})
            for prompt in self.document.prompts
        ]

    def spoken(self, name: str, language: str) -> str | None:
        """What Asterisk plays for a prompt; ``None`` if there is nothing."""
        return self.media.get((name, language))
