"""The suggested merges, `identity.merge_candidates`: pairs that may be one person or company."""

from __future__ import annotations

from c360_assets.contracts.model import Table, columns

CANDIDATE_TABLES: tuple[Table, ...] = (
    Table(
        name="merge_candidates",
        layer="identity",
        grain="One row per undecided pair of contacts, or of company domains, suggested as one.",
        columns=columns(
            """
            kind              VARCHAR not null one of [user, domain] -- what may be the same
            left              VARCHAR not null -- address or company domain, the first in order
            right             VARCHAR not null -- the other one
            match_probability DOUBLE  not null >= 0 -- how likely the two are the same, up to 1
            match_weight      DOUBLE  not null -- the same as log2 of the odds
            value_rank        BIGINT  not null -- 1 first: p (1 - p) times the money at stake
            old_key           VARCHAR not null -- which of the two would be merged away
            new_key           VARCHAR not null -- which of the two would survive
            evidence          VARCHAR not null -- everything for and against, in words
            evidence_name     VARCHAR -- what the names say, of people or of domains
            evidence_mailbox  VARCHAR -- what the parts before the @ say, with their plus tags
            evidence_workplace VARCHAR -- what gaggle and company domains say
            evidence_phone    VARCHAR -- what the phone numbers say
            evidence_address  VARCHAR -- what the postal addresses say
            evidence_activity VARCHAR -- who was active when: one going quiet for the other
            evidence_created  VARCHAR -- what the times of signing up say
            evidence_shared_people VARCHAR -- companies: people of the same name in both
            evidence_shared_gaggles VARCHAR -- companies: gaggles with people of both
            blast_radius      VARCHAR not null -- what would change if approved, in words
            accounts_joined   BIGINT  not null >= 0 -- accounts (or people) that come together
            gaggles_touched   BIGINT  not null >= 0 -- gaggles whose figures change
            companies_touched BIGINT  not null >= 0 -- companies whose figures change
            rfm_before        VARCHAR -- segments of the two; null where neither ordered
            rfm_after         VARCHAR -- segment of the one, by today's limits
            won_amount        DECIMAL(38,2) not null >= 0 -- deals won from the companies touched
            crm_records       BIGINT  not null >= 0 -- contacts, gaggles and companies that change
            money_at_stake    DECIMAL(38,2) not null -- won_amount and the sales to both
            left_user_id      VARCHAR -- contact of `left`, for people
            right_user_id     VARCHAR -- contact of `right`, for people
            """
        ),
        key=("kind", "left", "right"),
        owner="team:sales-operations",
        kinds=("duckdb", "python"),
    ),
)
