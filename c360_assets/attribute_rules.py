"""The parts `[[attributes]]` of c360.toml: what one attribute of customer profiles is.

Belongs here: the form of an entry, whether c360 ships it or a user adds it. Not here: the entries
that c360 ships and what is made of all of them (`customers.attributes`).
"""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Source = Literal[
    "contacts", "rfm", "lifetime_value",
    "orders", "order_items", "events", "campaigns", "tickets", "returns",
]  # fmt: skip
# sources with one row a contact, or one at a time: their values are taken as they are
STATES = ("contacts", "rfm", "lifetime_value")
Aggregate = Literal["count", "days", "sum", "min", "max"]
Window = Literal["1D", "7D", "1M", "3M", "12M"]
AttributeType = Literal["BIGINT", "DECIMAL(38,2)", "DOUBLE", "BOOLEAN", "VARCHAR", "DATE"]
# A window counts back from the end of the profile's day; all months are alike, so that
# figures of different days can be compared.
WINDOW_DAYS: dict[Window, int] = {"1D": 1, "7D": 7, "1M": 30, "3M": 90, "12M": 365}
# what the profiles themselves need, the work on them and the files that keep them
RESERVED = frozenset({
    *("PROFILE_DATE", "CLIENT_CUSTOMER_ID", "VALID_FROM", "VALID_TO", "AS_KNOWN_AT"),
    *("KNOWN_UNTIL", "USER_ID", "ACCOUNTS_HASH", "ROW_HASH", "ACTION", "BATCH_AT"),
})  # fmt: skip
# DuckDB's keywords, without those that may name a column as they are
RESERVED_WORDS = frozenset(
    """
    ALL ANALYSE ANALYZE AND ANTI ANY ARRAY AS ASC ASOF ASYMMETRIC AT AUTHORIZATION BETWEEN BIGINT
    BINARY BIT BOOLEAN BOTH BY CASE CAST CHAR CHARACTER CHECK COALESCE COLLATE COLLATION COLUMN
    COLUMNS CONCURRENTLY CONSTRAINT CREATE CROSS DEC DECIMAL DEFAULT DEFERRABLE DESC DESCRIBE
    DISTINCT DO ELSE END EXCEPT EXISTS EXTRACT FALSE FETCH FLOAT FOR FOREIGN FREEZE FROM FULL
    GENERATED GLOB GROUP GROUPING GROUPING_ID HAVING ILIKE IN INITIALLY INNER INOUT INT INTEGER
    INTERSECT INTERVAL INTO IS ISNULL JOIN LAMBDA LATERAL LEADING LEFT LIKE LIMIT MAP NATIONAL
    NATURAL NCHAR NONE NOT NOTNULL NULL NULLIF NUMERIC OFFSET ON ONLY OR ORDER OUT OUTER OVERLAPS
    OVERLAY PIVOT PIVOT_LONGER PIVOT_WIDER PLACING POSITION POSITIONAL PRECISION PRIMARY QUALIFY
    REAL REFERENCES RETURNING RIGHT ROW SELECT SEMI SETOF SHOW SIMILAR SMALLINT SOME STRUCT
    SUBSTRING SUMMARIZE SYMMETRIC TABLE TABLESAMPLE THEN TIME TIMESTAMP TO TRAILING TREAT TRIM
    TRUE TRY_CAST TUPLE UNION UNIQUE UNPACK UNPIVOT USING VALUES VARCHAR VARIADIC VERBOSE WHEN
    WHERE WINDOW WITH XMLATTRIBUTES XMLCONCAT XMLELEMENT XMLEXISTS XMLFOREST XMLNAMESPACES
    XMLPARSE XMLPI XMLROOT XMLSERIALIZE XMLTABLE
    """.split()
)
_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
_AGGREGATE_TYPES = {"count": {"BIGINT"}, "days": {"BIGINT"}, "sum": {"BIGINT", "DECIMAL(38,2)"}}


class AttributeRule(BaseModel):
    """One attribute: an aggregate over a source, a column of the contact, or an expression.

    - `source` and `aggregate` (`value` is what is added up or compared, an SQL expression over the
      columns of the source; `where` a condition on them): counted over all time, and over each of
      `windows` as `<name>_<window>`.
    - `source = "contacts"` (or `rfm`, `lifetime_value`) and `value`: what the contact's row says.
    - `expression`: SQL over other attributes and `profile_date`, worked out when it is asked for.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    description: str = Field(min_length=1)
    type: AttributeType
    unit: str = ""
    source: Source | None = None
    aggregate: Aggregate | None = None
    value: str | None = None
    where: str | None = None
    windows: tuple[Window, ...] = ()
    expression: str | None = None
    field: str | None = None

    @field_validator("name")
    @classmethod
    def _name_is_a_name(cls, name: str) -> str:
        if not _NAME.fullmatch(name) or len(name) > 60:
            raise ValueError(
                "a name has capital letters, digits and _, begins with a letter and has at most 60"
            )
        if name in RESERVED:
            raise ValueError(f"{name} is a column that every profile has; take another name")
        if name in RESERVED_WORDS:
            raise ValueError(f"{name} is a word of SQL; take another name, such as {name}_VALUE")
        return name

    @field_validator("windows")
    @classmethod
    def _windows_are_named_once(cls, windows: tuple[Window, ...]) -> tuple[Window, ...]:
        if len(set(windows)) != len(windows):
            raise ValueError(f"name each window once, got {list(windows)}")
        return tuple(sorted(windows, key=lambda window: WINDOW_DAYS[window]))

    @model_validator(mode="after")
    def _is_one_of_three(self) -> AttributeRule:
        if self.expression is not None:
            self._require_none("an expression", "source", "aggregate", "value", "where", "windows")
        elif self.source is None:
            raise ValueError("give a `source`, or an `expression` over other attributes")
        elif self.source in STATES:
            self._require_none(f"a value of {self.source}", "aggregate", "where", "windows")
            if self.value is None:
                raise ValueError(f'source = "{self.source}" needs a `value`, such as a column')
        else:
            self._check_aggregate()
        return self

    def _require_none(self, what: str, *names: str) -> None:
        if given := [name for name in names if getattr(self, name)]:
            raise ValueError(f"{what} has no {', '.join(given)}")

    def _check_aggregate(self) -> None:
        if self.aggregate is None:
            raise ValueError("name the `aggregate`: count, days, sum, min or max")
        counts = self.aggregate in ("count", "days")
        if counts == (self.value is not None):
            raise ValueError(
                f"{self.aggregate} takes no `value`"
                if counts
                else f"{self.aggregate} of what? "
                "give a `value`, an expression over the columns of the source"
            )
        if self.type not in _AGGREGATE_TYPES.get(self.aggregate, {self.type}):
            allowed = " or ".join(sorted(_AGGREGATE_TYPES[self.aggregate]))
            raise ValueError(f"{self.aggregate} gives {allowed}, not {self.type}")
