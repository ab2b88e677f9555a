"""From settings to a sync that can run: its destination, its rules, and the published copy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from c360_assets.activation.destinations.build import ROW_WISE, build_destination, rules_of
from c360_assets.activation.sync.run import Job
from c360_assets.activation.sync.wanted import OptOuts
from c360_assets.errors import ConfigError
from c360_assets.identity.addresses import normalise_email
from c360_assets.settings import Settings
from c360_assets.warehouse.published import open_published

FILE = "file"
DESTINATIONS = (FILE, *ROW_WISE)


def destination_names(settings: Settings) -> tuple[str, ...]:
    """The destinations that `C360_CRM` names, in its order; several are parted by commas.

    Raises:
        ConfigError: there is no such destination.
    """
    names = tuple(dict.fromkeys(name.strip() for name in settings.crm.split(",") if name.strip()))
    unknown = [name for name in names if name not in DESTINATIONS]
    if unknown or not names:
        raise ConfigError(
            f"C360_CRM is {settings.crm!r}; the destinations are {', '.join(DESTINATIONS)}"
        )
    return names


def opt_outs(settings: Settings) -> OptOuts:
    """The files of who opted out; their addresses are read as staging reads those of people."""
    return OptOuts.of(settings.rules.crm.suppression, normalise_email)


@contextmanager
def sync_job(settings: Settings, name: str) -> Iterator[Job]:
    """The sync to a row-wise destination, on the newest published copy.

    Raises:
        ConfigError: the key is not in the environment, or there is no such destination.
        NothingPublishedError: the pipeline has not run yet.
    """
    with open_published(settings) as connection:
        rules = rules_of(name, settings.rules.crm)
        destination = build_destination(name, rules, settings.crm_dir)
        try:
            yield Job(
                *(destination, rules, connection, settings.crm_dir, settings.source_dir),
                opt_outs(settings),
            )
        finally:
            destination.close()
