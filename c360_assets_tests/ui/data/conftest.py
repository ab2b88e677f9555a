"""Fixtures for what pages show: a small world that was published, made once."""

from __future__ import annotations

import pytest

from c360_assets.crm_rules import CrmRules
from c360_assets.settings import Rules
from c360_assets.ui.copies import Copies, Copy
from c360_assets_tests.pipeline import World

# Ann (accounts 1 and 2) has something of every kind, Gus much at one time, Eve nothing.
# Hal opted out.
FEW_PEOPLE = {
    "raw_user": """
        id,name,email,created_at,gaggle_id
        1,Ann,ann@acme.com,2021-01-01,g1
        2,Ann Old,ann.old@gmail.com,2021-01-05,
        3,Bob,bob@beta.com,2021-01-06,
        4,Cid,cid@beta.com,2021-01-06,
        5,Dot,dot@beta.com,2021-01-06,
        6,Eve,eve@beta.com,2021-01-06,
        7,Gus,gus@beta.com,2021-01-06,
        8,Fay,fay@new.com,2021-01-06,
        9,Fay,fay@old.com,2021-01-06,
        10,Hal,hal@secret.org,2021-01-06,
    """,
    "merged_user": """
        old_email,new_email,decision,decided_by,decided_at,reason
        ann.old@gmail.com,ann@acme.com,merge,Jo,2021-02-07 10:00:00,same phone
        cid@beta.com,dot@beta.com,merge,Jo,2021-02-08 10:00:00,
        cid@beta.com,dot@beta.com,undo,Kim,2021-02-09 10:00:00,mistake
        ann@acme.com,bob@beta.com,never,Kim,2021-02-10 10:00:00,father and son
        fay@old.com,fay@new.com,merge,,,
    """,
    "merged_company_domain": "old_domain,new_domain\nacme.com,acme.org\ngmail.com,acme.org",
    "raw_gaggle": "id,name,created_at\ng1,Geese,2021-01-01",
    "deals": """
        close_date,amount,deal_name,deal_stage,email
        2021-02-06,"$12,000",Geese for all,Won,ann@acme.com
        2021-02-06,10,Other,Lost,bob@beta.com
    """,
    "raw_promo": "promo_id,discount,status\nspring,10,active",
    "raw_order": """
        order_id,user_id,created_at,order_cost,promo_id,refund_amount
        o1,1,2021-02-01 10:00:00,100,spring,
        o2,2,2021-02-05 23:59:59,50,,5
        o3,1,2021-02-16 00:00:00,20,,
        o4,3,2021-02-02 10:00:00,999,,
        o5,4,2021-02-02 10:00:00,,,
        o6,5,2021-02-01 10:00:00,7,,
        o7,5,2021-02-27 10:00:00,8,,
        o8,7,2021-02-03 09:00:00,8,,
        o9,7,2021-02-03 09:00:00,9,,
    """,
    "raw_order_item": "order_id,product_id,quantity\no1,p,3\no2,p,1",
    "raw_product": "product_id,name,price\np,Iron,10",
    "raw_event": """
        event_id,user_id,event_name,timestamp,session_id
        e1,1,login,2021-02-01 09:00:00,s1
        e2,1,look,2021-02-01 09:01:00,s1
        e3,2,login,2021-02-03 09:00:00,s2
        e4,3,login,2021-02-03 09:00:00,s3
        e5,3,login,2021-02-28 09:00:00,s4
        e6,10,login,2021-02-03 09:00:00,s6
    """
    # seven things at one time
    + "".join(f"        x{n},7,act {n},2021-02-03 09:00:00,\n" for n in range(7)),
    "raw_ticket": """
        ticket_id,email,created_at,subject,status
        t1,ann.old@gmail.com,2021-02-04 10:00:00,Help,closed
        t2,bob@beta.com,2021-02-04 10:00:00,Help,open
        t3,hal@secret.org,2021-02-04 10:00:00,Hal's own words,open
    """,
    "optouts": "email\nhal@secret.org",
    "raw_campaign": """
        plan_id,plan_detail_id,campaign_action_id,campaign_action_name,target_group_id,\
target_group_name,channel_id,channel_name,template_name,promotion_id,tag_names,campaign_type,\
execution_start_date
        10,101,7,Free iron,1,Newcomers,2,Email,iron,spring,winter; warm,1,2021-02-02
        10,100,1,DN,1,Newcomers,,,,,winter,1,2021-02-02
        20,200,1,DN,2,Old hands,,,,,,1,2021-02-10
        30,301,8,Recipe,3,Cooks,4,Push,recipe,,,1,2021-02-12
    """,
    "raw_campaign_target": """
        execution_date,user_id,plan_id,plan_detail_id,exclusion_reason_id,exclusion_reason,\
last_updated_time
        2021-02-02,2,10,101,,,2021-02-02 10:00:00
        2021-02-10,1,20,200,,,2021-02-10 10:00:00
        2021-02-12,1,30,301,,,2021-02-12 10:00:00
        2021-02-20,1,20,,9,Unsubscribed,2021-02-20 10:00:00
        2021-02-12,3,30,301,,,2021-02-12 10:00:00
        2021-02-12,5,30,301,,,2021-02-12 10:00:00
    """,
}


@pytest.fixture(scope="session")
def few_people_world(tmp_path_factory) -> World:
    """A world of few people; tests that use it are of the xdist group `few_people`."""
    rules = Rules(crm=CrmRules(suppression=["optouts.csv"]))
    world = World(tmp_path_factory.mktemp("few_people"), rules=rules).write(**FEW_PEOPLE)
    world.build_everything().publish()
    return world


@pytest.fixture(scope="session")
def few_people(few_people_world) -> Copy:
    """The published copy of that world."""
    return Copies(few_people_world.settings).current()
