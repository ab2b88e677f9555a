"""The generator's scratch database: blocks go in as numbers, raw tables come out as SELECTs.

Ids and page addresses are made from numbers here, by DuckDB, so that the millions of events never
exist as Python objects. What does NOT belong here: any draw, and where files end up (`writer`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np

from c360_assets.sources.demo import catalogue, clock
from c360_assets.sources.demo.engagement import Columns
from c360_assets.sources.demo.orders import SERVICES, STATUSES

_PARQUET = "format parquet, compression zstd, compression_level 1"
SITE = "https://jaffle-gaggle.example"

_TABLES = {
    "gaggle": "number bigint, name varchar, created bigint",
    "person": "number bigint, name varchar, email varchar, gaggle bigint, created bigint, "
    "phone varchar, home bigint, updated bigint",
    "home": "number bigint, address varchar, zipcode varchar, state varchar, country varchar",
    "event": "number bigint, person bigint, second bigint, name tinyint, product tinyint, "
    "session bigint",
    "purchase": "number bigint, person bigint, created bigint, cost bigint, shipping bigint, "
    "total bigint, promo tinyint, refund bigint, status tinyint, estimated bigint, "
    "delivered bigint, service tinyint, home bigint",
    "item": "purchase bigint, product tinyint, quantity tinyint",
    "deal": "day bigint, amount varchar, deal_name varchar, deal_stage varchar, email varchar",
    "ticket": "number bigint, email varchar, second bigint, subject varchar, status varchar",
    "target": "day bigint, person bigint, plan_id varchar, plan_detail_id varchar, "
    "exclusion_reason_id varchar, exclusion_reason varchar, second bigint",
    "merge": "old_email varchar, new_email varchar",
    "domain_merge": "old_domain varchar, new_domain varchar",
    "truth": "left_email varchar, right_email varchar, kind varchar, is_same boolean",
    "product": "number tinyint, name varchar, cents bigint, inventory bigint",
    "promo": "number tinyint, promo_id varchar, discount bigint, status varchar",
    "plan": "plan_id varchar, plan_detail_id varchar, campaign_action_id varchar, "
    "campaign_action_name varchar, target_group_id varchar, target_group_name varchar, "
    "channel_id varchar, channel_name varchar, template_name varchar, promotion_id varchar, "
    "tag_names varchar, campaign_type varchar, execution_start_date varchar, "
    "execution_end_date varchar",
}

_SELECTS = {
    "raw_gaggle": "select (1000 + number)::varchar as id, name, utc(created) as created_at "
    "from gaggle",
    "raw_user": "select user_id(number) as id, name, email, (1000 + gaggle)::varchar as gaggle_id,"
    " utc(created) as created_at, phone, uid('address', home) as address_id,"
    " utc(updated) as updated_at from person",
    "raw_event": "select uid('event', number) as event_id, user_id(person) as user_id,"
    " event_names()[name + 1] as event_name, utc(second) as timestamp,"
    " uid('session', session) as session_id,"
    " coalesce(site() || '/orders/' || order_id,"
    "    site() || '/recipes/' || slugs()[product + 1]) as page_url,"
    " order_id, product_ids()[product + 1] as product_id"
    " from (select *, if(product < 0, uid('order', number), null) as order_id from event)",
    "raw_order": "select uid('order', number) as order_id, user_id(person) as user_id,"
    " utc(created) as created_at, money(cost) as order_cost, money(shipping) as shipping_cost,"
    " money(total) as order_total, promos()[promo + 1] as promo_id,"
    " money(refund) as refund_amount, uid('address', home) as address_id,"
    " statuses()[status + 1] as status, utc(delivered) as delivered_at,"
    " utc(estimated) as estimated_delivery_at,"
    " if(status > 0, uid('tracking', number), null) as tracking_id,"
    " if(status > 0, services()[service + 1], null) as shipping_service from purchase",
    "raw_order_item": "select uid('order', purchase) as order_id,"
    " product_ids()[product + 1] as product_id, quantity::integer as quantity from item",
    "raw_product": "select product_ids()[number + 1] as product_id, name,"
    " money(cents) as price, inventory::integer as inventory from product",
    "raw_promo": "select promo_id, discount::decimal(18, 2) as discount, status from promo",
    "raw_address": "select uid('address', number) as address_id, address, zipcode, state, country"
    " from home",
    "deals": "select date '2021-09-01' + day::integer as close_date, amount, deal_name,"
    " deal_stage, email from deal",
    "raw_campaign": "select * replace (execution_start_date::date as execution_start_date,"
    " execution_end_date::date as execution_end_date) from plan",
    "raw_campaign_target": "select date '2021-09-01' + day::integer as execution_date,"
    " user_id(person) as user_id, plan_id, plan_detail_id, exclusion_reason_id,"
    " exclusion_reason, utc(second) as last_updated_time from target",
    "raw_ticket": "select 'T-' || (100001 + number) as ticket_id, email, utc(second) as created_at,"
    " subject, status from ticket",
    "merged_user": "select old_email, new_email from merge",
    "merged_company_domain": "select old_domain, new_domain from domain_merge",
    "truth/duplicates": "select left_email, right_email, kind, is_same from truth",
}

TABLES = tuple(name for name in _SELECTS if "/" not in name)
"""The raw tables and merge files that the demo consists of."""


@dataclass(frozen=True)
class Numbers:
    """What tells one demo from another in its ids: the seed, and who has the printed id."""

    seed: int
    printed: int


class Staging:
    """A DuckDB database in a folder of its own, filled block by block.

    A demo of few blocks stays in memory, which is faster.
    """

    def __init__(self, folder: Path, *, in_memory: bool, memory_limit: str = "900MB") -> None:
        config: dict[str, str | bool | int | float | list[str]] = {
            "autoinstall_known_extensions": "false",
            "memory_limit": memory_limit,
            "temp_directory": str(folder / "spill"),
            "pandas_analyze_sample": "100000",
        }
        path = ":memory:" if in_memory else str(folder / "staging.duckdb")
        self._connection = duckdb.connect(path, config=config)
        for name, columns in _TABLES.items():
            self._connection.execute(f"create table {name} ({columns})")

    def __enter__(self) -> "Staging":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def add(self, table: str, frame: Columns) -> None:
        """Append columns to a scratch table; they go in by name."""
        names = ", ".join(frame)
        self._connection.execute(f"insert into {table} ({names}) select {names} from frame")

    def add_rows(
        self, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]]
    ) -> None:
        """Append rows to a scratch table: values of `columns`, each of text or of numbers."""
        values = [np.array(list(part), dtype=object) for part in zip(*rows, strict=True)]
        self.add(table, dict(zip(columns, values, strict=True)))

    def add_catalogue(self, history_days: int) -> None:
        """Append products, promos and campaigns."""
        products = [(place, *product) for place, product in enumerate(catalogue.PRODUCTS)]
        promos = [(place, *promo) for place, promo in enumerate(catalogue.PROMOS)]
        plans = [row for plan in catalogue.plans(history_days) for row in plan.rows]
        self.add_rows("product", ("number", "name", "cents", "inventory"), products)
        self.add_rows("promo", ("number", "promo_id", "discount", "status"), promos)
        names = [column.split()[0] for column in _TABLES["plan"].split(", ")]
        self.add_rows("plan", names, plans)

    def finish(self, numbers: Numbers) -> None:
        """Define how numbers become ids and times; call it once, before any `copy`."""
        uid = f"md5_number('{numbers.seed}-' || kind || '-' || n)::uhugeint::uuid::varchar"
        macros = {
            "utc(s)": "make_timestamp((1630454400 + nullif(s, -1)) * 1000000)",
            "money(cents)": "(cents::decimal(16, 0) * 0.01::decimal(3, 2))::decimal(18, 2)",
            "uid(kind, n)": f"case when n >= 0 then {uid} end",
            "user_id(n)": f"case when n = {numbers.printed} then '{clock.PRINTED_CUSTOMER}'"
            f" else ({clock.FIRST_ID} + n)::varchar end",
            "site()": f"'{SITE}'",
            "event_names()": _sql_list(clock.EVENT_NAMES),
            "statuses()": _sql_list(STATUSES),
            "services()": _sql_list(SERVICES),
            "promos()": _sql_list([promo[0] for promo in catalogue.PROMOS]),
            "slugs()": _sql_list([_slug(product[0]) for product in catalogue.PRODUCTS]),
        }
        for head, body in macros.items():
            self._connection.execute(f"create macro {head} as {body}")
        ids = self._connection.execute("select uid('product', number) from product").fetchall()
        self._connection.execute(
            f"create macro product_ids() as {_sql_list([row[0] for row in ids])}"
        )

    def copy(self, table: str, target: Path) -> None:
        """Write a whole table as CSV or Parquet, by the target's ending, in the order of entry."""
        self._copy(_SELECTS[table], target)

    def copy_events(self, day: int, target: Path) -> None:
        """Write the events of the day number `day`, ordered by time."""
        first, last = day * clock.DAY_SECONDS, (day + 1) * clock.DAY_SECONDS
        where = f"where second >= {first} and second < {last} order by second, number"
        self._copy(f"{_SELECTS['raw_event']} {where}", target)

    def count(self, table: str) -> int:
        """Return the number of rows of a raw table."""
        rows = self._connection.execute(f"select count(*) from ({_SELECTS[table]})").fetchall()
        return int(rows[0][0])

    def _copy(self, select: str, target: Path) -> None:
        form = "format csv, header" if target.suffix == ".csv" else _PARQUET
        path = str(target).replace("'", "''")
        self._connection.execute(f"copy ({select}) to '{path}' ({form})")


def _sql_list(values: Sequence[str]) -> str:
    return "[" + ", ".join("'" + value.replace("'", "''") + "'" for value in values) + "]"


def _slug(name: str) -> str:
    return name.lower().replace(" ", "-")
