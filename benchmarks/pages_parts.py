"""What pages ask for once they are there (`states.later`), for `python -m benchmarks.pages`.

Each is asked of the copy as the page asks it; what the browser and the websocket add is not in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from benchmarks.pages_copy import COMPANY
from c360_assets.ui.copies import Copy
from c360_assets.ui.data import kpis, segments
from c360_assets.ui.data.kpi_list import BY_KEY
from c360_assets.ui.data.segments_choice import choice_of, parameters_of
from c360_assets.ui.pages.kpis import asked
from c360_assets.ui.pages.segments_people import PEOPLE
from c360_assets.ui.parts.table import State, sliced


def parts_of(copy: Copy) -> dict[str, Callable[[], object]]:
    """What is asked later, by what it shows."""
    there = segments.history(copy)
    if there.first_hour is None or there.last_hour is None:
        raise ValueError("the copy has no orders, so that there is nothing to measure")
    middle = there.first_hour + (there.last_hour - there.first_hour) // 2
    at = {"at": middle.replace(minute=0).isoformat(timespec="minutes")}
    last_day = there.last_hour.date()
    days_90 = {"from": f"{last_day - timedelta(90)}", "to": f"{last_day - timedelta(1)}"}
    return {
        "customers, all": partial(_people, copy, {}),
        "customers, all, by name": partial(_people, copy, {f"{PEOPLE.key}_sort": "user_name"}),
        "customers of a cell": partial(_people, copy, {"cell": "r5f3"}),
        "customers by a text": partial(_people, copy, {"text": "constance"}),
        "customers at an hour": partial(_people, copy, at),
        "customers of a cell at an hour": partial(_people, copy, {**at, "cell": "r5f3"}),
        "movements of 30 days": partial(_flows, copy, {"span": "30d"}),
        "who ordered, 30 days": partial(_who_ordered, copy, {}, "period"),
        "who ordered, 90 days by week": partial(_who_ordered, copy, days_90, "week"),
        "active users, 30 days by week": partial(_active_users, copy, {}),
        "active users, 90 days by week": partial(_active_users, copy, days_90),
        "weeks of 100,000 people": partial(
            copy.rows, "activity/weeks", domain=COMPANY, gaggle_id=None
        ),
    }


def _people(copy: Copy, query: Mapping[str, str]) -> object:
    choice = choice_of(segments.history(copy), query)
    _require_understood(choice.problems)
    parameters = parameters_of(copy, choice.people)
    return sliced(copy, PEOPLE, State.of(PEOPLE, query), parameters)


def _flows(copy: Copy, query: Mapping[str, str]) -> object:
    choice = choice_of(segments.history(copy), query)
    _require_understood(choice.problems)
    if choice.since is None:
        raise ValueError(f"{query} is no span of time")
    return segments.flows(copy, choice.since, choice.until)


def _who_ordered(copy: Copy, query: Mapping[str, str], grain: str) -> object:
    # past `kpis.people`, which remembers what it was told: this is what the first visitor waits for
    question = _question(copy, query)
    parameters = {**question.parameters, **question.stretches(grain)}
    return copy.rows("kpis/customers", **parameters)


def _active_users(copy: Copy, query: Mapping[str, str]) -> object:
    return kpis.trend(copy, _question(copy, query), BY_KEY["active_users"], "week")


def _question(copy: Copy, query: Mapping[str, str]) -> kpis.Question:
    question = asked(copy, query)
    if question is None:
        raise ValueError("the copy has no days, so that there is nothing to measure")
    return question


def _require_understood(problems: tuple[Any, ...]) -> None:
    if problems:
        raise ValueError(f"the benchmark asks for what is not there: {problems}")
