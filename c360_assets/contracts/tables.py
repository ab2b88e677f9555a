"""The tables that come out (section 4 of the data contract), but for those of `marts`."""

from __future__ import annotations

from c360_assets.contracts.model import Table, columns, references


def staging(
    name: str,
    grain: str,
    text: str,
    key: str = "",
    refs: str = "",
    produced_by: str = "",
) -> Table:
    """A table of the staging layer."""
    return Table(
        name=name,
        layer="staging",
        grain=grain,
        columns=columns(text),
        key=tuple(part for part in key.split(",") if part),
        references=references(refs) if refs else (),
        produced_by=produced_by,
    )


STAGING_TABLES: tuple[Table, ...] = (
    staging(
        "stg_users",
        "One row per valid account.",
        """
        user_id      VARCHAR   not null -- the account's id
        user_name    VARCHAR            -- full name
        email        VARCHAR   not null -- address: trimmed, NFKC, lower case, no trailing dot
        email_domain VARCHAR   not null -- domain of the address in IDNA form
        gaggle_id    VARCHAR            -- workspace
        created_at   TIMESTAMP not null -- when the account was created, UTC
        phone        VARCHAR            -- phone number
        address_id   VARCHAR            -- postal address
        updated_at   TIMESTAMP          -- when the account was last changed, UTC
        """,
        key="user_id",
    ),
    staging(
        "stg_gaggles",
        "One row per valid workspace.",
        """
        gaggle_id   VARCHAR   not null -- the gaggle's id
        gaggle_name VARCHAR            -- its name
        created_at  TIMESTAMP not null -- when it was created, UTC
        """,
        key="gaggle_id",
    ),
    staging(
        "stg_events",
        "One row per valid event.",
        """
        event_id   VARCHAR   not null -- the event's id, unique within its day
        user_id    VARCHAR   not null -- account that did it
        event_name VARCHAR   not null -- what was done
        timestamp  TIMESTAMP not null -- when it was done, UTC
        session_id VARCHAR            -- web session
        page_url   VARCHAR            -- page on which it was done
        order_id   VARCHAR            -- order that it led to
        product_id VARCHAR            -- product that it concerned
        """,
        refs="user_id -> stg_users.user_id",
    ),
    staging(
        "stg_orders",
        "One row per valid order; without a raw_order table, one per event that is an order.",
        """
        order_id              VARCHAR       not null -- the order's id
        user_id               VARCHAR       not null -- account that ordered
        ordered_at            TIMESTAMP     not null -- when it was ordered, UTC
        order_cost            DECIMAL(18,2)          -- price of the items
        promo_discount        DECIMAL(18,2)          -- discount of the promotion, 0 without one
        shipping_cost         DECIMAL(18,2)          -- price of the delivery
        refund_amount         DECIMAL(18,2)          -- what was paid back
        sales_total           DECIMAL(18,2)          -- order_cost - promo_discount - shipping_cost
        order_total           DECIMAL(18,2)          -- what the customer paid
        status                VARCHAR                -- preparing, shipped, delivered or the like
        promo_id              VARCHAR                -- promotion
        address_id            VARCHAR                -- where it was sent
        delivered_at          TIMESTAMP              -- when it arrived, UTC
        estimated_delivery_at TIMESTAMP              -- when it was expected, UTC
        tracking_id           VARCHAR                -- the carrier's number
        shipping_service      VARCHAR                -- the carrier
        origin                VARCHAR not null one of [raw_order, raw_event] -- table it came from
        """,
        key="order_id",
        refs="user_id -> stg_users.user_id",
    ),
    staging(
        "stg_order_items",
        "One row per valid order and product.",
        """
        order_id   VARCHAR not null -- the order
        product_id VARCHAR not null -- the product
        quantity   BIGINT  not null >= 0 -- how many pieces
        """,
        key="order_id,product_id",
        refs="order_id -> stg_orders.order_id",
    ),
    staging(
        "stg_products",
        "One row per valid product.",
        """
        product_id   VARCHAR not null -- the product's id
        product_name VARCHAR          -- its name
        price        DECIMAL(18,2)    -- price of one piece
        inventory    BIGINT           -- pieces in stock
        """,
        key="product_id",
    ),
    staging(
        "stg_promos",
        "One row per valid promotion.",
        """
        promo_id VARCHAR not null -- the promotion's id
        discount DECIMAL(18,2)    -- discount in currency units
        status   VARCHAR          -- active or inactive
        """,
        key="promo_id",
    ),
    staging(
        "stg_addresses",
        "One row per valid postal address.",
        """
        address_id VARCHAR not null -- the address's id
        address    VARCHAR          -- street and number
        zipcode    VARCHAR          -- postal code
        state      VARCHAR          -- state or province
        country    VARCHAR          -- country
        """,
        key="address_id",
    ),
    staging(
        "stg_deals",
        "One row per valid sales opportunity.",
        """
        close_date   DATE          not null -- when it was or will be decided
        amount       DECIMAL(18,2) not null -- worth in currency units
        deal_name    VARCHAR       not null -- name of the opportunity
        stage        VARCHAR       not null -- won, lost or a stage before, lower case
        email        VARCHAR       not null -- the person on the other side, normalised
        email_domain VARCHAR       not null -- domain of that address
        """,
    ),
    staging(
        "stg_campaigns",
        "One row per valid campaign plan and plan detail.",
        """
        plan_id              VARCHAR not null -- the plan
        plan_detail_id       VARCHAR not null -- action within the plan
        campaign_action_id   VARCHAR          -- action that was sent; 1 is the control group
        campaign_action_name VARCHAR          -- name of the action
        target_group_id      VARCHAR          -- group that it was meant for
        target_group_name    VARCHAR          -- name of the group
        channel_id           VARCHAR          -- channel
        channel_name         VARCHAR          -- name of the channel
        template_name        VARCHAR          -- template that was sent
        promotion_id         VARCHAR          -- promotion in it
        tag_names            VARCHAR          -- tags, comma separated
        campaign_type        VARCHAR          -- scheduled, triggered or the like
        execution_start_date DATE    not null -- first day
        execution_end_date   DATE             -- last day
        """,
        key="plan_id,plan_detail_id",
    ),
    staging(
        "stg_campaign_targets",
        "One row per customer, campaign plan and day that reached or excluded them.",
        """
        execution_date      DATE    not null -- day of execution
        user_id             VARCHAR not null -- customer
        plan_id             VARCHAR not null -- plan
        plan_detail_id      VARCHAR          -- action; null where the customer was excluded
        exclusion_reason_id VARCHAR          -- why they were excluded
        exclusion_reason    VARCHAR          -- the reason in words
        last_updated_time   TIMESTAMP        -- when the row was last written, UTC
        """,
        refs="user_id -> stg_users.user_id",
    ),
    staging(
        "stg_tickets",
        "One row per valid support ticket.",
        """
        ticket_id  VARCHAR   not null -- the ticket's id
        email      VARCHAR   not null -- who wrote, normalised
        created_at TIMESTAMP not null -- when it was opened, UTC
        subject    VARCHAR            -- subject line
        status     VARCHAR            -- open, pending or closed, lower case
        """,
        key="ticket_id",
    ),
    staging(
        "user_event_days",
        "One row per account and day with an event or an order.",
        """
        event_date        DATE      not null -- the day, UTC
        user_id           VARCHAR   not null -- the account
        number_of_events  INTEGER   not null >= 0 -- events on that day
        first_event       TIMESTAMP          -- first event of the day
        most_recent_event TIMESTAMP          -- last event of the day
        number_of_orders  INTEGER   not null >= 0 -- orders on that day
        first_order       TIMESTAMP          -- first order of the day
        most_recent_order TIMESTAMP          -- last order of the day
        sales_total       DECIMAL(38,2)      -- sum of the orders' sales_total
        """,
        key="event_date,user_id",
        refs="user_id -> stg_users.user_id",
    ),
    staging(
        "user_event_totals",
        "One row per account with an event or an order: its days added up.",
        """
        user_id           VARCHAR   not null -- the account
        number_of_events  BIGINT    not null >= 0 -- events ever
        first_event       TIMESTAMP          -- first event ever
        most_recent_event TIMESTAMP          -- last event ever
        number_of_orders  BIGINT    not null >= 0 -- orders ever
        first_order       TIMESTAMP          -- first order ever
        most_recent_order TIMESTAMP          -- last order ever
        sales_total       DECIMAL(38,2)      -- sum of the orders' sales_total
        """,
        key="user_id",
        refs="user_id -> stg_users.user_id",
        produced_by="user_event_days",
    ),
)

