"""What a page of results is made of: the closest of each kind, and who is meant."""

import pytest

from c360_assets.ui.copies import Copies
from c360_assets.ui.data.search import search
from c360_assets.ui.data.search_groups import CLOSEST, closest_of_each, is_exactly, the_one_meant
from c360_assets_tests.pipeline import World

FEW = {"person": 10, "company": 5, "gaggle": 5}
# thirty people of one name hide a company and a gaggle that are found by the same word
PEOPLE = "id,name,email,gaggle_id,created_at\n" + "".join(
    f"u{n},Acme,acme{n}@acme.com,g1,2021-01-01\n" for n in range(30)
)
MORE = """\
old,Bea,bea@old.com,g1,2021-01-01
new,Bea,bea@new.com,g1,2021-01-02
twin1,Cy,cy@one.com,g1,2021-01-01
twin2,Cy,cy@two.com,g1,2021-01-02
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("search_groups")).write(
        raw_user=PEOPLE + MORE,
        raw_gaggle="id,name,created_at\ng1,The wide world of acme,2021-01-01",
        merged_user="old_email,new_email\nbea@old.com,bea@new.com",
    )
    made.build_everything().publish()
    return made


@pytest.fixture(scope="module")
def copy(world):
    return Copies(world.settings).current()


def meant(copy, text):
    found = the_one_meant(text, closest_of_each(copy, text, FEW).values())
    return found and (found.kind, found.object_id)


def test_each_kind_is_there_though_one_fills_the_closest(copy):
    found = closest_of_each(copy, "acme", FEW)
    assert [len(each.found) for each in found.values()] == [10, 1, 1]
    assert [each.totals for each in found.values()] == [
        {"person": 30}, {"company": 1}, {"gaggle": 1}
    ]  # fmt: skip
    # the gaggle is further away than CLOSEST others
    assert "gaggle" not in {each.kind for each in search(copy, "acme", limit=CLOSEST).found}


def test_the_closest_of_a_kind_are_those_of_a_search_for_it_alone(copy):
    found = closest_of_each(copy, "acme", FEW)
    for kind, results in found.items():
        assert results.found == search(copy, "acme", (kind,), FEW[kind]).found


def test_an_address_of_today_or_before_or_an_id_means_its_person(copy, world):
    rows = world.rows("select user_id, contact_id from identity.user_identity")
    ids = {row["user_id"]: row["contact_id"] for row in rows}
    bea = ("person", ids["new"])
    assert ids["old"] == ids["new"]
    for text in ("bea@new.com", "BEA@NEW.com", "bea@old.com", ids["new"]):
        assert meant(copy, text) == bea
    assert meant(copy, "acme7@acme.com") == ("person", ids["u7"])


@pytest.mark.parametrize("text", ["acme.com", "Cy", "acme", "cy@", "nobody@x.com", "zzz"])
def test_a_domain_a_name_or_a_part_of_an_address_means_nobody_in_particular(copy, text):
    assert meant(copy, text) is None


def test_a_name_or_a_domain_is_exactly_what_is_found_by_it(copy):
    found = closest_of_each(copy, "acme.com", FEW)
    assert is_exactly("ACME.com", found["company"].found[0])
    assert not is_exactly("acme.co", found["company"].found[0])
    assert not is_exactly("acme.com", found["person"].found[0])


def test_what_is_not_there_is_found_in_no_kind(copy):
    found = closest_of_each(copy, "zzz", FEW)
    assert [(each.found, each.total) for each in found.values()] == [((), 0)] * 3
