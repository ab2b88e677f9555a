"""Rules of c360.toml for the pages: under which names they are reached, who vouches for visitors.

Belongs here: the part `[ui]`, its defaults and its validation. Not here: what is made of it
(`ui.security`).
"""

from __future__ import annotations

import ipaddress
import re
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_HOST = re.compile(r"(?!-)[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_HEADER = re.compile(r"[A-Za-z0-9-]+")


class UiRules(BaseModel):
    """`[ui]` of c360.toml.

    `allowed_hosts` are names of this server beside those of loopback. `trusted_proxies` are
    addresses or networks of reverse proxies that log people in and say who it is in the header
    `user_header`; who is in no users file has `proxy_role` then.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    allowed_hosts: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    user_header: str | None = None
    proxy_role: Literal["viewer", "reviewer", "admin"] = "viewer"
    session_idle_minutes: int = Field(60, ge=1)
    session_hours: int = Field(12, ge=1)
    currency: str = Field("$", max_length=8)

    @field_validator("allowed_hosts")
    @classmethod
    def _hosts_are_bare_names(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        found = tuple(host.strip().lower().removesuffix(".") for host in hosts)
        if wrong := [host for host in found if not (_HOST.fullmatch(host) or _is_address(host))]:
            raise ValueError(
                "ui.allowed_hosts are names without scheme, port and path, such as "
                f"c360.example.com; got {wrong}"
            )
        return found

    @field_validator("trusted_proxies")
    @classmethod
    def _proxies_are_networks(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        for each in proxies:
            try:
                network = ipaddress.ip_network(each.strip())
            except ValueError as error:
                raise ValueError(
                    "ui.trusted_proxies are addresses or networks, such as 10.0.0.7 or "
                    f"10.0.0.0/24; got {each!r} ({error})"
                ) from error
            if network.prefixlen == 0:
                raise ValueError(
                    f"ui.trusted_proxies has {each!r}, by which everybody could say to be anybody; "
                    "name the addresses of the proxies alone"
                )
        return tuple(each.strip() for each in proxies)

    @field_validator("user_header")
    @classmethod
    def _header_is_a_name(cls, header: str | None) -> str | None:
        if header is not None and not _HEADER.fullmatch(header):
            raise ValueError(
                "ui.user_header is the name of a header, of letters, digits and `-`, such as "
                f"X-Remote-User; got {header!r}"
            )
        return header

    @model_validator(mode="after")
    def _proxy_and_header_go_together(self) -> UiRules:
        if self.user_header and not self.trusted_proxies:
            raise ValueError(
                "ui.user_header is set, and no ui.trusted_proxies: anybody could send the header. "
                "Name the addresses of the proxies, or remove user_header"
            )
        if self.trusted_proxies and not self.user_header:
            raise ValueError(
                "ui.trusted_proxies is set, and no ui.user_header: nothing tells who the visitor "
                "is. Name the header in which the proxies say so, or remove trusted_proxies"
            )
        return self

    def networks(self) -> tuple[Network, ...]:
        """`trusted_proxies`, to be compared with addresses."""
        return tuple(ipaddress.ip_network(each) for each in self.trusted_proxies)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
