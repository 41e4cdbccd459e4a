"""Parts become the texts they were, in whatever order, however often, and whoever else writes."""

import random
from collections import defaultdict
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccserver.sms.reassembly import (
    GAP,
    KnownText,
    PartKey,
    Place,
    compose,
    digest_of,
    place,
    runs,
)

KEY = PartKey("north", "+37120000001", "112", "8", 7, 3)


class Texts:
    """The texts of many keys in memory, by the rules alone."""

    def __init__(self) -> None:
        self.parts: list[dict[int, str]] = []
        self.of_key: dict[str, list[int]] = defaultdict(list)
        self.repeated = 0

    def add(self, key: PartKey, number: int, text: str) -> None:
        known = [
            KnownText(one, {at: digest(part) for at, part in self.parts[one].items()})
            for one in reversed(self.of_key[key.digest()])
        ]
        found = place(known, number, digest(text))
        if found.repeated:
            self.repeated += 1
        elif found.text_id is None:
            self.of_key[key.digest()].append(len(self.parts))
            self.parts.append({number: text})
        else:
            self.parts[found.text_id][number] = text


def digest(text: str) -> str:
    return digest_of(text.encode())


def join(run: Sequence[str]) -> str:
    return "".join(run)


@given(
    totals=st.lists(st.integers(2, 6), min_size=1, max_size=6),
    repeats=st.integers(0, 3),
    seed=st.integers(0, 2**32),
)
def test_any_order_any_repetition_and_any_interleaving_give_the_texts_that_were_sent(
    totals: list[int], repeats: int, seed: int
) -> None:
    texts = Texts()
    sent = []
    for sender, total in enumerate(totals):
        key = PartKey("north", f"+3712000000{sender}", "112", "8", 7, total)
        sent += [(key, number, f"{sender}.{number} ") for number in range(1, total + 1)]
    chance = random.Random(seed)  # noqa: S311
    arriving = sent + [one for one in sent for _ in range(chance.randint(0, repeats))]
    chance.shuffle(arriving)
    for key, number, text in arriving:
        texts.add(key, number, text)
    wanted = sorted(
        "".join(f"{sender}.{number} " for number in range(1, total + 1))
        for sender, total in enumerate(totals)
    )
    got = sorted(compose(parts, max(parts), join, final=True) for parts in texts.parts)
    assert got == wanted
    assert texts.repeated == len(arriving) - len(sent)


@given(
    parts=st.dictionaries(st.integers(1, 255), st.text("ab", max_size=3), min_size=1),
    final=st.booleans(),
)
def test_every_set_of_parts_reads_in_order_with_its_gaps(
    parts: dict[int, str], final: bool
) -> None:
    text = compose(parts, 255, join, final=final)
    said = [parts[number] for number in sorted(parts)]
    assert text.replace(GAP, "") == "".join(said)
    inner = len(runs(parts)) - 1
    assert text.count(GAP) == inner + (final and 1 not in parts) + (final and 255 not in parts)


def test_a_reference_that_is_used_again_begins_another_text() -> None:
    texts = Texts()
    for number, text in ((1, "one "), (2, "two"), (1, "three "), (2, "four")):
        texts.add(KEY, number, text)
    assert texts.parts == [{1: "one ", 2: "two"}, {1: "three ", 2: "four"}]


def test_a_repetition_of_an_older_text_is_known_behind_a_newer_one() -> None:
    known = [KnownText(2, {1: digest("new")}), KnownText(1, {1: digest("a"), 2: digest("b")})]
    assert place(known, 2, digest("b")) == Place(1, repeated=True)
    assert place(known, 2, digest("c")) == Place(2)


def test_a_first_part_with_other_words_does_not_overwrite_the_one_that_is_there() -> None:
    assert place([KnownText(1, {1: digest("a")})], 1, digest("b")) == Place(None)


@pytest.mark.parametrize(
    "other",
    [
        PartKey("south", "+37120000001", "112", "8", 7, 3),
        PartKey("north", "+37120000002", "112", "8", 7, 3),
        PartKey("north", "+37120000001", "113", "8", 7, 3),
        PartKey("north", "+37120000001", "112", "16", 7, 3),
        PartKey("north", "+37120000001", "112", "sar", 7, 3),
        PartKey("north", "+37120000001", "112", "8", 8, 3),
        PartKey("north", "+37120000001", "112", "8", 7, 2),
        PartKey("north", "+37120000001112", "", "8", 7, 3),
    ],
)
def test_each_field_of_the_key_tells_texts_apart(other: PartKey) -> None:
    assert other.digest() != KEY.digest()
    assert PartKey("north", "+37120000001", "112", "8", 7, 3).digest() == KEY.digest()
