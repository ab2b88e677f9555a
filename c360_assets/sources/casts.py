"""How values as read become the contract's types; what is none of the type becomes null.

Belongs here: SQL expressions. Not here: what is said about a value that is none (see `judging`).
"""

from __future__ import annotations

from c360_assets.contracts import Column


def typed_expression(expression: str, physical: str, column: Column, is_text: bool) -> str:
    """The expression cast to the column's contract type; what cannot be cast becomes null."""
    if column.type == "VARCHAR":
        if is_text:
            return f"nullif(trim({expression}), '')"
        return expression if physical == "VARCHAR" else f"cast({expression} as varchar)"
    if column.type in ("TIMESTAMP", "DATE"):
        if physical == "VARCHAR":
            # a cast straight to timestamp would drop an offset such as +02:00
            return f"try_cast(try_cast(trim({expression}) as timestamptz) as {column.type})"
        is_time = physical.startswith(("TIMESTAMP", "DATE")) or physical == '"NULL"'
        return f"try_cast({expression if is_time else 'null'} as {column.type})"
    if physical == "VARCHAR":
        return _number_in_text(expression, column.type)
    if column.type == "BIGINT" and physical.startswith(("DOUBLE", "FLOAT", "DECIMAL")):
        # a cast would round
        is_whole = f"{expression} = trunc({expression})"
        return f"case when {is_whole} then try_cast({expression} as bigint) end"
    return f"try_cast({expression} as {column.type})"


def _number_in_text(expression: str, kind: str) -> str:
    """`$40,000` is a number; `1,5` is none, since a comma stands before three digits only."""
    text = f"trim({expression})"
    plain = f"replace(replace({text}, '$', ''), ',', '')"
    grouped = f"regexp_full_match({text}, '[$+-]*[0-9]{{1,3}}(,[0-9]{{3}})+([.][0-9]*)?')"
    is_number = f"(not contains({text}, ',') or {grouped})"
    if kind == "BIGINT":
        is_number += f" and regexp_full_match({plain}, '[+-]?[0-9]+([.]0*)?')"
    return f"case when {is_number} then try_cast({plain} as {kind}) end"
