"""A few people on their way to an emulated Front, for the tests of that destination."""

from __future__ import annotations

from pathlib import Path

from c360_assets_tests.activation.emulators.front import FrontEmulator
from c360_assets_tests.activation.emulators.front_records import EMAIL, Contact
from c360_assets_tests.activation.sync.crm_small import Person, Small

ANN = Person("1", "ann@acme.com", "Ann", "acme.com", orders=2)
BOB = Person("2", "bob@acme.com", "Bob", "acme.com")
CAT = Person("3", "cat@gmail.com", "Cat")


def small_of(folder: Path, front: FrontEmulator, *people: Person) -> Small:
    """These people, with a ledger in the folder."""
    folder.mkdir(exist_ok=True)
    where = (folder, front.url, front.token, list(people))
    return Small(*where, name="front", token_env="FRONT_TOKEN")


def addresses(contact: Contact) -> list[str]:
    """The addresses of a contact, in Front's order."""
    return [text for source, text in contact.handles if source == EMAIL]


def reasons(small: Small) -> dict[str, str]:
    """Why rows were rejected, by their keys."""
    with small.ledger() as ledger:
        return {row.key: row.reason for row in ledger.all_rejected()}


def is_settled(small: Small) -> bool:
    """Whether nothing is left to do, open or rejected."""
    with small.ledger() as ledger:
        is_open = ledger.intents() != []
    return small.plan().planned == 0 and not is_open and reasons(small) == {}
