"""Campaigns: whom they reached, what they were, and what came of them."""

from __future__ import annotations

from c360_assets.contracts.model import Table, columns, references

_TARGETS = """
    user_id              VARCHAR   not null -- the contact
    plan_id              VARCHAR   not null -- the campaign
    execution_date       DATE      not null -- the day on which it was executed
    plan_detail_id       VARCHAR            -- action given to the contact; null where excluded
    is_control           BOOLEAN            -- whether nothing was sent; null if that is unknown
    campaign_action_id   VARCHAR            -- the action's id; null where excluded or unknown
    campaign_action_name VARCHAR            -- the action's name; null where excluded or unknown
    lifecycle_stage      VARCHAR            -- the contact's stage at the end of that day
    exclusion_reason_id  VARCHAR            -- code of the reason why they were excluded
    exclusion_reason     VARCHAR            -- the reason, as the source words it
    exclusion_reason_desc VARCHAR           -- the exclusion in a sentence; null where targeted
    taken_from_plan_id   VARCHAR            -- campaign of higher priority that had the contact
    last_updated_time    TIMESTAMP          -- when the row was last written, UTC
    number_of_rows       BIGINT    not null -- rows of the source that this one stands for
"""
_TARGETED_VIEW = """
    EXECUTION_DATE        DATE      -- the day on which the campaign was executed
    CLIENT_CUSTOMER_ID    VARCHAR   -- the contact
    LIFECYCLE_STAGE       VARCHAR   -- the contact's stage at the end of that day
    PLAN_ID               VARCHAR   -- the campaign
    PLAN_DETAIL_ID        VARCHAR   -- action within the campaign; null where excluded
    CAMPAIGN_ACTION_ID    VARCHAR   -- the action's id; 1 is the control group
    CAMPAIGN_ACTION_NAME  VARCHAR   -- the action's name; DN is the control group
    EXCLUSION_REASON_ID   VARCHAR   -- code of the reason why they were excluded
    EXCLUSION_REASON      VARCHAR   -- the reason, as the source words it
    EXCLUSION_REASON_DESC VARCHAR   -- the exclusion in a sentence; null where targeted
    TAKEN_FROM_PLAN_ID    VARCHAR   -- campaign of higher priority that had the contact
    LAST_UPDATED_TIME     TIMESTAMP -- when the row was last written, UTC
"""
_SCHEDULED_VIEW = """
    PLAN_ID              VARCHAR not null -- the campaign
    PLAN_DETAIL_ID       VARCHAR not null -- action within the campaign
    TARGET_GROUP_ID      VARCHAR -- group that it was meant for
    TARGET_GROUP_NAME    VARCHAR -- name of the group
    CAMPAIGN_ACTION_ID   VARCHAR -- action that was sent; 1 is the control group
    CAMPAIGN_ACTION_NAME VARCHAR -- name of the action; DN is the control group
    CAMPAIGN_TYPE        VARCHAR -- the source's code of the kind of campaign
    CHANNEL_ID           VARCHAR -- channel
    CHANNEL_NAME         VARCHAR -- name of the channel
    TEMPLATE_NAME        VARCHAR -- template that was sent
    PROMOTION_ID         VARCHAR -- promotion in it
    TAG_NAMES            VARCHAR -- tags
    EXECUTION_START_DATE DATE    -- first day
    EXECUTION_END_DATE   DATE    -- last day; null where none is set
"""
_GROUPS = """
    plan_id              VARCHAR not null -- the campaign
    plan_detail_id       VARCHAR not null -- action within the campaign
    campaign_action_id   VARCHAR not null -- the action's id
    campaign_action_name VARCHAR          -- the action's name
    is_control           BOOLEAN not null -- whether nothing was sent to these customers
    first_execution_date DATE    not null -- the first day on which it first reached one of them
    last_execution_date  DATE    not null -- the last such day
    window_days          INTEGER not null -- days counted, from the day of execution on
    customers            BIGINT  not null >= 0 -- contacts first reached so, their window over
    customers_pending    BIGINT  not null >= 0 -- contacts first reached so, their window not over
    buyers               BIGINT  not null >= 0 -- customers with an order in their window
    orders               BIGINT  not null >= 0 -- orders in the windows
    orders_squared       BIGINT  not null >= 0 -- sum of the squares of each customer's orders
    revenue              DECIMAL(38,2) -- sum of sales_total in them; null if any lacks an amount
    revenue_squared      DECIMAL(38,4) -- sum of the squares of each customer's revenue
    order_rate           DOUBLE -- buyers per customer; null without customers
    orders_per_customer  DOUBLE -- null without customers
    revenue_per_customer DOUBLE -- null without customers or amounts
"""
# in the order in which they are asked
_REASONS = "no_control_group, window_not_over, too_few_customers, no_variation"
_IMPACT = """
    plan_id               VARCHAR not null -- the campaign
    treatment             VARCHAR not null -- its plan_detail_id, or `all` for the whole campaign
    campaign_action_id    VARCHAR          -- action compared with the control group; null for `all`
    campaign_action_name  VARCHAR          -- its name; null for `all`
    first_execution_date  DATE    not null -- first day on which it first reached anybody
    last_execution_date   DATE    not null -- last such day
    window_days           INTEGER not null -- days counted, from the day of execution on
    is_complete           BOOLEAN not null -- whether every customer's window is over
    customers_pending     BIGINT  not null >= 0 -- customers left out, their window not being over
    customers_treated     BIGINT  not null >= 0 -- customers given the action
    customers_control     BIGINT  not null >= 0 -- customers of the control group
    orders_treated        BIGINT  not null >= 0 -- their orders in the window
    orders_control        BIGINT  not null >= 0 -- the control group's
    revenue_treated       DECIMAL(38,2) -- their sales_total in the window; null without amounts
    revenue_control       DECIMAL(38,2) -- the control group's
    order_rate_treated    DOUBLE  -- share that ordered
    order_rate_control    DOUBLE  -- the control group's
    order_rate_uplift     DOUBLE  -- difference of the two
    order_rate_uplift_low DOUBLE  -- lower end of its interval (Newcombe)
    order_rate_uplift_high DOUBLE -- upper end
    order_rate_p_value    DOUBLE  -- of no difference (score test)
    orders_per_customer_treated DOUBLE -- orders per customer
    orders_per_customer_control DOUBLE -- the control group's
    orders_uplift         DOUBLE  -- difference of the two, in orders per customer
    orders_uplift_low     DOUBLE  -- lower end of its interval (Welch)
    orders_uplift_high    DOUBLE  -- upper end
    orders_p_value        DOUBLE  -- of no difference (Welch)
    orders_relative_uplift DOUBLE -- difference per order of the control group; null if it has none
    revenue_per_customer_treated DOUBLE -- sales_total per customer
    revenue_per_customer_control DOUBLE -- the control group's
    revenue_uplift        DOUBLE  -- difference of the two, in money per customer
    revenue_uplift_low    DOUBLE  -- lower end of its interval (Welch)
    revenue_uplift_high   DOUBLE  -- upper end
    revenue_p_value       DOUBLE  -- of no difference (Welch)
    revenue_relative_uplift DOUBLE -- difference per money of the control group
    confidence_level      DOUBLE  not null -- of the intervals
    orders_reason         VARCHAR one of [{reasons}] -- why figures of orders are null
    revenue_reason        VARCHAR one of [{reasons}, no_amounts] -- why figures of revenue are null
"""

