"""Prompts become audio once, at telephone level, and never at the price of the process.

Proves that each text is made once under a name of its content, that what is unfit is answered by
the prompts of the set-up, and that no text reaches a shell, an option or another directory.
"""

import asyncio
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccserver import prompts
from ccserver.prompts import TEXT_LENGTH_MAX, Prompt, PromptMaker, PromptTools, content_hash

TOOLS = PromptTools.find()
needs_tools = pytest.mark.skipif(TOOLS is None, reason="espeak-ng and sox make prompts")
RATE = 8000
GREETING = Prompt("welcome", {"lv": "Viens viens divi.", "ru": "Один один два.", "en": "Hello."})


def files(directory: Path) -> list[str]:
    """All of it, hidden ones too."""
    return sorted(path.name for path in directory.iterdir()) if directory.exists() else []


def set_up_prompts(directory: Path, *names: str) -> Path:
    for name in names:
        path = directory / f"{name}.sln"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(16))
    return directory


def script(path: Path, text: str) -> str:
    """A program in the place of a tool."""
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


@needs_tools
async def test_three_languages_become_telephone_audio_at_the_level_of_speech(
    tmp_path: Path,
) -> None:
    media = await PromptMaker(tmp_path, TOOLS).ensure([GREETING])
    assert set(media) == {("welcome", language) for language in ("lv", "ru", "en")}
    assert len(set(media.values())) == 3
    for uri in media.values():
        path = Path(uri.removeprefix("sound:")).with_suffix(".sln")
        samples = np.frombuffer(path.read_bytes(), dtype="<i2") / 32768
        assert 0.5 < len(samples) / RATE < 10
        level_db = 20 * np.log10(np.sqrt(np.mean(samples**2)))
        assert level_db == pytest.approx(prompts.SPEECH_RMS_DB, abs=3.0)
        assert np.abs(samples).max() < 1.0
    assert len(files(tmp_path)) == 3, "nothing half made is left"


@needs_tools
async def test_what_is_made_is_not_made_again_and_a_changed_text_is_another_file(
    tmp_path: Path,
) -> None:
    first = await PromptMaker(tmp_path, TOOLS).ensure([Prompt("a", {"en": "One."})])
    made = files(tmp_path)
    # Another process, without tools, and the same text in another spelling of white space.
    again = await PromptMaker(tmp_path, None).ensure([Prompt("b", {"en": " One. \n"})])
    assert list(first.values()) == list(again.values())
    assert files(tmp_path) == made
    changed = await PromptMaker(tmp_path, TOOLS).ensure([Prompt("a", {"en": "Two."})])
    assert changed != first
    assert len(files(tmp_path)) == 2


@needs_tools
@pytest.mark.parametrize(
    "text",
    [
        "$(touch hacked) `touch hacked` ; touch hacked",
        "--help -w /tmp/x -v ru",
        '<speak><audio src="/etc/passwd"/></speak>',
        "[[h@l'oU]] \x00\x1b[2J \u202e abc",
        "a" * TEXT_LENGTH_MAX,
    ],
)
async def test_no_text_is_anything_but_words(tmp_path: Path, text: str) -> None:
    directory = tmp_path / "made"
    media = await PromptMaker(directory, TOOLS).ensure([Prompt("odd", {"en": text})])
    assert len(media) == 1
    assert len(files(directory)) == 1
    assert files(tmp_path) == ["made"]


@pytest.mark.parametrize(
    ("name", "language", "text"),
    [
        ("welcome", "en", ""),
        ("welcome", "en", " \n\x00\t"),
        ("welcome", "en", "a" * (TEXT_LENGTH_MAX + 1)),
        ("welcome", "../en", "Hello."),
        ("welcome", "/etc", "Hello."),
        ("welcome", "-x", "Hello."),
        ("../welcome", "en", "Hello."),
        ("", "en", "Hello."),
    ],
)
async def test_what_is_unfit_is_left_out_without_a_trace(
    tmp_path: Path, name: str, language: str, text: str
) -> None:
    maker = PromptMaker(tmp_path / "made", TOOLS)
    assert await maker.ensure([Prompt(name, {language: text})]) == {}
    assert files(tmp_path) == []


