"""Rules of c360.toml for row-wise CRM syncs: which records go where, and as what.

A destination ships the same tables as defaults (`activation/destinations/*.toml`). What c360.toml
says of an object replaces what is shipped of that object.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Policy = Literal["always", "fill_empty", "never_overwrite_human"]
FieldType = Literal["text", "number", "boolean", "date", "datetime"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FieldRules(_Strict):
    """One field of the CRM: the column it comes from, its type there, and who may write it.

    `always`: we do, and tell where somebody else had. `fill_empty`: only where nothing stands.
    `never_overwrite_human`: unless somebody else wrote it since.
    """

    column: str
    type: FieldType = "text"
    policy: Policy = "always"


class ObjectRules(_Strict):
    """Records of one kind: the CRM's name for them, their unique field, and their fields.

    `unique` must be one of the fields. Only rows are sent whose `where` columns have one of the
    values listed. With `delete` records that are wanted no more are deleted in the CRM.
    """

    remote_object: str
    unique: str
    fields: dict[str, FieldRules] = Field(min_length=1)
    where: dict[str, list[str | bool | int]] = {}
    delete: bool = False


class LinkRules(_Strict):
    """Links from records of one kind to those of another, by the column that names the other."""

    from_object: Literal["companies", "contacts", "gaggles"]
    to_object: Literal["companies", "contacts", "gaggles"]
    column: str
    type: str


class DestinationRules(_Strict):
    """One destination: where it is, which variable holds its key, and what goes there.

    `page` is the address at which people see it; runs link to it.
    """

    base_url: str | None = None
    token_env: str | None = None
    timeout_seconds: float = Field(default=30.0, gt=0)
    page: str | None = None
    companies: ObjectRules | None = None
    contacts: ObjectRules | None = None
    gaggles: ObjectRules | None = None
    links: dict[str, LinkRules] | None = None

    def remote_objects(self) -> dict[str, str]:
        """The mapped objects, each with the CRM's name for it."""
        objects = {"companies": self.companies, "contacts": self.contacts, "gaggles": self.gaggles}
        return {name: each.remote_object for name, each in objects.items() if each is not None}


class SalesforceRules(DestinationRules):
    """Salesforce: `base_url` is the org's own address; more rows than `bulk_above` go in bulk."""

    api_version: str = Field(default="v64.0", pattern=r"v\d+\.0")
    bulk_above: int = Field(default=2000, ge=0)


class TrytonRules(DestinationRules):
    """Tryton: the database on the server of `base_url`, and who we are there."""

    database: str = "tryton"
    user: str = "c360"


class CrmRules(_Strict):
    """`[crm]` of c360.toml: `suppression` are CSV files with a column `email` of who opted out."""

    suppression: tuple[str, ...] = ()
    hubspot: DestinationRules = DestinationRules()
    salesforce: SalesforceRules = SalesforceRules()
    front: DestinationRules = DestinationRules()
    tryton: TrytonRules = TrytonRules()
    webhook: DestinationRules = DestinationRules()

    def __hash__(self) -> int:
        """By what they say: rules are kept by what was made of them, and mappings have no hash."""
        return hash(self.model_dump_json())
