"""What leaves for a CRM: one object per kind of record, each one SELECT on the published marts.

Belongs here: the objects, their keys and their SELECTs (`sql/crm/<object>.sql`). Not here: where
they go and how (`destinations`), nor any rule about the data (the marts).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files

from c360_assets.errors import ContractError

_OBJECT_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class CrmObject:
    """One kind of record: `select` gives its rows, and `key` names the columns that identify one.

    Raises ContractError where the name is no plain lower-case word (it becomes a file name) or
    the key is empty.
    """

    name: str
    key: tuple[str, ...]
    select: str
    description: str

    def __post_init__(self) -> None:
        """Refuse a name or key that could not be delivered."""
        if not _OBJECT_NAME.fullmatch(self.name):
            raise ContractError(
                f"crm object name {self.name!r} becomes a file name; "
                "use lower-case letters, digits and _, a letter first"
            )
        if not isinstance(self.key, tuple) or not self.key:
            raise ContractError(
                f"crm object {self.name}: key is {self.key!r}; "
                "give a tuple of column names, such as ('user_id',)"
            )


def _select(name: str) -> str:
    return (files("c360_assets") / "sql" / "crm" / f"{name}.sql").read_text(encoding="utf-8")


CRM_OBJECTS: tuple[CrmObject, ...] = (
    CrmObject(
        name="contacts",
        key=("user_id",),
        select=_select("contacts"),
        description="One record per person, merges applied, with their RFM segment.",
    ),
    CrmObject(
        name="companies",
        key=("corporate_email",),
        select=_select("companies"),
        description="One record per company domain, with its look-ups to people and its money.",
    ),
    CrmObject(
        name="gaggles",
        key=("gaggle_id",),
        select=_select("gaggles"),
        description="One record per gaggle, with its primary company.",
    ),
)

# Row by row a CRM also gets what changes with everybody's orders. The files do not: the value of
# one customer moves a little with each order of another, and each delivery would list them all.
SYNC_OBJECTS: tuple[CrmObject, ...] = (
    CrmObject(
        name="contacts",
        key=("contact_id",),
        select=_select("contacts_with_value"),
        description="One record per person, with segment, stage and lifetime value.",
    ),
    *(each for each in CRM_OBJECTS if each.name != "contacts"),
)
