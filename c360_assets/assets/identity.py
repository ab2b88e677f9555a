"""The identity layer: the journal folded, and who is who."""

from __future__ import annotations

import dagster as dg

from c360_assets.assets.claims import Claim, check_specs, contract_claims, evaluate
from c360_assets.assets.shell import Outcome, Step, reasons_table, sql_asset, table_asset
from c360_assets.contracts import Table
from c360_assets.resolution import steps
from c360_assets.resolution.steps import CONTACT_IDS, DOMAINS, HISTORY, JOURNAL
from c360_assets.settings import Settings

JOURNAL_CLAIMS = (
    Claim(
        "no_chain_is_left_unresolved",
        "What an applied decision leads to was not itself merged away.",
        """
        select a.* from identity.merge_journal as a
        inner join identity.merge_journal as b
            on b.kind = a.kind and b.old_key = a.resolved_to
            and b.decision = 'merge' and b.outcome = 'applied'
        where a.decision = 'merge' and a.outcome = 'applied'
        """,
    ),
    Claim(
        "every_decision_has_one_outcome",
        "The journal holds each row of the merge files once.",
        """
        select * from (
            select
                (select count(*) from raw.merged_user)
                    + (select count(*) from raw.merged_company_domain) as decisions_read,
                (select count(*) from identity.merge_journal) as decisions_kept
        ) as counts
        where decisions_read <> decisions_kept
        """,
    ),
    Claim(
        "no_decision_was_refused",
        "Every decision could stand; the sample says why one could not.",
        "select source_file, source_row, old_key, new_key, outcome_reason, explanation"
        " from identity.merge_journal where outcome = 'refused'",
        is_blocking=False,
    ),
)

HISTORY_CLAIMS = (
    Claim(
        "no_id_that_somebody_bears_leads_elsewhere",
        "An id that an address bears is its own current id.",
        """
        select h.contact_id, h.current_contact_id, i.email
        from identity.contact_id_history as h
        inner join identity.contact_ids as i on i.contact_id = h.contact_id
        where h.current_contact_id <> h.contact_id
        """,
    ),
    Claim(
        "every_id_leads_to_one_that_somebody_bears",
        "Where an id went is the id of some address.",
        """
        select h.contact_id, h.current_contact_id
        from identity.contact_id_history as h
        where h.current_contact_id not in (select i.contact_id from identity.contact_ids as i)
        """,
    ),
)

USER_CLAIMS = (
    Claim(
        "every_user_has_one_contact",
        "Every staged account is mapped to a contact, exactly once.",
        """
        select u.user_id, count(i.user_id) as number_of_contacts
        from staging.stg_users as u
        left join identity.user_identity as i on i.user_id = u.user_id
        group by u.user_id having count(i.user_id) <> 1
        """,
    ),
    Claim(
        "every_contact_stands_for_itself",
        "The account that stands for a person is its own contact: no chain is left.",
        """
        select i.* from identity.user_identity as i
        inner join identity.user_identity as c on c.user_id = i.contact_user_id
        where c.contact_user_id <> c.user_id
        """,
    ),
    Claim(
        "every_contact_has_one_id",
        "The accounts of one contact bear one contact id, and those of two contacts two.",
        """
        select * from (
            select contact_user_id as of, count(distinct contact_id) as ids
            from identity.user_identity group by contact_user_id
            union all
            select contact_id as of, count(distinct contact_user_id) as ids
            from identity.user_identity group by contact_id
        ) as counted
        where ids <> 1
        """,
    ),
    Claim(
        "nobody_is_joined_with_whom_a_ban_keeps_apart",
        "No two addresses that a standing `never` names belong to one contact.",
        """
        select j.old_key, j.new_key, a.contact_email, j.source_file, j.source_row
        from identity.merge_journal as j
        inner join identity.user_identity as a on a.email = j.old_key
        inner join identity.user_identity as b on b.email = j.new_key
        where j.kind = 'user' and j.decision = 'never' and j.outcome = 'applied'
            and a.contact_user_id = b.contact_user_id
        """,
    ),
)

