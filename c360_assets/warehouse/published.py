"""Reading the published copy: the only tables that commands and pages look at."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from c360_assets.errors import NothingPublishedError
from c360_assets.settings import Settings
from c360_assets.warehouse.publish import current_database
from c360_assets.warehouse.session import SAFE_CONFIG, SESSION

PUBLISHED = "published"  # the catalog's name where the copy is attached


@dataclass(frozen=True)
class Manifest:
    """What a published version says of itself. `published_at` is naive UTC."""

    database: Path
    run_id: str
    published_at: datetime
    rows: dict[str, int]
    size_bytes: int


def read_manifest(settings: Settings) -> Manifest | None:
    """The manifest of the current version; None where nothing was published yet."""
    database = current_database(settings.published_dir)
    if not database.exists():
        return None
    return manifest_of(database)


def manifest_of(database: Path) -> Manifest:
    """The manifest of the version that this database belongs to."""
    folder = database.parent.resolve()
    content = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return Manifest(
        database,
        content["run_id"],
        datetime.fromisoformat(content["published_at"].removesuffix("Z")),
        content["rows"],
        sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()),
    )


def published_file(settings: Settings) -> Path:
    """The database of the current version itself, not the link: a publication does not disturb it.

    Raises:
        NothingPublishedError: nothing was published yet.
    """
    database = current_database(settings.published_dir)
    if not database.exists():
        raise NothingPublishedError(
            f"{settings.published_dir} holds no published copy yet; run `c360 demo` for the demo "
            "data, or `c360 run` for the source of your own (C360_SOURCE)"
        )
    return database.resolve()


@contextmanager
def of_this_release() -> Iterator[None]:
    """What the copy lacks was not there yet when it was published.

    Raises:
        NothingPublishedError: a table or column is missing.
    """
    try:
        yield
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise NothingPublishedError(
            "the published copy was made by another release of c360 "
            f"({str(error).splitlines()[0]}); publish anew with `c360 run`"
        ) from error


@contextmanager
def open_published(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection to the current version.

    Raises:
        NothingPublishedError: nothing was published yet.
    """
    path = str(published_file(settings))
    with (
        of_this_release(),
        duckdb.connect(path, read_only=True, config=SAFE_CONFIG) as connection,
    ):
        connection.execute(SESSION)
        yield connection


@contextmanager
def beside_published(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection in memory with the current version attached, read-only, as PUBLISHED.

    Raises:
        NothingPublishedError: nothing was published yet.
    """
    with of_this_release(), connect_beside(published_file(settings)) as connection:
        yield connection


def connect_beside(database: Path) -> duckdb.DuckDBPyConnection:
    """A connection in memory with that version attached, read-only, as PUBLISHED."""
    path = str(database).replace("'", "''")
    connection = duckdb.connect(config=SAFE_CONFIG)
    connection.execute(f"{SESSION}; attach '{path}' as {PUBLISHED} (read_only)")
    return connection
