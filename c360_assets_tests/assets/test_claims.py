"""Every check has a case in which it fails: its table is broken on purpose, then rolled back."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import dagster as dg
import duckdb
import pytest

from c360_assets import contracts
from c360_assets.assets import (
    campaigns,
    crm,
    events,
    identity,
    kpis,
    lifetime_value,
    marts,
    own_attributes,
    profiles,
    rfm_history,
    suggestions,
)
from c360_assets.assets.claims import Claim, contract_claims, evaluate
from c360_assets.assets.raw import merge_claims, raw_claims
from c360_assets.assets.staging import staging_claims
from c360_assets.contracts import Table
from c360_assets.definitions import build_defs
from c360_assets.settings import FreshnessRules, Rules, Settings
from c360_assets.warehouse.duckdb import Warehouse
from c360_assets.warehouse.event_days import DAYS, TOTALS
from c360_assets_tests.pipeline import World

pytestmark = pytest.mark.xdist_group("claims")

# every customer at every hour, computed when asked: a claim looks at its newest hour instead
UNCLAIMED = (
    *contracts.RAW_TABLES,
    contracts.table("rfm_segments_hourly"),
    # likewise every customer on every day: the claims look at the intervals
    *(t for t in contracts.ALL_TABLES if t.asset == "customer_profiles" and t.is_view),
)
RULES = Rules(freshness=FreshnessRules(max_age_hours=12))
# Every table has rows, nothing is wrong with any, and the clock stands at the newest event.
SOURCE = {
    "raw_user": """
        id,name,email,gaggle_id,created_at
        1,Ann,ann@acme.com,g1,2021-01-01
        2,Bob,bob@beta.com,g1,2021-01-02
        3,Cat,cat@gmail.com,g2,2021-01-03
        4,Old Ann,ann@gmail.com,g2,2021-01-01
        5,Dan,dan@oldacme.com,g3,2021-01-05
        6,Eve Moss,eve.moss@gmail.com,g2,2021-01-06
        7,Eve Moss,eve.moss+shop@gmail.com,g2,2021-01-06
    """,
    "raw_gaggle": "id,name,created_at\ng1,One,2021-01-01\ng2,Two,2021-01-01\ng3,Three,2021-01-01",
    "raw_event": """
        event_id,user_id,event_name,timestamp,session_id,order_id,product_id
        e1,1,checkout,2021-02-01 10:00:00,s1,o1,p1
        e2,2,login,2021-02-01 11:00:00,,,
        e3,3,login,2021-02-02 12:00:00,,,
        e4,4,login,2021-02-02 13:00:00,,,
    """,
    "raw_order": """
        order_id,user_id,created_at,order_cost,promo_id
        o1,1,2021-02-01 10:00:00,10,half
        o2,3,2021-02-02 10:00:00,20,
        o3,2,2021-02-02 10:30:00,30,
        o4,3,2021-01-20 10:00:00,25,
    """,
    "raw_order_item": "order_id,product_id,quantity\no1,p1,1\no2,p1,2",
    "raw_product": "product_id,name,price\np1,Pot,10",
    "raw_promo": "promo_id,discount\nhalf,5",
    "raw_address": "address_id,address,zipcode,state,country\na1,Street 1,0001,Ohio,USA",
    "deals": """
        close_date,amount,deal_name,deal_stage,email
        2021-01-10,10,A - B Deal,Won,x@acme.com
    """,
    "raw_campaign": (
        "plan_id,plan_detail_id,campaign_action_id,campaign_action_name,target_group_id,"
        "target_group_name,channel_id,channel_name,template_name,promotion_id,tag_names,"
        "campaign_type,execution_start_date\n1,2,3,a,4,b,5,c,d,6,e,scheduled,2021-01-01"
    ),
    "raw_campaign_target": (
        "execution_date,user_id,plan_id,plan_detail_id,last_updated_time\n"
        "2021-01-01,1,1,2,2021-01-01"
    ),
    "raw_ticket": "ticket_id,email,created_at,subject,status\nt1,ann@acme.com,2021-01-01,Help,open",
    "merged_user": "old_email,new_email\nann@gmail.com,ann@acme.com",
    "merged_company_domain": "old_domain,new_domain\noldacme.com,acme.com",
}


@dataclass(frozen=True)
class Stated:
    """A claim, the table on which it is tested and the asset that shows it."""

    asset: str
    table: Table
    claim: Claim

    def __str__(self) -> str:
        return f"{self.asset}: {self.claim.name}"


def stated() -> Iterator[Stated]:
    """Every claim, put together from the modules that state them."""
    settings = Settings(rules=RULES)
    own: list[tuple[Table, tuple[Claim, ...]]] = [
        *((table, raw_claims(table)) for table in contracts.RAW_TABLES),
        *((table, merge_claims(table)) for table in contracts.MERGE_TABLES),
        (DAYS, (*events.CLAIMS, events.conservation_claim())),
        (contracts.table("merge_journal"), identity.JOURNAL_CLAIMS),
        (contracts.table("contact_id_history"), identity.HISTORY_CLAIMS),
        (contracts.table("user_identity"), identity.USER_CLAIMS),
        (contracts.table("domain_identity"), identity.DOMAIN_CLAIMS),
        *((contracts.table(name), claims) for name, claims in marts.CLAIMS.items()),
        *((contracts.table(name), claims) for name, claims in kpis.CLAIMS.items()),
        *((contracts.table(name), claims) for name, claims in campaigns.CLAIMS.items()),
        *((contracts.table(name), claims) for name, claims in lifetime_value.CLAIMS.items()),
        (contracts.table("merge_candidates"), suggestions.CLAIMS),
        *((contracts.table(name), claims) for name, claims in rfm_history.CLAIMS.items()),
        (contracts.table("customer_profiles"), profiles.CLAIMS),
    ]
    for staged, source in contracts.SOURCE_OF_STAGED.items():
        table = contracts.table(staged)
        own.append((table, staging_claims(settings, table, contracts.table(source))))
    for table, claims in own:
        for claim in claims:
            yield Stated(table.asset, table, claim)
    for table in contracts.ALL_TABLES:
        if table not in UNCLAIMED and table.layer != "ops":
            for claim in contract_claims(table):
                yield Stated(table.asset, table, claim)


ALL = list(stated())
BY_NAME = {(one.asset, one.claim.name): one for one in ALL}


# --- how each claim is broken --------------------------------------------------------------------

Breaks = tuple[str, ...]
Place = tuple[str, str]
GROUPED = {
    "required_values_are_never_null",
    "coded_values_are_accepted_ones",
    "amounts_are_never_negative",
}


def contract_breaks(table: Table) -> Iterator[tuple[str, str, Breaks]]:
    """(claim, column, statements after which one row breaks it) for all of a table's contract."""
    name = table.qualified_name
    prefix = "" if table.asset == table.name else f"{table.name}_"

    def set_one(column: str, value: str) -> Breaks:
        # where nothing is known of it in this world, any row will do
        is_known = f'case when "{column}" is not null then rowid end'
        first = f"(select coalesce(min({is_known}), min(rowid)) from {name})"
        return (f'update {name} set "{column}" = {value} where rowid = {first}',)

    for column in table.columns:
        if not column.is_nullable:
            claim = f"{prefix}required_values_are_never_null"
            yield claim, column.name, set_one(column.name, "null")
        if column.accepted:
            wrong = "9" if column.type == "INTEGER" else "'nonsense'"
            claim = f"{prefix}coded_values_are_accepted_ones"
            yield claim, column.name, set_one(column.name, wrong)
        if column.is_non_negative:
            claim = f"{prefix}amounts_are_never_negative"
            yield claim, column.name, set_one(column.name, "-1")
    for reference in table.references:
        claim = f"{prefix}{reference.column}_refers_to_{reference.to_table}"
        yield claim, reference.column, set_one(reference.column, "'nobody'")
    if table.key:
        are = "is" if len(table.key) == 1 else "are"
        again = (f"insert into {name} select * from {name} order by rowid limit 1",)
        yield f"{prefix}{'_and_'.join(table.key)}_{are}_unique", "key", again


