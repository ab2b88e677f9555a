"""`c360`: the pipeline from the command line.

Belongs here: the commands, their options and the one door where errors become messages. Not here:
what the commands do (`cli_support`). Imports are inside the commands, so that each starts fast.

Exit codes: 0 all is well; 1 it ran, and the answer is bad (a failed run or check, an unknown
address, a source that breaks the contract, pages that differ); 2 it could not be done as asked.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from c360_assets import __version__
from c360_assets.cli_support.crm_app import crm_app
from c360_assets.cli_support.merge_app import merge_app
from c360_assets.cli_support.ui_app import ui_app
from c360_assets.errors import C360Error

if TYPE_CHECKING:
    from c360_assets.cli_support.output import Output

USAGE_ERROR = 2


class _Door(TyperGroup):
    """Turns every error that c360 raises on purpose into one message on stderr."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except C360Error as error:
            typer.echo(f"c360: {error}", err=True)
            raise typer.Exit(USAGE_ERROR) from error


app = typer.Typer(
    cls=_Door,
    help="Customer 360 on Dagster and DuckDB: run it, look at it, ask it.",
    epilog="Settings are environment variables (C360_*), see .env.example; rules are in c360.toml.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

app.add_typer(merge_app, name="merge")
app.add_typer(crm_app, name="crm")
app.add_typer(ui_app, name="ui")

Json = Annotated[bool, typer.Option("--json", help="Write JSON, and nothing else, to stdout.")]


def main() -> None:
    """Run the command that the arguments name."""
    app(prog_name="c360")


def _version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"c360 {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    """Customer 360 on Dagster and DuckDB: run it, look at it, ask it."""


@app.command()
def demo(
    scale: Annotated[
        int, typer.Option(min=1, help="How many times 5,781 users and 120,307 events.")
    ] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, other people.")] = 360,
    write_only: Annotated[
        bool, typer.Option("--write-only", help="Write the raw data, and run nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write the demo data (once), build every table from it, and show what came out."""
    import time

    from c360_assets.cli_support import running
    from c360_assets.settings import Settings

    started = time.perf_counter()
    out = _output(as_json)
    given = Settings.load()
    for note in running.demo_notes(given):
        out.note(note)
    settings = running.demo_settings(given)
    data = running.write_demo_data(out, settings, scale, seed)
    if write_only:
        out.json({"demo": vars(data)})
        out.say(f"The demo data are in {data.folder}.")
        return
    report = running.run_pipeline(out, settings, None, None)
    running.show_demo(out, settings, data, report, time.perf_counter() - started)
    raise typer.Exit(report.exit_code)


@app.command()
def run(
    select: Annotated[
        str | None,
        typer.Option(
            metavar="SELECTION",
            help="Dagster's selection syntax: `contacts`, `+contacts`, `contacts+`, `group:marts`, "
            "several by `,` or `or`. Default: everything.",
        ),
    ] = None,
    partition: Annotated[
        str | None,
        typer.Option(
            metavar="DAY|FIRST..LAST",
            help="Days of events to roll up. Default: all of them for everything; for a selection "
            "those that are missing, else the newest complete day. Days whose files changed are "
            "mended in any case.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Build tables, with all their checks; the run is in Dagster's history like any other."""
    from c360_assets.cli_support.report import show_run
    from c360_assets.cli_support.running import run_pipeline
    from c360_assets.settings import Settings

    out = _output(as_json)
    report = run_pipeline(out, Settings.load(), select, partition)
    out.json(report.document())
    out.table(
        "Steps",
        ("asset", "status", "rows", "seconds"),
        [
            (s.asset, s.status, s.rows, "" if s.seconds is None else f"{s.seconds:.2f}")
            for s in report.steps.values()
        ],
    )
    show_run(out, report)
    raise typer.Exit(report.exit_code)


@app.command()
def status(as_json: Json = False) -> None:
    """Say what is there, how old it is and what needs attention."""
    from c360_assets.cli_support import status as found
    from c360_assets.settings import Settings

    now = datetime.now(UTC).replace(tzinfo=None)
    document = found.status(Settings.load(), now)
    found.show(_output(as_json), document, now)
    raise typer.Exit(found.exit_code(document))


@app.command()
def explain(
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="In any spelling, old or new.")],
    other: Annotated[
        str | None,
        typer.Argument(
            metavar="OTHER",
            help="A second address (or two company domains): what joins the two, or parts them.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Say who has an address: contact, accounts, company, and the decisions that made it so."""
    from c360_assets.cli_support import explain as found
    from c360_assets.cli_support import explain_pair
    from c360_assets.settings import Settings

    if other is not None:
        both = explain_pair.explain_pair(Settings.load(), email, other)
        explain_pair.show(_output(as_json), both)
        raise typer.Exit(explain_pair.exit_code(both))
    explanation = found.explain(Settings.load(), email)
    found.show(_output(as_json), explanation)
    raise typer.Exit(explanation.exit_code)


@app.command()
def forget(
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="Any address of the person.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before erasing.")] = False,
    by: Annotated[str | None, typer.Option(help="Who decided so, for the receipt.")] = None,
    lift: Annotated[
        bool, typer.Option("--lift", help="Let an erased address come in again.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Erase a person: from every table and copy, from the CRMs, and for good."""
    from c360_assets.cli_support import forget as found
    from c360_assets.settings import Settings

    out, settings = _output(as_json), Settings.load()
    if lift:
        found.lift(out, settings, email)
        return
    if not yes:
        typer.confirm(
            f"Erase {email} from every table, copy and CRM? This cannot be taken back",
            abort=True,
            err=True,
        )
    now = datetime.now(UTC).replace(tzinfo=None)
    done = found.forget(out, settings, email, by, now)
    raise typer.Exit(1 if done.problems else 0)


@app.command()
def attributes(
    word: Annotated[
        str | None,
        typer.Argument(metavar="WORD", help="Only those with this in name or description."),
    ] = None,
    as_json: Json = False,
) -> None:
    """List the attributes of customer profiles: those of c360, and those of c360.toml."""
    from c360_assets.cli_support import attributes as found
    from c360_assets.settings import Settings

    found.show(_output(as_json), found.attributes(Settings.load(), word))


@app.command("check-source")
def check_source(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="FOLDER", help="Default: C360_SOURCE, with C360_MERGES."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Hold a folder of raw tables against the contract; nothing runs and nothing is written."""
    from c360_assets.cli_support import check_source as found
    from c360_assets.settings import Settings

    settings = Settings.load()
    source = folder.expanduser().resolve() if folder else settings.source_dir
    merges = source if folder else settings.merges_dir
    report = found.check_source(source, merges, settings.rules)
    found.show(_output(as_json), report)
    raise typer.Exit(report.exit_code)


@app.command()
def docs(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 where a page differs.")
    ] = False,
    folder: Annotated[Path, typer.Option(help="Where the pages are.")] = Path("docs/tables"),
    as_json: Json = False,
) -> None:
    """Write the pages of the tables from the contract."""
    from c360_assets.cli_support import docs_pages

    out = _output(as_json)
    changed = docs_pages.differences(folder) if check else docs_pages.write_pages(folder)
    out.json({"folder": folder, "differ" if check else "written": changed})
    if check and changed:
        out.say(f"These pages of {folder} differ from the contract: {', '.join(changed)}.")
        out.say("Run `c360 docs`, and commit what it writes.")
    elif check:
        out.say(f"The pages of {folder} are those of the contract.")
    else:
        out.say(f"Wrote {', '.join(changed)} in {folder}." if changed else "Nothing has changed.")
    raise typer.Exit(1 if check and changed else 0)


def _output(as_json: bool) -> Output:
    from c360_assets.cli_support.output import Output

    return Output(as_json)


if __name__ == "__main__":
    main()