IDENTITY_TABLES: tuple[Table, ...] = (
    Table(
        name="merge_journal",
        layer="identity",
        grain="One row per decision ever given in a merge file, with what became of it.",
        columns=columns(
            """
            kind           VARCHAR not null one of [user, domain] -- what is merged
            source_file    VARCHAR not null -- merge file
            source_row     BIGINT  not null -- data row in it, from 1
            old_key        VARCHAR          -- address or domain merged away, normalised
            new_key        VARCHAR          -- address or domain merged into, normalised
            decision       VARCHAR          -- merge, never or undo
            decided_by     VARCHAR          -- who decided
            decided_at     TIMESTAMP        -- when, UTC
            reason         VARCHAR          -- why, in the decider's words
            outcome        VARCHAR not null one of [applied, undone, pending, refused] -- its fate
            outcome_reason VARCHAR          -- code of the rule that decided the outcome
            explanation    VARCHAR          -- the outcome in a sentence
            resolved_to    VARCHAR          -- end of the chain, for applied merges
            merge_path     VARCHAR          -- the chain, `a > b > c`, for applied merges
            was_applied    BOOLEAN not null -- whether it is, or once was, in force as a merge
            ended_by_file  VARCHAR          -- file of the decision that ended this one, for undone
            ended_by_row   BIGINT           -- data row in it, from 1
            """
        ),
        key=("kind", "source_file", "source_row"),
        owner="team:sales-operations",
        kinds=("duckdb", "python"),
    ),
    Table(
        name="contact_id_history",
        layer="identity",
        grain="One row per contact id and time that it ended in a merge or came back in a split.",
        columns=columns(
            """
            contact_id         VARCHAR not null -- the id
            step               BIGINT  not null -- its first, second, ... change
            change             VARCHAR not null one of [merged, split] -- what happened to it
            other_contact_id   VARCHAR not null -- id that it was merged into, or split from
            source_file        VARCHAR not null -- merge file of the decision that did it
            source_row         BIGINT  not null -- data row in it, from 1
            current_contact_id VARCHAR not null -- where the id leads today; itself if borne
            """
        ),
        key=("contact_id", "step"),
        owner="team:sales-operations",
        kinds=("duckdb", "python"),
    ),
    Table(
        name="contact_ids",
        layer="identity",
        grain="One row per address that a merge names and some account has: its contact id.",
        columns=columns(
            """
            email      VARCHAR not null -- the address
            contact_id VARCHAR not null -- id of the person who has it
            """
        ),
        key=("email",),
        owner="team:sales-operations",
        produced_by="contact_id_history",
        kinds=("duckdb", "python"),
    ),
    Table(
        name="user_identity",
        layer="identity",
        grain="One row per staged account: the contact that it is.",
        columns=columns(
            """
            user_id         VARCHAR not null -- the account
            email           VARCHAR not null -- its address
            contact_user_id VARCHAR not null -- account that stands for the person
            contact_email   VARCHAR not null -- the person's address
            contact_id      VARCHAR not null -- the person's id, which outlives merges and moves
            rule            VARCHAR not null one of [self, same_email, merge] -- why
            merge_path      VARCHAR          -- chain of addresses, for rule merge
            """
        ),
        key=("user_id",),
        references=references("user_id -> stg_users.user_id\ncontact_user_id -> stg_users.user_id"),
        cluster_by=("contact_user_id",),
    ),
    Table(
        name="domain_identity",
        layer="identity",
        grain="One row per e-mail domain of accounts, deals and applied merges, and its company.",
        columns=columns(
            """
        email_domain    VARCHAR not null -- domain as it stands in addresses
        corporate_email VARCHAR          -- company domain after merges; null where no company
        domain_class VARCHAR not null one of [corporate,personal,disposable,relay,education] -- kind
        merge_path      VARCHAR          -- chain of domains, where this one counts as another
        registrable_domain VARCHAR not null -- domain that this one counts as, merges apart
        class_source       VARCHAR not null -- list or rule that the class comes from
            """
        ),
        key=("email_domain",),
    ),
)

OPS_TABLES: tuple[Table, ...] = (
    Table(
        name="rejected_rows",
        layer="ops",
        grain="One row per raw row that breaks the contract.",
        columns=columns(
            """
            source_table VARCHAR   not null -- raw table
            source_file  VARCHAR   not null -- file, relative to the source folder
            source_row   BIGINT             -- data row in the file, from 1; null where unknown
            reason       VARCHAR   not null -- `rule: column`
            row_json     VARCHAR            -- the row as read
            run_id       VARCHAR            -- run that rejected it
            rejected_at  TIMESTAMP          -- when, UTC
            """
        ),
        kinds=("duckdb",),
    ),
)
