"""What `c360 ui add-user`, `remove-user` and `users` do.

Belongs here: asking for passwords, and telling. Not here: the options (`ui_app`), the users file
(`ui.security.users`). A password is never an argument: other people of the machine see those.
"""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable

from rich.markup import escape

from c360_assets.cli_support.output import Output
from c360_assets.errors import RequestError
from c360_assets.settings import Settings
from c360_assets.ui.security.access import users_folder
from c360_assets.ui.security.users import Role, Users


def add_user(
    out: Output, settings: Settings, name: str, password: str | None, role: Role, *, replace: bool
) -> None:
    """Write a user; without a password for who comes through a proxy alone.

    Raises:
        RequestError: the name or the password will not do, or the name is taken.
    """
    users = Users(users_folder(settings))
    user = users.add(name, password, role, replace=replace)
    out.json({"name": user.name, "role": user.role, "has_password": password is not None})
    out.say(f"{escape(user.name)} is a {user.role} now, in {escape(str(users.path))}.")
    if password is None:
        out.say("Without a password: they come in only where a proxy says that it is them.")


def remove_user(out: Output, settings: Settings, name: str) -> None:
    """Remove a user; who is logged in as them is out at once.

    Raises:
        RequestError: there is no such user.
    """
    Users(users_folder(settings)).remove(name)
    out.json({"removed": name})
    out.say(f"{escape(name)} is removed, and out of every page.")


def show_users(out: Output, settings: Settings) -> None:
    """List everybody in the users file."""
    users = Users(users_folder(settings))
    found = users.all()
    shown = [
        {"name": each.name, "role": each.role, "has_password": each.password_hash is not None}
        for each in found
    ]
    out.json({"file": users.path, "users": shown})
    out.table("Users", ("name", "role", "password"), [tuple(each.values()) for each in shown])
    if not found:
        out.say("There is no user yet; add one with `c360 ui add-user NAME --role admin`.")


def asked_password(ask: Callable[[str], str] = getpass.getpass) -> str:
    """A password typed twice, without an echo.

    Raises:
        RequestError: there is nobody to ask, or the two are not the same.
    """
    if not sys.stdin.isatty():
        raise RequestError(
            "there is no terminal to ask for a password; give it on standard input with "
            "--password-stdin"
        )
    first = ask("Password: ")
    if ask("Once more: ") != first:
        raise RequestError("the two passwords are not the same; try again")
    return first


def piped_password() -> str:
    """The first line of standard input."""
    return sys.stdin.readline().rstrip("\r\n")
