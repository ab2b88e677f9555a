"""The marts: contacts, gaggles, companies, segments. Each is one SELECT and its claims."""

from __future__ import annotations

import dagster as dg

from c360_assets import contracts
from c360_assets.assets.claims import Claim, equal_sums
from c360_assets.assets.shell import sql_asset
from c360_assets.settings import Settings


def _per_key(name: str, description: str, key: str, left: str, right: str) -> Claim:
    """A claim that two queries give the same users, events and orders for each key.

    Either gives rows (key, users, events, orders), any number of them for one key.
    """
    sums = ", ".join(
        f"coalesce(sum({measure}) filter (where side = '{side}'), 0) as {measure}_{side}"
        for measure in ("users", "events", "orders")
        for side in ("given", "kept")
    )
    return Claim(
        name,
        description,
        f"""
        select * from (
            select {key}, {sums}
            from (
                select *, 'given' as side from ({left}) as l ({key}, users, events, orders)
                union all
                select *, 'kept' as side from ({right}) as r ({key}, users, events, orders)
            ) as both_sides
            group by {key}
        ) as compared
        where users_given <> users_kept
            or events_given <> events_kept
            or orders_given <> orders_kept
        """,
    )


def _conserved(measure: str, source: str, target: str, what: str) -> Claim:
    return equal_sums(
        f"{what}_are_conserved",
        f"The sum of {measure} is that of {source.split(' ')[0]}.",
        f"select coalesce(sum({measure}), 0) from {source}",
        f"select coalesce(sum({measure}), 0) from {target}",
    )