BROKEN: dict[Place, Breaks] = {
    ("stg_events", "event_id_is_unique_within_its_day"): (
        "update staging.stg_events set event_id = 'e1' where event_id = 'e2'",
    ),
    ("stg_events", "events_are_fresh"): (
        "update ops.clock set as_of = timestamp '2021-02-03 01:00:01'",
    ),
    ("user_event_days", "totals_are_the_sum_of_the_days"): (
        "update staging.user_event_totals set number_of_orders = 7 where user_id = '1'",
    ),
    ("user_event_days", "every_rolled_day_is_up_to_date"): (
        "insert into ops.stale_days values (date '2021-02-01')",
    ),
    ("user_event_days", "every_day_of_the_source_is_rolled_up"): (
        "delete from ops.rolled_days where event_date = date '2021-02-01'",
    ),
    ("user_event_days", "events_and_orders_are_conserved"): (
        "delete from staging.user_event_days where user_id = '2'",
    ),
    ("merge_journal", "no_chain_is_left_unresolved"): (
        "insert into identity.merge_journal by name select 'user' as kind, 'f' as source_file,"
        " 1 as source_row, 'ann@acme.com' as old_key, 'x@y.z' as resolved_to,"
        " 'merge' as decision, 'applied' as outcome",
    ),
    ("merge_journal", "every_decision_has_one_outcome"): (
        "delete from identity.merge_journal where kind = 'user'",
    ),
    ("merge_journal", "no_decision_was_refused"): (
        "update identity.merge_journal set outcome = 'refused' where kind = 'user'",
    ),
    ("user_identity", "every_user_has_one_contact"): (
        "delete from identity.user_identity where user_id = '2'",
    ),
    ("user_identity", "every_contact_stands_for_itself"): (
        "update identity.user_identity set contact_user_id = '4' where user_id = '2'",
    ),
    ("contact_id_history", "no_id_that_somebody_bears_leads_elsewhere"): (
        "insert into identity.contact_id_history values ('c_1', 1, 'merged', 'c_2', 'f', 1, 'c_2')",
        "update identity.contact_ids set contact_id = 'c_1'",
    ),
    ("contact_id_history", "every_id_leads_to_one_that_somebody_bears"): (
        "update identity.contact_id_history set current_contact_id = 'c_77'",
    ),
    ("user_identity", "every_contact_has_one_id"): (
        "update identity.user_identity set contact_id = 'c_1' where user_id = '2'",
    ),
    ("contacts", "contact_id_is_that_of_the_accounts"): (
        "update marts.contacts set contact_id = 'c_77' where user_id = '1'",
    ),
    ("user_identity", "nobody_is_joined_with_whom_a_ban_keeps_apart"): (
        "insert into identity.merge_journal by name select 'user' as kind, 'f' as source_file,"
        " 1 as source_row, 'ann@gmail.com' as old_key, 'ann@acme.com' as new_key,"
        " 'never' as decision, 'applied' as outcome",
    ),
    ("domain_identity", "no_companies_are_joined_that_a_ban_keeps_apart"): (
        "insert into identity.merge_journal by name select 'domain' as kind, 'f' as source_file,"
        " 1 as source_row, 'oldacme.com' as old_key, 'acme.com' as new_key,"
        " 'never' as decision, 'applied' as outcome",
    ),
    ("domain_identity", "every_company_stands_for_itself"): (
        "update identity.domain_identity set corporate_email = 'oldacme.com'"
        " where email_domain = 'beta.com'",
    ),
    ("domain_identity", "every_deal_belongs_to_a_known_company"): (
        "delete from staging.stg_users where user_id in ('1', '5')",
    ),
    ("contacts", "no_merged_away_user_is_left"): (
        "update marts.contacts set user_id = '4' where user_id = '2'",
    ),
    ("contacts", "email_is_unique"): (
        "update marts.contacts set email = 'ann@acme.com' where user_id = '2'",
    ),
    ("contacts", "accounts_are_conserved"): ("delete from marts.contacts where user_id = '2'",),
    ("contacts", "events_are_conserved"): ("delete from marts.contacts where user_id = '2'",),
    ("contacts", "orders_are_conserved"): ("delete from marts.contacts where user_id = '3'",),
    ("gaggle_domain_facts", "corporate_people_are_conserved"): (
        "delete from marts.gaggle_domain_facts where gaggle_id = 'g3'",
    ),
    ("gaggle_domain_facts", "every_gaggle_has_one_primary_company"): (
        "update marts.gaggle_domain_facts set is_primary = true where gaggle_id = 'g1'",
    ),
    ("gaggle_facts", "events_are_conserved"): (
        "update marts.gaggle_facts set number_of_events = 9 where gaggle_id = 'g1'",
    ),
    ("gaggle_facts", "orders_are_conserved"): (
        "update marts.gaggle_facts set number_of_orders = 9 where gaggle_id = 'g1'",
    ),
    ("gaggle_facts", "every_gaggle_of_an_account_is_known"): (
        "delete from staging.stg_gaggles where gaggle_id = 'g1'",
    ),
    ("corporate_accounts", "corporate_events_are_conserved"): (
        "update marts.corporate_accounts set number_of_events_corporate = 9"
        " where corporate_email = 'acme.com'",
    ),
    ("corporate_accounts", "corporate_orders_are_conserved"): (
        "update marts.corporate_accounts set number_of_orders_corporate = 9"
        " where corporate_email = 'acme.com'",
    ),
    ("gaggle_facts", "companies_of_gaggles_are_conserved"): (
        "update marts.gaggle_domain_facts set number_of_orders_corporate = 9"
        " where gaggle_id = 'g1' and corporate_email = 'beta.com'",
    ),
    ("gaggle_facts", "primary_companies_are_conserved"): (
        "update marts.gaggle_facts set number_of_events_corporate = 9 where gaggle_id = 'g1'",
    ),
    # what moves between two gaggles leaves the contact's own sum as it is, and the other way round
    ("user_gaggle_facts", "contacts_are_conserved"): (
        "update marts.user_gaggle_facts set user_id = '2' where user_id = '3'",
    ),
    ("user_gaggle_facts", "accounts_of_gaggles_are_conserved"): (
        "update marts.user_gaggle_facts set gaggle_id = 'g3' where gaggle_id = 'g2'",
    ),
    ("user_gaggle_facts", "people_of_gaggles_are_conserved"): (
        "update marts.user_gaggle_facts set is_current = not is_current where user_id = '1'",
    ),
    ("corporate_accounts", "gaggles_of_companies_are_conserved"): (
        "update marts.gaggle_domain_facts set number_of_users_corporate = 9"
        " where corporate_email = 'beta.com'",
    ),
    ("corporate_accounts", "gaggles_are_conserved"): (
        "update marts.gaggle_facts set corporate_email = null where gaggle_id = 'g1'",
    ),
    ("upgrade_candidates", "upgrade_ranks_have_no_gap"): (
        "update marts.upgrade_candidates set upgrade_rank = 2 where upgrade_rank = 1",
    ),
    ("merge_candidates", "every_suggestion_joins_two_that_are_apart"): (
        "update identity.merge_candidates set \"left\" = 'nobody@acme.com'",
    ),
    ("merge_candidates", "no_decided_pair_is_suggested"): (
        "update identity.merge_journal set old_key = 'eve.moss@gmail.com',"
        " new_key = 'eve.moss+shop@gmail.com' where kind = 'user'",
    ),
    ("merge_candidates", "value_ranks_have_no_gap"): (
        "update identity.merge_candidates set value_rank = 2 where value_rank = 1",
    ),
    ("customer_lifetime_value", "every_ordering_contact_is_scored"): (
        "delete from marts.customer_lifetime_value where user_id = '1'",
    ),
    ("customer_lifetime_value", "lifetime_value_models_every_scored_customer_is_counted"): (
        "delete from marts.lifetime_value_history",
    ),
    ("customer_lifetime_value", "lifetime_value_models_frequency_and_value_are_independent"): (
        "update marts.lifetime_value_models set is_value_independent = false",
    ),
    **{
        ("customer_lifetime_value", f"{prefix}{claim}"): (f"update marts.{name} set {change}",)
        for name, prefix in (
            ("customer_lifetime_value", ""),
            ("lifetime_value_history", "lifetime_value_history_"),
        )
        for claim, change in (
            ("probabilities_are_between_0_and_1", "probability_alive = 1.5"),
            ("a_value_is_missing_only_with_a_reason", "no_value_reason = null"),
            ("a_probability_is_missing_only_with_a_reason", "no_probability_reason = null"),
            ("figures_grow_with_the_horizon", "clv_30d = 2, clv_90d = 1"),
        )
    },
    ("fct_sessions", "events_are_conserved"): (
        "update staging.event_name_days set number_of_events = 7",
    ),
    ("fct_sessions", "events_of_accounts_are_conserved"): (
        "update staging.user_event_name_days set event_date = event_date - 1 where user_id = '2'",
    ),
    ("fct_sessions", "events_of_sessions_are_conserved"): (
        "update staging.sessions set event_count = 7",
    ),
    ("fct_sessions", "every_session_has_a_contact"): ("delete from marts.fct_sessions",),
    ("fct_sessions", "every_session_belongs_to_one_person"): (
        "update staging.sessions set user_id = '1', other_user_id = '2' where session_id = 's1'",
    ),
    ("fct_sessions", "sessions_end_within_a_day"): (
        "update staging.sessions set session_ended_at = timestamp '2021-02-09'"
        " where session_id = 's1'",
    ),
    ("fct_orders", "orders_are_conserved"): ("delete from marts.fct_orders where user_id = '1'",),
    ("fct_orders", "sales_are_conserved"): (
        "update marts.fct_orders set sales_total = 1 where user_id = '1'",
    ),
    ("fct_orders", "every_customer_has_one_first_order"): (
        "update marts.fct_orders set is_first_order = not is_first_order where user_id = '1'",
    ),
    ("fct_orders", "order_lines_are_conserved"): ("delete from staging.order_lines",),
    ("fct_orders", "no_order_arrives_before_it_is_placed"): (
        "update marts.fct_orders set delivered_at = timestamp '2021-01-01' where user_id = '1'",
    ),
    ("dim_users", "every_contact_has_one_row"): (
        "delete from marts.dim_users where user_id = '1'",
    ),
    ("dim_users", "orders_are_conserved"): (
        "update marts.dim_users set total_orders = 7 where user_id = '1'",
    ),
    ("dim_users", "sales_are_conserved"): (
        "update marts.dim_users set total_sales = 7 where user_id = '1'",
    ),
    ("kpi_daily", "orders_are_conserved"): (
        "update marts.kpi_daily set orders = 7 where dimension = 'country'",
    ),
    ("kpi_daily", "revenue_is_conserved"): (
        "update marts.kpi_daily set revenue = 7 where dimension = 'promo'",
    ),
    ("kpi_daily", "sessions_are_conserved"): (
        "update marts.kpi_daily set sessions = 7 where dimension = 'all'",
    ),
    ("kpi_daily", "events_are_conserved"): (
        "delete from marts.kpi_daily where dimension = 'event_name'",
    ),
    ("kpi_daily", "whoever_was_active_began_once"): (
        "update marts.kpi_active_days set previous_date = null",
    ),
    ("kpi_daily", "every_day_has_a_row"): (
        "delete from marts.kpi_daily where kpi_date = date '2021-02-01'",
    ),
    ("support_queue", "every_open_ticket_is_queued_once"): ("delete from marts.support_queue",),
    ("support_queue", "queue_ranks_have_no_gap"): (
        "update marts.support_queue set queue_rank = 2",
    ),
    ("rfm_segment_history", "intervals_of_a_contact_have_no_gap_and_no_overlap"): (
        "update marts.rfm_segment_history set valid_to = valid_from + interval '9 days'"
        " where user_id = '3' and valid_to is not null",
    ),
    ("rfm_segment_history", "newest_segments_are_those_of_the_formula"): (
        "update marts.rfm_segment_history set monetary_score = null where valid_to is null",
    ),
    ("rfm_segment_history", "newest_states_are_those_of_the_orders"): (
        "update marts.rfm_customer_states set last_order_minute ="
        " last_order_minute + interval '1 minute' where valid_to is null and user_id = '3'",
    ),
    ("rfm_segment_history", "daily_changes_add_up_to_the_newest_segments"): (
        "delete from marts.rfm_daily_changes where from_segment = 'prospects'",
    ),
    ("rfm_migrations", "migrations_conserve_the_segments"): (
        "update marts.rfm_migrations set customers = 1 + customers where period = 'month'",
    ),
    ("rfm_migrations", "everybody_is_active_in_the_month_of_their_first_order"): (
        "update marts.rfm_cohorts set retention_rate = 0.5 where months_since_first_order = 0",
    ),
    ("rfm_migrations", "every_customer_is_in_one_cohort"): (
        "delete from marts.rfm_cohorts where months_since_first_order = 0",
    ),
    ("search_index", "everything_is_found_once"): (
        "update marts.search_index set object_id = 'c_9' where kind = 'person' and user_id = '1'",
    ),
    ("search_index", "every_address_ever_is_found"): (
        "update marts.search_index set search_text = replace(search_text, 'ann@', 'anna@')",
    ),
    ("search_index", "value_ranks_have_no_gap"): (
        "update marts.search_index set value_rank = 2 where value_rank = 1",
    ),
    ("rfm_segments", "every_ordering_contact_has_one_segment"): (
        "delete from marts.rfm_segments where user_id = '1'",
    ),
    ("customer_profiles", "no_day_of_a_customer_is_stated_twice"): (
        "update marts.customer_profile_history set valid_to = valid_to + 1"
        " where valid_to is not null",
    ),
    ("customer_profiles", "every_contact_has_a_profile"): (
        "delete from marts.customer_profile_history where client_customer_id = '2'",
    ),
    ("customer_profiles", "orders_of_profiles_are_conserved"): (
        "update marts.customer_profile_history set ECOM_NUMBER_OF_ORDERS = 7"
        " where client_customer_id = '1'",
    ),
    ("campaign_targets", "rows_of_the_source_are_conserved"): (
        "delete from marts.campaign_targets",
    ),
    ("campaign_targets", "every_campaign_is_known"): (
        "update marts.campaign_targets set plan_detail_id = '77'",
    ),
    ("campaign_targets", "customers_are_either_targeted_or_excluded_for_a_reason"): (
        "update staging.stg_campaign_targets set exclusion_reason = 'Unsubscribed'",
    ),
    ("campaign_targets", "control_actions_have_the_name_and_the_id_of_one"): (
        "update staging.stg_campaigns set campaign_action_name = 'DN'",
    ),
    ("campaign_impact", "every_customer_of_a_campaign_is_in_one_group"): (
        "update marts.campaign_groups set customers_pending = 1 + customers_pending",
    ),
    ("campaign_impact", "uplifts_lie_in_their_intervals"): (
        "update marts.campaign_impact set orders_uplift = 2, orders_uplift_low = 0,"
        " orders_uplift_high = 1",
    ),
    ("campaign_impact", "a_figure_or_the_reason_why_there_is_none"): (
        "update marts.campaign_impact set orders_reason = null",
    ),
}


