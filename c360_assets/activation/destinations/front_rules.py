"""Whether a mapping is one that Front can take, told before anything is asked of Front."""

from __future__ import annotations

from c360_assets.activation.destinations.front_records import (
    ACCOUNTS,
    CONTACTS,
    EMAIL,
    KINDS,
    OWN_KEY,
    Kind,
)
from c360_assets.crm_rules import DestinationRules, ObjectRules
from c360_assets.errors import ConfigError


def check_rules(rules: DestinationRules) -> None:
    """Check objects and links.

    Raises:
        ConfigError: Front has no such object or link, or a field is missing by which we tell what
            is ours.
    """
    for name in rules.remote_objects():
        _check_object(name, getattr(rules, name))
    _check_links(rules)


def _check_object(name: str, rules: ObjectRules) -> None:
    kind = KINDS.get(rules.remote_object)
    if kind is None:
        raise ConfigError(
            f"crm.front.{name}: remote_object is {rules.remote_object!r}; "
            f"Front has {' and '.join(KINDS)}"
        )
    if rules.unique not in kind.aliases:
        raise ConfigError(
            f"crm.front.{name}: unique is {rules.unique!r}; Front finds {kind.name} by "
            f"{' or '.join(kind.aliases)}"
        )
    for field_name, column in _needed(kind, rules).items():
        given = rules.fields.get(field_name)
        if given is None or given.column != column:
            raise ConfigError(
                f"crm.front.{name}: the fields need {field_name} = {{ column = {column!r} }}: a "
                f"record of Front has several of {rules.unique}, and it tells which is ours"
            )


def _needed(kind: Kind, rules: ObjectRules) -> dict[str, str]:
    """The fields that tell what is ours, each with the column that it must come from."""
    needed = {}
    if (own := kind.own.get(rules.unique)) and rules.unique in rules.fields:
        needed[own] = rules.fields[rules.unique].column
    if kind is CONTACTS and rules.unique == EMAIL:
        needed[OWN_KEY] = "contact_id"
    return needed


def _check_links(rules: DestinationRules) -> None:
    objects = rules.remote_objects()
    for kind, link in (rules.links or {}).items():
        ends = [objects.get(end) for end in (link.from_object, link.to_object)]
        if None not in ends and ends != [CONTACTS.name, ACCOUNTS.name]:
            raise ConfigError(
                f"crm.front.links.{kind}: from {link.from_object} to {link.to_object}; Front links "
                "contacts to accounts alone"
            )
