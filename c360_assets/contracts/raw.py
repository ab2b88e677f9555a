"""The raw tables that go in (section 2 of the data contract).

`?` after a name: a source may lack the column. `not null`: a row without it is rejected. The key
is unique; a second row with the same key and other content is rejected, an identical one counts
once. Amounts are DECIMAL(18,2) in the source's currency; times are UTC.
"""

from __future__ import annotations

from c360_assets.contracts.model import Table, columns, references


def _raw(
    name: str, grain: str, text: str, key: str = "", refs: str = "", need: bool = False
) -> Table:
    return Table(
        name=name,
        layer="raw",
        grain=grain,
        columns=columns(text),
        key=tuple(part for part in key.split(",") if part),
        references=references(refs) if refs else (),
        is_required=need,
        owner="team:product-engineering",
        kinds=("duckdb", "file"),
    )


RAW_TABLES: tuple[Table, ...] = (
    _raw(
        "raw_user",
        "One row per account that signed up.",
        """
        id           VARCHAR   not null -- the account's id
        name         VARCHAR            -- full name as the person typed it
        email        VARCHAR   not null -- address as typed
        gaggle_id?   VARCHAR            -- workspace that the account belongs to
        created_at   TIMESTAMP not null -- when the account was created
        phone?       VARCHAR            -- phone number as typed
        address_id?  VARCHAR            -- postal address
        updated_at?  TIMESTAMP          -- when the account was last changed
        """,
        key="id",
        need=True,
    ),
    _raw(
        "raw_gaggle",
        "One row per workspace.",
        """
        id         VARCHAR   not null -- the gaggle's id
        name       VARCHAR            -- name that its founder gave
        created_at TIMESTAMP not null -- when it was created
        """,
        key="id",
    ),
    _raw(
        "raw_event",
        "One row per thing that a user did.",
        """
        event_id    VARCHAR   not null -- the event's id, unique within its day
        user_id     VARCHAR   not null -- account that did it
        event_name  VARCHAR   not null -- what was done
        timestamp   TIMESTAMP not null -- when it was done
        session_id? VARCHAR            -- web session
        page_url?   VARCHAR            -- page on which it was done
        order_id?   VARCHAR            -- order that it led to
        product_id? VARCHAR            -- product that it concerned
        """,
        key="event_id",
        refs="user_id -> stg_users.user_id",
    ),
    _raw(
        "raw_order",
        "One row per order.",
        """
        order_id               VARCHAR       not null -- the order's id
        user_id                VARCHAR       not null -- account that ordered
        created_at             TIMESTAMP     not null -- when it was ordered
        order_cost             DECIMAL(18,2) >= 0 -- price of the items
        shipping_cost?         DECIMAL(18,2) >= 0 -- price of the delivery
        order_total?           DECIMAL(18,2)      -- what the customer paid
        promo_id?              VARCHAR            -- promotion that was used
        refund_amount?         DECIMAL(18,2) >= 0 -- what was paid back
        address_id?            VARCHAR            -- where it was sent
        status?                VARCHAR            -- preparing, shipped, delivered or the like
        delivered_at?          TIMESTAMP          -- when it arrived
        estimated_delivery_at? TIMESTAMP          -- when it was expected
        tracking_id?           VARCHAR            -- the carrier's number
        shipping_service?      VARCHAR            -- the carrier
        """,
        key="order_id",
        refs="user_id -> stg_users.user_id",
    ),
    _raw(
        "raw_order_item",
        "One row per order and product.",
        """
        order_id   VARCHAR not null -- the order
        product_id VARCHAR not null -- the product
        quantity   BIGINT  not null >= 0 -- how many pieces
        """,
        key="order_id,product_id",
        refs="order_id -> stg_orders.order_id",
    ),
    _raw(
        "raw_product",
        "One row per product.",
        """
        product_id VARCHAR not null -- the product's id
        name       VARCHAR          -- its name
        price      DECIMAL(18,2) >= 0 -- price of one piece
        inventory? BIGINT  -- pieces in stock
        """,
        key="product_id",
    ),
    _raw(
        "raw_promo",
        "One row per promotion.",
        """
        promo_id VARCHAR       not null -- the promotion's id
        discount DECIMAL(18,2) >= 0 -- discount in currency units
        status?  VARCHAR            -- active or inactive
        """,
        key="promo_id",
    ),
    _raw(
        "raw_address",
        "One row per postal address.",
        """
        address_id VARCHAR not null -- the address's id
        address    VARCHAR          -- street and number
        zipcode    VARCHAR          -- postal code
        state      VARCHAR          -- state or province
        country    VARCHAR          -- country
        """,
        key="address_id",
    ),
    _raw(
        "deals",
        "One row per sales opportunity of the sales team.",
        """
        close_date DATE          not null -- when it was or will be decided
        amount     DECIMAL(18,2) not null >= 0 -- worth in currency units
        deal_name  VARCHAR       not null -- name of the opportunity
        deal_stage VARCHAR       not null -- Won, Lost or a stage before
        email      VARCHAR       not null -- the person on the other side
        """,
    ),
    _raw(
        "raw_campaign",
        "One row per campaign plan and plan detail.",
        """
        plan_id              VARCHAR not null -- the plan
        plan_detail_id       VARCHAR not null -- action within the plan
        campaign_action_id   VARCHAR -- action that was sent; 1 is the control group
        campaign_action_name VARCHAR -- name of the action
        target_group_id      VARCHAR -- group that it was meant for
        target_group_name    VARCHAR -- name of the group
        channel_id           VARCHAR -- channel
        channel_name         VARCHAR -- name of the channel
        template_name        VARCHAR -- template that was sent
        promotion_id         VARCHAR -- promotion in it
        tag_names            VARCHAR -- tags, comma separated
        campaign_type        VARCHAR -- scheduled, triggered or the like
        execution_start_date DATE    not null -- first day
        execution_end_date?  DATE    -- last day
        """,
        key="plan_id,plan_detail_id",
    ),
    _raw(
        "raw_campaign_target",
        "One row per customer, campaign plan and day on which the plan reached or excluded them.",
        """
        execution_date       DATE    not null -- day of execution
        user_id              VARCHAR not null -- customer
        plan_id              VARCHAR not null -- plan
        plan_detail_id?      VARCHAR -- action; null where the customer was excluded
        exclusion_reason_id? VARCHAR -- why they were excluded
        exclusion_reason?    VARCHAR -- the reason in words
        last_updated_time    TIMESTAMP -- when the row was last written
        """,
        refs="user_id -> stg_users.user_id",
    ),
    _raw(
        "raw_ticket",
        "One row per support ticket.",
        """
        ticket_id  VARCHAR   not null -- the ticket's id
        email      VARCHAR   not null -- who wrote
        created_at TIMESTAMP not null -- when it was opened
        subject    VARCHAR            -- subject line
        status     VARCHAR            -- open, pending or closed
        """,
        key="ticket_id",
    ),
)

_MERGE_COLUMNS = """
    source_file VARCHAR not null -- merge file that holds the decision
    source_row  BIGINT  not null -- data row in it, from 1
    {old}       VARCHAR          -- what is merged away, as written
    {new}       VARCHAR          -- what it is merged into, as written
    decision    VARCHAR          -- merge (default), never or undo
    decided_by  VARCHAR          -- who decided
    decided_at  VARCHAR          -- when, as written
    reason      VARCHAR          -- why
    problem     VARCHAR          -- what is wrong with the row's form, null if nothing
"""


def _merges(name: str, what: str, old: str, new: str) -> Table:
    return Table(
        name=name,
        layer="raw",
        grain=f"One row per decision about {what} in the merge files, as written.",
        columns=columns(_MERGE_COLUMNS.format(old=old, new=new)),
        key=("source_file", "source_row"),
        is_required=False,
        owner="team:sales-operations",
        kinds=("duckdb", "file", "python"),
    )


MERGE_TABLES: tuple[Table, ...] = (
    _merges("merged_user", "people", "old_email", "new_email"),
    _merges("merged_company_domain", "company domains", "old_domain", "new_domain"),
)
