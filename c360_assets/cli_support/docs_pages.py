"""The pages of the tables, written from the contract and the SQL: `docs/tables/`.

One page per layer and an index. Nothing in them is written by hand.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from c360_assets import contracts
from c360_assets.contracts import Column, Table
from c360_assets.warehouse.queries import all_queries

INDEX = "README.md"
GENERATED = "<!-- Written by `c360 docs` from the contract; change that, not this. -->"
LAYERS = {
    "raw": "What goes in: the tables of the source, as typed views over its files.",
    "staging": "Raw rows that keep the contract, typed and cleaned; the others are in "
    "`ops.rejected_rows`.",
    "identity": "Who is who: the journal of merge decisions and what follows from it.",
    "marts": "What salespeople, support and management look at.",
    "crm": "What leaves for the CRM.",
    "main": "The views of Optimove's guide, by the names that it prints.",
    "ops": "How the pipeline is doing.",
}


def pages() -> dict[str, str]:
    """Every page by its file name."""
    layers = dict.fromkeys(table.layer for table in contracts.ALL_TABLES)
    by_layer: dict[str, list[Table]] = {
        layer: [table for table in contracts.ALL_TABLES if table.layer == layer] for layer in layers
    }
    found = {f"{layer}.md": _layer_page(layer, tables) for layer, tables in by_layer.items()}
    return {INDEX: _index_page(by_layer), **found}


def write_pages(folder: Path) -> list[str]:
    """Write the pages that differ and remove those of layers that are gone; returns the names."""
    folder.mkdir(parents=True, exist_ok=True)
    changed = differences(folder)
    written = pages()
    for name in changed:
        if name in written:
            (folder / name).write_text(written[name], encoding="utf-8")
        else:
            (folder / name).unlink()
    return changed


def differences(folder: Path) -> list[str]:
    """The names of the pages that are missing, differ from the contract, or have none."""
    wanted = pages()
    present = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.md")}
    stale = [n for n, text in present.items() if n not in wanted and text.startswith(GENERATED)]
    return sorted([*(n for n, text in wanted.items() if present.get(n) != text), *stale])


def _index_page(by_layer: dict[str, list[Table]]) -> str:
    lines = [GENERATED, "", "# Tables", ""]
    for layer, tables in by_layer.items():
        lines += [f"## [{layer}]({layer}.md)", "", LAYERS.get(layer, ""), ""]
        lines += ["| table | one row is |", "|---|---|"]
        lines += [f"| {_link(table)} | {_cell(table.grain)} |" for table in tables]
        lines.append("")
    return "\n".join(lines)


def _layer_page(layer: str, tables: list[Table]) -> str:
    lines = [GENERATED, "", f"# {layer}", "", LAYERS.get(layer, ""), ""]
    for table in tables:
        lines += _table_section(table)
    return "\n".join(lines)


def _table_section(table: Table) -> list[str]:
    return [
        f"## {table.qualified_name}",
        "",
        table.grain,
        "",
        *_facts(table),
        "",
        "| column | type | null | meaning |",
        "|---|---|---|---|",
        *(_column_line(table, column) for column in table.columns),
        "",
    ]


def _facts(table: Table) -> Iterable[str]:
    if table.key:
        yield f"- Key: {', '.join(f'`{name}`' for name in table.key)}"
    for reference in table.references:
        target = contracts.table(reference.to_table)
        yield f"- `{reference.column}` refers to {_link(target)}.`{reference.to_column}`"
    if table.layer == "raw" and table in contracts.RAW_TABLES:
        yield f"- {'Required' if table.is_required else 'Optional'} in a source"
    yield f"- Asset: `{table.asset}`; owner: {table.owner}"
    upstream = _upstream(table)
    if upstream:
        yield f"- Computed from: {', '.join(upstream)}"


def _upstream(table: Table) -> list[str]:
    query = all_queries().get(table.qualified_name)
    known = {each.qualified_name: each for each in contracts.ALL_TABLES}
    names = query.tables if query else ()
    # relations that live only within a transaction help nobody
    kept = [name for name in names if name in known or name.startswith("ops.")]
    return [_link(known[name]) if name in known else f"`{name}`" for name in kept]


def _column_line(table: Table, column: Column) -> str:
    meaning = column.description
    if column.accepted:
        meaning += f" (one of {', '.join(column.accepted)})"
    if column.is_non_negative:
        meaning += " (0 or more)"
    name = f"`{column.name}`" + (" (may be missing)" if column.is_optional else "")
    null = "yes" if column.is_nullable else "no"
    return f"| {name} | {column.type} | {null} | {_cell(meaning)} |"


def _link(table: Table) -> str:
    anchor = table.qualified_name.replace(".", "").lower()
    return f"[{table.qualified_name}]({table.layer}.md#{anchor})"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
