"""The options of `c360 ui …`. Imports are inside the commands, so that each starts fast."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

ui_app = typer.Typer(
    help="Serve the pages; add and remove the users who may look at them.",
    invoke_without_command=True,
    rich_markup_mode="rich",
)


Json = Annotated[bool, typer.Option("--json", help="Write JSON, and nothing else, to stdout.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The name that they log in with.")]


class RoleOption(StrEnum):
    """What a user may do; each may do what those before it may."""

    VIEWER = "viewer"
    REVIEWER = "reviewer"
    ADMIN = "admin"


@ui_app.callback()
def serve(
    context: typer.Context,
    host: Annotated[
        str, typer.Option(help="The address to serve on. Another than loopback demands a login.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The port; 0 takes one that is free.")
    ] = 8360,
) -> None:
    """Serve the pages until Ctrl-C, or add and remove users with a sub-command."""
    if context.invoked_subcommand:
        return
    from c360_assets.settings import Settings
    from c360_assets.ui.server import serve as serve_pages

    serve_pages(Settings.load(), host, port)


@ui_app.command()
def add_user(
    name: Name,
    role: Annotated[
        RoleOption,
        typer.Option(
            help="viewer looks, reviewer decides about merges, admin also settles rows of CRMs."
        ),
    ] = RoleOption.VIEWER,
    replace: Annotated[
        bool, typer.Option("--replace", help="Give a user another password and role.")
    ] = False,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="For a role of somebody whom a proxy logs in.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Let somebody log in to the pages; the password is asked for twice."""
    from c360_assets.cli_support import ui_users
    from c360_assets.cli_support.output import Output
    from c360_assets.settings import Settings
    from c360_assets.ui.security.users import Role

    if password_stdin and no_password:
        raise typer.BadParameter("take one of --password-stdin and --no-password")
    settings = Settings.load()
    password = None
    if not no_password:
        password = ui_users.piped_password() if password_stdin else ui_users.asked_password()
    out = Output(as_json)
    ui_users.add_user(out, settings, name, password, Role(role), replace=replace)


@ui_app.command()
def remove_user(name: Name, as_json: Json = False) -> None:
    """Take a user away; who is logged in as them is out at once."""
    from c360_assets.cli_support import ui_users
    from c360_assets.cli_support.output import Output
    from c360_assets.settings import Settings

    ui_users.remove_user(Output(as_json), Settings.load(), name)


@ui_app.command()
def users(as_json: Json = False) -> None:
    """List who may log in to the pages, and what they may do."""
    from c360_assets.cli_support import ui_users
    from c360_assets.cli_support.output import Output
    from c360_assets.settings import Settings

    ui_users.show_users(Output(as_json), Settings.load())
