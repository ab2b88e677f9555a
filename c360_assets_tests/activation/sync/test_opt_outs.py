"""Who opted out is known by their address in every spelling that staging takes for it."""

import duckdb
import pytest

from c360_assets.activation.sync.wanted import SUPPRESSED, load_suppression
from c360_assets.assets.crm_job import opt_outs
from c360_assets.settings import Rules, Settings


@pytest.mark.parametrize(
    ("written", "staged"),
    [
        (" Ann@acme.com ", "ann@acme.com"),
        ("x@b\u00fccher.de", "x@xn--bcher-kva.de"),
        ("dot@acme.com.", "dot@acme.com"),
        ("\u200bsemi@acme.com", "semi@acme.com"),
        ("\uff41nn@acme.com", "ann@acme.com"),
    ],
)
def test_an_opt_out_is_spelled_as_people_are(tmp_path, written, staged):
    (tmp_path / "out.csv").write_text(f"email\n{written}\nno address\n", encoding="utf-8")
    rules = Rules.model_validate({"crm": {"suppression": ["out.csv"]}})
    settings = Settings(home=tmp_path, source=tmp_path, rules=rules)
    with duckdb.connect() as connection:
        load_suppression(connection, opt_outs(settings), tmp_path)
        found = {row[0] for row in connection.execute(f"from {SUPPRESSED}").fetchall()}
    assert staged in found
