"""Destinations of row-wise syncs by their names, with the rules that they ship."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from c360_assets.activation.destinations import front, hubspot, salesforce, tryton, webhook
from c360_assets.activation.destinations.connect import Surroundings
from c360_assets.activation.sync.model import CrmDestination
from c360_assets.crm_rules import CrmRules, DestinationRules
from c360_assets.errors import ConfigError

BUILDERS: Mapping[str, Callable[[Any, Surroundings], CrmDestination]] = {
    "front": front.build,
    "hubspot": hubspot.build,
    "salesforce": salesforce.build,
    "tryton": tryton.build,
    "webhook": webhook.build,
}
ROW_WISE = tuple(BUILDERS)


def rules_of(name: str, crm: CrmRules) -> DestinationRules:
    """What is shipped of a destination, and c360.toml over it, object by object."""
    text = (files("c360_assets.activation.destinations") / f"{name}.toml").read_text("utf-8")
    own: DestinationRules = getattr(crm, name)
    shipped = type(own).model_validate(tomllib.loads(text))
    given = {field: getattr(own, field) for field in own.model_fields_set}
    return shipped.model_copy(update=given)


def build_destination(
    name: str,
    rules: DestinationRules,
    folder: Path,
    environment: Mapping[str, str] = os.environ,
) -> CrmDestination:
    """The destination of that name; `folder` holds the count of calls, shared by all runs.

    Raises:
        ConfigError: its key is not in the environment.
    """
    if name not in BUILDERS:
        raise ConfigError(
            f"there is no row-wise destination {name!r}; there are {', '.join(ROW_WISE)}"
        )
    return BUILDERS[name](rules, Surroundings(folder, environment))