def all_breaks() -> Iterator[tuple[Place, str, Breaks]]:
    """(asset and claim, which of its cases, statements after which it fails)."""
    for place, statements in BROKEN.items():
        yield place, "", statements
    for table in contracts.RAW_TABLES:
        torn = f"update ops.source_files set problem = 'torn' where source_table = '{table.name}'"
        yield (table.asset, "every_file_is_readable"), "", (torn,)
    for table in contracts.MERGE_TABLES:
        torn = f"insert into ops.unreadable_merge_files values ('{table.name}', 'f.csv', 'torn')"
        yield (table.asset, "every_merge_file_is_readable"), "", (torn,)
    for staged, source in contracts.SOURCE_OF_STAGED.items():
        one_more = "update ops.source_files set rows_read = 1 + rows_read"
        yield (
            (staged, "rows_read_are_staged_rejected_or_duplicates"),
            "",
            (f"{one_more} where source_table = '{source}'",),
        )
        rejected = (
            "insert into ops.rejected_rows (source_table, source_file, source_row, reason)"
            f" values ('{source}', 'f.csv', 1, 'missing_value: id')"
        )
        yield (staged, "no_row_breaks_the_contract"), "", (rejected,)
    for table in contracts.ALL_TABLES:
        if table not in UNCLAIMED and table.layer != "ops":
            for claim, column, statements in contract_breaks(table):
                yield (table.asset, claim), column, statements


