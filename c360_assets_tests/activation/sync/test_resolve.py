"""Three-way compare of one record: what was sent last, what the CRM holds, what is wanted."""

import pytest

from c360_assets.activation.sync.ledger_rows import Known
from c360_assets.activation.sync.model import Remote, Row
from c360_assets.activation.sync.plan import Resolved, resolve
from c360_assets.crm_rules import FieldRules, ObjectRules


def same(_type, ours, theirs) -> bool:
    return (ours or None) == (theirs or None)


def resolved(policy: str, last: str | None, theirs: str | None, wanted: str | None) -> Resolved:
    """One field of a record that the ledger knows."""
    rules = ObjectRules(
        remote_object="contacts", unique="f", fields={"f": FieldRules(column="f", policy=policy)}
    )
    known = Known("c_1", "7", {"f": last}, "old")
    remote = Remote("7", {"f": theirs})
    return resolve(
        "contacts", (Row("c_1", {"f": wanted}, "a@b.c"), "new"), known, remote, rules, same
    )


@pytest.mark.parametrize(
    ("policy", "last", "theirs", "wanted", "written", "stored", "is_conflict"),
    [
        # nobody touched it
        ("always", "a", "a", "b", "b", "b", False),
        ("fill_empty", "a", "a", "b", None, "a", False),
        ("never_overwrite_human", "a", "a", "b", "b", "b", False),
        # a person wrote something else
        ("always", "a", "x", "b", "b", "b", True),
        ("fill_empty", "a", "x", "b", None, "a", True),
        ("never_overwrite_human", "a", "x", "b", None, "a", True),
        # a person wrote what we want
        ("never_overwrite_human", "a", "b", "b", None, "b", False),
        # a person emptied it
        ("fill_empty", "a", None, "b", "b", "b", False),
        ("never_overwrite_human", "a", "", "b", "b", "b", False),
        # it was never sent, and stands empty
        ("fill_empty", None, None, "b", "b", "b", False),
        # what we sent is to be emptied
        ("always", "a", "a", None, None, None, False),
    ],
)  # fmt: skip
def test_a_field_is_written_as_its_policy_says(
    policy, last, theirs, wanted, written, stored, is_conflict
):
    found = resolved(policy, last, theirs, wanted)
    is_written = "f" in found.row.payload
    assert found.row.payload.get("f") == written
    assert is_written == (written is not None or (wanted is None and last is not None))
    assert found.stored["f"] == stored
    assert [c.in_crm for c in found.conflicts] == ([theirs] if is_conflict else [])


def test_what_people_wrote_before_the_first_sync_is_theirs():
    rules = ObjectRules(
        remote_object="contacts",
        unique="email",
        fields={
            "email": FieldRules(column="email"),
            "name": FieldRules(column="name", policy="never_overwrite_human"),
            "city": FieldRules(column="city", policy="fill_empty"),
        },
    )
    wanted = Row("c_1", {"email": "a@b.c", "name": "Ann", "city": "Rome"}, "a@b.c")
    remote = Remote("7", {"email": "a@b.c", "name": "Anna", "city": None})
    found = resolve("contacts", (wanted, "h"), None, remote, rules, same)
    assert (found.row.remote_id, found.row.payload) == ("7", {"city": "Rome"})
    assert found.stored == {"email": "a@b.c", "name": None, "city": "Rome"}
    assert [(c.field, c.in_crm, c.wanted) for c in found.conflicts] == [("name", "Anna", "Ann")]


def test_a_record_that_the_crm_lacks_is_sent_with_all_that_is_not_empty():
    rules = ObjectRules(
        remote_object="contacts",
        unique="email",
        fields={"email": FieldRules(column="email"), "name": FieldRules(column="name")},
    )
    wanted = Row("c_1", {"email": "a@b.c", "name": None}, "a@b.c")
    found = resolve("contacts", (wanted, "h"), None, None, rules, same)
    assert (found.row.remote_id, found.row.payload) == (None, {"email": "a@b.c"})
    assert found.stored == {"email": "a@b.c", "name": None}
