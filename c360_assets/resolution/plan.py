"""What decisions would change, before they exist: a dry run that writes nothing.

Belongs here: comparing the worlds before and after (`what_if`). Not here: showing it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from c360_assets.activation.objects import CRM_OBJECTS
from c360_assets.errors import MergeFileError
from c360_assets.identity.merge_files import read_merge_file, read_merge_files
from c360_assets.resolution.decisions import Decision, file_name, rows_of
from c360_assets.resolution.present import objection_to
from c360_assets.resolution.what_if import AFTER, BEFORE, MergeRows, two_worlds
from c360_assets.settings import Settings
from c360_assets.warehouse.session import fetch_dicts

# accounts whose person is another, and everybody who shares a person with one of them
_MOVED = f"""
    create or replace temp table moved as
    with pairs as (
        select b.user_id, b.contact_id as id_before, a.contact_id as id_after,
            b.contact_email <> a.contact_email or b.contact_id <> a.contact_id as is_other
        from {BEFORE}.identity.user_identity as b
        inner join {AFTER}.identity.user_identity as a on a.user_id = b.user_id
    ),
    touched as (select id_before, id_after from pairs where is_other)
    select user_id, id_before, id_after from pairs
    where id_before in (select id_before from touched)
        or id_after in (select id_after from touched)
"""
_PEOPLE = """
    select
        c.contact_id, c.email, c.user_name, c.corporate_email, c.gaggle_id, c.number_of_users,
        c.merged_emails, c.number_of_events, c.number_of_orders, c.sales_total, s.rfm_segment
    from {world}.marts.contacts as c
    left join {world}.marts.rfm_segments as s on s.user_id = c.user_id
    where c.contact_id in (select {id} from moved)
    order by c.created_at, c.user_id
"""
_OUTCOMES = f"""
    select a.kind, a.source_file, a.source_row, a.old_key, a.new_key, a.decision, a.outcome,
        a.outcome_reason, a.explanation, b.outcome as outcome_before,
        b.source_file is null as is_new
    from {AFTER}.identity.merge_journal as a
    left join {BEFORE}.identity.merge_journal as b
        on b.kind = a.kind and b.source_file = a.source_file and b.source_row = a.source_row
    where b.source_file is null or b.outcome <> a.outcome
    order by is_new desc, a.kind desc, a.source_file, a.source_row
"""
_COMPANIES = """
    select w.corporate_email, w.number_of_gaggles, w.number_of_users_corporate, w.won_deals,
        w.won_amount
    from {world}.marts.corporate_accounts as w
    left join {other}.marts.corporate_accounts as o on o.corporate_email = w.corporate_email
    where w is distinct from o
    order by w.corporate_email
"""
_OTHER_SEGMENTS = f"""
    select count(*) from {BEFORE}.marts.rfm_segments as b
    inner join {AFTER}.marts.rfm_segments as a on a.user_id = b.user_id
    where a.rfm_segment <> b.rfm_segment
        and b.user_id not in (select m.user_id from moved as m)
"""
_GAGGLES = f"""
    select count(*) from (
        select b.gaggle_id from {BEFORE}.marts.gaggle_facts as b
        inner join {AFTER}.marts.gaggle_facts as a on a.gaggle_id = b.gaggle_id
        where a <> b
    ) as changed
"""
_CRM = """
    select
        (select count(*) from {after} as a
         where not exists (select 1 from {before} as b where {same_key})) as added,
        (select count(*) from {before} as b
         where not exists (select 1 from {after} as a where {same_key})) as removed,
        (select count(*) from {after} as a inner join {before} as b on {same_key}
         where a is distinct from b) as changed
