"""The options of `c360 crm …`. Imports are inside the commands, so that each starts fast."""

from __future__ import annotations

from typing import Annotated

import typer

crm_app = typer.Typer(
    help="See what a CRM sync would do, make its fields, list what the CRM refused.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)

Json = Annotated[bool, typer.Option("--json", help="Write JSON, and nothing else, to stdout.")]
To = Annotated[
    str | None, typer.Option("--to", help="The destination. Default: the one of C360_CRM.")
]


@crm_app.command()
def plan(
    to: To = None,
    records: Annotated[
        int, typer.Option(min=0, help="Show so many records of each kind, field by field.")
    ] = 10,
    as_json: Json = False,
) -> None:
    """Show what a sync would create, update, merge and delete now; sends nothing."""
    from c360_assets.cli_support import crm
    from c360_assets.cli_support.output import Output
    from c360_assets.settings import Settings

    crm.show_plan(Output(as_json), Settings.load(), to, records)


@crm_app.command()
def prepare(to: To = None, as_json: Json = False) -> None:
    """Make the fields of the mapping that the CRM does not have."""
    from c360_assets.cli_support import crm
    from c360_assets.cli_support.output import Output
    from c360_assets.settings import Settings

    crm.prepare(Output(as_json), Settings.load(), to)


@crm_app.command()
def rejected(to: To = None, as_json: Json = False) -> None:
    """List the rows that the CRM refused, with its reason and the next attempt."""
    from c360_assets.cli_support import crm
    from c360_assets.cli_support.output import Output
    from c360_assets.settings import Settings

    crm.show_rejected(Output(as_json), Settings.load(), to)


@crm_app.command()
def retry(to: To = None, as_json: Json = False) -> None:
    """Let every row that the CRM refused be tried by the next sync, once its cause is mended."""
    from c360_assets.cli_support import crm
    from c360_assets.cli_support.output import Output
    from c360_assets.settings import Settings

    crm.retry(Output(as_json), Settings.load(), to)


@crm_app.command()
def conflicts(to: To = None, as_json: Json = False) -> None:
    """List fields that people wrote in the CRM and that are something else here."""
    from c360_assets.cli_support import crm
    from c360_assets.cli_support.output import Output
    from c360_assets.settings import Settings

    crm.show_conflicts(Output(as_json), Settings.load(), to)


@crm_app.command()
def settle(
    object_: Annotated[str, typer.Argument(metavar="OBJECT", help="As in `c360 crm conflicts`.")],
    key: Annotated[str, typer.Argument(metavar="RECORD", help="The record, by our key.")],
    field: Annotated[
        str, typer.Argument(metavar="FIELD", help="The field; left out, the whole record.")
    ] = "*",
    ours: Annotated[
        bool | None,
        typer.Option(
            "--ours/--theirs",
            help="Write our value once; or keep theirs, and write no other from now on.",
        ),
    ] = None,
    by: Annotated[str | None, typer.Option(help="Who decided so.")] = None,
    to: To = None,
    as_json: Json = False,
) -> None:
    """Decide a conflict; the next sync carries it out."""
    from c360_assets.cli_support import crm
    from c360_assets.cli_support.output import Output
    from c360_assets.settings import Settings

    if ours is None:
        raise typer.BadParameter("say whose value it is to be: --ours or --theirs")
    crm.settle(Output(as_json), Settings.load(), to, (object_, key, field), ours, by)


@crm_app.command()
def rollback(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The run to take back, by its id.")],
    to: To = None,
    as_json: Json = False,
) -> None:
    """Send again what stood in the CRM before a run; what people wrote since stands."""
    from c360_assets.cli_support import crm
    from c360_assets.cli_support.output import Output
    from c360_assets.settings import Settings

    crm.roll_back(Output(as_json), Settings.load(), to, run)
