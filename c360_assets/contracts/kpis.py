"""The tables of the KPI dashboard, and the support queue."""

from __future__ import annotations

from c360_assets.contracts.model import Table, columns, references

_SESSIONS = """
    session_id           VARCHAR   not null -- web session
    session_date         DATE      not null -- day on which it started, UTC
    user_id              VARCHAR   not null -- its account; of several, that of the smallest id
    other_user_id        VARCHAR            -- of several accounts in it, that of the largest id
    session_started_at   TIMESTAMP not null -- first event, UTC
    session_ended_at     TIMESTAMP not null -- last event, UTC
    event_count          BIGINT    not null -- events
    number_of_carts      BIGINT    not null >= 0 -- events that put something into a cart
    number_of_checkouts  BIGINT    not null >= 0 -- events that are a checkout
    number_of_products   BIGINT    not null >= 0 -- different products looked at
    number_of_pages      BIGINT    not null >= 0 -- visits to pages, repeated ones counted
"""
_FCT_SESSIONS = """
    session_id           VARCHAR   not null -- web session
    user_id              VARCHAR   not null -- its contact
    session_started_at   TIMESTAMP not null -- first event, UTC
    session_ended_at     TIMESTAMP not null -- last event, UTC
    session_duration     DOUBLE    not null >= 0 -- minutes from the first event to the last
    event_count          BIGINT    not null -- events
    is_bounced           BOOLEAN   not null -- whether it has one event
    has_conversion       BOOLEAN   not null -- whether a checkout is among its events
    products_per_session BIGINT    not null >= 0 -- different products looked at
    pages_per_session    BIGINT    not null >= 0 -- visits to pages, repeated ones counted
    number_of_carts      BIGINT    not null >= 0 -- events that put something into a cart
    number_of_checkouts  BIGINT    not null >= 0 -- events that are a checkout
    account_user_id      VARCHAR   not null -- its account; of several, that of the smallest id
"""
_FCT_ORDERS = """
    order_id               VARCHAR   not null -- the order's id
    user_id                VARCHAR   not null -- the contact
    address_id             VARCHAR            -- where it was sent
    country                VARCHAR            -- country of that address
    state                  VARCHAR            -- state or province of it
    zipcode                VARCHAR            -- postal code of it
    created_at             TIMESTAMP not null -- when it was ordered, UTC
    promo_id               VARCHAR            -- promotion that was used
    order_cost             DECIMAL(18,2)      -- price of the items
    promo_discount         DECIMAL(18,2)      -- discount of the promotion, 0 without one
    shipping_cost          DECIMAL(18,2)      -- price of the delivery
    sales_total            DECIMAL(18,2)      -- order_cost - promo_discount - shipping_cost
    order_total            DECIMAL(18,2)      -- what the customer paid
    tracking_id            VARCHAR            -- the carrier's number
    shipping_service       VARCHAR            -- the carrier
    estimated_delivery_at  TIMESTAMP          -- when it was expected, UTC
    delivered_at           TIMESTAMP          -- when it arrived, UTC
    status                 VARCHAR            -- preparing, shipped, delivered or the like
    total_products_ordered BIGINT             -- pieces; null where no item is listed
    number_of_products     BIGINT             -- different products; null where no item is listed
    refund_amount          DECIMAL(18,2)      -- what was paid back
    order_number           BIGINT    not null -- the contact's first, second, ... order
    is_first_order         BOOLEAN   not null -- whether it is the contact's first order
    delivery_hours         DOUBLE             -- hours from the order to its delivery
    is_on_time             BOOLEAN            -- delivered by then; null where either time is open
    session_id             VARCHAR            -- session in which it was placed
    account_user_id        VARCHAR   not null -- account that ordered
"""
_DIM_USERS = """
    user_id                 VARCHAR   not null -- the contact
    user_name               VARCHAR            -- name on the most recently created account
    email                   VARCHAR   not null -- the person's address
    phone_number            VARCHAR            -- that of the newest account that has one
    created_at              TIMESTAMP not null -- when the first account was created, UTC
    address_id              VARCHAR            -- that of the newest account that has one
    address                 VARCHAR            -- street and number
    country                 VARCHAR            -- country
    state                   VARCHAR            -- state or province
    zipcode                 VARCHAR            -- postal code
    total_orders            BIGINT    not null >= 0 -- orders of all accounts
    total_sales             DECIMAL(38,2)      -- sum of sales_total; null without amounts
    average_order_size      DOUBLE             -- mean sales_total of the orders with an amount
    first_order_at          TIMESTAMP          -- first order of any account, UTC
    last_order_at           TIMESTAMP          -- last order of any account, UTC
    most_ordered_product    VARCHAR            -- its name, or its id where it has none
    most_ordered_product_id VARCHAR            -- most pieces, then most orders, then smallest id
"""
# what the parts of the KPIs and the whole say about orders
_ORDER_SUMS = """
    orders              BIGINT {zero} -- orders placed
    priced_orders       BIGINT        -- those with an amount
    revenue             DECIMAL(38,2) -- sales_total; of products, quantity times price
    gross_revenue       DECIMAL(38,2) -- order_total: what customers paid
    refunds             BIGINT        -- orders with a refund
    refund_amount       DECIMAL(38,2) -- refunds of these orders, whenever they were paid
    units               BIGINT        -- pieces ordered
    customers           BIGINT {zero} -- contacts who ordered; days do not add up
    new_customers       BIGINT {zero} -- those whose first order ever is among these
    second_orders       BIGINT        -- orders that are their contact's second
    delivered_orders    BIGINT        -- orders that have arrived, whenever that was
    delivery_hours_sum  DOUBLE        -- hours that their deliveries took, added up
    expected_deliveries BIGINT        -- those of them with an expected time
    on_time_orders      BIGINT        -- those of them that came by that time
"""
_ACTIVITY_SUMS = """
    sessions            BIGINT        -- sessions started; of products, those that looked at it
    bounced_sessions    BIGINT        -- those of one event
    converted_sessions  BIGINT        -- those with a checkout; of products, of an order with it
    session_minutes     DOUBLE        -- minutes that they lasted, added up
    events              BIGINT        -- events
    active_users        BIGINT        -- contacts with an event or an order; days do not add up
    active_gaggles      BIGINT        -- gaggles with such an account; days do not add up
    customers_to_date   BIGINT        -- contacts with an order up to the end of the day
    repeat_customers_to_date BIGINT   -- those of them with two or more
"""
_KPI_DAILY = f"""
    kpi_date            DATE    not null -- the day, UTC; always whole
    dimension  VARCHAR not null one of [all, country, promo, product, event_name] -- split by what
    dimension_value     VARCHAR not null -- country, promo_id, product_id or event name
    dimension_label     VARCHAR not null -- the same for people: the name of the product
    {_ORDER_SUMS.format(zero="").strip()}
    {_ACTIVITY_SUMS.strip()}
    net_revenue         DECIMAL(38,2) -- revenue less refund_amount
    average_order_value DOUBLE        -- revenue / priced_orders
    returning_rate      DOUBLE        -- share of customers who had ordered before
    repeat_rate         DOUBLE        -- repeat_customers_to_date / customers_to_date
    bounce_rate         DOUBLE        -- bounced_sessions / sessions
    conversion_rate     DOUBLE        -- converted_sessions / sessions
    delivery_hours      DOUBLE        -- delivery_hours_sum / delivered_orders
    on_time_rate        DOUBLE        -- on_time_orders / expected_deliveries
"""
_SUPPORT_QUEUE = """
    queue_rank          BIGINT    not null -- 1 is to be answered first
    ticket_id           VARCHAR   not null -- the ticket
    user_id             VARCHAR            -- contact who wrote; null where nobody has the address
    email               VARCHAR   not null -- address from which they wrote
    user_name           VARCHAR            -- the contact's name
    company             VARCHAR            -- company of the contact, or of the address
    is_paying           BOOLEAN   not null -- whether the company is a customer
    subject             VARCHAR            -- subject line
    status              VARCHAR   not null -- status of the ticket
    created_at          TIMESTAMP not null -- when it was opened, UTC
    waiting_hours       BIGINT    not null >= 0 -- whole hours from then to the clock
    rfm_segment         VARCHAR            -- RFM segment, or prospects; null for unknown senders
    monetary            DECIMAL(38,2)      -- sum of sales_total; null without amounts
    priority            DOUBLE    not null >= 0 -- points by the weights of the config
    reason              VARCHAR   not null -- the priority in words
"""


