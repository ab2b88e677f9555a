"""What the address that the pages are bound to demands of who comes.

On loopback everybody is at home. As soon as others can get there (another address, another name,
a proxy) somebody has to say who they are: a login, or the proxy.
"""

from __future__ import annotations

import getpass
import ipaddress
from dataclasses import dataclass, field
from pathlib import Path

from c360_assets.errors import ConfigError
from c360_assets.settings import Settings
from c360_assets.ui.security.users import Role, Users
from c360_assets.ui_rules import Network

FOLDER = "ui"


@dataclass(frozen=True)
class Access:
    """Who may come, and how they say who they are.

    With `is_open` nobody does: every visitor is `local_name`, an admin. `hosts` are the names of
    this server beside those of loopback.
    """

    is_open: bool = True
    local_name: str = "local"
    hosts: frozenset[str] = frozenset()
    proxies: tuple[Network, ...] = field(default=())
    user_header: str | None = None
    proxy_role: Role = Role.VIEWER

    def trusts(self, peer: str | None) -> bool:
        """Whether the other end of the connection is one of the proxies."""
        address = _address(peer or "")
        return address is not None and any(address in network for network in self.proxies)


def users_folder(settings: Settings) -> Path:
    """Where the users file lies."""
    return settings.home_dir / FOLDER


def access_of(settings: Settings, host: str) -> Access:
    """What serving on `host` (an address or a name of this machine) demands.

    Loopback is open, unless c360.toml names a proxy or other hosts: then people of elsewhere come
    through a proxy on this machine.

    Raises:
        ConfigError: nobody could log in.
    """
    rules = settings.rules.ui
    is_open = is_loopback(host) and not rules.trusted_proxies and not rules.allowed_hosts
    if not is_open and not rules.trusted_proxies and not Users(users_folder(settings)).all():
        where = (
            "ui.allowed_hosts names other hosts" if is_loopback(host) else f"{host} is not loopback"
        )
        raise ConfigError(
            f"{where}, so that the pages demand a login, and there is no user yet; add one with "
            "`c360 ui add-user NAME --role admin`, or name a proxy that logs people in "
            "(ui.trusted_proxies and ui.user_header of c360.toml)"
        )
    return Access(
        is_open=is_open,
        local_name=settings.user or _login(),
        hosts=frozenset(rules.allowed_hosts) | _names_of(host),
        proxies=rules.networks(),
        user_header=rules.user_header.lower() if rules.user_header else None,
        proxy_role=Role(rules.proxy_role),
    )


def is_loopback(host: str) -> bool:
    """Whether a name or address (IPv6 in brackets or not) is this machine for itself alone."""
    bare = host.removeprefix("[").removesuffix("]").lower().removesuffix(".")
    address = _address(bare)
    return bare == "localhost" or (address is not None and address.is_loopback)


def site_of(peer: str) -> str:
    """Whose address that is, as far as it can be told: of IPv6 somebody has a whole /64 at least,
    and may come from another address of it each time. What is no address stays as it is."""
    address = _address(peer)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((int(address), 64), strict=False))
    return str(address or peer)


def _names_of(host: str) -> frozenset[str]:
    """The address bound to is a name of this server, unless it stands for all of them."""
    address = _address(host)
    if host == "" or (address is not None and address.is_unspecified):
        return frozenset()
    return frozenset({host.lower()})


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    # a socket for both families has IPv4 peers in IPv6 form
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a machine without that user
        return "local"
