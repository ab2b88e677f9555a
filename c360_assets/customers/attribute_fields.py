"""The field numbers of a user's own attributes: `profile_fields.csv` under C360_HOME.

A number, once given, is never given to another column, also when its attribute is taken out: what
others built on FIELD1003 must not become something else. The file outlives the warehouse.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from pathlib import Path

from c360_assets.customers.attributes import FIRST_OWN_NUMBER, Registry, shipped_fields
from c360_assets.errors import ConfigError

FILE_NAME = "profile_fields.csv"
_LINE = re.compile(r"[A-Z][A-Z0-9_]*,(FIELD|STR)[1-9][0-9]*")


def read_own_fields(home: Path) -> dict[str, str]:
    """The field of every column of a user's own, by its name; empty where none was given yet.

    Raises:
        ConfigError: the file is damaged; the text says what to do.
    """
    path = home / FILE_NAME
    if not path.exists():
        return {}
    # what is no UTF-8 is in no name, and so found out as damage
    header, *rows = list(csv.reader(path.read_text("utf-8", "replace").splitlines())) or [[]]
    fields = {row[0]: row[-1] for row in rows if len(row) == 2}
    is_whole = header == ["name", "field"] and len(rows) == len(set(fields.values()))
    if not is_whole or not all(_LINE.fullmatch(f"{n},{f}") for n, f in fields.items()):
        raise ConfigError(
            f"{path} must have the columns name,field and each name and each field once; restore "
            "it from a backup. Without it, own attributes get their numbers anew, "
            f"from {FIRST_OWN_NUMBER}"
        )
    return fields


def keep_own_fields(home: Path, registry: Registry, known: Mapping[str, str]) -> int:
    """Write down the numbers that were given for the first time; returns how many."""
    shipped = shipped_fields()
    new = {
        a.name: a.field
        for a in registry.attributes
        if a.name not in shipped and known.get(a.name) != a.field
    }
    if not new:
        return 0
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("name", "field"))
    writer.writerows({**known, **new}.items())
    home.mkdir(parents=True, exist_ok=True)
    temporary = home / f".{FILE_NAME}.new"
    temporary.write_text(text.getvalue(), encoding="utf-8")
    temporary.replace(home / FILE_NAME)
    return len(new)
