"""Fixtures for all tests: a clean environment and the paths of the data they run on."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from c360_assets_tests.pipeline import World

REPO_ROOT = Path(__file__).resolve().parent.parent

# No deadline: a slow machine is no failure. Where CI is set, the examples are the same each time.
settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where processes share the tests, begin with slow ones: none is left alone with one of them.

    Raises:
        UsageError: a test would have the demo made once more in another process.
    """
    for item in items:
        groups = {mark.args[0] for mark in item.iter_markers("xdist_group")}
        if "built_demo" in getattr(item, "fixturenames", ()) and groups != {"built_demo"}:
            raise pytest.UsageError(
                f"{item.nodeid} uses built_demo, and is of {sorted(groups) or 'no group'}: let "
                "xdist_group('built_demo') be its one mark of a group"
            )
    if hasattr(config, "workerinput"):
        for item in items:
            # pytest-xdist 3.8 writes a group where pytest 9.2 does not read it any more
            node: Any = item
            grouped = getattr(node, "_nodeid", node.nodeid)
            if grouped != node.nodeid:
                node._id = type(node._id).parse(grouped)
        items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture(scope="session", autouse=True)
def _nothing_from_outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Run in an empty folder without `C360_*`: no `.env` or c360.toml of one's own counts."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.upper().startswith("C360_")]:
            patch.delenv(name)
        patch.delenv("DAGSTER_HOME", raising=False)
        patch.chdir(tmp_path_factory.mktemp("working_directory"))
        yield


@pytest.fixture(scope="session")
def repo_root() -> Path:
    """The top folder of the checkout."""
    return REPO_ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The published data sets (`jaffle_gaggle`, `greenery`), which lie beside the checkout."""
    return _beside_the_checkout("data", "the published data sets")


@pytest.fixture(scope="session")
def shared_specs() -> Path:
    """The interfaces as their vendors publish them (`hubspot`, `front`), beside the checkout."""
    return _beside_the_checkout("specs", "the vendors' published descriptions")


def _beside_the_checkout(name: str, what: str) -> Path:
    """A folder of `shared`; skips the test where it is not there."""
    folder = REPO_ROOT.parent / "shared" / name
    if not folder.is_dir():
        pytest.skip(f"{what} are not there: {folder}")
    return folder


@pytest.fixture(scope="session")
def built_demo(tmp_path_factory: pytest.TempPathFactory) -> "World":
    """The demo with every table and its published copy; takes half a minute.

    Tests that use it belong to the xdist group `built_demo`, so that it is made in one process.
    """
    # here, since Dagster takes seconds to import and most tests need neither
    from benchmarks.bare import BarePipeline
    from c360_assets.sources.demo import write_demo
    from c360_assets_tests.pipeline import World

    world = World(tmp_path_factory.mktemp("built_demo"))
    write_demo(world.settings.source_dir)
    pipeline = BarePipeline(world.settings)
    pipeline.run(world.days())
    pipeline.publish()
    return world
