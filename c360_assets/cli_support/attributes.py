"""`c360 attributes`: what a customer profile says, and what each attribute is made of."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from c360_assets.assets.profiles import definition, registry_of
from c360_assets.cli_support.output import Output
from c360_assets.errors import ConfigError
from c360_assets.settings import Settings


@dataclass(frozen=True)
class Listed:
    """One attribute as it is shown."""

    name: str
    field: str
    type: str
    unit: str
    description: str
    kind: str
    source: str | None
    definition: str
    is_own: bool


def attributes(settings: Settings, wanted: str | None) -> list[Listed]:
    """All attributes in the order of the columns, or those whose name or description holds a word.

    Raises:
        ConfigError: an attribute of c360.toml cannot stand, or none is like `wanted`.
    """
    every = [
        Listed(
            a.name,
            a.field,
            a.type,
            a.rule.unit,
            a.description,
            a.kind,
            a.rule.source,
            definition(a),
            a.is_own,
        )
        for a in registry_of(settings).attributes
    ]
    if wanted is None:
        return every
    word = wanted.casefold()
    found = [a for a in every if word in a.name.casefold() or word in a.description.casefold()]
    if not found:
        raise ConfigError(
            f"none of the {len(every)} attributes has {wanted!r} in its name or description; "
            "`c360 attributes` lists all"
        )
    return found


def show(out: Output, found: list[Listed]) -> None:
    """Write the attributes as a table, or as JSON."""
    out.json({"attributes": [asdict(each) for each in found]})
    out.table(
        f"{len(found)} attributes of customer profiles",
        ("name", "field", "type", "description", "made of"),
        [
            (
                f"{a.name} *" if a.is_own else a.name,
                a.field,
                a.type,
                a.description + (f" ({a.unit})" if a.unit else ""),
                f"{a.source}: {a.definition}" if a.source else a.definition,
            )
            for a in found
        ],
    )
    if any(a.is_own for a in found):
        out.say("* from c360.toml")
