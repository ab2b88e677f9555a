"""The history of RFM segments, and what is counted over it.

`rfm_segment_history` is one asset with the tables that it is made of and the view over them;
`rfm_migrations` is another with the counts.
"""

from __future__ import annotations

from c360_assets.contracts.model import Table, columns, references

OWNER = "team:customer-experience"
# somebody without an order: no segment of the grid
PROSPECTS = "prospects"
HISTORY = "rfm_segment_history"
MIGRATIONS = "rfm_migrations"

RFM_TABLES: tuple[Table, ...] = (
    Table(
        name="rfm_segment_history",
        layer="marts",
        grain="One row per contact and stretch of hours with the same segment and scores.",
        columns=columns(
            """
            user_id         VARCHAR   not null -- the contact
            rfm_segment     VARCHAR   not null -- segment by recency and frequency score
            recency_score   INTEGER   not null one of [1, 2, 3, 4, 5] -- 5 is the top fifth
            frequency_score INTEGER   not null one of [1, 2, 3, 4, 5] -- 5 is the top fifth
            monetary_score  INTEGER            one of [1, 2, 3, 4, 5] -- null without amounts
            valid_from      TIMESTAMP not null -- first full hour of it, UTC
            valid_to        TIMESTAMP          -- full hour at which it was over; null: still holds
            """
        ),
        key=("user_id", "valid_from"),
        references=references("user_id -> contacts.user_id"),
        owner=OWNER,
        kinds=("duckdb", "python"),
        cluster_by=("user_id",),
    ),
    Table(
        name="rfm_customer_states",
        layer="marts",
        grain="One row per contact and hour with orders: what it had ordered by then.",
        columns=columns(
            """
            user_id           VARCHAR   not null -- the contact
            valid_from        TIMESTAMP not null -- full hour at or after these orders, UTC
            valid_to          TIMESTAMP          -- full hour after further orders; null: none
            last_order_minute TIMESTAMP not null -- full minute at or after the last order, UTC
            frequency         BIGINT    not null >= 0 -- orders so far
            monetary          DECIMAL(38,2)      -- sum of sales_total so far; null without amounts
            """
        ),
        key=("user_id", "valid_from"),
        owner=OWNER,
        produced_by=HISTORY,
        kinds=("duckdb", "python"),
        cluster_by=("user_id",),
    ),
    Table(
        name="rfm_daily_changes",
        layer="marts",
        grain="One row per day and pair of segments between which contacts or money moved.",
        columns=columns(
            """
            day                          DATE    not null -- from 00:00 to and with 24:00 UTC
            from_segment                 VARCHAR not null -- at its start; prospects: no order yet
            to_segment                   VARCHAR not null -- at its end
            customers                    BIGINT  not null >= 0 -- whose segment or order facts moved
            customers_with_amount_before BIGINT  not null >= 0 -- of them with amounts at the start
            customers_with_amount        BIGINT  not null >= 0 -- of them with an amount at the end
            monetary_before              DECIMAL(38,2) not null -- their amounts at the start
            monetary                     DECIMAL(38,2) not null -- their amounts at the end
            """
        ),
        key=("day", "from_segment", "to_segment"),
        owner=OWNER,
        produced_by=HISTORY,
        kinds=("duckdb", "python"),
    ),
    Table(
        name="rfm_hours",
        layer="marts",
        grain="One row per full hour from the first order to the clock.",
        columns=columns(
            """
            date_hour        TIMESTAMP not null -- the full hour, UTC
            number_of_orders BIGINT    not null >= 0 -- orders in the 60 minutes up to it
            content_hash     HUGEINT   not null -- another one if any of these orders changes
            batch            INTEGER   not null >= 0 -- 0: of a whole build; n: of the nth run since
            """
        ),
        key=("date_hour",),
        owner=OWNER,
        produced_by=HISTORY,
        kinds=("duckdb", "python"),
    ),
    Table(
        name="rfm_rules",
        layer="marts",
        grain="One row per pair of a recency and a frequency score: the rules of the history.",
        columns=columns(
            """
            recency_score            INTEGER not null one of [1, 2, 3, 4, 5] -- 5 is the top fifth
            frequency_score          INTEGER not null one of [1, 2, 3, 4, 5] -- 5 is the top fifth
            rfm_segment              VARCHAR not null -- the segment of the pair
            recency_percentile_from  DOUBLE  not null -- lowest percentile with the recency score
            frequency_percentile_from DOUBLE not null -- lowest percentile with the frequency score
            """
        ),
        key=("recency_score", "frequency_score"),
        owner=OWNER,
        produced_by=HISTORY,
    ),
    Table(
        name="rfm_segments_hourly",
        layer="marts",
        grain="One row per full hour up to the clock and contact with an order by then.",
        columns=columns(
            """
            date_hour            TIMESTAMP not null -- the full hour, UTC
            user_id              VARCHAR   not null -- the contact
            as_of                TIMESTAMP not null -- date_hour
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
            """
        ),
        key=("date_hour", "user_id"),
        owner=OWNER,
        produced_by=HISTORY,
        is_view=True,
    ),
    Table(
        name="rfm_migrations",
        layer="marts",
        grain="One row per day or month and pair of segments at its start and at its end.",
        columns=columns(
            """
            period       VARCHAR not null one of [day, month] -- how long it is
            period_start DATE    not null -- its first day
            from_segment VARCHAR not null -- at 00:00 of period_start; prospects: first order since
            to_segment   VARCHAR not null -- at 00:00 after its last day, or the last hour known
            customers    BIGINT  not null >= 0 -- who moved so; who stayed where both are the same
            monetary     DECIMAL(38,2)      -- their sales_total by the end; null without amounts
            """
        ),
        key=("period", "period_start", "from_segment", "to_segment"),
        owner=OWNER,
    ),
    Table(
        name="rfm_segment_days",
        layer="marts",
        grain="One row per day and segment: who was in it when the day ended.",
        columns=columns(
            """
            day         DATE    not null -- ends at 00:00 after it, or with the last hour known
            rfm_segment VARCHAR not null -- the segment; prospects have no order yet
            customers   BIGINT  not null >= 0 -- contacts in it
            monetary    DECIMAL(38,2)      -- their sales_total by then; null without amounts
            """
        ),
        key=("day", "rfm_segment"),
        owner=OWNER,
        produced_by=MIGRATIONS,
    ),
    Table(
        name="rfm_cohorts",
        layer="marts",
        grain="One row per month of first order and month since, up to the clock.",
        columns=columns(
            """
            cohort_month             DATE   not null -- month of the first order
            months_since_first_order BIGINT not null >= 0 -- 0: the cohort's own month
            cohort_customers         BIGINT not null >= 0 -- contacts whose first order was then
            active_customers         BIGINT not null >= 0 -- of them with orders in the month
            orders                   BIGINT not null >= 0 -- their orders in the month
            monetary                 DECIMAL(38,2)      -- their sales_total; null without amounts
            retention_rate           DOUBLE not null -- active_customers / cohort_customers
            """
        ),
        key=("cohort_month", "months_since_first_order"),
        owner=OWNER,
        produced_by=MIGRATIONS,
    ),
)
