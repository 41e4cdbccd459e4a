"""The document of a centre where nothing was saved yet: every seat takes every contact."""

from ccserver.documents import Texts
from ccserver.routing.document import (
    CALLBACK_QUEUE,
    EMERGENCY_NUMBER,
    Document,
    Entry,
    Prompt,
    Queue,
    Relax,
    Skill,
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
            name=CALLBACK_QUEUE,
            title=Texts(lv="Atzvani", ru="Обратные звонки", en="Call-backs"),
            queue_class=0,
            relax=(LANGUAGE_IS_NO_CONDITION,),
            # Nobody listens while a call-back waits, and nobody is in danger of hanging up.
            alarm_after_s=900.0,
            escalate_after_s=3_600.0,
        ),
    ),
    entries=(Entry(number=EMERGENCY_NUMBER, queue=EMERGENCY_QUEUE, priority=5),),
    prompts=(
        Prompt(name="welcome", texts=WELCOME),
        Prompt(name="please_hold", texts=PLEASE_HOLD),
    ),
)
