"""Fixtures for everything that is sent elsewhere: vendors' interfaces, emulated."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from c360_assets_tests.activation.emulators.hubspot import HubspotEmulator

# Enough that no test waits for the limit; those of the limit itself set `calls_per_window`.
PLENTY = 100_000


@pytest.fixture
def hubspot(shared_specs: Path) -> Iterator[HubspotEmulator]:
    """A HubSpot account of one's own; fails the test where it broke HubSpot's own description."""
    emulator = HubspotEmulator(shared_specs / "hubspot", calls_per_window=PLENTY)
    with emulator:
        yield emulator
    assert emulator.own_violations == []
