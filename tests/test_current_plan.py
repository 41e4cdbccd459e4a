"""The plan in force: loaded, changed while people wait and talk, and never empty."""

import shutil
from pathlib import Path

import msgspec
from sqlalchemy import insert

from ccserver.acd.events import Event, PlanChanged, PresenceKind
from ccserver.current_plan import CurrentPlan
from ccserver.db import Database
from ccserver.live import LiveView, Message
from ccserver.routing import DEFAULT_DOCUMENT, RoutingStore
from ccserver.routing import document as d
from ccserver.routing.models import RoutingVersionRow
from ccserver.types import AgentId
from tests.databases import REQUEST_TIMEOUT_S, accounts_of, sqlite_template  # noqa: F401
from tests.newsroom import C1, FIRST, SECOND, WITH_OFFICE, run, shown, state, stored, talking
from tests.telephony.centre import EPOCH, SUPERVISOR, Centre, VirtualClock, passed


class Desk:
    """A plan over a real database."""

    def __init__(self, template: Path, folder: Path) -> None:
        path = folder / "test.db"
        shutil.copy(template, path)
        self.database = Database(f"sqlite:///{path}", request_timeout_s=REQUEST_TIMEOUT_S)
        self.store = RoutingStore(self.database, accounts_of(self.database).agent_ids)
        self.events: list[Event] = []
        self.messages: list[Message] = []
        self.effects = 0
        live = LiveView(lambda message, _: self.messages.append(message), VirtualClock())
        self.plan = CurrentPlan(
            self.store,
            live,
            post=self.events.append,
            publish=lambda message, _: self.messages.append(message),
        )
        self.plan.took_effect = self._effect

    def _effect(self) -> None:
        self.effects += 1

    async def save(self, document: d.Document, base: int) -> int:
        return await self.store.save(
            document, base_version=base, author="anna", comment="", at=EPOCH
        )


async def test_the_newest_usable_version_is_in_force_and_a_faulty_one_is_known(
    sqlite_template: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    desk = Desk(sqlite_template, tmp_path)
    assert (await desk.plan.load()).version == 0
    assert desk.plan.document == DEFAULT_DOCUMENT
    await desk.save(WITH_OFFICE, 0)
    await desk.plan.load()
    assert (desk.plan.version, desk.plan.faulty, desk.effects) == (1, False, 2)
    assert desk.messages[-1] == {"type": "routing", "version": 1}
    posted = desk.events[-1]
    assert isinstance(posted, PlanChanged)
    assert "office" in posted.plan.queues
    broken = insert(RoutingVersionRow).values(
        version=2, saved_at=EPOCH, author="x", comment="", document="{", sha256="0" * 64
    )
    await desk.database.write(lambda session: session.execute(broken) and None)
    await desk.plan.load()
    assert (desk.plan.version, desk.plan.faulty) == (1, True)
    assert desk.plan.queue("office") is not None
    await desk.save(DEFAULT_DOCUMENT, 2)
    await desk.plan.load()
    assert (desk.plan.version, desk.plan.faulty) == (3, False)
    await desk.database.close()


def test_what_callers_hear_and_whom_call_takers_may_call() -> None:
    async def test(centre: Centre) -> None:
        document = msgspec.structs.replace(
            DEFAULT_DOCUMENT,
            general=d.General(
                default_language="ru",
                silence_after_s=4.0,
                callbacks=d.Callbacks(automatic=True, attempts_max=2, retry_after_s=60),
            ),
            queues=(
                d.Queue(name="emergency", waiting=d.Waiting(greeting="welcome", music="emergency")),
                d.Queue(name="quiet", waiting=d.Waiting(greeting="no_such_prompt")),
            ),
            directory=(d.DirectoryEntry(name="nmpd", number="113", kind="service"),),
        )
        plan = centre.plan
        plan.apply(stored(document))
        waiting = plan.waiting("emergency")
        assert (waiting.greeting, waiting.default_language) == ("welcome", "ru")
        assert (waiting.music, waiting.silence_after_s) == ("emergency", 4.0)
        assert plan.waiting("quiet").greeting is None
        assert plan.waiting("no_such_queue").music
        assert (plan.callbacks().automatic, plan.callbacks().attempts_max) == (True, 2)
        entry = plan.directory_entry("nmpd")
        assert entry is not None
        assert entry.number == "113"
        assert plan.directory_entry("x") is None
        assert plan.queue("x") is None
        assert "welcome" in [prompt.name for prompt in plan.prompts()]
        assert plan.spoken("welcome", "lv") is None
        plan.media = {("welcome", "lv"): "sound:welcome"}
        assert plan.spoken("welcome", "lv") == "sound:welcome"

    run(test)


def test_who_may_pick() -> None:
    async def test(centre: Centre) -> None:
        agents = (d.Agent(agent_id=FIRST, may_pick=True), d.Agent(agent_id=SECOND))
        centre.plan.apply(stored(msgspec.structs.replace(DEFAULT_DOCUMENT, agents=agents)))
        assert centre.plan.may_pick(FIRST)
        assert not centre.plan.may_pick(SECOND)
        assert not centre.plan.may_pick(AgentId("agent-999"))
        assert centre.plan.may_pick(SUPERVISOR)
        centre.plan.set_supervisors(frozenset())
        assert not centre.plan.may_pick(SUPERVISOR)

    run(test)


def test_a_change_while_people_wait_and_talk_touches_no_conversation() -> None:
    async def test(centre: Centre) -> None:
        await talking(centre)
        centre.present(SECOND, PresenceKind.OFF)
        centre.asterisk.call("c2")
        await passed(1.5)  # by then it has been looked after whether the two hear each other
        commands = len(centre.asterisk.commands)
        queues = (
            d.Queue(name="emergency", queue_class=3, skills=(d.SkillLevel(skill="ecall"),)),
            *DEFAULT_DOCUMENT.queues[1:],
        )
        changed = msgspec.structs.replace(DEFAULT_DOCUMENT, queues=queues)
        centre.plan.apply(stored(changed, 2))
        await passed(0.3)
        assert len(centre.asterisk.commands) == commands, "Asterisk is asked for nothing"
        assert (state(centre), shown(centre)["state"]) == ("talking", "talking")
        assert shown(centre, "c2")["queue_class"] == 3
        assert shown(centre, "c2")["shortage"] == "nobody_qualified"
        centre.plan.apply(stored(DEFAULT_DOCUMENT, 3))
        centre.present(SECOND, PresenceKind.READY)
        await passed(0.3)
        assert state(centre, SECOND) == "reserved"
        await centre.wishes.hang_up(C1, FIRST)
        await passed(0.3)

    run(test)
