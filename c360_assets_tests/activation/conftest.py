"""Fixtures for everything that is sent elsewhere: vendors' interfaces, emulated."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from c360_assets_tests.activation.destinations.front_vendor import add_fields_of_the_mapping
from c360_assets_tests.activation.emulators.front import FrontEmulator
from c360_assets_tests.activation.emulators.hubspot import HubspotEmulator
from c360_assets_tests.activation.emulators.salesforce import SalesforceEmulator
from c360_assets_tests.activation.sync.crm_small import Small

# Enough that no test waits for the limit; those of the limit itself set `calls_per_window`.
PLENTY = 100_000


@pytest.fixture
def hubspot(shared_specs: Path) -> Iterator[HubspotEmulator]:
    """A HubSpot account of one's own; fails the test where it broke HubSpot's own description."""
    emulator = HubspotEmulator(shared_specs / "hubspot", calls_per_window=PLENTY)
    with emulator:
        yield emulator
    assert emulator.own_violations == []


@pytest.fixture
def front(shared_specs: Path) -> Iterator[FrontEmulator]:
    """A Front account whose administrator made the fields of the shipped mapping."""
    with FrontEmulator(shared_specs / "front", calls_per_minute=PLENTY) as emulator:
        add_fields_of_the_mapping(emulator)
        yield emulator
    assert emulator.violations + emulator.own_violations == []


@pytest.fixture(scope="session")
def prepared_salesforce(tmp_path_factory: pytest.TempPathFactory) -> SalesforceEmulator:
    """An org whose fields were made once, for others to be like it (`c360 crm prepare`)."""
    with SalesforceEmulator() as org:
        folder = tmp_path_factory.mktemp("salesforce")
        Small(
            *(folder, org.url, str(org.token)), name="salesforce", token_env="SALESFORCE_TOKEN"
        ).prepare()
    return org


@pytest.fixture
def salesforce(prepared_salesforce: SalesforceEmulator) -> Iterator[SalesforceEmulator]:
    """An org of one's own that has our fields; fails the test where the description was broken."""
    with SalesforceEmulator(like=prepared_salesforce) as org:
        yield org
    assert org.violations + org.own_violations == []
