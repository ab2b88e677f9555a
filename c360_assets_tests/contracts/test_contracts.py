"""The contract as code: what a line may say, what every table has, and that names resolve."""

import re
from pathlib import Path

import duckdb
import pytest

from c360_assets import contracts
from c360_assets.contracts.model import Column, Reference, columns, references
from c360_assets.errors import ContractError

each_table = pytest.mark.parametrize("table", contracts.ALL_TABLES, ids=lambda table: table.name)


def test_a_line_gives_name_type_and_meaning():
    assert columns("name VARCHAR -- full name") == (Column("name", "VARCHAR", "full name"),)


def test_a_line_gives_everything_that_a_column_may_have():
    text = "kind? VARCHAR not null one of [a, b c] -- one -- or the other"
    assert columns(text) == (
        Column(
            name="kind",
            type="VARCHAR",
            description="one -- or the other",
            is_nullable=False,
            is_optional=True,
            accepted=("a", "b c"),
        ),
    )


def test_types_may_have_digits_and_be_lists():
    found = columns("a DECIMAL(18, 2) not null >= 0 -- money\n\n  b VARCHAR[] -- many\n")
    assert [column.type for column in found] == ["DECIMAL(18,2)", "VARCHAR[]"]
    assert [column.is_non_negative for column in found] == [True, False]


@pytest.mark.parametrize(
    "line",
    ["name VARCHAR", "name -- meaning", "name varchar -- meaning", "a b VARCHAR -- meaning", "--"],
)
def test_a_line_that_is_none_is_refused_with_its_text(line):
    with pytest.raises(ContractError, match=re.escape(line)):
        columns(line)


def test_references_are_read_line_by_line():
    assert references("a -> t.id\n  b->u.key ") == (
        Reference("a", "t", "id"),
        Reference("b", "u", "key"),
    )


@pytest.mark.parametrize("line", ["a -> t", "a", "-> t.id", "a -> .id"])
def test_a_reference_that_is_none_is_refused_with_its_text(line):
    with pytest.raises(ContractError, match=re.escape(line)):
        references(line)


def test_an_unknown_table_is_told_with_those_that_exist():
    with pytest.raises(ContractError, match=r"no table 'contact'; it has .*contacts.*stg_users"):
        contracts.table("contact")


def test_an_unknown_column_is_told_with_those_that_exist():
    with pytest.raises(
        ContractError, match=r"marts\.contacts has no column 'mail'; it has user_id"
    ):
        contracts.table("contacts").column("mail")


def test_a_contract_error_is_a_value_error_too():
    with pytest.raises(ValueError, match="no table"):
        contracts.table("")


def test_no_two_tables_share_a_name():
    names = [table.name for table in contracts.ALL_TABLES]
    assert len(names) == len(set(names))


@each_table
def test_a_table_says_its_grain_in_one_sentence(table):
    assert re.fullmatch(r"One row per [^.]+\.", table.grain)


@each_table
def test_a_table_has_columns_each_once_with_a_meaning(table):
    assert table.columns
    assert len(set(table.column_names)) == len(table.columns)
    assert all(column.description.strip() for column in table.columns)


@each_table
def test_the_key_and_the_references_of_a_table_resolve(table):
    for name in table.key:
        assert table.column(name).is_nullable is False, "a key is never null"
    for reference in table.references:
        target = contracts.table(reference.to_table)
        own, other = table.column(reference.column), target.column(reference.to_column)
        assert own.type == other.type
        assert target.key == (reference.to_column,), "what is referred to is a key"
    assert contracts.table(table.asset).asset == table.asset


@each_table
def test_a_table_is_sorted_by_columns_that_it_has(table):
    for name in table.cluster_by:
        assert table.column(name).name == name
        assert not table.is_view


@each_table
def test_the_types_of_a_table_are_what_duckdb_calls_them(table):
    with duckdb.connect() as connection:
        for column in table.columns:
            found = connection.execute(f"select typeof(cast(null as {column.type}))").fetchall()
            assert found == [(column.type,)], "as `describe` says it, or every check of it fails"


@each_table
def test_accepted_values_are_of_the_type_of_their_column(table):
    with duckdb.connect() as connection:
        for column in table.columns:
            for value in column.accepted:
                connection.execute(f"select cast(? as {column.type})", [value])


def test_only_raw_tables_have_columns_that_may_be_missing():
    for table in contracts.ALL_TABLES:
        if table.layer != "raw":
            assert not [column.name for column in table.columns if column.is_optional], table.name


def test_every_staged_table_has_a_source_and_every_source_is_staged():
    assert set(contracts.SOURCE_OF_STAGED.values()) == {t.name for t in contracts.RAW_TABLES}
    assert all(contracts.table(name).layer == "staging" for name in contracts.SOURCE_OF_STAGED)


def test_tables_can_be_staged_in_the_order_in_which_they_are_listed():
    order = list(contracts.SOURCE_OF_STAGED)
    for staged, source in contracts.SOURCE_OF_STAGED.items():
        for reference in contracts.table(source).references:
            assert order.index(reference.to_table) < order.index(staged)


# --- against the contract as people wrote it -----------------------------------------------------


@pytest.fixture(scope="module")
def written(repo_root: Path) -> str:
    """The data contract as it was written; the test is skipped where it is not beside us."""
    page = repo_root.parent / "shared" / "design" / "contract.md"
    if not page.is_file():
        pytest.skip(f"{page} is not there")
    return page.read_text(encoding="utf-8")


def test_raw_tables_have_the_columns_the_needs_and_the_keys_of_the_page(written):
    rows = re.findall(r"^\| `(\w+)` \| (yes|no) \|([^|]*)\| `([^|]+)`", written, re.MULTILINE)
    assert len(rows) == len(contracts.RAW_TABLES)
    for name, need, key, listed in rows:
        table = contracts.table(name)
        assert table.is_required is (need == "yes"), name
        assert table.key == tuple(re.findall(r"\w+", key)), name
        for item in listed.split("`")[0].split(","):
            column = table.column(item.strip().rstrip("?"))
            assert column.is_optional is item.strip().endswith("?"), (name, item)


@pytest.mark.parametrize(
    "name",
    ["contacts", "gaggle_facts", "corporate_accounts", "rfm_segments"],
)
def test_marts_have_the_columns_of_the_page(written, name):
    text = written[written.index(f"- `{name}`") :]
    listed = re.search(r"`([a-z_]+, [^`]+)`", text)
    assert listed is not None
    for column in re.findall(r"\w+", listed[1]):
        assert contracts.table(name).column(column)


@pytest.mark.parametrize(
    "name", ["stg_users", "stg_gaggles", "stg_events", "stg_orders", "user_identity"]
)
def test_staged_and_identity_tables_have_the_columns_of_the_page(written, name):
    listed = re.search(rf"`(?:identity\.)?{name}\(([^)]*)\)", written)
    assert listed is not None
    for column in re.findall(r"\w+", listed[1]):
        assert contracts.table(name).column(column)


def test_no_other_table_of_the_page_is_forgotten(written):
    for name in ("domain_identity", "merge_journal", "gaggle_domain_facts", "upgrade_candidates"):
        assert name in written
        assert contracts.table(name)
    staged = set(re.findall(r"`(stg_\w+)", written))
    assert staged == set(contracts.SOURCE_OF_STAGED)
