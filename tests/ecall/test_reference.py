"""docs/reference/ecall.md says what the code does."""

import json
import re
from pathlib import Path

from ccserver.ecall import concepts, json_form, msd
from ccserver.ecall.values import Energy

REPOSITORY = Path(__file__).parents[2]
REFERENCE = (REPOSITORY / "docs/reference/ecall.md").read_text()


def test_every_oddity_is_documented() -> None:
    source = "".join(path.read_text() for path in (REPOSITORY / "ccserver/ecall").glob("*.py"))
    codes = set(re.findall(r'odd\.add\(\s*"([a-z_]+)"', source))
    codes |= {"length_short", "length_long"}
    assert len(codes) > 15
    assert {code for code in codes if f"`{code}`" not in REFERENCE} == set()


def test_the_example_is_a_message() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", REFERENCE, re.DOTALL)
    made = json_form.from_json(json.loads(example))
    assert made.position is not None
    assert made.propulsion == {Energy.GASOLINE}
    assert msd.decode(msd.encode(made)).msd == made


def test_every_concept_is_documented() -> None:
    assert {oid for oid in concepts.CONCEPTS if f"| `{oid}` |" not in REFERENCE} == set()
