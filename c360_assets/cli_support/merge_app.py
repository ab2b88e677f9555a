"""The options of `c360 merge …`. Imports are inside the commands, so that each starts fast."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from c360_assets.resolution.decisions import Pair

merge_app = typer.Typer(
    help="Decide who is one person (or one company): suggestions, decisions, their consequences.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)

Json = Annotated[bool, typer.Option("--json", help="Write JSON, and nothing else, to stdout.")]
Old = Annotated[str, typer.Argument(metavar="OLD", help="Address or company domain.")]
New = Annotated[str, typer.Argument(metavar="NEW", help="Another of the same kind.")]
By = Annotated[
    str | None, typer.Option(help="Who decides. Default: C360_USER, else who is logged in.")
]
Reason = Annotated[str, typer.Option(help="Why; needed for shared mailboxes and large clusters.")]


class KindOption(StrEnum):
    """What a suggestion is about."""

    USER = "user"
    DOMAIN = "domain"


class DecisionOption(StrEnum):
    """What may be decided about a pair."""

    MERGE = "merge"
    NEVER = "never"
    UNDO = "undo"


@merge_app.command()
def suggest(
    kind: Annotated[KindOption | None, typer.Option(help="Only people, or only companies.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 20,
    as_json: Json = False,
) -> None:
    """List pairs that may be one, those most worth a look first."""
    from c360_assets.cli_support import merging
    from c360_assets.cli_support.output import Output
    from c360_assets.settings import Settings

    out = Output(as_json)
    found = merging.suggestions(Settings.load(), kind.value if kind else None, limit)
    out.json({"suggestions": found})
    merging.show_suggestions(out, found)


@merge_app.command()
def approve(old: Old, new: New, by: By = None, reason: Reason = "", as_json: Json = False) -> None:
    """Merge two: as suggested where they are a suggestion, else OLD into NEW."""
    from c360_assets.cli_support import merging
    from c360_assets.resolution.decisions import pair_of
    from c360_assets.settings import Settings

    settings, pair = Settings.load(), pair_of(old, new)
    _decide(merging.suggested_direction(settings, pair) or pair, "merge", by, reason, as_json)


@merge_app.command()
def reject(
    old: Old, new: New, by: By = None, reason: Reason = "suggestion rejected", as_json: Json = False
) -> None:
    """Say no to a suggestion: it never comes back, and the two are never merged."""
    from c360_assets.cli_support import merging
    from c360_assets.resolution.decisions import pair_of
    from c360_assets.settings import Settings

    pair = pair_of(old, new)
    merging.require_suggested(Settings.load(), pair)
    _decide(pair, "never", by, reason, as_json)


@merge_app.command()
def never(old: Old, new: New, by: By = None, reason: Reason = "", as_json: Json = False) -> None:
    """Keep two apart for good, by whatever path they might be joined."""
    from c360_assets.resolution.decisions import pair_of

    _decide(pair_of(old, new), "never", by, reason, as_json)


@merge_app.command()
def undo(old: Old, new: New, by: By = None, reason: Reason = "", as_json: Json = False) -> None:
    """Take back what was decided on two: their merge, or that they are never merged."""
    from c360_assets.cli_support import merging
    from c360_assets.resolution.decisions import pair_of
    from c360_assets.settings import Settings

    pair = pair_of(old, new)
    merging.require_decided(Settings.load(), pair)
    _decide(pair, "undo", by, reason, as_json)


@merge_app.command()
def plan(
    what: Annotated[list[str], typer.Argument(metavar="FILE | OLD NEW", help="What to try.")],
    decision: Annotated[DecisionOption, typer.Option(help="For a pair.")] = DecisionOption.MERGE,
    as_json: Json = False,
) -> None:
    """Show what a merge file, or a decision on two, would change; nothing is written."""
    from c360_assets.cli_support import merging
    from c360_assets.cli_support.output import Output
    from c360_assets.settings import Settings

    out = Output(as_json)
    found = merging.planned(Settings.load(), what, decision.value)
    out.json(merging.document(found))
    merging.show_plan(out, found)
    raise typer.Exit(1 if found.refused else 0)


@merge_app.command()
def log(
    key: Annotated[
        str | None, typer.Argument(metavar="KEY", help="Only about this address or domain.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 50,
    as_json: Json = False,
) -> None:
    """List decisions with what became of them, newest first."""
    from c360_assets.cli_support import merging
    from c360_assets.cli_support.output import Output
    from c360_assets.identity.addresses import normalise_domain, normalise_email
    from c360_assets.settings import Settings

    out, settings = Output(as_json), Settings.load()
    normal = key and (normalise_email(key) or normalise_domain(key) or key)
    found = merging.log(settings, normal, limit)
    unread = merging.unread_files(settings)
    out.json({"decisions": found, "files_not_run": unread})
    merging.show_log(out, found, unread)


def _decide(pair: Pair, decision: str, by: str | None, reason: str, as_json: bool) -> None:
    from c360_assets.cli_support import merging
    from c360_assets.cli_support.output import Output
    from c360_assets.settings import Settings

    settings = Settings.load()
    out = Output(as_json)
    is_done = merging.decide(settings, pair, decision, merging.author(settings, by), reason, out)
    raise typer.Exit(0 if is_done else 1)
