"""The demo's calendar and figures: everything is counted in seconds from its first midnight.

What does NOT belong here: anything drawn at random.
"""

from datetime import date, datetime, timedelta

FIRST_DAY = date(2021, 9, 1)
"""The day of the first event."""

HISTORY_DAYS = 92
"""Calendar days of the original, 2021-09-01 to 2021-12-01; one period of a longer history."""

DAY_SECONDS = 86_400

USERS = 5_781
GAGGLES = 823
EVENTS = 120_307
"""Users, gaggles and events of one block, that is, of scale 1 over `HISTORY_DAYS`."""

FIRST_ID = 1_000
"""The first user and the first gaggle have this id."""

EVENT_NAMES = ("recipe_viewed", "recipe_favorited", "order_placed")
VIEWED, FAVORITED, ORDERED = range(len(EVENT_NAMES))

PRINTED_CUSTOMER = "1111113001034507"
"""The id of one customer of the first block: the profiles' guide prints it."""


def period_days(period: int, history_days: int) -> int:
    """Return how many days of the period number `period` lie within the history."""
    return max(0, min(HISTORY_DAYS, history_days - period * HISTORY_DAYS))


def period_count(history_days: int) -> int:
    """Return how many periods of `HISTORY_DAYS` a history has, the last perhaps cut short."""
    return -(-history_days // HISTORY_DAYS)


def snapshot_second(history_days: int) -> int:
    """Return the second at which the source was read: 20:00 on the last day.

    Nothing but events and orders is dated later, so that no delivery, ticket or update lies after
    the newest event.
    """
    return (history_days - 1) * DAY_SECONDS + 20 * 3_600


def day_name(day: int) -> str:
    """Return the ISO date of the day number `day`, counted from 0."""
    return (FIRST_DAY + timedelta(days=day)).isoformat()


def moment(second: int) -> datetime:
    """Return the UTC time of a second counted from the first midnight, without an offset."""
    return datetime(FIRST_DAY.year, FIRST_DAY.month, FIRST_DAY.day) + timedelta(seconds=second)
