"""The part of SOQL that we ask in: SELECT fields FROM object WHERE … AND … ORDER BY … LIMIT n.

Belongs here: reading a query and finding records. Conditions are `=` and `IN` with literals.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from c360_assets_tests.activation.emulators.salesforce_org import (
    Field,
    Kind,
    Org,
    Record,
    RefusedCallError,
)

_TOKEN = re.compile(
    r"""\s*(?: (?P<text>'(?:[^'\\]|\\.)*') | (?P<word>[\w.]+) | (?P<mark>[(),=]) )""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
TEXTS_LENGTH = 100_000


@dataclass(frozen=True)
class Query:
    """What is asked for: columns of an object, conditions (field, literals), order."""

    columns: Sequence[str]
    object: str
    conditions: Sequence[tuple[str, Sequence[Any]]]
    order: Sequence[str]
    limit: int | None


def parse(soql: str) -> Query:
    """Read a query; refuses what is none, as Salesforce does."""
    if len(soql) > TEXTS_LENGTH:
        raise RefusedCallError(400, "QUERY_TOO_COMPLICATED", "the query is too long")
    tokens, at = [], 0
    text = soql.strip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise _malformed(f"unexpected token: {text[at : at + 20]!r}")
        tokens.append(found[0].strip() if found["text"] is None else found["text"])
        at = found.end()
    return _Reader(tokens).query()


def _malformed(told: str) -> RefusedCallError:
    return RefusedCallError(400, "MALFORMED_QUERY", told)


@dataclass
class _Reader:
    tokens: list[str]
    at: int = 0

    def query(self) -> Query:
        self._take("SELECT")
        columns = self._names()
        self._take("FROM")
        object_ = self._next()
        conditions, order, limit = [], [], None
        if self._is("WHERE"):
            conditions.append(self._condition())
            while self._is("AND"):
                conditions.append(self._condition())
        if self._is("ORDER"):
            self._take("BY")
            order = self._names()
        if self._is("LIMIT"):
            limit = int(self._next())
        if self.at < len(self.tokens):
            raise _malformed(f"unexpected token: {self.tokens[self.at]}")
        return Query(columns, object_, conditions, order, limit)

    def _condition(self) -> tuple[str, list[Any]]:
        name = self._next()
        if self._is("="):
            return name, [self._literal()]
        self._take("IN")
        self._take("(")
        literals = [self._literal()]
        while self._is(","):
            literals.append(self._literal())
        self._take(")")
        return name, literals

    def _literal(self) -> Any:
        token = self._next()
        if token.startswith("'"):
            return re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), token[1:-1], flags=re.S)
        if token.lower() in ("true", "false", "null"):
            return {"true": True, "false": False, "null": None}[token.lower()]
        raise _malformed(f"{token} is no literal")

    def _names(self) -> list[str]:
        names = [self._next()]
        while self._is(","):
            names.append(self._next())
        return names

    def _next(self) -> str:
        if self.at >= len(self.tokens):
            raise _malformed("unexpected end of query")
        self.at += 1
        return self.tokens[self.at - 1]

    def _is(self, token: str) -> bool:
        if self.at < len(self.tokens) and self.tokens[self.at].upper() == token:
            self.at += 1
            return True
        return False

    def _take(self, token: str) -> None:
        if not self._is(token):
            raise _malformed(f"expecting {token} at token {self.at + 1} of {self.tokens[:6]}…")


def find(org: Org, query: Query, *, with_deleted: bool) -> list[dict[str, Any]]:
    """The records that a query finds, as they are answered."""
    try:
        kind = org.kind(query.object)
    except RefusedCallError:
        told = f"sObject type '{query.object}' is not supported."
        raise RefusedCallError(400, "INVALID_TYPE", told) from None
    seen = org.seen(kind) | {n: Field(n) for n in ("IsDeleted", "MasterRecordId")}
    for name in (*query.columns, *query.order, *(name for name, _ in query.conditions)):
        if name not in seen:
            told = f"No such column '{name}' on entity '{kind.name}'."
            raise RefusedCallError(400, "INVALID_FIELD", told)
    records = [r for r in kind.records.values() if with_deleted or not r.is_deleted]
    tests = [_test(name, literals) for name, literals in query.conditions]
    found = [record for record in records if all(test(record) for test in tests)]
    # ids ascend with the time of creation
    found.sort(key=lambda record: record.id)
    return [shown(kind, record, query.columns) for record in found[: query.limit]]


def _test(name: str, literals: Sequence[Any]) -> Callable[[Record], bool]:
    """Texts are the same whatever their case; ids whatever their length."""
    asked = {_folded(name, literal) for literal in literals}
    return lambda record: _folded(name, value_of(record, name)) in asked


def _folded(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return value[:15] if name.endswith("Id") and len(value) in (15, 18) else value.lower()


def value_of(record: Record, name: str) -> Any:
    """A field of a record."""
    own = {"Id": record.id, "IsDeleted": record.is_deleted, "MasterRecordId": record.master_id}
    return own[name] if name in own else record.values.get(name)


def shown(kind: Kind, record: Record, columns: Sequence[str]) -> dict[str, Any]:
    """A record as it is answered."""
    url = f"/services/data/v64.0/sobjects/{kind.name}/{record.id}"
    attributes = {"attributes": {"type": kind.name, "url": url}}
    return attributes | {name: value_of(record, name) for name in columns}