"""


@dataclass(frozen=True)
class Plan:
    """What would change. Everything is empty or 0 where nothing would.

    `decisions`: the new rows with their outcome, then the present rows whose outcome changes.
    `people_before`, `people_after`: the contacts concerned. `companies_before` and
    `companies_after`: company rows that differ. `accounts`: those of the contacts concerned.
    `crm`: per object, records added, changed, removed.
    """

    decisions: list[dict[str, Any]]
    people_before: list[dict[str, Any]]
    people_after: list[dict[str, Any]]
    companies_before: list[dict[str, Any]]
    companies_after: list[dict[str, Any]]
    accounts: int
    gaggles: int
    other_segments: int
    crm: dict[str, dict[str, int]]

    @property
    def refused(self) -> list[dict[str, Any]]:
        """The new rows that would not stand."""
        return [each for each in self.decisions if each["is_new"] and each["outcome"] == "refused"]

    @property
    def objection(self) -> str | None:
        """Why the new rows had better not be written; None where nothing speaks against them.

        A new row would not stand, or a decision that stands now would be refused because of it.
        """
        return objection_to(self.decisions)

    @cached_property
    def blast_radius(self) -> dict[str, Any]:
        """The size of the change in numbers and segments."""
        before, after = _segments(self.people_before), _segments(self.people_after)
        moves = {
            (before[email], after[email])
            for email in before.keys() & after.keys()
            if before[email] != after[email]
        }
        won = {each["corporate_email"]: each["won_amount"] for each in self.companies_before}
        return {
            "accounts": self.accounts,
            "people_before": len(self.people_before),
            "people_after": len(self.people_after),
            "gaggles": self.gaggles,
            "companies": len({*won, *(each["corporate_email"] for each in self.companies_after)}),
            "won_amount": sum(amount or 0 for amount in won.values()),
            "rfm_moves": sorted(f"{old or 'none'} -> {new or 'none'}" for old, new in moves),
            "rfm_moves_of_others": self.other_segments,
            "crm_records": sum(sum(counts.values()) for counts in self.crm.values()),
        }


def present_rows(settings: Settings) -> MergeRows:
    """What the folder of merge files says now, run or not.

    Raises:
        MergeFileError: the folder cannot be listed, or a file in it cannot be read, so that nobody
            can tell what it says.
    """
    files = read_merge_files(settings.merges_dir)
    if files.unreadable:
        first = files.unreadable[0]
        raise MergeFileError(f"merge file {first.name} cannot be read: {first.reason}")
    return MergeRows(files.user_rows, files.domain_rows)


def plan(settings: Settings, new: MergeRows) -> Plan:
    """Compare the world with the folder's decisions and with those and the `new` ones.

    New rows of a file that lies in the folder already are planned as if it did not.

    Raises:
        NothingPublishedError: there are no accounts to decide about yet.
        MergeFileError: the folder of merge files cannot be listed.
    """
    now = present_rows(settings).without(new)
    with two_worlds(settings, now, now.plus(new)) as connection:
        connection.execute(_MOVED)
        return Plan(
            decisions=fetch_dicts(connection, _OUTCOMES),
            people_before=fetch_dicts(connection, _PEOPLE.format(world=BEFORE, id="id_before")),
            people_after=fetch_dicts(connection, _PEOPLE.format(world=AFTER, id="id_after")),
            companies_before=fetch_dicts(connection, _COMPANIES.format(world=BEFORE, other=AFTER)),
            companies_after=fetch_dicts(connection, _COMPANIES.format(world=AFTER, other=BEFORE)),
            accounts=_number(connection, "select count(*) from moved"),
            gaggles=_number(connection, _GAGGLES),
            other_segments=_number(connection, _OTHER_SEGMENTS),
            crm=_crm_changes(connection),
        )


def rows_of_decision(settings: Settings, decision: Decision) -> MergeRows:
    """A decision that is in no file yet, under the name that its file would have."""
    name = file_name(decision, settings.merges_dir)
    return MergeRows(rows_of([decision], name, "user"), rows_of([decision], name, "domain"))


def rows_of_file(path: Path) -> MergeRows:
    """The rows of one merge file that lies anywhere, as if it were in the folder of merge files.

    Raises:
        MergeFileError: it is no readable merge file.
    """
    files = read_merge_file(path)
    return MergeRows(files.user_rows, files.domain_rows)


def _segments(people: list[dict[str, Any]]) -> dict[str, str | None]:
    """The segment of everybody, by each of their addresses."""
    return {
        email: person["rfm_segment"]
        for person in people
        for email in (person["email"], *person["merged_emails"])
    }


def _crm_changes(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, int]]:
    changes = {}
    for each in CRM_OBJECTS:
        same_key = " and ".join(f"a.{name} = b.{name}" for name in each.key)
        sql = _CRM.format(
            before=f"{BEFORE}.crm.{each.name}", after=f"{AFTER}.crm.{each.name}", same_key=same_key
        )
        changes[each.name] = fetch_dicts(connection, sql)[0]
    return changes


def _number(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    return int(connection.execute(sql).fetchall()[0][0])
