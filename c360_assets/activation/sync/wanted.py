"""What the CRM should hold: a payload per record, made by the engine from the published copy.

Rows do not travel through Python: for each object there is a temporary table of (key, unique,
payload, hash), and only rows that differ are fetched from it. A payload is canonical JSON: fields
in the order of their names, times ISO 8601 in UTC, decimals as numbers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import duckdb

from c360_assets.activation.objects import CrmObject
from c360_assets.activation.sync.model import Row
from c360_assets.activation.tabular import identifier, literal
from c360_assets.crm_rules import FieldRules, ObjectRules
from c360_assets.errors import ConfigError

SUPPRESSED = "crm_suppressed"
_TYPES = {"text": "varchar", "number": "double", "boolean": "boolean", "date": "date"}


# other addresses are their normal form, once they are trimmed and in small letters
_PLAIN = "[a-z0-9._+@-]*"


class OptOuts(tuple[str, ...]):
    """Names of files of who opted out, and what gives their addresses staging's spelling."""

    normalise: Callable[[str], str | None]

    @classmethod
    def of(cls, files: Iterable[str], normalise: Callable[[str], str | None]) -> OptOuts:
        """The files, with a function of the caller."""
        made = cls(files)
        made.normalise = normalise
        return made


def load_suppression(
    connection: duckdb.DuckDBPyConnection, files: Sequence[str], folder: Path
) -> int:
    """Make `crm_suppressed`, the addresses of all files, as staged addresses are written.

    With `OptOuts` that holds for every spelling; otherwise for plain ones.
    Raises ConfigError where a file is missing or has no column `email`.
    """
    connection.execute(f"create or replace temp table {SUPPRESSED} (email varchar)")
    for name in files:
        path = folder / name
        if not path.is_file():
            raise ConfigError(
                f"crm.suppression names {name!r}, and there is no {path}; nothing is sent while it "
                "is not known who opted out. Put the file there, or take its name out"
            )
        try:
            connection.execute(
                f"insert into {SUPPRESSED} select distinct lower(trim(email))"
                " from read_csv(?, header = true, all_varchar = true) where email is not null",
                [str(path)],
            )
        except duckdb.Error as error:
            raise ConfigError(
                f"crm.suppression: {path} cannot be read ({str(error).splitlines()[0]}); write a "
                "CSV file with a column `email`"
            ) from error
    if isinstance(files, OptOuts):
        odd = connection.execute(
            f"select distinct email from {SUPPRESSED}"
            f" where not regexp_full_match(email, '{_PLAIN}') or email like '%.'"
        ).fetchall()
        connection.execute(
            f"insert into {SUPPRESSED} select unnest(?::varchar[])",
            [[normal for (each,) in odd if (normal := files.normalise(each))]],
        )
    rows = connection.execute(f"select count(*) from {SUPPRESSED}").fetchall()
    return int(rows[0][0])


def suppressed_contacts(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Addresses of who opted out, and their contact ids; comes after `load_suppression`."""
    rows = connection.execute(
        f"select email from {SUPPRESSED} union select s.contact_id from marts.contacts as s"
        f" where not {_NOT_SUPPRESSED}"
    ).fetchall()
    return {value for (value,) in rows}


def make_wanted(
    connection: duckdb.DuckDBPyConnection, crm_object: CrmObject, rules: ObjectRules, key: str
) -> int:
    """Make the temporary table `wanted_<object>`; returns its number of rows.

    Rows without a unique text are left out: nothing in the CRM could be told to be them.

    Raises:
        ConfigError: the mapping names a column that the object does not have.
    """
    source = f"({crm_object.select})"
    # the engine gives a column the case that it has in the table, not that of its alias
    columns = {row[0].lower() for row in connection.execute(f"describe {source}").fetchall()}
    _require_columns(crm_object.name, rules, columns)
    members = ", ".join(
        f"{literal(name)}, {_value(field)}" for name, field in sorted(rules.fields.items())
    )
    unique = identifier(rules.fields[rules.unique].column)
    name = f"wanted_{crm_object.name}"
    connection.execute(
        f"""
        create or replace temp table {name} as
        select
            key,
            unique_text,
            cast(payload as varchar) as payload,
            md5(cast(payload as varchar)) as hash
        from (
            select
                cast(s.{identifier(key)} as varchar) as key,
                cast(s.{unique} as varchar) as unique_text,
                json_object({members}) as payload
            from {source} as s
            where s.{unique} is not null{_filters(rules, columns)}
        ) as records
        """
    )
    return int(connection.execute(f"select count(*) from {name}").fetchall()[0][0])


def without_suppressed(crm_object: CrmObject) -> CrmObject:
    """The object without people who opted out under any address; comes after `load_suppression`."""
    if crm_object.name != "contacts":
        return crm_object
    return replace(
        crm_object,
        select=f"""
        select s.* from ({crm_object.select}) as s
        where not exists (
            select 1 from identity.user_identity as i
            inner join {SUPPRESSED} as x on x.email = i.email
            where i.contact_user_id = s.user_id
        )
        """,
    )


# whoever opted out under any of their addresses is sent under none
_NOT_SUPPRESSED = (
    f"not exists (select 1 from {SUPPRESSED} as x where x.email = s.email"
    " or list_contains(s.merged_emails, x.email))"
)


def _filters(rules: ObjectRules, columns: set[str]) -> str:
    """The conditions of the mapping, and that nobody who opted out is among them."""
    conditions = [_filter(column, allowed) for column, allowed in rules.where.items()]
    if {"email", "merged_emails"} <= columns:
        conditions.append(_NOT_SUPPRESSED)
    return "".join(f" and {condition}" for condition in conditions)


def _filter(column: str, allowed: Iterable[object]) -> str:
    texts = ", ".join(literal(str(value).lower()) for value in allowed)
    return f"lower(cast(s.{identifier(column)} as varchar)) in ({texts})"


def _value(field: FieldRules) -> str:
    column = f"s.{identifier(field.column)}"
    if field.type == "datetime":
        return f"strftime(cast({column} as timestamp), '%Y-%m-%dT%H:%M:%SZ')"
    return f"cast({column} as {_TYPES[field.type]})"


def _require_columns(name: str, rules: ObjectRules, columns: set[str]) -> None:
    wanted = {field.column for field in rules.fields.values()} | set(rules.where)
    if missing := sorted(name for name in wanted if name.lower() not in columns):
        raise ConfigError(
            f"crm: {name} has no column {', '.join(missing)}; "
            f"there are {', '.join(sorted(columns))}"
        )
    if rules.unique not in rules.fields:
        raise ConfigError(
            f"crm: {name}: unique is {rules.unique!r}, which is none of its fields "
            f"({', '.join(rules.fields)}); map it, or name another"
        )


def rows_of(
    connection: duckdb.DuckDBPyConnection, object_: str, keys: Sequence[str]
) -> dict[str, tuple[Row, str]]:
    """The wanted rows of these keys, each with its hash."""
    connection.execute("create or replace temp table crm_asked (key varchar)")
    connection.execute("insert into crm_asked select unnest(?::varchar[])", [list(keys)])
    found = connection.execute(
        f"select w.key, w.unique_text, w.payload, w.hash from wanted_{object_} as w"
        " inner join crm_asked as a on a.key = w.key"
    ).fetchall()
    return {
        key: (Row(key, json.loads(payload), unique), hash_) for key, unique, payload, hash_ in found
    }
