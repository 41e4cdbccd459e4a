"""Prove that what set-up reads is whole: packages, pinned versions and prompts."""

import re
import tomllib
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "bin/lib/node.lock", "bin/lib/map.lock")
LANGUAGES = ("lv", "ru", "en")
PACKAGE_NAME = re.compile(r"[a-z0-9][a-z0-9.+-]+")


def content_lines(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.strip() and not line.lstrip().startswith("#")]


def prompts(language: str) -> dict[str, str]:
    path = REPO / "asterisk-conf" / "prompts" / f"{language}.txt"
    rows = [line.split("\t") for line in content_lines(path)]
    assert all(len(row) == 2 for row in rows), f"{path}: a line is not key, tab, sentence"
    assert len({row[0] for row in rows}) == len(rows), f"{path}: a key stands twice"
    return dict(rows)


def test_every_package_has_a_group_and_a_reason() -> None:
    rows = [line.split("\t") for line in content_lines(REPO / "bin/lib/packages.txt")]
    assert rows
    for name, group, reason in rows:
        assert PACKAGE_NAME.fullmatch(name)
        assert group in {"python", "build", "media", "edge", "run", "test"}
        assert len(reason.split()) >= 2, f"{name} needs a reason"
    names = [row[0] for row in rows]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_pins_every_requirement_to_one_version_with_hashes(lock: str) -> None:
    lines = content_lines(REPO / lock)
    requirements = 0
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if line.startswith(" "):
            assert re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line)
            continue
        requirements += 1
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+( ;.*)? \\", line)
        assert following.startswith("    --hash=sha256:"), f"{line} has no hash"
    assert requirements


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_names_no_host_and_no_path(lock: str) -> None:
    text = (REPO / lock).read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"(^|[\s=@])(/|file:|\.{1,2}/)\w", text)
    assert not re.search(r"--(index-url|extra-index-url|find-links|trusted-host)", text)


def test_lock_covers_every_dependency_of_the_project() -> None:
    project = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    locked = {
        line.split("==")[0].lower()
        for line in content_lines(REPO / "requirements.lock")
        if not line.startswith(" ")
    }
    missing = {re.split(r"[^A-Za-z0-9-]", name)[0].lower() for name in wanted} - locked
    assert not missing, "run bin/setup --update-lock"


def test_prompts_have_the_same_keys_in_every_language_and_no_empty_text() -> None:
    keys = {language: prompts(language).keys() for language in LANGUAGES}
    assert keys["lv"] == keys["ru"] == keys["en"]
    assert {"greeting", "all-busy"} <= keys["en"]
    for language in LANGUAGES:
        for key, sentence in prompts(language).items():
            assert re.fullmatch(r"[a-z][a-z-]*", key)
            assert len(sentence) > 5, f"{language}: {key} is empty"


@pytest.mark.parametrize(("language", "script"), [("lv", "ā-ž"), ("ru", "а-яё"), ("en", "a-z")])
def test_prompts_are_in_the_script_of_their_language(language: str, script: str) -> None:
    texts = " ".join(prompts(language).values()).lower()
    assert re.search(f"[{script}]", texts)
    assert not re.search(r"\d", texts), "numbers are written as they are to be spoken"
    if language != "ru":
        assert not re.search("[а-яё]", texts)


def test_waiting_callers_hear_prompts_that_exist() -> None:
    playlist = (REPO / "asterisk-conf/musiconhold.conf").read_text(encoding="utf-8")
    spoken = re.findall(r"sounds_dir }}/(lv|ru|en)/([a-z-]+)", playlist)
    assert spoken
    for language, key in spoken:
        assert key in prompts(language)
