"""The demo, built whole and published once, for all tests that only read it."""

import pytest

from benchmarks.bare import BarePipeline
from c360_assets.sources.demo import write_demo
from c360_assets_tests.pipeline import World


@pytest.fixture(scope="session")
def built_demo(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The demo with every table and its published copy; takes half a minute.

    Tests that use it belong to the xdist group `built_demo`, so that it is made in one process.
    """
    world = World(tmp_path_factory.mktemp("built_demo"))
    write_demo(world.settings.source_dir)
    pipeline = BarePipeline(world.settings)
    pipeline.run(world.days())
    pipeline.publish()
    return world
