"""The statements of the guide on campaigns, on the demo.

In a file of its own: with the mark of another file's group it would be in neither of both groups,
and have the demo made a second time.
"""

import pytest

from c360_assets.warehouse.publish import current_database
from c360_assets_tests.assets.test_campaigns import TARGETED, answers

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("built_demo")]


def test_the_statements_of_the_guide_answer_on_the_demo(built_demo):
    settings = built_demo.settings
    there = answers(current_database(settings.published_dir))
    assert there == answers(settings.warehouse_path)
    assert all(there.values())
    row_of = "select count(*) as n from marts.campaign_impact where orders_uplift is not null"
    assert built_demo.rows(row_of)[0]["n"] > 5
    taken = f"select count(TAKEN_FROM_PLAN_ID) as n from {TARGETED}"
    assert built_demo.rows(taken)[0]["n"] > 5
