-- One row: when the newest event or order of anybody was; null where there is neither.
select
    max(greatest(
        coalesce(most_recent_event, most_recent_order),
        coalesce(most_recent_order, most_recent_event)
    )) as newest
from marts.contacts
