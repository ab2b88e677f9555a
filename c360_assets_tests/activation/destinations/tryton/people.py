"""Two people of a company, and a mapping of contacts of which `Small` can change every field."""

from pathlib import Path
from typing import Any

from c360_assets_tests.activation.destinations.tryton_vendor import TrytonVendor
from c360_assets_tests.activation.sync.crm_small import Person, Small

ANN = Person("1", "ann@acme.com", "Ann", "acme.com", orders=2)
BOB = Person("2", "bob@acme.com", "Bob", "acme.com")
PARTY = "model.party.party"
CONTACTS = {
    "remote_object": "party.party",
    "unique": "c360_contact_id",
    "fields": {
        "c360_contact_id": {"column": "contact_id"},
        "name": {"column": "user_name", "policy": "fill_empty"},
        "email": {"column": "email"},
        # what `Small` can change
        "category_company": {"column": "corporate_email"},
        "c360_orders": {"column": "number_of_orders", "type": "number"},
    },
}


def small_of(folder: Path, vendor: TrytonVendor, rules: dict[str, Any]) -> Small:
    return Small(
        *(folder, vendor.url, vendor.token, [ANN, BOB]),
        rules={**vendor.rules, **rules},
        name=vendor.name,
        token_env=vendor.token_env,
    )
