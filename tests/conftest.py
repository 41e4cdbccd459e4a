"""For all tests: how they are shared out among processes, and what a failed one on a real stack
shows.

With ``--dist loadgroup`` a process takes one *unit* after another: the tests of an ``xdist_group``,
one that runs a stack of its own, or else all of a file. So what a file shares is made once, and the
long waits of real calls begin first and the short tests fill up the end.

The units are ours and not those of xdist 3.8, which writes groups into the names of tests: with
pytest 9.2 a name cannot be changed any more, and groups were ignored without a word.
"""

import json
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

from sim import evidence

REAL = ("stack", "asterisk")
ALONE = ("stack", "slow")
"""Tests that wait for seconds: a unit each, unless they share an event loop and what runs in it."""
UNITS = pytest.StashKey[Path]()
"""Of the process that gives out tests: the file in which those that collect tell of the units."""


class Units(LoadScopeScheduling):  # type: ignore[misc] # xdist tells no types
    """Gives out units in the order of the collection."""

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        super().__init__(config, log)
        self._units: dict[str, str] = {}

    def schedule(self) -> None:
        """All have collected, and so told of the units."""
        if not self._units:
            self._units = json.loads(self.config.stash[UNITS].read_bytes())
        super().schedule()

    def _split_scope(self, nodeid: str) -> str:
        return self._units[nodeid]


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("dist", "no") == "loadgroup" and not hasattr(config, "workerinput"):
        folder = tempfile.TemporaryDirectory(prefix="ccserver-units-")
        config.add_cleanup(folder.cleanup)
        config.stash[UNITS] = Path(folder.name) / "units.json"


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: WorkerController) -> None:
    if UNITS in node.config.stash:
        node.workerinput["units"] = str(node.config.stash[UNITS])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Units | None:
    if UNITS not in config.stash:
        return None
    # Otherwise the largest unit would begin first, which need not be the longest.
    config.option.loadscopereorder = False
    return Units(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let what waits long begin first, the browser before all: its tests are the longest unit."""
    path = getattr(config, "workerinput", {}).get("units")
    if path is None:
        return
    items.sort(key=lambda item: (item.get_closest_marker("browser") is None, not _waits(item)))
    units = {item.nodeid: _unit(item) for item in items}
    # Every process tells the same; none ever sees half of it.
    with tempfile.NamedTemporaryFile("w", dir=Path(path).parent, delete=False) as file:
        json.dump(units, file)
    Path(file.name).replace(path)


def _unit(item: pytest.Item) -> str:
    group = item.get_closest_marker("xdist_group")
    if group is not None:
        return str(group.args[0])
    loop = item.get_closest_marker("asyncio")
    shares = loop is not None and loop.kwargs.get("loop_scope", "function") != "function"
    return item.nodeid if _waits(item) and not shares else item.nodeid.partition("::")[0]


def _waits(item: pytest.Item) -> bool:
    return any(item.get_closest_marker(name) for name in ALONE)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    evidence.forget()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add what the stacks say, at the moment of the failure: afterwards they may be gone."""
    report = yield
    if report.failed and any(item.get_closest_marker(name) for name in REAL):
        report.sections += [("what the stack says", text) for text in evidence.told()]
    return report
