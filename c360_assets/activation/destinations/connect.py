"""What every destination needs to reach its account: the key, its address, the count of calls.

A missing key is told with the name of its variable; a key is never put anywhere but into the call
that needs it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from c360_assets.activation.sync.http import ApiClient
from c360_assets.activation.sync.limits import CallLimit
from c360_assets.activation.sync.model import Limits
from c360_assets.errors import ConfigError

LIMITS_FILE = "limits.sqlite"


class ApiDestination:
    """What destinations behind an `ApiClient` have in common."""

    if TYPE_CHECKING:
        # a field here, and derived there; a property at run time would be the field's default
        @property
        def client(self) -> ApiClient:
            """The connection."""
            ...

    @property
    def can_read(self) -> bool:
        """Most vendors tell what they hold."""
        return True

    @property
    def calls(self) -> int:
        """The calls made so far."""
        return self.client.calls

    def close(self) -> None:
        """Close the connections."""
        self.client.close()


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


def address_of(
    name: str, text: str | None, remedy: str = "mend base_url in c360.toml"
) -> httpx.URL:
    """The address of a vendor, over which keys and people's data may go.

    Raises:
        ConfigError: there is none, or it is none to send them to; the text ends with `remedy`.
    """

    def refused(what: str) -> ConfigError:
        return ConfigError(f"crm.{name}{what}; {remedy}")

    if not text:
        raise refused(" has no address")
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        raise refused(f": base_url {text!r} is no address") from None
    if url.userinfo:
        raise refused(": base_url holds a name or password before the @, which belong elsewhere")
    if not url.host or url.scheme not in ("http", "https"):
        raise refused(f": base_url {text!r} is no web address")
    if url.scheme == "http" and not _is_this_machine(url.host):
        raise refused(
            f": base_url {text!r} would send keys and people's data unencrypted; only localhost "
            "may be http://"
        )
    return url


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