DOMAIN_CLAIMS = (
    Claim(
        "no_companies_are_joined_that_a_ban_keeps_apart",
        "No two domains that a standing `never` names belong to one company.",
        """
        select j.old_key, j.new_key, a.corporate_email, j.source_file, j.source_row
        from identity.merge_journal as j
        inner join identity.domain_identity as a on a.email_domain = j.old_key
        inner join identity.domain_identity as b on b.email_domain = j.new_key
        where j.kind = 'domain' and j.decision = 'never' and j.outcome = 'applied'
            and a.corporate_email = b.corporate_email
        """,
    ),
    Claim(
        "every_company_stands_for_itself",
        "The domain that a domain was merged into is its own company.",
        """
        select d.* from identity.domain_identity as d
        inner join identity.domain_identity as c on c.email_domain = d.corporate_email
        where c.corporate_email <> d.corporate_email
        """,
    ),
    Claim(
        "every_deal_belongs_to_a_known_company",
        "The domain of each deal is, after domain merges, that of some account.",
        """
        select s.* from staging.stg_deals as s
        inner join identity.domain_identity as d on d.email_domain = s.email_domain
        where d.corporate_email is null or d.corporate_email not in (
            select c.corporate_email from staging.stg_users as u
            inner join identity.domain_identity as c on c.email_domain = u.email_domain
            where c.corporate_email is not null
        )
        """,
        is_blocking=False,
    ),
)


def build_identity_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """The journal, and the maps from accounts to contacts and from domains to companies."""
    return [
        table_asset(
            settings,
            JOURNAL,
            fold_decisions,
            JOURNAL_CLAIMS,
            deps=("merged_user", "merged_company_domain", "stg_users"),
        ),
        table_asset(
            settings,
            HISTORY,
            follow_contact_ids,
            HISTORY_CLAIMS,
            deps=("merge_journal", "stg_users"),
            other_checks=check_specs(HISTORY.asset, contract_claims(CONTACT_IDS)),
        ),
        sql_asset(settings, "user_identity", USER_CLAIMS),
        table_asset(settings, DOMAINS, resolve_domains, DOMAIN_CLAIMS),
    ]


def fold_decisions(step: Step) -> Outcome:
    """Fold the merge files into the journal."""
    connection = step.connection
    users = connection.execute(
        "select * rename (old_email as old, new_email as new) from raw.merged_user"
    ).df()
    domains = connection.execute(
        "select * rename (old_domain as old, new_domain as new) from raw.merged_company_domain"
    ).df()
    steps.fold_decisions(connection, step.settings.rules, users, domains)
    outcome = "kind || ' ' || outcome || coalesce(' (' || outcome_reason || ')', '')"
    return Outcome({"decisions": _counted(step, JOURNAL, outcome)})


def resolve_domains(step: Step) -> Outcome:
    """Replace the rules of all domains seen, then the table of who is which company."""
    steps.resolve_domains(step.connection, step.settings.rules)
    described = "domain_class || ' (' || class_source || ')'"
    return Outcome({"domains_by_class": _counted(step, DOMAINS, described)})


def _counted(step: Step, table: Table, label: str) -> dg.MetadataValue:
    """How many rows of the table have each value of an SQL expression."""
    counts = step.connection.execute(
        f"select {label}, count(*) from {table.qualified_name} group by 1 order by 1"
    ).fetchall()
    return reasons_table(dict(counts))


def follow_contact_ids(step: Step) -> Outcome:
    """Replay the merges that stand or once stood: who bears which contact id."""
    addresses = steps.follow_contact_ids(step.connection)
    checks = evaluate(step.connection, CONTACT_IDS, contract_claims(CONTACT_IDS))
    return Outcome({"addresses_in_merges": addresses}, checks=checks)
