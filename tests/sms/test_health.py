"""Somebody is told when an operator is gone, when replies wait, when texts are not handed on."""

from dataclasses import replace

import pytest

from ccserver.sms.health import (
    BEHIND_ALARM_S,
    DOWN_ALARM_S,
    SET_ASIDE_ALARM_S,
    Alarm,
    AlarmCode,
    IntakeHealth,
    OperatorHealth,
    alarms,
)

WELL = OperatorHealth(
    name="north", binds=(), down_s=None, waiting=0, waiting_s=0.0, validity_s=1_200
)
IDLE = IntakeHealth(unanswered=0, backlog=0, behind_s=0.0, set_aside_s=None)


@pytest.mark.parametrize(
    ("operator", "intake", "wanted"),
    [
        (WELL, IDLE, ()),
        (replace(WELL, down_s=DOWN_ALARM_S - 1), IDLE, ()),
        (
            replace(WELL, down_s=DOWN_ALARM_S),
            IDLE,
            (Alarm(AlarmCode.SMS_DOWN, "north", DOWN_ALARM_S),),
        ),
        (replace(WELL, waiting=1, waiting_s=599.0), IDLE, ()),
        (
            replace(WELL, waiting=1, waiting_s=600.0),
            IDLE,
            (Alarm(AlarmCode.SMS_STUCK, "north", 600.0),),
        ),
        (replace(WELL, waiting=0, waiting_s=600.0), IDLE, ()),
        (
            WELL,
            replace(IDLE, backlog=3, behind_s=BEHIND_ALARM_S),
            (Alarm(AlarmCode.SMS_STUCK, "", BEHIND_ALARM_S),),
        ),
        (WELL, replace(IDLE, backlog=3, behind_s=BEHIND_ALARM_S - 1), ()),
        (WELL, replace(IDLE, set_aside_s=5.0), (Alarm(AlarmCode.SMS_STUCK, "", 5.0),)),
        (WELL, replace(IDLE, set_aside_s=SET_ASIDE_ALARM_S), ()),
    ],
)
def test_each_alarm_has_its_threshold(
    operator: OperatorHealth, intake: IntakeHealth, wanted: tuple[Alarm, ...]
) -> None:
    assert alarms([operator], intake) == wanted


def test_one_operator_that_is_gone_says_nothing_of_another() -> None:
    gone = replace(WELL, name="south", down_s=100.0)
    assert [one.operator for one in alarms([WELL, gone], IDLE)] == ["south"]
