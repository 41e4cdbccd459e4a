"""Prove that set-up makes a thing once, leaves nothing half-made, and asks for root in one line.

The real shell code runs against a cache of its own; programs that would change the machine are
replaced by stubs that come first on the PATH.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]
DEADLINE_S = 120  # sounds take 3 s on an idle machine

needs_sound_tools = pytest.mark.skipif(
    not (shutil.which("sox") and shutil.which("espeak-ng")), reason="sox and espeak-ng make sounds"
)


class SetUp:
    """The set-up's shell code with a cache and stubs of its own."""

    def __init__(self, directory: Path) -> None:
        self.cache = directory / "cache"
        self._stubs = directory / "stubs"
        self._stubs.mkdir()

    def stub(self, program: str, script: str) -> None:
        path = self._stubs / program
        path.write_text(f"#!/bin/bash\n{script}\n")
        path.chmod(0o755)

    def remove_stub(self, program: str) -> None:
        (self._stubs / program).unlink()

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        env = {
            **os.environ,
            "CCSERVER_CACHE": str(self.cache),
            "PATH": f"{self._stubs}:{os.environ['PATH']}",
        }
        return subprocess.run(
            ["bash", "-c", script],
            cwd=REPO,
            env=env,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )

    def sounds(self) -> subprocess.CompletedProcess[str]:
        return self.run(". bin/lib/setup.sh; step sounds sounds")

    def files(self) -> dict[str, int]:
        """Every file under the cache with its time of change."""
        return {
            str(path.relative_to(self.cache)): path.stat().st_mtime_ns
            for path in self.cache.rglob("*")
            if path.is_file()
        }


@pytest.fixture
def set_up(tmp_path: Path) -> SetUp:
    return SetUp(tmp_path)


@needs_sound_tools
def test_second_run_changes_nothing(set_up: SetUp) -> None:
    first = set_up.sounds()
    assert first.returncode == 0, first.stderr
    made = set_up.files()
    names = {Path(name).name for name in made}
    assert {"greeting-112.sln", "greeting-112.sln16", "calm.sln", "all-busy.sln16"} <= names
    set_up.stub("sox", "exit 1")
    second = set_up.sounds()
    assert second.returncode == 0
    assert "sounds: ready" in second.stderr
    assert set_up.files() == made


@needs_sound_tools
def test_failed_step_shows_its_error_and_leaves_no_result(set_up: SetUp) -> None:
    # The music is made last, so that prompts are on disk when it fails.
    set_up.stub("sox", 'case "$*" in *tremolo*) echo out of harmony >&2; exit 1;; esac\n'
                f'exec {shutil.which("sox")} "$@"')  # fmt: skip
    failed = set_up.sounds()
    assert failed.returncode != 0
    assert "out of harmony" in failed.stderr
    assert str(set_up.cache / "logs" / "sounds.log") in failed.stderr
    assert not list(set_up.cache.glob("sounds-*"))
    set_up.remove_stub("sox")
    assert set_up.sounds().returncode == 0
    assert len(list(set_up.cache.glob("sounds-*"))) == 1
    assert not list(set_up.cache.glob("work/*"))


@needs_sound_tools
def test_set_ups_at_the_same_time_share_one_result(set_up: SetUp) -> None:
    both = set_up.run(
        ". bin/lib/setup.sh; (step sounds one) & first=$!; (step sounds two) & second=$!; "
        "wait $first && wait $second"
    )
    assert both.returncode == 0, both.stderr
    assert len(list(set_up.cache.glob("sounds-*"))) == 1


@pytest.mark.parametrize("command", ["bin/setup", "bin/demo", "bin/sim first-call", "bin/test"])
def test_without_root_one_line_says_what_to_run(set_up: SetUp, command: str) -> None:
    set_up.stub("id", "echo 1000")
    set_up.stub("sudo", "exit 1")
    set_up.stub("dpkg-query", "exit 1")
    set_up.stub("apt-get", f"touch '{set_up.cache}.apt-was-called'")
    result = set_up.run(command)
    assert result.returncode == 1
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert "sudo apt-get install -y --no-install-recommends python3 " in line
    assert "espeak-ng" in line
    assert not Path(f"{set_up.cache}.apt-was-called").exists()


def test_packages_that_are_there_are_not_asked_for(set_up: SetUp) -> None:
    set_up.stub("dpkg-query", "printf 'installed sox\\ninstalled gcc\\nconfig-files make\\n'")
    missing = set_up.run(". bin/lib/setup.sh; packages_missing").stdout.split()
    assert "make" in missing
    assert not {"sox", "gcc"} & set(missing)


def test_asterisk_older_than_needed_is_refused(set_up: SetUp) -> None:
    verdicts = {
        version: set_up.run(
            f". bin/lib/setup.sh; asterisk_version_is_enough '{version}'"
        ).returncode
        for version in ("1:20.4.0~dfsg-1", "1:22.9.0-1", "1:22.10.1+dfsg-1", "1:23.0.0-1")
    }
    assert [code == 0 for code in verdicts.values()] == [False, False, True, True]


@pytest.mark.parametrize("name", ["with space", 'with"quote', "with:colon"])
def test_cache_directory_that_the_builds_cannot_use_is_refused(set_up: SetUp, name: str) -> None:
    set_up.cache = set_up.cache / name
    result = set_up.run("bin/setup")
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1
    assert "set CCSERVER_CACHE" in result.stderr
    assert not set_up.cache.exists()


def test_odd_names_come_out_as_valid_json(set_up: SetUp) -> None:
    text = set_up.run(""". bin/lib/setup.sh; json_list 'a "b"' 'back\\slash' ''""").stdout
    assert json.loads(text) == ['a "b"', "back\\slash", ""]
