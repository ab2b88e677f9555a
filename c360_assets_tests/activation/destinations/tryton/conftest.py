"""Fixtures of what is special about Tryton: the real server, its database empty."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from c360_assets_tests.activation.destinations.tryton.people import CONTACTS, small_of
from c360_assets_tests.activation.destinations.tryton_vendor import TrytonVendor
from c360_assets_tests.activation.emulators.tryton import TrytonAccount, tryton_account
from c360_assets_tests.activation.sync.crm_small import Small


@pytest.fixture
def account() -> Iterator[TrytonAccount]:
    """An empty database."""
    with tryton_account() as found:
        yield found


@pytest.fixture
def vendor(account: TrytonAccount) -> TrytonVendor:
    return TrytonVendor(account)


@pytest.fixture
def small(tmp_path: Path, vendor: TrytonVendor) -> Small:
    """Two people of a company, whose name is a category, too."""
    found = small_of(tmp_path, vendor, {"contacts": CONTACTS})
    found.prepare()
    return found


@pytest.fixture
def destination(small: Small) -> Iterator[Any]:
    found = small.job().destination
    yield found
    found.close()