ALL_BREAKS = list(all_breaks())


# --- the warehouse that is broken ----------------------------------------------------------------


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("claims"), rules=RULES).write(**SOURCE).build_everything()


@pytest.fixture(scope="module")
def connection(world: World) -> Iterator[duckdb.DuckDBPyConnection]:
    """The built warehouse, its views made tables so that rows can be changed."""
    with Warehouse(database=str(world.settings.warehouse_path)).get_connection() as connection:
        views = connection.execute(
            "select schema_name || '.' || view_name from duckdb_views() where not internal"
            " and database_name = current_database() and schema_name <> 'ops'"
        ).fetchall()
        for (view,) in views:
            connection.execute(f"create table kept as from {view}")
            connection.execute(f"drop view {view}")
            connection.execute(f"create table {view} as from kept; drop table kept")
        yield connection


@pytest.fixture
def scratch(connection: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    connection.execute("begin transaction")
    yield connection
    connection.execute("rollback")


def test_the_claims_are_those_that_dagster_shows_as_checks(world):
    graph = build_defs(world.settings).resolve_asset_graph()
    shown = {(key.asset_key.to_user_string(), key.name) for key in graph.asset_check_keys}
    # checks that are no claims: they fail in test_suggestions_quality and test_customer_profiles
    others = {
        ("merge_candidates", suggestions.PRECISION_CHECK),
        ("customer_profiles", own_attributes.OWN_EXPRESSIONS_CHECK),
        # about rows in a CRM, not in the warehouse: they fail in activation/sync
        ("crm_sync", crm.CONSERVED),
        ("crm_sync", crm.TAKEN),
    }
    assert set(BY_NAME) == shown - others
    assert len(BY_NAME) == len(ALL), "no two checks of an asset share a name"


def test_every_claim_has_a_case_in_which_it_fails():
    assert {place for place, _, _ in ALL_BREAKS} == set(BY_NAME)


def test_on_clean_data_every_claim_holds(connection):
    for one in ALL:
        result = evaluate(connection, one.table, [one.claim])[0]
        assert result.passed, f"{one}: {result.metadata}"


@pytest.mark.parametrize(
    ("place", "column", "statements"),
    ALL_BREAKS,
    ids=[" ".join([*place, column]).strip() for place, column, _ in ALL_BREAKS],
)
def test_a_claim_fails_where_it_is_broken_and_shows_what_breaks_it(
    scratch, place, column, statements
):
    one = BY_NAME[place]
    for statement in statements:
        scratch.execute(statement)
    result = evaluate(scratch, one.table, [one.claim])[0]
    assert not result.passed
    assert (result.asset_key, result.check_name) == (dg.AssetKey(one.asset), one.claim.name)
    error, warning = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN
    assert result.severity == (error if one.claim.is_blocking else warning)
    breaches, sample = result.metadata["breaches"].value, result.metadata["sample"].value
    assert breaches >= 1
    assert 1 <= len(sample) <= 5
    if column:
        assert breaches == 1
    if one.claim.name.removeprefix("user_event_totals_") in GROUPED:
        assert sample[0]["broken_columns"] == column


def test_a_sample_is_short_and_the_count_is_whole(scratch):
    table = contracts.table("stg_users")
    scratch.execute("insert into staging.stg_users (user_id) select n from range(1000) as r(n)")
    claim = BY_NAME["stg_users", "required_values_are_never_null"].claim
    result = evaluate(scratch, table, [claim])[0]
    assert result.metadata["breaches"].value == 1000
    assert len(result.metadata["sample"].value) == 5


def test_many_claims_at_once_give_the_same_as_one_by_one(scratch):
    table = contracts.table("contacts")
    scratch.execute("update marts.contacts set email = null, number_of_events = -1")
    claims = contract_claims(table)
    together = counts(evaluate(scratch, table, claims))
    assert together == counts([evaluate(scratch, table, [claim])[0] for claim in claims])
    assert together["required_values_are_never_null"] == 6
    assert together["user_id_is_unique"] == 0


def counts(results: list[dg.AssetCheckResult]) -> dict[str | None, object]:
    return {result.check_name: result.metadata["breaches"].value for result in results}


def test_a_scope_bounds_what_is_measured(scratch):
    scratch.execute(
        "update staging.user_event_days set number_of_events = -1 where event_date = '2021-02-02'"
    )
    claims = [BY_NAME["user_event_days", "amounts_are_never_negative"].claim]
    assert not evaluate(scratch, DAYS, claims)[0].passed
    assert not evaluate(scratch, DAYS, claims, "event_date = date '2021-02-02'")[0].passed
    assert evaluate(scratch, DAYS, claims, "event_date = date '2021-02-01'")[0].passed


@pytest.mark.parametrize(
    ("days", "holds"),
    [
        ([date(2021, 2, 1)], False),
        ([date(2021, 2, 2)], True),
        ([date(2021, 1, 31), date(2021, 2, 2)], True),  # the day between is not asked for
        ([], True),
        (None, False),
    ],
)
def test_conservation_looks_at_the_days_of_the_run_alone(scratch, days, holds):
    scratch.execute("delete from staging.user_event_days where event_date = date '2021-02-01'")
    assert evaluate(scratch, DAYS, [events.conservation_claim(days)])[0].passed is holds


def test_claims_on_a_second_table_of_an_asset_carry_its_name():
    names = {claim.name for claim in contract_claims(TOTALS)}
    assert all(name.startswith("user_event_totals_") for name in names)


def test_what_follows_from_the_contract_blocks():
    for table in contracts.ALL_TABLES:
        drift = {claim.name for claim in contract_claims(table) if not claim.is_blocking}
        assert drift == ({"order_id_refers_to_stg_orders"} & drift)


def test_the_items_of_a_rejected_order_do_not_stop_the_rest(tmp_path):
    source = SOURCE | {"raw_order": SOURCE["raw_order"].replace("2021-02-01 10:00:00", "no time")}
    world = World(tmp_path, rules=RULES).write(**source).build_everything()
    table = contracts.table("stg_order_items")
    with Warehouse(database=str(world.settings.warehouse_path)).reading() as connection:
        results = evaluate(connection, table, contract_claims(table))
    failed = {r.check_name: r.severity for r in results if not r.passed}
    assert failed == {"order_id_refers_to_stg_orders": dg.AssetCheckSeverity.WARN}
