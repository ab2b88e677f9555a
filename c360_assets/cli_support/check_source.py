"""`c360 check-source`: a source folder held against the contract before anything runs.

The pipeline's own code lands and judges it, in a DuckDB and a folder that are thrown away;
C360_HOME is never written. Where the pipeline would stop at a problem, this notes it and goes on.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from c360_assets import contracts
from c360_assets.cli_support.output import Output
from c360_assets.cli_support.selection import nearest
from c360_assets.contracts import Table
from c360_assets.contracts.bookkeeping import EMPTY_CATALOG
from c360_assets.errors import MergeFileError, SourceError
from c360_assets.identity.addresses import normalise_email, plain_email_predicate
from c360_assets.identity.fold import FoldRules
from c360_assets.identity.journal import fold_journal
from c360_assets.identity.merge_files import read_merge_files
from c360_assets.settings import Rules
from c360_assets.sources.address_forms import learn_addresses
from c360_assets.sources.folder import FORMATS, MAPPING_FILE, SourceFolder, format_of
from c360_assets.sources.judging import judge
from c360_assets.sources.landing import Landed, land
from c360_assets.warehouse.queries import query
from c360_assets.warehouse.session import SAFE_CONFIG, SESSION, fetch_dicts

SAMPLES_PER_REASON = 2
OTHER_FORMATS = (
    ".xlsx",
    ".xls",
    ".tsv",
    ".txt",
    ".json",
    ".ndjson",
    ".csv.bz2",
    ".csv.zst",
    ".zip",
)
DEMO_TRUTH = "truth"  # the demo's answers, which are no table


@dataclass(frozen=True)
class Finding:
    """One problem. `level` is `error` (it will not run so) or `warning` (it runs, less well)."""

    level: str
    subject: str
    message: str


@dataclass
class TableReport:
    """One raw table: rows read, and those that staging would set apart."""

    table: str
    files: int
    rows_read: int
    rejected: int = 0
    duplicates: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    samples: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class SourceReport:
    """Everything that was found out about a source folder."""

    folder: Path
    merges: Path
    findings: list[Finding] = field(default_factory=list)
    tables: list[TableReport] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """1 where there is an error, 0 where there are warnings at most."""
        return 1 if any(finding.level == "error" for finding in self.findings) else 0

    def error(self, subject: str, message: str) -> None:
        """Note what the pipeline cannot run with."""
        self.findings.append(Finding("error", subject, message))

    def warn(self, subject: str, message: str) -> None:
        """Note what the pipeline runs with, less well."""
        self.findings.append(Finding("warning", subject, message))


def check_source(source: Path, merges: Path, rules: Rules) -> SourceReport:
    """Hold a folder against the contract; every problem is in the report, none is raised."""
    report = SourceReport(source, merges)
    emails = None
    try:
        folder = SourceFolder(source)
    except SourceError as error:
        report.error(MAPPING_FILE if source.is_dir() else str(source), str(error))
    else:
        _find_strangers(report, folder)
        emails = _check_tables(report, folder)
    if merges.is_dir() or source.is_dir():
        _check_merges(report, merges, emails, rules)
    return report


def _find_strangers(report: SourceReport, folder: SourceFolder) -> None:
    """Warn of entries that no table reads and that look as if one should."""
    used = {MAPPING_FILE, DEMO_TRUTH}
    for table in contracts.RAW_TABLES:
        mapped = folder.mapping(table.name).file
        used |= {table.name, *(f"{table.name}{ending}" for ending in FORMATS)}
        used |= {Path(mapped).parts[0]} if mapped else set()
    known = [table.name for table in (*contracts.RAW_TABLES, *contracts.MERGE_TABLES)]
    for entry in sorted(folder.path.iterdir()):
        name = entry.name
        is_merge_file = name.startswith(("merged_user", "merged_company_domain"))
        if name in used or name.startswith((".", "_")) or (is_merge_file and name.endswith(".csv")):
            continue
        near = nearest(_stem(name), known)
        if _looks_like_data(entry) or (near and name.lower().endswith(OTHER_FORMATS)):
            report.warn(name, f"no table reads it; {_remedy(_stem(name), near)}")


def _remedy(stem: str, near: list[str]) -> str:
    endings = ", ".join(FORMATS)
    if stem in near:
        return f"save {stem} in one of the formats that are read: {endings}"
    mapped = f"or map a table to it in {MAPPING_FILE}"
    if near:
        return f"did you mean {near[0]}? Name it so, {mapped}"
    return f"name it after its table ({endings}), {mapped}, if it should be read"


def _stem(name: str) -> str:
    return name.lower().split(".")[0]


def _looks_like_data(entry: Path) -> bool:
    if entry.is_dir():
        return any(format_of(each) for each in entry.rglob("*") if each.is_file())
    return format_of(entry) is not None


def _check_tables(report: SourceReport, folder: SourceFolder) -> Any:
    """Land and judge every raw table; returns the staged addresses, None where there are none."""
    with (
        tempfile.TemporaryDirectory(prefix="c360-check-") as scratch,
        duckdb.connect(config=SAFE_CONFIG) as connection,
    ):
        connection.execute(f"{SESSION}; {EMPTY_CATALOG} set temp_directory = '{scratch}/spill'")
        landed = {
            table.name: found
            for table in contracts.RAW_TABLES
            if (found := _land(report, connection, folder, table, Path(scratch))) is not None
        }
        has_users = "raw_user" in landed
        for table in contracts.RAW_TABLES:  # the users first: others refer to them
            if table.name not in landed:
                continue
            needs_users = any(r.to_table == "stg_users" for r in table.references)
            if needs_users and not has_users:
                if landed[table.name].files:
                    report.warn(table.name, "its rows were not judged, since raw_user is not read")
                continue
            _judge(report, connection, folder, table, landed[table.name])
        if not has_users:
            return None
        return connection.execute("select distinct email from staging.stg_users").df()["email"]


def _land(
    report: SourceReport,
    connection: duckdb.DuckDBPyConnection,
    folder: SourceFolder,
    table: Table,
    scratch: Path,
) -> Landed | None:
    """Read the table's files; where that fails, each by itself, so that every problem is told."""
    try:
        landed = land(connection, folder, table, scratch)
    except (SourceError, duckdb.Error) as error:
        problems = list(_problems_by_file(connection, folder, table, scratch))
        for problem in dict.fromkeys(problems or [str(error)]):
            report.error(table.name, problem)
        return None
    for problem in landed.unreadable:
        report.error(table.name, problem)
    return landed


