"""The tables of `marts`: what salespeople, support and management look at."""

from __future__ import annotations

from c360_assets.contracts.model import Table, columns, references


def _mart(
    name: str,
    grain: str,
    text: str,
    key: str,
    refs: str = "",
    owner: str = "",
    cluster_by: str = "",
) -> Table:
    return Table(
        name=name,
        layer="marts",
        grain=grain,
        columns=columns(text),
        key=tuple(key.split(",")),
        references=references(refs) if refs else (),
        owner=owner or "team:data",
        cluster_by=tuple(part for part in cluster_by.split(",") if part),
    )


MART_TABLES: tuple[Table, ...] = (
    _mart(
        "contacts",
        "One row per person, whatever addresses they used.",
        """
        user_id           VARCHAR   not null -- account at the end of the merge chain
        email             VARCHAR   not null -- address at the end of the merge chain
        corporate_email   VARCHAR            -- company domain after domain merges; null if personal
        user_name         VARCHAR            -- name on the most recently created account
        gaggle_id         VARCHAR            -- gaggle of the most recently created account
        created_at        TIMESTAMP not null -- when the first account was created, UTC
        first_event       TIMESTAMP          -- first event of any account, UTC
        most_recent_event TIMESTAMP          -- last event of any account, UTC
        number_of_events  BIGINT    not null >= 0 -- events of all accounts
        first_order       TIMESTAMP          -- first order of any account, UTC
        most_recent_order TIMESTAMP          -- last order of any account, UTC
        number_of_orders  BIGINT    not null >= 0 -- orders of all accounts
        user_cohort       DATE      not null -- month of created_at
        number_of_users   BIGINT    not null -- accounts that this person has
        merged_emails     VARCHAR[] not null -- addresses of the accounts merged into this one
        sales_total       DECIMAL(38,2)      -- sum of the orders' sales_total; null without amounts
        contact_id        VARCHAR   not null -- the person's id, which outlives merges and moves
        """,
        key="user_id",
        refs="user_id -> stg_users.user_id",
        owner="team:sales",
        cluster_by="user_id",
    ),
    _mart(
        "gaggle_domain_facts",
        "One row per gaggle and company domain of the people in it.",
        """
        gaggle_id                   VARCHAR not null -- the gaggle
        corporate_email             VARCHAR not null -- the company's domain
        is_primary                  BOOLEAN not null -- whether the gaggle counts as this company's
        number_of_users_corporate   BIGINT  not null >= 0 -- people with the company's address
        number_of_events_corporate  BIGINT  not null >= 0 -- their events
        first_event_corporate       TIMESTAMP -- first of them, UTC
        most_recent_event_corporate TIMESTAMP -- last of them, UTC
        number_of_orders_corporate  BIGINT  not null >= 0 -- their orders
        first_order_corporate       TIMESTAMP -- first of them, UTC
        most_recent_order_corporate TIMESTAMP -- last of them, UTC
        first_seen_at               TIMESTAMP not null -- when the first of them signed up, UTC
        """,
        key="gaggle_id,corporate_email",
    ),
    _mart(
        "gaggle_facts",
        "One row per gaggle, with users or without.",
        """
        gaggle_id                   VARCHAR not null -- the gaggle
        gaggle_name                 VARCHAR          -- its name
        created_at                  TIMESTAMP        -- when it was created, UTC
        first_event                 TIMESTAMP        -- first event of anybody in it, UTC
        most_recent_event           TIMESTAMP        -- last event of anybody in it, UTC
        number_of_events            BIGINT  not null >= 0 -- events of the people in it
        number_of_users             BIGINT  not null >= 0 -- people in it
        first_order                 TIMESTAMP        -- first order, UTC
        most_recent_order           TIMESTAMP        -- last order, UTC
        number_of_orders            BIGINT  not null >= 0 -- orders
        corporate_email             VARCHAR          -- its primary company; null if personal only
        first_event_corporate       TIMESTAMP        -- the same of the primary company's people
        most_recent_event_corporate TIMESTAMP        -- last event of the primary company's people
        number_of_events_corporate  BIGINT  not null >= 0 -- events of the primary company's people
        number_of_users_corporate   BIGINT  not null >= 0 -- people of the primary company
        first_order_corporate       TIMESTAMP        -- first order of the primary company's people
        most_recent_order_corporate TIMESTAMP        -- last order of the primary company's people
        number_of_orders_corporate  BIGINT  not null >= 0 -- orders of the primary company's people
        number_of_corporate_domains BIGINT  not null >= 0 -- companies with people in it
        """,
        key="gaggle_id",
    ),
    _mart(
        "user_gaggle_facts",
        "One row per contact and gaggle that an account of theirs is in.",
        """
        user_id           VARCHAR   not null -- the contact
        gaggle_id         VARCHAR   not null -- the gaggle
        corporate_email   VARCHAR            -- the contact's company; null where there is none
        is_current        BOOLEAN   not null -- whether gaggle_facts counts the contact here
        number_of_users   BIGINT    not null >= 0 -- accounts of the contact in the gaggle
        number_of_events  BIGINT    not null >= 0 -- events of these accounts
        first_event       TIMESTAMP          -- first of them, UTC
        most_recent_event TIMESTAMP          -- last of them, UTC
        number_of_orders  BIGINT    not null >= 0 -- orders of these accounts
        first_order       TIMESTAMP          -- first of them, UTC
        most_recent_order TIMESTAMP          -- last of them, UTC
        first_seen_at     TIMESTAMP not null -- when the first of these accounts was created, UTC
        """,
        key="user_id,gaggle_id",
        refs="user_id -> contacts.user_id\ngaggle_id -> gaggle_facts.gaggle_id",
        cluster_by="user_id",
    ),
    _mart(
        "corporate_accounts",
        "One row per company domain after domain merges.",
        """
        corporate_email              VARCHAR not null -- the company's domain
        number_of_gaggles            BIGINT  not null >= 0 -- gaggles whose primary company it is
        number_of_users_corporate    BIGINT  not null >= 0 -- people with the company's address
        number_of_events_corporate   BIGINT  not null >= 0 -- their events
        first_event_corporate        TIMESTAMP -- first of them, UTC
        most_recent_event_corporate  TIMESTAMP -- last of them, UTC
        number_of_orders_corporate   BIGINT  not null >= 0 -- their orders
        first_order_corporate        TIMESTAMP -- first of them, UTC
        most_recent_order_corporate  TIMESTAMP -- last of them, UTC
        number_of_users_associated   BIGINT  not null >= 0 -- and everybody in its gaggles
        number_of_events_associated  BIGINT  not null >= 0 -- their events
        first_event_associated       TIMESTAMP -- first of them, UTC
        most_recent_event_associated TIMESTAMP -- last of them, UTC
        number_of_orders_associated  BIGINT  not null >= 0 -- their orders
        first_order_associated       TIMESTAMP -- first of them, UTC
        most_recent_order_associated TIMESTAMP -- last of them, UTC
        first_user_id                VARCHAR not null -- the company's first person
        most_active_user_id          VARCHAR not null -- most events
        most_orders_user_id          VARCHAR -- most orders; null where nobody ordered
        won_deals                    BIGINT  not null >= 0 -- deals won
        lost_deals                   BIGINT  not null >= 0 -- deals lost
        won_amount                   DECIMAL(38,2) not null >= 0 -- worth of the deals won
        current_plan                 VARCHAR -- plan named in the newest won deal
        customer_since               DATE    -- close date of the first won deal
        is_paying                    BOOLEAN not null -- whether a deal won is closed by the clock
        """,
        key="corporate_email",
        refs="""first_user_id -> contacts.user_id
        most_active_user_id -> contacts.user_id
        most_orders_user_id -> contacts.user_id""",
        owner="team:sales",
    ),
    _mart(
        "upgrade_candidates",
        "One row per gaggle of personal addresses alone, ranked by activity.",
        """
        upgrade_rank      BIGINT    not null -- 1 is the best
        gaggle_id         VARCHAR   not null -- the gaggle
        gaggle_name       VARCHAR            -- its name
        created_at        TIMESTAMP          -- when it was created, UTC
        number_of_users   BIGINT    not null >= 0 -- people in it
        number_of_events  BIGINT    not null >= 0 -- their events
        number_of_orders  BIGINT    not null >= 0 -- their orders
        most_recent_event TIMESTAMP          -- last event, UTC
        """,
        key="gaggle_id",
        refs="gaggle_id -> gaggle_facts.gaggle_id",
        owner="team:sales",
    ),
    _mart(
        "rfm_segments",
        "One row per contact with an order at or before the as-of time.",
        """
        user_id              VARCHAR   not null -- the contact
        as_of                TIMESTAMP not null -- the pipeline's clock, UTC
        recency              BIGINT    not null >= 0 -- minutes since the last order
        frequency            BIGINT    not null -- orders
        monetary             DECIMAL(38,2)      -- sum of sales_total; null without amounts
        recency_percentile   DOUBLE    not null -- percent_rank, most recent highest
        frequency_percentile DOUBLE    not null -- percent_rank, most orders highest
        monetary_percentile  DOUBLE             -- percent_rank, most money highest
        recency_score        INTEGER   not null one of [1, 2, 3, 4, 5] -- 5 is the top fifth
        frequency_score      INTEGER   not null one of [1, 2, 3, 4, 5] -- 5 is the top fifth
        monetary_score       INTEGER            one of [1, 2, 3, 4, 5] -- 5 is the top fifth
        rfm_segment          VARCHAR   not null -- segment by recency and frequency score
        """,
        key="user_id",
        refs="user_id -> contacts.user_id",
        owner="team:customer-experience",
        cluster_by="user_id",
    ),
    _mart(
        "search_index",
        "One row per person, company or gaggle that a search can find.",
        """
        kind        VARCHAR not null one of [person, company, gaggle] -- what is found
        object_id   VARCHAR not null -- contact_id, company domain or gaggle_id
        user_id     VARCHAR          -- the contact, for people
        search_text VARCHAR not null -- names, addresses ever, domains, for search alone
        value_rank  BIGINT  not null -- 1 has most orders, then events; over all kinds
        """,
        key="kind,object_id",
        refs="user_id -> contacts.user_id",
        # looking for one kind reads its rows alone; of many that match the first are found early
        cluster_by="kind,value_rank",
    ),
)
