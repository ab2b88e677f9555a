import pytest

from c360_assets.resolution.decisions import pair_of
from c360_assets.resolution.evidence import evidence
from c360_assets.warehouse.published import open_published
from c360_assets_tests.resolution.conftest import published

CHAIN = """\
    old_email,new_email,decision,decided_at
    ann@gmail.com,ann@acme.com,,2021-03-01
    ann@acme.com,ann@acme.de,,2021-03-02
    bo@acme.com,ann@acme.de,,2021-03-03
    cy@mail.beta.co.uk,bo@acme.com,,2021-03-04
    cy@mail.beta.co.uk,di@beta.co.uk,,2021-03-05
"""


@pytest.fixture(scope="module")
def chained(tmp_path_factory):
    return published(
        tmp_path_factory.mktemp("chained"),
        merged_user=CHAIN,
        merged_company_domain="""\
            old_domain,new_domain,decision
            acme.de,acme.com,
            mail.beta.co.uk,acme.com,never
        """,
    )


def of(world, one, other):
    with open_published(world.settings) as connection:
        return evidence(connection, pair_of(one, other), world.settings.rules)


def keys(rows):
    return [(row["old_key"], row["new_key"]) for row in rows]


def test_the_path_leads_over_the_fewest_decisions(chained):
    found = of(chained, "ann@gmail.com", "bo@acme.com")
    assert found.are_one
    assert keys(found.path) == [
        ("ann@gmail.com", "ann@acme.com"),
        ("ann@acme.com", "ann@acme.de"),
        ("bo@acme.com", "ann@acme.de"),
    ]


def test_one_decision_parts_a_chain_the_latest_first(chained):
    assert keys(of(chained, "ann@gmail.com", "bo@acme.com").revoke) == [
        ("bo@acme.com", "ann@acme.de")
    ]


def test_a_merge_that_would_stand_again_is_taken_back_too(tmp_path):
    """Cy was with bo, then with di; when di joined ann, cy came to ann by either way."""
    world = published(
        tmp_path,
        merged_user=CHAIN + "    di@beta.co.uk,ann@acme.de,,2021-03-06\n",
    )
    found = of(world, "cy@mail.beta.co.uk", "ann@acme.de")
    assert found.are_one
    assert keys(found.revoke) == [("di@beta.co.uk", "ann@acme.de")]
    both = of(world, "cy@mail.beta.co.uk", "di@beta.co.uk")
    assert len(both.revoke) == 2
    assert ("cy@mail.beta.co.uk", "di@beta.co.uk") in keys(both.revoke)


def test_of_two_who_are_not_one_the_way_that_does_not_stand_is_shown(chained):
    found = of(chained, "cy@mail.beta.co.uk", "bo@acme.com")
    assert not found.are_one
    assert (found.path, found.revoke) == ([], [])
    assert [row["outcome_reason"] for row in found.others] == ["superseded"]


def test_strangers_have_no_evidence(company):
    found = of(company, "bo@acme.com", "di@beta.co.uk")
    assert (found.are_one, found.path, found.others) == (False, [], [])
    assert of(company, "bo@acme.com", "ghost@x.co").right is None


def test_companies_are_explained_like_people(chained):
    found = of(chained, "acme.de", "acme.com")
    assert found.are_one
    assert keys(found.path) == keys(found.revoke) == [("acme.de", "acme.com")]


def test_a_merge_that_acts_through_a_subdomain_is_found(tmp_path):
    world = published(
        tmp_path,
        merged_company_domain="""\
            old_domain,new_domain
            beta.co.uk,acme.com
        """,
    )
    found = of(world, "mail.beta.co.uk", "acme.com")
    assert found.are_one
    assert keys(found.path) == keys(found.revoke) == [("beta.co.uk", "acme.com")]
    assert found.is_folded


def test_rows_that_say_nothing_have_no_part_in_the_evidence(tmp_path):
    world = published(
        tmp_path,
        merged_user="""\
            old_email,new_email,decided_at
            ann@gmail.com,ann@acme.com,
            ann@gmail.com,bo@acme.com,yesterday
            bo@acme.com,,
            ,ann@acme.com,
        """,
    )
    assert keys(of(world, "ann@gmail.com", "ann@acme.com").revoke) == [
        ("ann@gmail.com", "ann@acme.com")
    ]
    assert of(world, "bo@acme.com", "ann@acme.com").path == []


def test_a_subdomain_is_one_with_its_company_without_a_decision(company):
    found = of(company, "mail.beta.co.uk", "beta.co.uk")
    assert found.are_one
    assert found.is_folded


@pytest.mark.parametrize(
    ("ban", "merge", "parted"),
    [
        ("mail.beta.co.uk,beta.co.uk,never", "", ("mail.beta.co.uk", "beta.co.uk")),
        (
            "mail.beta.co.uk,acme.com,never",
            "beta.co.uk,acme.com,",
            ("mail.beta.co.uk", "beta.co.uk"),
        ),
        # what a merge leads to counts as its registrable domain, unless a ban forbids it
        (
            "acme.com,beta.co.uk,never",
            "acme.com,mail.beta.co.uk,",
            ("acme.com", "beta.co.uk"),
        ),
    ],
)
def test_a_subdomain_that_a_ban_parts_from_its_company_is_one_of_its_own(
    tmp_path, ban, merge, parted
):
    lines = ["old_domain,new_domain,decision", ban, merge]
    world = published(tmp_path, merged_company_domain="\n".join(filter(None, lines)))
    company_of = {
        row["email_domain"]: row["corporate_email"]
        for row in world.rows("select * from identity.domain_identity")
    }
    assert company_of[parted[0]] != company_of[parted[1]]
    assert [domain for domain, company in company_of.items() if company is None] == ["gmail.com"]
