-- One row per contact and day on which lifetime value was scored.
select
    h.user_id,
    h.scored_on as valid_from,
    h.scored_on,
    h.repeat_orders,
    h.average_order_value,
    h.probability_alive,
    h.expected_orders_30d,
    h.expected_orders_90d,
    h.expected_orders_365d,
    h.expected_order_value,
    h.clv_30d,
    h.clv_90d,
    h.clv_365d
from marts.lifetime_value_history as h
