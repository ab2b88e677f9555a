"""What a user's own attributes do with the values there are: entries of c360.toml that break.

Belongs here: telling them by name. Not here: what is wrong whatever the values are, which the
registry refuses. An aggregate or column that raises stops the run; an expression is null where it
raises (`attribute_sql`), so that one row takes nothing from its readers, and a check tells of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import dagster as dg
import duckdb

from c360_assets.assets.claims import SAMPLE_ROWS
from c360_assets.customers.attribute_sources import taken
from c360_assets.customers.attributes import Attribute, Registry
from c360_assets.errors import ConfigError

ASSET = "customer_profiles"
OWN_EXPRESSIONS_CHECK = "own_expressions_can_be_worked_out"
_NEWEST = """
    from marts.customer_profiles
    where profile_date = (select max(d.profile_date) from marts.profile_days as d)
"""


@contextmanager
def told_of_own(registry: Registry) -> Iterator[None]:
    """Name the own attributes that are counted or taken where a value breaks the SQL of the block.

    Raises:
        ConfigError: one of them cannot take some value; an engine's other errors stay as they are.
    """
    try:
        yield
    except (duckdb.DataError, duckdb.ProgrammingError) as error:
        own = {a.rule.name: a.rule for a in registry.stored if a.is_own}
        if not own:
            raise
        made_of = "; ".join(
            f"{name}: {f'{rule.aggregate} of ' if rule.aggregate else ''}"
            f"{rule.value or 'rows'}{f' where {rule.where}' if rule.where else ''} in {rule.source}"
            for name, rule in own.items()
        )
        found = str(error).splitlines()[0].rstrip(".")
        raise ConfigError(
            f"an attribute of c360.toml cannot be worked out: {found}. It is "
            f"one of these: {made_of}. Take what is null where a value does not fit, such as "
            "try_cast(… as bigint), or leave such rows out by its `where`"
        ) from None  # runs and alerts show the innermost error, which would be the engine's


def own_expressions_spec() -> dg.AssetCheckSpec:
    """What Dagster shows before anything ran."""
    return dg.AssetCheckSpec(
        OWN_EXPRESSIONS_CHECK,
        asset=ASSET,
        description=(
            "No expression of c360.toml raises an error on a profile of the newest day. Where one "
            "does, profiles show null."
        ),
        blocking=False,
    )


def own_expressions_result(
    connection: duckdb.DuckDBPyConnection, registry: Registry
) -> dg.AssetCheckResult:
    """The check, with the number of profiles on which each expression raises, and some of them."""
    own = [a for a in registry.attributes if a.is_own and a.kind == "expression"]
    counts = _counts(connection, own)
    broken = [a for a in own if counts[a.name]]
    metadata: dict[str, Any] = {"own expressions": len(own), "breaches": sum(counts.values())}
    for attribute in broken:
        metadata[attribute.name] = dg.MetadataValue.json(
            {"rows": counts[attribute.name], **_shown(connection, attribute)}
        )
    return dg.AssetCheckResult(
        asset_key=ASSET,
        check_name=OWN_EXPRESSIONS_CHECK,
        passed=not broken,
        severity=dg.AssetCheckSeverity.WARN,
        metadata=metadata,
    )


def _raises(attribute: Attribute) -> str:
    """Whether an expression raises on a row: of a null there is a hash, too."""
    return f"try(hash({taken(attribute.rule)})) is null"


def _counts(connection: duckdb.DuckDBPyConnection, own: Sequence[Attribute]) -> dict[str, int]:
    """On how many of the newest profiles each expression raises, in one scan."""
    if not own:
        return {}
    sums = ", ".join(f"count(case when {_raises(a)} then 1 end)" for a in own)
    row = connection.execute(f"select {sums} {_NEWEST}").fetchall()[0]
    return {a.name: int(n) for a, n in zip(own, row, strict=True)}


def _shown(connection: duckdb.DuckDBPyConnection, attribute: Attribute) -> dict[str, Any]:
    """A sample of those on whom the expression raises."""
    rows = connection.execute(
        f"select client_customer_id {_NEWEST} and {_raises(attribute)}"
        f" order by client_customer_id limit {SAMPLE_ROWS}"
    ).fetchall()
    return {"sample": [row[0] for row in rows], "expression": attribute.rule.expression}