def _staging(
    name: str,
    grain: str,
    text: str,
    key: str,
    produced_by: str = "fct_sessions",
    cluster_by: str = "",
) -> Table:
    """What the rollup of sessions keeps."""
    return Table(
        name=name,
        layer="staging",
        grain=grain,
        columns=columns(text),
        key=tuple(key.split(",")) if key else (),
        produced_by=produced_by,
        cluster_by=(cluster_by,) if cluster_by else (),
    )


def _mart(name: str, grain: str, text: str, key: str, refs: str = "", **options: object) -> Table:
    return Table(
        name=name,
        layer="marts",
        grain=grain,
        columns=columns(text),
        key=tuple(key.split(",")) if key else (),
        references=references(refs) if refs else (),
        owner="team:customer-experience",
        **options,  # type: ignore[arg-type]
    )


KPI_TABLES: tuple[Table, ...] = (
    _staging(
        "sessions",
        "One row per session id of events.",
        _SESSIONS,
        "session_id",
        cluster_by="user_id",
    ),
    _staging(
        "session_orders",
        "One row per session and order that was placed in it.",
        """
        session_id   VARCHAR   not null -- the session
        order_id     VARCHAR   not null -- the order that a checkout of it names
        session_date DATE      not null -- day on which the session started, UTC
        """,
        "session_id,order_id",
    ),
    _staging(
        "session_product_days",
        "One row per day and product: how many sessions looked at it.",
        """
        session_date DATE    not null -- day on which the sessions started, UTC
        product_id   VARCHAR not null -- the product
        sessions     BIGINT  not null >= 0 -- sessions with an event that names it
        """,
        "session_date,product_id",
    ),
    _staging(
        "event_name_days",
        "One row per day, event name and product, or none: how many events.",
        """
        event_date       DATE    not null -- the day, UTC
        event_name       VARCHAR not null -- what was done
        product_id       VARCHAR          -- product that it concerned; null where none
        number_of_events BIGINT  not null >= 0 -- events
        session_events   BIGINT  not null >= 0 -- those of them with a session
        """,
        "",
    ),
    _staging(
        "user_event_name_days",
        "One row per account, day and event name.",
        """
        event_date        DATE      not null -- the day, UTC
        user_id           VARCHAR   not null -- the account
        event_name        VARCHAR   not null -- what was done
        number_of_events  INTEGER   not null >= 0 -- how often on that day
        first_event       TIMESTAMP not null -- first time of the day
        most_recent_event TIMESTAMP not null -- last time of the day
        """,
        # a key would be tested on every row in every run; the events of each day are added up
        "",
        cluster_by="user_id",
    ),
    _mart(
        "fct_sessions",
        "One row per web session.",
        _FCT_SESSIONS,
        "session_id",
        "user_id -> contacts.user_id",
        is_view=True,
    ),
    _mart(
        "fct_orders",
        "One row per valid order.",
        _FCT_ORDERS,
        "order_id",
        "user_id -> contacts.user_id",
        cluster_by=("user_id",),
    ),
    _staging(
        "order_lines",
        "One row per order and product.",
        """
        order_id       VARCHAR not null -- the order
        order_date     DATE    not null -- day of the order, UTC
        user_id        VARCHAR not null -- the contact
        is_first_order BOOLEAN not null -- whether it is the contact's first order
        product_id     VARCHAR not null -- the product
        quantity       BIGINT           -- pieces
        """,
        # of `stg_order_items`, where it is tested
        "",
        produced_by="fct_orders",
    ),
    _mart(
        "dim_users",
        "One row per contact.",
        _DIM_USERS,
        "user_id",
        "user_id -> contacts.user_id",
        cluster_by=("user_id",),
    ),
    _mart(
        "kpi_order_days",
        "One row per day, dimension and value with orders: what the orders add up to.",
        f"""
        kpi_date            DATE    not null -- day of the orders, UTC
        dimension           VARCHAR not null one of [all, country, promo] -- split by what
        dimension_value     VARCHAR not null -- country or promo_id; (none) where there is none
        {_ORDER_SUMS.format(zero="not null >= 0").strip()}
        """,
        "kpi_date,dimension,dimension_value",
        produced_by="kpi_daily",
    ),
    _mart(
        "kpi_product_days",
        "One row per day and product that was ordered or looked at.",
        """
        kpi_date           DATE    not null -- the day, UTC
        product_id         VARCHAR not null -- the product
        product_name       VARCHAR          -- its name
        orders             BIGINT  not null >= 0 -- orders with it
        units              BIGINT  not null >= 0 -- pieces of it
        revenue            DECIMAL(38,2)    -- quantity times price; null without a price
        customers          BIGINT  not null >= 0 -- contacts who ordered it
        new_customers      BIGINT  not null >= 0 -- those whose first order ever has it
        sessions           BIGINT  not null >= 0 -- sessions that looked at it
        converted_sessions BIGINT  not null >= 0 -- sessions with an order of it
        events             BIGINT  not null >= 0 -- events that name it
        """,
        "kpi_date,product_id",
        produced_by="kpi_daily",
    ),
    _mart(
        "kpi_active_days",
        "One row per day, kind, and the last day before on which those were active: how many.",
        """
        kpi_date      DATE    not null -- day with an event or an order of theirs, UTC
        kind          VARCHAR not null one of [users, gaggles] -- contacts, gaggles of accounts
        previous_date DATE             -- last day before it with any; null: there was none
        number_active BIGINT  not null >= 0 -- how many
        """,
        # of those who began on a day there is no previous one, and a key is never null
        "",
        produced_by="kpi_daily",
    ),
    _mart(
        "kpi_total_days",
        "One row per day, from the first with an event or an order to the clock's.",
        f"""
        kpi_date            DATE    not null -- the day, UTC
        {_ORDER_SUMS.format(zero="not null").strip()}
        {_ACTIVITY_SUMS.strip()}
        product_step_sessions BIGINT not null >= 0 -- sessions that looked at a product, or went on
        cart_step_sessions    BIGINT          >= 0 -- with a cart, or that went on; null: not known
        order_step_sessions   BIGINT not null >= 0 -- sessions in which an order was placed
        """,
        "kpi_date",
        produced_by="kpi_daily",
    ),
    _mart(
        "kpi_daily",
        "One row per day, dimension and value of it.",
        _KPI_DAILY,
        "kpi_date,dimension,dimension_value",
    ),
    _mart(
        "support_queue",
        "One row per open ticket, ranked by who should be answered first.",
        _SUPPORT_QUEUE,
        "ticket_id",
        "user_id -> contacts.user_id",
    ),
)
