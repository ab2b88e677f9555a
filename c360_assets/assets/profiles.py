"""`customer_profiles`: daily profiles, partitioned by day, and the views over them."""

import hashlib
import json
from collections.abc import Sequence
from datetime import date
from typing import Any

import dagster as dg
import duckdb
import pandas as pd

from c360_assets import contracts
from c360_assets.assets.claims import Claim, check_specs, contract_claims, evaluate
from c360_assets.assets.events import days_of
from c360_assets.assets.own_attributes import (
    own_expressions_result,
    own_expressions_spec,
    told_of_own,
)
from c360_assets.assets.shell import Step, face, open_step, run_metadata
from c360_assets.attribute_rules import STATES
from c360_assets.contracts import Table
from c360_assets.customers import attribute_sql
from c360_assets.customers.attribute_fields import keep_own_fields, read_own_fields
from c360_assets.customers.attribute_sources import source_select
from c360_assets.customers.attributes import Attribute, Registry, build_registry
from c360_assets.settings import Settings
from c360_assets.sources.fact_days import narrowed
from c360_assets.warehouse import attribute_days, profile_archive, profile_store
from c360_assets.warehouse.duckdb import Warehouse
from c360_assets.warehouse.profile_changes import ProfileSql
from c360_assets.warehouse.queries import Query
from c360_assets.warehouse.tables import replace_rows, replace_view, require_contract, table_columns

PROFILES = contracts.table("customer_profiles")
HISTORY = contracts.table("customer_profile_history")
FIELDS = contracts.table("profile_fields")
DAYS = contracts.table("profile_days")
_SOURCES = (*STATES, *attribute_sql.ACCOUNT_SOURCES, *attribute_sql.CONTACT_SOURCES)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        "no_day_of_a_customer_is_stated_twice",
        "Of what is known today, the spans of a customer do not overlap and leave no gap.",
        """
        select * from (
            select client_customer_id, valid_from, valid_to, lead(valid_from) over (
                partition by client_customer_id order by valid_from
            ) as next_from
            from marts.customer_profile_history where known_until is null
        ) as spans
        where valid_to is distinct from next_from
        """,
    ),
    Claim(
        "every_contact_has_a_profile",
        "Every contact there was on the newest profiled day has a profile, and nobody else has.",
        """
        select coalesce(c.user_id, h.client_customer_id) as user_id
        from (
            select user_id from marts.contacts
            where cast(created_at as date) <= (select max(last_day) from ops.profile_span)
        ) as c
        full join (
            select client_customer_id from marts.customer_profile_history
            where known_until is null and valid_to is null
        ) as h on h.client_customer_id = c.user_id
        where c.user_id is null or h.client_customer_id is null
        """,
    ),
    Claim(
        "orders_of_profiles_are_conserved",
        "The newest profiles hold as many orders as there were by the end of their day.",
        """
        select * from (
            select
                (select coalesce(sum(ECOM_NUMBER_OF_ORDERS), 0)
                 from marts.customer_profile_history
                 where known_until is null and valid_to is null) as profiled,
                (select coalesce(sum(d.number_of_orders), 0) from staging.user_event_days as d
                 inner join identity.user_identity as i on i.user_id = d.user_id
                 inner join marts.customer_profile_history as h
                    on h.client_customer_id = i.contact_user_id
                    and h.known_until is null and h.valid_to is null
                 where d.event_date <= (select max(last_day) from ops.profile_span)
                ) as ordered
        ) as sums
        where profiled <> ordered
        """,
    ),
)


def registry_of(settings: Settings) -> Registry:
    """The attributes that these settings give, with their field numbers.

    Raises:
        ConfigError: an attribute of c360.toml cannot stand.
    """
    rules = settings.rules
    return build_registry(rules.attributes, rules.lifecycle, read_own_fields(settings.home_dir))


def build_profile_assets(
    settings: Settings, partitions: dg.DailyPartitionsDefinition
) -> list[dg.AssetsDefinition]:
    """`customer_profiles`, with the tables and views beside it."""
    claims = {PROFILES: CLAIMS} | {t: contract_claims(t) for t in (HISTORY, FIELDS, DAYS)}

    @dg.asset(  # type: ignore[untyped-decorator]
        **face(PROFILES, profile_deps()),
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        check_specs=[
            *(s for each in claims.values() for s in check_specs(PROFILES.asset, each)),
            own_expressions_spec(),
        ],
    )
    def customer_profiles(
        context: dg.AssetExecutionContext, warehouse: Warehouse
    ) -> dg.MaterializeResult:  # type: ignore[type-arg]
        days = days_of(context, partitions)
        with open_step(settings, warehouse, context.run.run_id) as work:
            metadata = make_profiles(work, days)
            results = [
                r for table, each in claims.items() for r in evaluate(work.connection, table, each)
            ]
            results.append(own_expressions_result(work.connection, registry_of(settings)))
        return dg.MaterializeResult(metadata=metadata, check_results=results)

    return [customer_profiles]


def profile_deps() -> list[str]:
    """The assets that the sources of attributes read.

    Without `user_event_days`, which comes before `contacts` in any case: Dagster refuses a run
    without a partition of an asset with partitions that depends on another one.
    """
    assets = {t.qualified_name: t.asset for t in contracts.ALL_TABLES if t.layer != "ops"}
    read = {
        name
        for source in _SOURCES
        for name in Query(source, "customers", source_select(source)).tables
    }
    named = {"contacts", "user_identity", *(assets[name] for name in read if name in assets)}
    return sorted(named - {"user_event_days"})


