"""The marts: contacts, gaggles, companies, segments. Each is one SELECT and its claims."""

from __future__ import annotations

import dagster as dg

from c360_assets import contracts
from c360_assets.assets.claims import Claim
from c360_assets.assets.shell import sql_asset
from c360_assets.settings import Settings


def _equal(name: str, description: str, left: str, right: str) -> Claim:
    """A claim that two sums are the same."""
    return Claim(
        name,
        description,
        f"select * from (select ({left}) as given, ({right}) as kept) as sums"
        " where given is distinct from kept",
    )


def _conserved(measure: str, source: str, target: str, what: str) -> Claim:
    return _equal(
        f"{what}_are_conserved",
        f"The sum of {measure} is that of {source.split(' ')[0]}.",
        f"select coalesce(sum({measure}), 0) from {source}",
        f"select coalesce(sum({measure}), 0) from {target}",
    )


CLAIMS: dict[str, tuple[Claim, ...]] = {
    "contacts": (
        Claim(
            "no_merged_away_user_is_left",
            "No account or address that was merged into another is a contact of its own.",
            """
            select c.user_id, c.email from marts.contacts as c
            inner join identity.user_identity as i on i.user_id = c.user_id
            where i.contact_user_id <> c.user_id
            union all
            select c.user_id, c.email from marts.contacts as c
            inner join identity.merge_journal as j
                on j.kind = 'user' and j.decision = 'merge' and j.outcome = 'applied'
                and j.old_key = c.email
            """,
        ),
        Claim(
            "email_is_unique",
            "No two contacts share an address.",
            "select email, count(*) as number_of_rows from marts.contacts"
            " group by email having count(*) > 1",
            measure="count(*) - count(distinct email)",
        ),
        _equal(
            "accounts_are_conserved",
            "Every staged account is counted in one contact.",
            "select count(*) from staging.stg_users",
            "select coalesce(sum(number_of_users), 0) from marts.contacts",
        ),
        _conserved("number_of_events", "staging.user_event_totals", "marts.contacts", "events"),
        _conserved("number_of_orders", "staging.user_event_totals", "marts.contacts", "orders"),
    ),
    "gaggle_domain_facts": (
        _equal(
            "corporate_people_are_conserved",
            "Every contact with a company and a gaggle is counted once.",
            "select count(*) from marts.contacts"
            " where gaggle_id is not null and corporate_email is not null",
            "select coalesce(sum(number_of_users_corporate), 0) from marts.gaggle_domain_facts",
        ),
        Claim(
            "every_gaggle_has_one_primary_company",
            "Of the companies of a gaggle exactly one is primary.",
            "select gaggle_id from marts.gaggle_domain_facts group by gaggle_id"
            " having count(*) filter (where is_primary) <> 1",
        ),
    ),
    "gaggle_facts": (
        _conserved(
            "number_of_events",
            "marts.contacts where gaggle_id is not null",
            "marts.gaggle_facts",
            "events",
        ),
        _conserved(
            "number_of_orders",
            "marts.contacts where gaggle_id is not null",
            "marts.gaggle_facts",
            "orders",
        ),
        Claim(
            "every_gaggle_of_an_account_is_known",
            "Every gaggle that accounts name is in the source.",
            "select f.gaggle_id from marts.gaggle_facts as f left join staging.stg_gaggles as g"
            " on g.gaggle_id = f.gaggle_id where g.gaggle_id is null",
            is_blocking=False,
        ),
    ),
    "corporate_accounts": (
        _equal(
            "corporate_events_are_conserved",
            "The companies' own events are those of the contacts with a company.",
            "select coalesce(sum(number_of_events), 0) from marts.contacts"
            " where corporate_email is not null",
            "select coalesce(sum(number_of_events_corporate), 0) from marts.corporate_accounts",
        ),
        _equal(
            "corporate_orders_are_conserved",
            "The companies' own orders are those of the contacts with a company.",
            "select coalesce(sum(number_of_orders), 0) from marts.contacts"
            " where corporate_email is not null",
            "select coalesce(sum(number_of_orders_corporate), 0) from marts.corporate_accounts",
        ),
        _equal(
            "gaggles_are_conserved",
            "Every gaggle with a company is counted in one account.",
            "select count(*) from marts.gaggle_facts where corporate_email is not null",
            "select coalesce(sum(number_of_gaggles), 0) from marts.corporate_accounts",
        ),
    ),
    "upgrade_candidates": (
        Claim(
            "upgrade_ranks_have_no_gap",
            "The ranks run from 1 without a gap.",
            "select * from (select upgrade_rank, row_number() over (order by upgrade_rank) as nth"
            " from marts.upgrade_candidates) as ranked where upgrade_rank <> nth",
        ),
    ),
    "rfm_segments": (
        Claim(
            "every_ordering_contact_has_one_segment",
            "Every contact with an order by the clock has a segment, and nobody else has.",
            """
            select c.user_id from marts.contacts as c
            left join marts.rfm_segments as s on s.user_id = c.user_id
            where (s.user_id is not null) <> coalesce(
                c.first_order <= coalesce(
                    (select max(as_of) from ops.clock),
                    (select max(greatest(most_recent_event, most_recent_order))
                     from staging.user_event_totals)
                ),
                false
            )
            """,
        ),
    ),
}


def build_mart_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """One asset per mart."""
    return [
        sql_asset(settings, table.name, CLAIMS.get(table.name, ()))
        for table in contracts.MART_TABLES
    ]
