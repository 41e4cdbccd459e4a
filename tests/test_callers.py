"""What callers say by key, and their silence, stand on the card and choose the call taker.

The real core, runtime and call control over the fake Asterisk, in virtual time. What the process
after this one needs stands on the caller's channel, and is believed at adoption.
"""

import msgspec

from ccserver.acd.events import PresenceKind
from ccserver.routing import DEFAULT_DOCUMENT
from ccserver.routing import document as d
from ccserver.telephony.call import CallFacts
from ccserver.types import ContactId
from tests.newsroom import (
    C1,
    FIRST,
    SECOND,
    TAG,
    answered,
    entries,
    live,
    replaced,
    run,
    shown,
    state,
    talking,
)
from tests.telephony.centre import Centre, passed


def test_a_language_key_becomes_a_skill_also_for_the_next_process() -> None:
    async def test(centre: Centre) -> None:
        for agent_id in centre.agents:
            centre.present(agent_id, PresenceKind.OFF)
        centre.asterisk.call("c1")
        await passed(0.2)
        centre.callers.language_chosen(C1, "ru")
        centre.callers.cannot_speak(C1)
        centre.callers.cannot_speak(C1)
        await passed(0.2)
        (view,) = centre.core.contact_views()
        assert [x.skill for x in view.skills] == ["language:ru"]
        assert (shown(centre)["language"], shown(centre)["cannot_speak"]) == ("ru", True)
        assert [x.data for x in entries(centre, TAG.LANGUAGE_CHOSEN)] == [{"language": "ru"}]
        assert len(entries(centre, TAG.CANNOT_SPEAK)) == 1
        successor = await replaced(centre, ready=False)
        (view,) = successor.core.contact_views()
        assert [x.skill for x in view.skills] == ["language:ru"]
        assert (live(successor).language, live(successor).cannot_speak) == ("ru", True)

    run(test)


def test_a_language_counts_when_a_call_taker_is_chosen_after_a_restart() -> None:
    speaks = msgspec.structs.replace(
        DEFAULT_DOCUMENT,
        skills=(d.Skill(name="language:ru"),),
        queues=(d.Queue(name="emergency"), *DEFAULT_DOCUMENT.queues[1:]),
        agents=(d.Agent(agent_id=SECOND, skills=(d.SkillLevel(skill="language:ru", level=5),)),),
    )

    async def test(centre: Centre) -> None:
        for agent_id in centre.agents:
            centre.present(agent_id, PresenceKind.OFF)
        centre.asterisk.call("c1")
        await passed(0.2)
        centre.callers.language_chosen(C1, "ru")
        await passed(0.2)
        successor = await replaced(centre, document=speaks)
        assert state(successor, SECOND) == "reserved"
        assert state(successor, FIRST) == "idle"

    run(test, document=speaks)


def test_the_language_of_the_last_conversation_counts_without_a_key() -> None:
    async def test(centre: Centre) -> None:
        centre.asterisk.call("c1")
        await passed(0.2)
        centre.callers.language_chosen(C1, "en")
        await answered(centre, FIRST)
        number = live(centre).caller_number
        await centre.wishes.hang_up(C1, FIRST)
        await passed(0.3)
        again = CallFacts(ContactId("c2"), centre.clock.now(), number, False, "112")
        centre.news.caller_waits(again)
        assert live(centre, "c2").language == "en"
        (view,) = centre.core.contact_views()
        assert [x.skill for x in view.skills] == ["language:en"]
        centre.news.caller_gone(ContactId("c2"))

    run(test)


def test_silence_and_speech_are_told_once_each() -> None:
    async def test(centre: Centre) -> None:
        await talking(centre)
        for silent in (False, True, True, False, False):
            centre.callers.silence_changed(C1, silent=silent)
        tags = [x.tag for x in entries(centre, TAG.SILENCE_NOTED, TAG.SPEECH_HEARD)]
        assert tags == [TAG.SILENCE_NOTED, TAG.SPEECH_HEARD]

    run(test)
