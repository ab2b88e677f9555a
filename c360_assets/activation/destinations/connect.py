"""What every destination needs to reach its account: the key, and the count of calls.

A missing key is told with the name of its variable; a key is never put anywhere but into the call
that needs it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from c360_assets.activation.sync.limits import CallLimit
from c360_assets.activation.sync.model import Limits
from c360_assets.errors import ConfigError

LIMITS_FILE = "limits.sqlite"


@dataclass(frozen=True)
class Surroundings:
    """Where a destination is built: the folder of all runs' counts, and the environment."""

    folder: Path
    environment: Mapping[str, str]

    def secret(self, name: str, variable: str, what: str) -> str:
        """The key of the destination `name`; `what` tells what it is.

        Raises:
            ConfigError: it is not in the environment.
        """
        secret = self.environment.get(variable, "").strip()
        if not secret:
            raise ConfigError(
                f"crm.{name}: the environment variable {variable} is not set; put {what} there. "
                "The tables and the published copy do not need it"
            )
        return secret

    def call_limit(self, name: str, limits: Limits) -> CallLimit:
        """The calls that the account has left, counted for all runs on this machine."""
        return CallLimit(self.folder / LIMITS_FILE, name, limits.calls, limits.seconds)