def _problems_by_file(
    connection: duckdb.DuckDBPyConnection, folder: SourceFolder, table: Table, scratch: Path
) -> Iterator[str]:
    try:
        files = folder.files(table.name)
    except SourceError:
        return
    for file in files:
        try:
            land(connection, folder, table, scratch, only=[file.name])
        except (SourceError, duckdb.Error) as error:
            yield str(error)


def _judge(
    report: SourceReport,
    connection: duckdb.DuckDBPyConnection,
    folder: SourceFolder,
    table: Table,
    landed: Landed,
) -> None:
    """Judge the rows as staging does; the users are staged, too, since others refer to them."""
    now = datetime.now(UTC).replace(tzinfo=None)
    try:
        learn_addresses(connection, table, plain_email_predicate, normalise_email)
        verdicts = judge(connection, folder, table, "check-source", now, plain_email_predicate)
        if table.name == "raw_user":
            users = query("staging.stg_users").text
            connection.execute(f"create or replace table staging.stg_users as {users}")
    except (SourceError, duckdb.Error) as error:
        report.error(table.name, f"its rows cannot be read: {error}")
        return
    report.tables.append(
        TableReport(
            table.name,
            landed.files,
            verdicts.rows_read,
            verdicts.rejected,
            verdicts.duplicates,
            verdicts.reasons,
            _samples(connection, table.name),
        )
    )
    for reason, count in verdicts.reasons.items():
        rows = "row" if count == 1 else "rows"
        report.warn(table.name, f"{count:,} {rows} would be rejected: {reason}")


def _samples(connection: duckdb.DuckDBPyConnection, table: str) -> list[dict[str, Any]]:
    return fetch_dicts(
        connection,
        """
        select reason, source_file, source_row, row_json
        from ops.rejected_rows
        where source_table = ?
        qualify row_number() over (partition by reason order by source_file, source_row) <= ?
        order by reason, source_file, source_row
        """,
        [table, SAMPLES_PER_REASON],
    )


def _check_merges(report: SourceReport, folder: Path, emails: Any, rules: Rules) -> None:
    """Read the merge files, and fold them where the users are known."""
    try:
        merges = read_merge_files(folder)
    except MergeFileError as error:
        report.error(str(folder), str(error))
        return
    for file in merges.unreadable:
        report.error(file.name, file.reason)
    if emails is None:
        return
    journal = fold_journal(
        merges.user_rows,
        merges.domain_rows,
        known_emails=emails,
        rules=FoldRules.of(rules, merges.domain_rows),
    )
    for row in journal[journal["outcome"].isin(["refused", "pending"])].itertuples():
        subject = f"{row.source_file}, row {row.source_row}"
        report.warn(subject, f"{row.outcome} ({row.outcome_reason}): {row.explanation}")


def document(report: SourceReport) -> dict[str, Any]:
    """The report for machines."""
    return {
        "folder": report.folder,
        "merges": report.merges,
        "ok": report.exit_code == 0,
        "findings": [vars(finding) for finding in report.findings],
        "tables": [vars(table) for table in report.tables],
    }


def show(out: Output, report: SourceReport) -> None:
    """The report for people."""
    out.json(document(report))
    out.table(
        f"Raw tables of {report.folder}",
        ("table", "files", "rows", "rejected", "repeated"),
        [
            (t.table, t.files, t.rows_read, t.rejected, t.duplicates)
            for t in report.tables
            if t.files
        ],
    )
    out.table(
        "Rows that would be rejected (samples)",
        ("table", "reason", "file", "row", "as read"),
        [
            (t.table, s["reason"], s["source_file"], s["source_row"], s["row_json"])
            for t in report.tables
            for s in t.samples
        ],
    )
    for level, title in (("error", "Errors"), ("warning", "Warnings")):
        found = [(f.subject, f.message) for f in report.findings if f.level == level]
        out.table(title, ("where", "what"), found)
    missing = [t.table for t in report.tables if not t.files]
    if missing:
        out.say(f"Optional tables that are not there: {', '.join(missing)}")
    errors = sum(finding.level == "error" for finding in report.findings)
    warnings = len(report.findings) - errors
    verdict = "[red]cannot run as it is[/]" if errors else "[green]can run[/]"
    out.say(f"{report.folder} {verdict}: {errors} errors, {warnings} warnings")
