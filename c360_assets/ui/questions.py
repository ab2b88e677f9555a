"""The SQL of the pages: one SELECT per file in `ui/sql`, named by its path without `.sql`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from c360_assets.errors import ContractError

FOLDER = Path(__file__).parent / "sql"


@cache
def question(name: str) -> str:
    """The statement of that name, such as `home/counts`.

    Raises:
        ContractError: there is no such file.
    """
    path = FOLDER / f"{name}.sql"
    if not path.is_file():
        raise ContractError(f"the pages have no question {name!r}; there is no {path}")
    return path.read_text(encoding="utf-8").rstrip().removesuffix(";")


def all_questions() -> list[str]:
    """The names of all statements, in order."""
    return sorted(str(path.relative_to(FOLDER).with_suffix("")) for path in FOLDER.rglob("*.sql"))
