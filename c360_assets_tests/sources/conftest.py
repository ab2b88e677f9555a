from collections.abc import Iterator
from pathlib import Path

import pytest

from c360_assets_tests.sources.helpers import Pipeline, opened


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[Pipeline]:
    """An empty source folder and an open warehouse."""
    with opened(tmp_path / "source", tmp_path / "home") as pipeline:
        yield pipeline
