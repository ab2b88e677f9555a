"""Destinations of row-wise syncs by their names, with the rules that they ship.

Belongs here: reading the key from the environment, and c360.toml over what is shipped. A missing
key is told with the name of its variable; a key is never put anywhere but into the header.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from c360_assets.activation.destinations.hubspot import (
    BASE_URL,
    LIMITS,
    TOKEN_ENV,
    HubspotDestination,
    learn_limits,
)
from c360_assets.activation.sync.http import ApiClient
from c360_assets.activation.sync.limits import CallLimit
from c360_assets.activation.sync.model import CrmDestination
from c360_assets.crm_rules import CrmRules, DestinationRules
from c360_assets.errors import ConfigError

ROW_WISE = ("hubspot",)
LIMITS_FILE = "limits.sqlite"


def rules_of(name: str, crm: CrmRules) -> DestinationRules:
    """What is shipped of a destination, and c360.toml over it, object by object."""
    text = (files("c360_assets.activation.destinations") / f"{name}.toml").read_text("utf-8")
    shipped = DestinationRules.model_validate(tomllib.loads(text))
    own: DestinationRules = getattr(crm, name)
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
    if name != "hubspot":
        raise ConfigError(f"there is no row-wise destination {name!r}; there is {ROW_WISE[0]}")
    variable = rules.token_env or TOKEN_ENV
    token = environment.get(variable, "").strip()
    if not token:
        raise ConfigError(
            f"crm.{name}: the environment variable {variable} is not set; put the access token of "
            "a private app there. The tables and the published copy do not need it"
        )
    limit = CallLimit(folder / LIMITS_FILE, name, LIMITS.calls, LIMITS.seconds)
    client = ApiClient(
        name,
        rules.base_url or BASE_URL,
        {"Authorization": f"Bearer {token}"},
        token,
        limit,
        learn_limits,
        timeout=rules.timeout_seconds,
    )
    remote = {
        each: found.remote_object
        for each in ("companies", "contacts", "gaggles")
        if (found := getattr(rules, each)) is not None
    }
    return HubspotDestination(client, rules.links or {}, remote)