async def test_missing_tools_are_answered_by_the_prompts_of_the_set_up(tmp_path: Path) -> None:
    set_up = set_up_prompts(tmp_path / "sounds", "en/please-hold", "lv/please-hold")
    maker = PromptMaker(tmp_path / "made", None, set_up_dir=set_up)
    texts = {"en": "Hold.", "lv": "Gaidiet.", "ru": "Ждите."}
    assert await maker.ensure([Prompt("please_hold", texts)]) == {
        ("please_hold", "en"): f"sound:{set_up}/en/please-hold",
        ("please_hold", "lv"): f"sound:{set_up}/lv/please-hold",
    }
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("espeak", "sox"),
    [
        ("exit 1", "exit 0"),
        ("exit 0", "exit 1"),
        ("exit 0", "exit 0"),  # says nothing of a level
        ("exit 0", 'echo "RMS lev dB -20.0" >&2'),  # and writes no file
        ("exit 0", 'echo "RMS lev dB -inf" >&2'),
        ("exit 0", 'echo "RMS lev dB many" >&2'),
        ("sleep 60", "exit 0"),
        ("sleep 60 & exit 0", "exit 0"),
    ],
)
async def test_a_tool_that_fails_hangs_or_lies_costs_one_prompt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, espeak: str, sox: str
) -> None:
    monkeypatch.setattr(prompts, "TOOL_TIMEOUT_S", 0.3)
    tools = PromptTools(script(tmp_path / "espeak", espeak), script(tmp_path / "sox", sox))
    set_up = set_up_prompts(tmp_path / "sounds", "en/welcome")
    made = tmp_path / "made"
    maker = PromptMaker(made, tools, set_up_dir=set_up)
    async with asyncio.timeout(60):
        media = await maker.ensure([Prompt("welcome", {"en": "Hello."})])
    assert media == {("welcome", "en"): f"sound:{set_up}/en/welcome"}
    assert files(made) == []


async def test_a_sound_of_absurd_size_is_not_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prompts, "SOUND_BYTES_MAX", 10)
    large = 'for a; do case $a in *final.raw) echo 12345678901 >"$a";; esac; done'
    lies = f'echo "RMS lev dB -20.0" >&2; {large}'
    tools = PromptTools(script(tmp_path / "espeak", "exit 0"), script(tmp_path / "sox", lies))
    made = tmp_path / "made"
    assert await PromptMaker(made, tools).ensure([Prompt("welcome", {"en": "Hello."})]) == {}
    assert files(made) == []


async def test_only_one_prompt_is_made_at_a_time(tmp_path: Path) -> None:
    lock, count = tmp_path / "running", tmp_path / "count"
    alone = f"mkdir {lock} || echo both >>{count}; sleep 0.05; rmdir {lock}; exit 1"
    tools = PromptTools(script(tmp_path / "espeak", alone), "/bin/false")
    maker = PromptMaker(tmp_path / "made", tools)
    await asyncio.gather(*(maker.ensure([Prompt(f"p{n}", {"en": f"Text {n}."})]) for n in range(4)))
    assert not count.exists()
    assert not lock.exists()


async def test_old_files_are_deleted_and_wanted_ones_never(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prompts, "FILES_KEPT_MAX", 2)
    wanted = content_hash("en", "Hello.")
    set_up_prompts(tmp_path, wanted, "old-1", "old-2", "old-3", "old-4")
    media = await PromptMaker(tmp_path, None).ensure([Prompt("welcome", {"en": "Hello."})])
    assert media == {("welcome", "en"): f"sound:{tmp_path}/{wanted}"}
    left = files(tmp_path)
    assert f"{wanted}.sln" in left
    assert len(left) == 3


async def test_more_prompts_than_a_plan_may_have_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prompts, "PROMPTS_MAX", 2)
    set_up = set_up_prompts(tmp_path / "s", "en/a", "en/b", "en/c")
    maker = PromptMaker(tmp_path / "made", None, set_up_dir=set_up)
    media = await maker.ensure([Prompt(name, {"en": "x"}) for name in "abc"])
    assert set(media) == {("a", "en"), ("b", "en")}


def test_a_directory_that_would_be_cut_short_is_our_bug() -> None:
    with pytest.raises(ValueError, match="comma"):
        PromptMaker(Path("/a,b"), None)


def test_tools_that_are_not_there_are_found_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def which(name: str) -> str | None:
        return "/usr/bin/sox" if name == "sox" else None

    monkeypatch.setattr(shutil, "which", which)
    assert PromptTools.find() is None


@given(st.text(max_size=50), st.text(max_size=50))
def test_names_differ_where_what_is_heard_differs(one: str, other: str) -> None:
    assert (content_hash("en", one) == content_hash("en", other)) is (one == other)
    assert content_hash("en", one) != content_hash("lv", one)
