"""Documents for tests: the sample of the how-to, and random ones, valid or of any shape."""

from datetime import date
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import strategies as st

from ccserver.documents import Texts
from ccserver.routing import document as d
from ccserver.routing.document import ROUTING

SAMPLE_PATH = Path(__file__).parents[2] / "docs" / "how-to" / "routing-example.yaml"
SAMPLE = ROUTING.from_yaml(SAMPLE_PATH.read_bytes())
SEATS = ("agent-101", "agent-102")


def plain(document: d.Document = SAMPLE) -> dict[str, Any]:
    """The document as plain values that a test may change."""
    data: dict[str, Any] = msgspec.json.decode(ROUTING.encode(document))
    return data


SERVICES = ("urn:service:sos", "urn:service:sos.ecall", "urn:service:test.sos.ecall", "urn:x")
NAMES = st.sampled_from(["a", "b", "emergency", "callback", "language:lv", "language:*", "*"])
NUMBERS = st.integers(-5, 100) | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | NUMBERS | st.text(max_size=10) | NAMES
KEYS = st.sampled_from(
    sorted(
        {
            name
            for part in (d.Document, d.General, d.Queue, d.Waiting, d.Agent, d.Schedule, d.Entry)
            for name in part.__struct_encode_fields__
        }
    )
)
ANY_JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=30,
)


def _documents(*, wild: bool) -> st.SearchStrategy[d.Document]:
    """Of the right shape, and wrong in most other ways. ``wild``: numbers, too."""
    whole = st.integers(-2, 12)
    seconds = st.floats(0, 600)
    if wild:
        whole |= st.just(10**30)
        seconds |= st.sampled_from([float("nan"), float("inf"), float("-inf"), -1.0, 1e300])
    text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    texts = st.builds(Texts, lv=text, ru=text, en=text)
    times = st.sampled_from(["00:00", "08:00", "12:30", "17:00", "24:00"]) | st.text(max_size=5)
    levels = st.builds(d.SkillLevel, skill=NAMES, level=whole)
    relax = st.builds(d.Relax, after_s=seconds, skill=NAMES, level=whole)
    overflow = st.builds(
        d.Overflow, after_s=seconds, queue=st.none() | NAMES, site=st.none() | NAMES
    )
    waiting = st.builds(
        d.Waiting,
        greeting=st.none() | NAMES,
        announcement=st.none() | NAMES,
        announce_every_s=seconds,
        music=text,
        languages=st.dictionaries(st.sampled_from(["1", "5", "12", "x"]), NAMES, max_size=3),
        silent_keys=st.booleans(),
    )
    queues = st.builds(
        d.Queue,
        name=NAMES | text,
        title=texts,
        queue_class=whole,
        head_start_s=seconds,
        priority=whole,
        skills=st.lists(levels, max_size=3).map(tuple),
        relax=st.lists(relax, max_size=3).map(tuple),
        overflow=st.lists(overflow, max_size=3).map(tuple),
        sites=st.lists(NAMES, max_size=2).map(tuple),
        selection=st.sampled_from(["longest_idle", "fewest_contacts", "round_robin", "ring_all"]),
        ring_all_max=whole,
        offer_timeout_s=st.none() | seconds,
        wrap_up_s=st.none() | seconds,
        alarm_after_s=seconds,
        escalate_after_s=seconds,
        waiting=waiting,
    )
    agents = st.builds(
        d.Agent,
        agent_id=st.sampled_from(SEATS) | text,
        queues=st.none() | st.lists(NAMES, max_size=3).map(tuple),
        skills=st.lists(levels, max_size=3).map(tuple),
        site=NAMES | st.just(""),
        text_max=whole,
    )
    spans = st.builds(d.Span, from_=times, to=times)
    exceptions = st.builds(
        d.DateException,
        date=st.dates() | st.just(date(2026, 12, 24)),
        open=st.booleans() | st.lists(spans, max_size=3).map(tuple),
    )
    schedules = st.builds(
        d.Schedule,
        name=NAMES,
        timezone=st.sampled_from(["Europe/Riga", "UTC", "Nowhere/Town", "..", "", "Europe"]),
        weekly=st.lists(
            st.builds(
                d.Weekly, days=st.lists(st.sampled_from(d.DAYS)).map(tuple), from_=times, to=times
            ),
            max_size=3,
        ).map(tuple),
        exceptions=st.lists(exceptions, max_size=3).map(tuple),
    )
    rules = st.builds(d.Rule, schedule=NAMES, queue=NAMES)
    entries = st.builds(
        d.Entry,
        number=st.sampled_from(["112", "113", "x", "", *SERVICES]),
        queue=NAMES,
        site=NAMES | st.just(""),
        priority=st.none() | whole,
        service=st.sampled_from(["", *SERVICES]) | text,
        skills=st.lists(levels, max_size=3).map(tuple),
        rules=st.lists(rules, max_size=3).map(tuple),
    )
    general = st.builds(
        d.General,
        missed_offers_max=whole,
        default_language=NAMES,
        silence_after_s=seconds,
        callbacks=st.builds(d.Callbacks, attempts_max=whole, retry_after_s=seconds),
        dialling=st.builds(
            d.Dialling,
            allow=st.lists(NAMES, max_size=3).map(tuple),
            deny=st.lists(NAMES, max_size=3).map(tuple),
        ),
    )
    return st.builds(
        d.Document,
        general=general,
        sites=st.lists(st.builds(d.Site, name=NAMES, title=texts), max_size=3).map(tuple),
        skills=st.lists(st.builds(d.Skill, name=NAMES, title=texts), max_size=3).map(tuple),
        queues=st.lists(queues, max_size=4).map(tuple),
        agents=st.lists(agents, max_size=3).map(tuple),
        schedules=st.lists(schedules, max_size=3).map(tuple),
        entries=st.lists(entries, max_size=3).map(tuple),
        prompts=st.lists(st.builds(d.Prompt, name=NAMES, texts=texts), max_size=2).map(tuple),
        directory=st.lists(
            st.builds(d.DirectoryEntry, name=NAMES, number=text, title=texts), max_size=2
        ).map(tuple),
    )


ANY_DOCUMENT = _documents(wild=True)
STORABLE_DOCUMENT = _documents(wild=False)