def make_profiles(step: Step, days: Sequence[date]) -> dict[str, Any]:
    """State the profiles of these days, and of earlier ones what has changed; gives metadata."""
    connection = step.connection
    known = read_own_fields(step.settings.home_dir)
    registry = registry_of(step.settings)
    sql = compile_registry(registry)
    archive = step.settings.home_dir / profile_archive.FOLDER
    new_columns = profile_store.prepare(connection, sql) | _redefined(connection, registry)
    replayed, without_values = profile_archive.catch_up(connection, archive)
    with told_of_own(registry):
        counted = _count_facts(step, registry)
        version = _version(sql)
        is_anew = attribute_days.is_new_version(connection, "profiles", version)
        done = profile_store.state_profiles(
            connection,
            sql,
            days,
            clock_day(connection),
            step.at,
            is_anew,
            new_columns | without_values,
            lambda: profile_archive.write_batch(connection, archive, step.at, step.run_id),
        )
    if done.span is not None:
        attribute_days.remember_version(connection, "profiles", version)
    _make_views(connection, registry)
    keep_own_fields(step.settings.home_dir, registry, known)
    return {
        **run_metadata(PROFILES, _newest_rows(connection), step.settings),
        "attributes": len(registry.attributes),
        "days_counted": len(counted),
        "rows_added": done.rows_added,
        "rows_superseded": done.rows_superseded,
        "contacts_worked_out_from_the_first_day": done.contacts_restated,
        "batches_replayed": replayed,
    }


def _redefined(connection: duckdb.DuckDBPyConnection, registry: Registry) -> set[str]:
    """The columns of the contact that the newest run worked out from something else."""
    if not table_columns(connection, FIELDS):
        return set()
    known = dict(
        connection.execute(
            f"select name, definition from {FIELDS.qualified_name} where source = 'contacts'"
        ).fetchall()
    )
    of_contacts = registry.states("contacts")
    return {a.name for a in of_contacts if known.get(a.name, "") != definition(a)}


def compile_registry(registry: Registry) -> ProfileSql:
    """The SQL of the registry, for the store."""
    return ProfileSql(
        columns=attribute_sql.history_columns(registry),
        measures=[measure.name for measure in registry.measures],
        values_at=attribute_sql.values_at(registry),
        stated=attribute_sql.stated(registry),
        states={source: attribute_sql.states_select(registry, source) for source in STATES},
        state_columns={source: [a.name for a in registry.states(source)] for source in STATES},
        offsets=attribute_sql.change_offsets(registry),
    )


def _count_facts(step: Step, registry: Registry) -> list[date]:
    """`contact_days`: what every contact did on which day."""
    account_facts = attribute_sql.facts_by_day(registry, attribute_sql.ACCOUNT_SOURCES)
    counted = attribute_days.count_days(
        step.connection,
        account_facts,
        hashlib.sha256(account_facts.encode()).hexdigest(),
        lambda days: narrowed(step.connection, step.folder, days),
    )
    others = attribute_sql.facts_by_day(registry, attribute_sql.CONTACT_SOURCES)
    attribute_days.other_days(step.connection, others)
    select = attribute_sql.contact_days(registry, attribute_days.TABLE, "other_days")
    step.connection.execute(f"create or replace temp table contact_days as {select}")
    return counted


def _version(sql: ProfileSql) -> str:
    """Changes where any stored value may."""
    text = json.dumps([sql.columns, sql.values_at, sql.stated, dict(sql.states)])
    return hashlib.sha256(text.encode()).hexdigest()


def clock_day(connection: duckdb.DuckDBPyConnection) -> date | None:
    """The day of the pipeline's clock; None where there is neither event nor order."""
    rows = connection.execute(
        """
        select cast(coalesce(
            (select max(as_of) from ops.clock),
            (select max(greatest(most_recent_event, most_recent_order))
             from staging.user_event_totals)
        ) as date)
        """
    ).fetchall()
    day: date | None = rows[0][0]
    return day


def _newest_rows(connection: duckdb.DuckDBPyConnection) -> int:
    rows = connection.execute(
        "select count(*) from marts.customer_profile_history"
        " where known_until is null and valid_to is null"
    ).fetchall()
    return int(rows[0][0])


def _make_views(connection: duckdb.DuckDBPyConnection, registry: Registry) -> None:
    require_contract(connection, HISTORY)
    replace_rows(connection, FIELDS, _fields(registry))
    fields = (
        "select field_name as FIELD_NAME, name as ALIAS_FIELD_NAME, type as TYPE,"
        " description as DESCRIPTION from marts.profile_fields"
    )
    views = {
        "customer_profiles": attribute_sql.profiles_view(registry),
        "customer_profiles_as_known": attribute_sql.profiles_view(registry, with_superseded=True),
        "CUSTOMER_PROFILES": attribute_sql.generic_view(registry),
        "VW_CUSTOMER_PROFILE_FIELDS_V1_2": fields,
        "VW_CUSTOMER_PROFILES_REAL_FIELD_NAMES": attribute_sql.real_names_view(registry),
    }
    for name, text in views.items():
        view: Table = contracts.table(name)
        replace_view(connection, view, Query(name, view.layer, text))


def _fields(registry: Registry) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "position": place,
                "name": a.name,
                "field_name": a.field,
                "type": a.type,
                "unit": a.rule.unit or None,
                "description": a.description,
                "source": a.rule.source,
                "window_name": a.window,
                "kind": a.kind,
                "definition": definition(a),
                "is_own": a.is_own,
            }
            for place, a in enumerate(registry.attributes, 1)
        ]
    )


def definition(attribute: Attribute) -> str:
    """What an attribute is made of, in one line."""
    rule = attribute.rule
    if rule.expression is not None:
        return " ".join(rule.expression.split())
    if rule.aggregate is None:
        return str(rule.value)
    where = f" where {rule.where}" if rule.where else ""
    return f"{rule.aggregate}({rule.value or '*'}){where}"
