"""The document of a centre where nothing was saved yet: every seat takes every contact."""

from ccserver.documents import Texts
from ccserver.routing.document import (
    CALLBACK_QUEUE,
    EMERGENCY_NUMBER,
    TEST_QUEUE,
    Document,
    Entry,
    Prompt,
    Queue,
    Relax,
    Skill,
    SkillLevel,
    Waiting,
)

EMERGENCY_QUEUE = "emergency"

LANGUAGE_IS_NO_CONDITION = Relax(after_s=0.0, skill="language:*", level=0)
"""As long as nobody's languages are written down, a caller who chose one must not wait for it."""

WELCOME = Texts(
    lv="Viens viens divi. Lūdzu, palieciet uz līnijas, jums atbildēs zvanu operators.",
    ru="Один один два. Пожалуйста, оставайтесь на линии, вам ответит оператор.",
    en="One one two. Please stay on the line, a call taker will answer you.",
)
PLEASE_HOLD = Texts(
    lv="Visi zvanu operatori šobrīd ir aizņemti. Nenolieciet klausuli, "
    "jums atbildēs rindas kārtībā.",
    ru="Все операторы сейчас заняты. Не вешайте трубку, вам ответят в порядке очереди.",
    en="All call takers are busy. Do not hang up, you will be answered in turn.",
)

SKILLS = (
    Skill(name="language:lv", title=Texts(lv="Latviešu", ru="Латышский", en="Latvian")),
    Skill(name="language:ru", title=Texts(lv="Krievu", ru="Русский", en="Russian")),
    Skill(name="language:en", title=Texts(lv="Angļu", ru="Английский", en="English")),
    Skill(name="ecall", title=Texts(lv="eCall", ru="eCall", en="eCall")),
    Skill(name="sms", title=Texts(lv="Īsziņas", ru="СМС", en="SMS")),
    Skill(name="medical", title=Texts(lv="Medicīna", ru="Медицина", en="Medical")),
    Skill(name="supervisor", title=Texts(lv="Vadītājs", ru="Руководитель", en="Supervisor")),
)

TRAINED_FOR_CARS_FIRST = Relax(after_s=0.0, skill="ecall", level=0)
"""Whoever has the skill is asked first; no car waits for it."""
PEOPLE_IN_CARS = Waiting(greeting="welcome", announcement="please_hold", silent_keys=False)
"""A car has no keys to press."""
NEVER_S = 86_400.0
"""A test that nobody answers is told to nobody, and rings no telephone of somebody on a break."""

DEFAULT_TEST_QUEUE = Queue(
    name=TEST_QUEUE,
    title=Texts(lv="eCall pārbaudes", ru="Проверки eCall", en="eCall tests"),
    queue_class=0,
    priority=0,
    relax=(LANGUAGE_IS_NO_CONDITION,),
    prefer_last_agent=False,
    alarm_after_s=NEVER_S,
    escalate_after_s=NEVER_S,
    redial_window_s=0.0,
    waiting=PEOPLE_IN_CARS,
)

DEFAULT_DOCUMENT = Document(
    skills=SKILLS,
    queues=(
        Queue(
            name=EMERGENCY_QUEUE,
            title=Texts(lv="Ārkārtas zvani", ru="Экстренные вызовы", en="Emergency"),
            queue_class=9,
            relax=(LANGUAGE_IS_NO_CONDITION,),
            waiting=Waiting(
                greeting="welcome",
                announcement="please_hold",
                languages={"1": "lv", "2": "ru", "3": "en"},
            ),
        ),
        Queue(
            name="ecall",
            title=Texts(lv="eCall", ru="eCall", en="eCall"),
            queue_class=9,
            skills=(SkillLevel(skill="ecall"),),
            relax=(LANGUAGE_IS_NO_CONDITION, TRAINED_FOR_CARS_FIRST),
            waiting=PEOPLE_IN_CARS,
        ),
        Queue(
            name=CALLBACK_QUEUE,
            title=Texts(lv="Atzvani", ru="Обратные звонки", en="Call-backs"),
            queue_class=1,
            relax=(LANGUAGE_IS_NO_CONDITION,),
            # Nobody listens while a call-back waits, and nobody is in danger of hanging up.
            alarm_after_s=900.0,
            escalate_after_s=3_600.0,
        ),
        DEFAULT_TEST_QUEUE,
    ),
    entries=(
        Entry(number=EMERGENCY_NUMBER, queue=EMERGENCY_QUEUE, priority=5),
        # A car that calls by itself has had a crash; it is ahead by a point, as if by a minute.
        Entry(number="urn:service:sos.ecall.automatic", queue="ecall", priority=6),
        Entry(number="urn:service:sos.ecall", queue="ecall", priority=5),
        Entry(number="urn:service:test.sos.ecall", queue=TEST_QUEUE, priority=0),
    ),
    prompts=(
        Prompt(name="welcome", texts=WELCOME),
        Prompt(name="please_hold", texts=PLEASE_HOLD),
    ),
)
