"""The history of RFM segments, brought up to the clock.

Only what changed is computed: from the first hour on whose orders, or whose contacts, are others
than when the history was last written. What it is from there on is the same as in a whole build.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import duckdb

from c360_assets.customers.rfm_scores import write_scores
from c360_assets.customers.rfm_states import keep_hours, keep_states, make_states, span_to_write


@dataclass(frozen=True)
class Update:
    """What a run did: the first hour that it wrote (None: nothing was new) and how much."""

    first_hour: datetime | None = None
    is_whole: bool = False
    states: int = 0
    customers: int = 0
    intervals: int = 0


def update_history(connection: duckdb.DuckDBPyConnection, has_new_rules: bool) -> Update:
    """Bring `rfm_segment_history` and the tables beside it up to the clock.

    The tables must exist, be it empty. `has_new_rules` says that cuts or grid changed.
    """
    span = span_to_write(connection, has_new_rules)
    if span is None:
        connection.execute("drop table rfm_hours_now; drop table rfm_orders")
        return Update()
    states = make_states(connection, span)
    written = write_scores(connection, span)
    keep_states(connection, span)
    keep_hours(connection, span)
    for name in ("hours_now", "people", "states", "amounts"):
        connection.execute(f"drop table rfm_{name}")
    return Update(span.first, span.is_whole, states, written.customers, written.intervals)
