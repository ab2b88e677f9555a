"""A small company with people who signed up twice, suggested as one, and published."""

from collections.abc import Mapping
from pathlib import Path

from c360_assets.ui.copies import Copies, Copy
from c360_assets_tests.pipeline import World
from c360_assets_tests.resolution.conftest import TABLES

# twelve pairs, which is enough for the model to learn from
TWICE = [
    f"{n}{k},Eva{n} Long{n},{local}@acme{n}.com,g1,2021-01-0{k},+1 555 010{n:02d}"
    for n in range(10, 22)
    for k, local in ((1, f"eva{n}.long{n}"), (2, f"eva{n}.long{n}+news"))
]
HOSTILE_NAME = "<script>alert(1)</script> {{7*7}}"
HOSTILE = [
    f"{k}99,{HOSTILE_NAME},{local}@acme99.com,g1,2021-01-0{k},+1 555 01099"
    for k, local in ((1, "a~b'{{7*7}}"), (2, "a~b'{{7*7}}+%2f"))
]
THRICE = [
    f"{k}77,Ida Rare,{local}@acme77.com,g1,2021-01-0{k},+1 555 01077"
    for k, local in ((1, "ida.rare"), (2, "ida.rare+news"), (3, "ida.rare+shop"))
]


def reviewed(folder: Path, *more: str, tables: Mapping[str, str] | None = None) -> World:
    """A world with suggestions, published whole; `more` are further rows of raw_user."""
    header = "id,name,email,gaggle_id,created_at,phone"
    users = "\n".join([header, *TWICE, *more])
    empty = {"raw_user": users, "merged_user": "old_email,new_email"}
    world = World(folder).write(**{**TABLES, **empty, **(tables or {})})
    world.build_everything().publish()
    return world


def newest(world: World) -> Copy:
    """The published copy as the pages see it."""
    return Copies(world.settings).current()
