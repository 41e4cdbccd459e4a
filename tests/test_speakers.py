"""Who spoke with whom is remembered by number, newest first, in bounded memory."""

from ccserver.speakers import LastTime, Speakers
from ccserver.types import AgentId

ANNA, BORIS = AgentId("agent-101"), AgentId("agent-102")


def test_the_newest_conversation_counts_and_the_language_stays() -> None:
    speakers = Speakers()
    speakers.spoke("+371", ANNA, "ru")
    speakers.spoke("+371", BORIS)
    assert speakers.last_time("+371") == LastTime(BORIS, "ru")
    speakers.spoke("+371", BORIS, "lv")
    assert speakers.last_time("+371") == LastTime(BORIS, "lv")


def test_nobody_without_a_number_is_remembered_or_recognised() -> None:
    speakers = Speakers()
    speakers.spoke(None, ANNA)
    assert len(speakers) == 0
    assert speakers.last_time(None) == speakers.last_time("+371") == LastTime()


def test_the_one_heard_of_longest_ago_is_forgotten_first() -> None:
    speakers = Speakers(callers_max=2)
    for number in ("1", "2", "1", "3"):
        speakers.spoke(number, ANNA)
    assert len(speakers) == 2
    assert speakers.last_time("2") == LastTime()
    assert speakers.last_time("1").agent_id == ANNA
