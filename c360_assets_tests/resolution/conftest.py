"""A published copy of a small company, built without Dagster."""

import pytest

from benchmarks.bare import BarePipeline
from c360_assets import contracts
from c360_assets.assets.published import published_tables
from c360_assets_tests.pipeline import World

USERS = """\
    id,name,email,gaggle_id,created_at
    1,Ann,ann@acme.com,g1,2021-01-01
    2,Ann,ann@gmail.com,g1,2021-01-02
    3,Ann,ann@acme.de,g2,2021-01-03
    4,Bo,bo@acme.com,g1,2021-01-04
    5,Cy,cy@mail.beta.co.uk,g2,2021-01-05
    6,Di,di@beta.co.uk,g2,2021-01-06
    7,Desk,info@acme.com,g1,2021-01-07
"""
EVENTS = """\
    event_id,user_id,event_name,timestamp
    e1,1,page_view,2021-02-01 10:00:00
    e2,2,order_placed,2021-02-01 11:00:00
    e3,3,order_placed,2021-02-02 10:00:00
    e4,4,order_placed,2021-02-02 11:00:00
    e5,5,page_view,2021-02-03 11:00:00
"""
TABLES = {
    "raw_user": USERS,
    "raw_gaggle": """\
        id,name,created_at
        g1,Makers,2021-01-01
        g2,Readers,2021-01-01
    """,
    "raw_event": EVENTS,
    "deals": """\
        close_date,amount,deal_name,deal_stage,email
        2021-02-01,1000,Acme - Business Deal,Won,ann@acme.com
    """,
    "merged_user": """\
        old_email,new_email
        ann@gmail.com,ann@acme.com
    """,
}


def published(folder, **tables):
    """A world whose pipeline ran on these tables and was published."""
    world = World(folder).write(**{**TABLES, **tables})
    pipeline = BarePipeline(world.settings)
    pipeline.run(world.days(), areas=("suggestions",))
    pipeline.publish([t for t in published_tables() if t not in contracts.TIME_TABLES])
    return world


@pytest.fixture(scope="session")
def company(tmp_path_factory):
    """For reading; what writes makes a world of its own."""
    return published(tmp_path_factory.mktemp("company"))