# accounts in no gaggle: the part of a contact that user_gaggle_facts cannot show
_WITHOUT_GAGGLE = """
    select i.contact_user_id, 1, t.number_of_events, t.number_of_orders
    from staging.stg_users as u
    inner join identity.user_identity as i on i.user_id = u.user_id
    left join staging.user_event_totals as t on t.user_id = u.user_id
    where u.gaggle_id is null
"""
_USER_GAGGLES = (
    "select user_id, number_of_users, number_of_events, number_of_orders from"
    " marts.user_gaggle_facts"
)
_CORPORATE = "number_of_users_corporate, number_of_events_corporate, number_of_orders_corporate"

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
            "contact_id_is_that_of_the_accounts",
            "Each contact bears the id that its account bears, and no other contact does.",
            """
            select c.user_id, c.contact_id, i.contact_id as id_of_the_account
            from marts.contacts as c
            inner join identity.user_identity as i on i.user_id = c.user_id
            where i.contact_id <> c.contact_id
            """,
        ),
        Claim(
            "email_is_unique",
            "No two contacts share an address.",
            "select email, count(*) as number_of_rows from marts.contacts"
            " group by email having count(*) > 1",
            measure="count(*) - count(distinct email)",
        ),
        equal_sums(
            "accounts_are_conserved",
            "Every staged account is counted in one contact.",
            "select count(*) from staging.stg_users",
            "select coalesce(sum(number_of_users), 0) from marts.contacts",
        ),
        _conserved("number_of_events", "staging.user_event_totals", "marts.contacts", "events"),
        _conserved("number_of_orders", "staging.user_event_totals", "marts.contacts", "orders"),
    ),
    "gaggle_domain_facts": (
        equal_sums(
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
    "user_gaggle_facts": (
        _per_key(
            "contacts_are_conserved",
            "What a contact did is what its accounts did in each gaggle and in none.",
            "user_id",
            "select user_id, number_of_users, number_of_events, number_of_orders"
            " from marts.contacts",
            f"{_USER_GAGGLES} union all {_WITHOUT_GAGGLE}",
        ),
        _per_key(
            "accounts_of_gaggles_are_conserved",
            "Each gaggle has the accounts that name it, and what these did.",
            "gaggle_id",
            """
            select u.gaggle_id, 1, t.number_of_events, t.number_of_orders
            from staging.stg_users as u
            left join staging.user_event_totals as t on t.user_id = u.user_id
            where u.gaggle_id is not null
            """,
            "select gaggle_id, number_of_users, number_of_events, number_of_orders"
            " from marts.user_gaggle_facts",
        ),
        _per_key(
            "people_of_gaggles_are_conserved",
            "gaggle_facts has the people whose current gaggle it is, with all they did anywhere.",
            "gaggle_id",
            "select gaggle_id, number_of_users, number_of_events, number_of_orders"
            " from marts.gaggle_facts",
            f"""
            select n.gaggle_id, 1, 0, 0 from marts.user_gaggle_facts as n where n.is_current
            union all
            select n.gaggle_id, 0, w.events, w.orders
            from ({_USER_GAGGLES} union all {_WITHOUT_GAGGLE}) as w (user_id, users, events, orders)
            inner join marts.user_gaggle_facts as n on n.user_id = w.user_id and n.is_current
            """,
        ),
    ),
    "gaggle_facts": (
        _per_key(
            "companies_of_gaggles_are_conserved",
            "The people of a gaggle are those of its companies and those without a company.",
            "gaggle_id",
            "select gaggle_id, number_of_users, number_of_events, number_of_orders"
            " from marts.gaggle_facts",
            f"""
            select gaggle_id, {_CORPORATE} from marts.gaggle_domain_facts
            union all
            select gaggle_id, 1, number_of_events, number_of_orders from marts.contacts
            where gaggle_id is not null and corporate_email is null
            """,
        ),
        _per_key(
            "primary_companies_are_conserved",
            "The corporate columns of a gaggle are those of its primary company.",
            "gaggle_id",
            f"select gaggle_id, {_CORPORATE} from marts.gaggle_facts",
            f"select gaggle_id, {_CORPORATE} from marts.gaggle_domain_facts where is_primary",
        ),
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
        equal_sums(
            "corporate_events_are_conserved",
            "The companies' own events are those of the contacts with a company.",
            "select coalesce(sum(number_of_events), 0) from marts.contacts"
            " where corporate_email is not null",
            "select coalesce(sum(number_of_events_corporate), 0) from marts.corporate_accounts",
        ),
        equal_sums(
            "corporate_orders_are_conserved",
            "The companies' own orders are those of the contacts with a company.",
            "select coalesce(sum(number_of_orders), 0) from marts.contacts"
            " where corporate_email is not null",
            "select coalesce(sum(number_of_orders_corporate), 0) from marts.corporate_accounts",
        ),
        _per_key(
            "gaggles_of_companies_are_conserved",
            "The people of a company are those in each gaggle and those in none.",
            "corporate_email",
            f"select corporate_email, {_CORPORATE} from marts.corporate_accounts",
            f"""
            select corporate_email, {_CORPORATE} from marts.gaggle_domain_facts
            union all
            select corporate_email, 1, number_of_events, number_of_orders from marts.contacts
            where gaggle_id is null and corporate_email is not null
            """,
        ),
        equal_sums(
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
    "search_index": (
        Claim(
            "everything_is_found_once",
            "What a search finds are the contacts, the companies and the gaggles.",
            """
            select coalesce(s.kind, g.kind) as kind, coalesce(s.object_id, g.object_id) as object_id
            from (
                select 'person' as kind, contact_id as object_id from marts.contacts
                union all
                select 'company', corporate_email from marts.corporate_accounts
                union all
                select 'gaggle', gaggle_id from marts.gaggle_facts
            ) as g
            full join marts.search_index as s on s.kind = g.kind and s.object_id = g.object_id
            where s.kind is null or g.kind is null
            """,
        ),
        Claim(
            "every_address_ever_is_found",
            "The text of each person has the addresses of all their accounts.",
            """
            select i.contact_id, i.email
            from identity.user_identity as i
            left join marts.search_index as s on s.kind = 'person' and s.object_id = i.contact_id
            where coalesce(
                not contains(
                    replace(s.search_text, chr(9), ''),
                    chr(10) || lower(strip_accents(i.email)) || chr(10)
                ),
                true
            )
            """,
        ),
        Claim(
            "value_ranks_have_no_gap",
            "The ranks run from 1 without a gap.",
            "select * from (select value_rank, row_number() over (order by value_rank) as nth"
            " from marts.search_index) as ranked where value_rank <> nth",
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