CAMPAIGN_TABLES: tuple[Table, ...] = (
    Table(
        name="campaign_targets",
        layer="marts",
        grain="One row per contact, campaign and day on which it reached or excluded them.",
        columns=columns(_TARGETS),
        key=("user_id", "plan_id", "execution_date"),
        references=references("user_id -> contacts.user_id"),
        owner="team:marketing",
        cluster_by=("user_id",),
    ),
    Table(
        name="VW_TARGETED_AND_EXCLUDED_CUSTOMERS_V1_2",
        layer="main",
        grain="One row per contact, campaign and day on which it reached or excluded them.",
        columns=columns(_TARGETED_VIEW),
        owner="team:marketing",
        produced_by="campaign_targets",
        is_view=True,
    ),
    Table(
        name="VW_SCHEDULED_CAMPAIGNS_V1_2",
        layer="main",
        grain="One row per PLAN_ID and PLAN_DETAIL_ID: an action within a campaign.",
        columns=columns(_SCHEDULED_VIEW),
        key=("PLAN_ID", "PLAN_DETAIL_ID"),
        owner="team:marketing",
        produced_by="campaign_targets",
        is_view=True,
    ),
    Table(
        name="campaign_groups",
        layer="marts",
        grain="One row per campaign and action in it that was the first to reach anybody.",
        columns=columns(_GROUPS),
        key=("plan_id", "plan_detail_id"),
        owner="team:marketing",
        produced_by="campaign_impact",
    ),
    Table(
        name="campaign_impact",
        layer="marts",
        grain="One row per campaign and treatment in it, against the control group.",
        columns=columns(_IMPACT.format(reasons=_REASONS)),
        key=("plan_id", "treatment"),
        owner="team:marketing",
        kinds=("duckdb", "python"),
    ),
)
