"""Daily customer profiles, and the views over them that Optimove's guide names.

The attributes themselves are no part of this: they are entries of a registry
(`customers/attributes.toml` and `[[attributes]]` of c360.toml; `c360 attributes` lists them). The
columns here are those that every registry has.
"""

from __future__ import annotations

from c360_assets.contracts.model import Layer, Table, columns

_KEY = """
    {date} DATE    not null -- the day; the profile is that of its end
    {id}   VARCHAR not null -- the contact (user_id)
"""
_ATTRIBUTES = """
    LIFECYCLE_STAGE VARCHAR -- Prospect, New, Active, VIP, Churn or Back from Churn
    RFM_SEGMENT     VARCHAR -- segment at the end of the day; null before the first order
    ECOM_TOTAL_GROSS_SALES_AMOUNT DECIMAL(38,2) -- items ordered; also _1D, _7D, _1M, _3M, _12M
    ECOM_TOTAL_NET_SALES_AMOUNT   DECIMAL(38,2) -- less discounts and refunds; windows likewise
    ECOM_TOTAL_REFUND_AMOUNT      DECIMAL(38,2) -- paid back; windows likewise
    ECOM_NUMBER_OF_ORDER_DAYS     BIGINT        -- days with an order; windows likewise
    ECOM_NUMBER_OF_ORDERS         BIGINT        -- orders; windows likewise
    NUMBEROFCAMPAIGNS             BIGINT        -- messages sent to them; windows likewise
"""
_HISTORY = "customer_profile_history"
_KNOWN = "as_known_at TIMESTAMP not null -- when this became known, UTC"


def _table(
    name: str, grain: str, text: str, key: str, layer: Layer = "marts", is_view: bool = True
) -> Table:
    return Table(
        name=name,
        layer=layer,
        grain=grain,
        columns=columns(text),
        key=tuple(key.split(",")),
        owner="team:customer-experience",
        produced_by="" if name == "customer_profiles" else "customer_profiles",
        kinds=("duckdb", "python"),
        is_view=is_view,
        cluster_by=("client_customer_id",) if name == _HISTORY else (),
    )


def _of_day(day: str, contact: str) -> str:
    return _KEY.format(date=day, id=contact).rstrip()


_GRAIN = "One row per contact and profiled day"
PROFILE_TABLES: tuple[Table, ...] = (
    _table(
        _HISTORY,
        "One row per contact, span of days on which nothing changed, and time it was known so.",
        f"""
        client_customer_id VARCHAR not null -- the contact (user_id)
        valid_from DATE      not null -- first day that it holds for
        valid_to   DATE               -- first day that it no longer holds for; null: and on
        {_KNOWN}
        known_until TIMESTAMP         -- when it was stated otherwise; null while it stands
        """,
        key="client_customer_id,valid_from,as_known_at",
        is_view=False,
    ),
    _table(
        "profile_days",
        "One row per day that was profiled.",
        """
        profile_date DATE      not null -- the day
        profiled_at  TIMESTAMP not null -- when it was profiled first, UTC
        """,
        key="profile_date",
        is_view=False,
    ),
    _table(
        "profile_fields",
        "One row per attribute of customer profiles.",
        """
        position    BIGINT  not null -- place among the columns, from 1
        name        VARCHAR not null -- the attribute, and its column
        field_name  VARCHAR not null -- FIELDn for numbers, STRn for text; given once and for good
        type        VARCHAR not null -- DuckDB type
        unit        VARCHAR          -- what it counts
        description VARCHAR not null -- what it means
        source      VARCHAR          -- what it is made from; null for expressions
        window_name VARCHAR          -- 1D, 7D, 1M, 3M or 12M; null for all time
        kind VARCHAR not null one of [aggregate, state, expression] -- how it is made
        definition  VARCHAR not null -- its SQL
        is_own      BOOLEAN not null -- whether it comes from c360.toml
        """,
        key="name",
        is_view=False,
    ),
    _table(
        "customer_profiles",
        f"{_GRAIN}, as it is known today.",
        f"{_of_day('profile_date', 'client_customer_id')}\n{_KNOWN}{_ATTRIBUTES}",
        key="profile_date,client_customer_id",
    ),
    _table(
        "customer_profiles_as_known",
        f"{_GRAIN}, and time from which it was known so.",
        f"{_of_day('profile_date', 'client_customer_id')}\n{_KNOWN}\n"
        f"known_until TIMESTAMP -- when it was stated otherwise; null while it stands{_ATTRIBUTES}",
        key="profile_date,client_customer_id,as_known_at",
    ),
    _table(
        "CUSTOMER_PROFILES",
        f"{_GRAIN}, under numbered columns (FIELDn, STRn).",
        _of_day("PROFILE_DATE", "CLIENT_CUSTOMER_ID"),
        key="PROFILE_DATE,CLIENT_CUSTOMER_ID",
        layer="main",
    ),
    _table(
        "VW_CUSTOMER_PROFILE_FIELDS_V1_2",
        "One row per numbered column of CUSTOMER_PROFILES.",
        """
        FIELD_NAME       VARCHAR not null -- FIELDn or STRn
        ALIAS_FIELD_NAME VARCHAR not null -- the attribute's name
        TYPE             VARCHAR not null -- its type
        DESCRIPTION      VARCHAR not null -- what it means
        """,
        key="FIELD_NAME",
        layer="main",
    ),
    _table(
        "VW_CUSTOMER_PROFILES_REAL_FIELD_NAMES",
        f"{_GRAIN}, under the attributes' names.",
        f"{_of_day('PROFILE_DATE', 'CLIENT_CUSTOMER_ID')}{_ATTRIBUTES}",
        key="PROFILE_DATE,CLIENT_CUSTOMER_ID",
        layer="main",
    ),
)
