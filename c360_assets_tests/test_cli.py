"""The commands of `c360`, on a source of five people; one run of the pipeline serves most tests."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from c360_assets import __version__
from c360_assets.cli import app
from c360_assets.cli_support import docs_pages
from c360_assets.cli_support.report import CheckFinding, RunReport
from c360_assets.cli_support.running import DEMO_MARKER
from c360_assets.cli_support.selection import near_or_all, nearest, parse_days, parse_selection
from c360_assets.errors import RequestError

pytestmark = pytest.mark.xdist_group("cli")

USERS = """\
id,name,email,gaggle_id,created_at
1,Ann,ann@acme.com,g1,2021-11-01 08:00:00
2,Ann W,Ann.W@Gmail.com ,g1,2021-11-02 08:00:00
3,Bo,bo@bücher.com,g2,2021-11-02 09:00:00
4,Cy,cy@acme.com,g2,2021-11-02 10:00:00
5,Di,di@yahoo.com,,2021-11-03 08:00:00
6,Ed,not-an-address,g1,2021-11-03 09:00:00
"""
GAGGLES = """\
id,name,created_at
g1,Makers,2021-11-01 08:00:00
g2,Readers,2021-11-01 09:00:00
"""
EVENTS = """\
event_id,user_id,event_name,timestamp
e1,1,page_view,2021-11-03 10:00:00
e2,2,order_placed,2021-11-03 11:00:00
e3,3,page_view,2021-11-04 10:00:00
e4,4,order_placed,2021-11-05 11:00:00
"""
MERGES = """\
old_email,new_email,decided_by,reason
ann.w@gmail.com,ann@acme.com,kim,same phone
cy@acme.com,cy@acme.com,kim,
di@yahoo.com,later@acme.com,lee,
"""


@dataclass(frozen=True)
class Ran:
    """The folders and the outcome of the one run."""

    home: Path
    source: Path
    result: Result

    @property
    def report(self) -> dict[str, Any]:
        return json.loads(self.result.stdout)


def write_tiny_source(folder: Path) -> Path:
    """Five valid users (one of them in two accounts), one that is rejected, three decisions."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = {"raw_user": USERS, "raw_gaggle": GAGGLES, "raw_event": EVENTS, "merged_user": MERGES}
    for name, text in tables.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


def c360(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), catch_exceptions=False)


@pytest.fixture(scope="session")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """`c360 run` once, on the tiny source."""
    folder = tmp_path_factory.mktemp("cli")
    source = write_tiny_source(folder / "source")
    with pytest.MonkeyPatch.context() as patch:
        _set_environment(patch, folder / "home", source)
        return Ran(folder / "home", source, c360("run", "--json"))


@pytest.fixture
def after_run(ran: Ran, monkeypatch: pytest.MonkeyPatch) -> Ran:
    """The environment of the one run."""
    _set_environment(monkeypatch, ran.home, ran.source)
    return ran


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home in which nothing has run, with the tiny source; returns the home."""
    _set_environment(monkeypatch, tmp_path / "home", write_tiny_source(tmp_path / "source"))
    return tmp_path / "home"


def _set_environment(patch: pytest.MonkeyPatch, home: Path, source: Path) -> None:
    patch.setenv("C360_HOME", str(home))
    patch.setenv("C360_SOURCE", str(source))
    patch.setenv("DAGSTER_HOME", str(home / "dagster"))


@pytest.fixture
def environment(repo_root: Path) -> dict[str, str]:
    """For processes of their own: the checkout on their path."""
    return {**os.environ, "PYTHONPATH": str(repo_root), "PYTHONDONTWRITEBYTECODE": "1"}


class TestTheDoor:
    def test_version_is_said(self) -> None:
        result = c360("--version")
        assert (result.exit_code, result.stdout) == (0, f"c360 {__version__}\n")

    def test_help_names_every_command(self) -> None:
        text = c360("--help").stdout
        assert all(
            name in text for name in ("demo", "run", "status", "explain", "check-source", "docs")
        )

    def test_an_unknown_command_is_refused(self) -> None:
        assert c360("dmeo").exit_code == 2

    def test_an_error_of_ours_is_one_message_without_a_traceback(
        self, fresh: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("C360_AS_OF", "yesterday")
        result = c360("explain", "ann@acme.com", "--json")
        assert result.exit_code == 2
        assert result.stdout == ""
        assert result.stderr.startswith("c360: ")
        assert "C360_AS_OF is 'yesterday'" in result.stderr
        assert "Traceback" not in result.stderr

    def test_python_dash_m_is_the_same_program(self, environment: dict[str, str]) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "c360_assets", "--version"],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == f"c360 {__version__}\n"

    @pytest.mark.parametrize(
        "arguments",
        [
            ["--help"],
            ["explain", "ann@acme.com"],
            ["check-source"],
            ["docs", "--check"],
            ["demo", "--write-only"],
        ],
        ids=" ".join,
    )
    def test_dagster_is_not_imported_by(
        self, arguments: list[str], after_run: Ran, environment: dict[str, str], tmp_path: Path
    ) -> None:
        code = (
            "import sys; from c360_assets.cli import app\n"
            f"try: app({arguments!r})\n"
            "except SystemExit: pass\n"
            "sys.exit('dagster' in sys.modules)"
        )
        environment["C360_HOME"] = os.environ["C360_HOME"]
        if arguments[0] == "demo":
            environment["C360_HOME"] = str(tmp_path)
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True)
        assert done.returncode == 0, done.stderr


class TestSelections:
    @pytest.mark.parametrize(
        ("written", "meant"),
        [
            ("contacts", 'key:"contacts"'),
            ("+contacts", '+key:"contacts"'),
            ("contacts+", 'key:"contacts"+'),
            ("1+contacts+2", '1+key:"contacts"+2'),
            ("key:contacts+", "key:contacts+"),
            ("a,b", 'key:"a" or key:"b"'),
            ("a or not (b and group:marts)", 'key:"a" or not (key:"b" and group:marts)'),
            ('"contacts"', 'key:"contacts"'),
            ('tag:"a b"=c', 'tag:"a b"=c'),
            ("*user*", 'key:"*user*"'),
            ("*", "*"),
            ("", "*"),
        ],
    )
    def test_are_translated_to_what_dagster_reads(self, written: str, meant: str) -> None:
        assert parse_selection(written).text == meant

    def test_that_cannot_be_read_are_refused_with_the_syntax(self) -> None:
        with pytest.raises(RequestError, match=r"cannot be read from '\"open' on; .*group:marts"):
            parse_selection('a or "open')

    def test_near_names_are_those_that_look_alike_or_contain_the_word(self) -> None:
        known = ["contacts", "raw_user", "stg_users"]
        assert nearest("contcts", known) == ["contacts"]
        assert nearest("user", known) == ["raw_user", "stg_users"]
        assert near_or_all("zzz", known) == "there are contacts, raw_user, stg_users"


class TestDays:
    DAYS = ("2021-11-03", "2021-11-04", "2021-11-05")

    def test_one_day_is_first_and_last(self) -> None:
        assert parse_days("2021-11-04", self.DAYS) == ("2021-11-04", "2021-11-04")

    def test_two_days_are_a_range(self) -> None:
        assert parse_days("2021-11-03..2021-11-05", self.DAYS) == ("2021-11-03", "2021-11-05")

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("4 November", "is no day; write one as 2021-12-01"),
            ("2021-11-05..2021-11-03", "is after 2021-11-03"),
            ("2021-11-03..2021-11-06", "from 2021-11-03 to 2021-11-05"),
            ("2021-11-03..", "is no day"),
        ],
    )
    def test_that_there_are_not_are_refused(self, text: str, problem: str) -> None:
        with pytest.raises(RequestError, match=problem):
            parse_days(text, self.DAYS)


class TestRun:
    def test_everything_is_built_over_all_days(self, ran: Ran) -> None:
        report = ran.report
        assert ran.result.exit_code == 0, ran.result.stderr
        assert {step["status"] for step in report["steps"]} == {"success"}
        assert (report["first_day"], report["last_day"]) == ("2021-11-03", "2021-11-05")
        rows = {step["table"]: step["rows"] for step in report["steps"]}
        assert rows["staging.stg_users"] == 5
        assert rows["marts.contacts"] == 4

    def test_checks_are_told_by_outcome(self, ran: Ran) -> None:
        checks = ran.report["checks"]
        assert checks["passed"] > 100
        assert checks["failed"] == []
        warned = {(w["asset"], w["check"]): w["breaches"] for w in checks["warned"]}
        assert warned["stg_users", "no_row_breaks_the_contract"] == 1
        assert warned["merge_journal", "no_decision_was_refused"] == 1

    def test_json_is_all_that_is_on_stdout_and_dagster_is_silent(self, ran: Ran) -> None:
        assert json.loads(ran.result.stdout)["success"]
        assert ran.result.stderr == ""

    def test_a_run_is_in_the_history_of_dagster(self, after_run: Ran) -> None:
        from dagster import DagsterInstance

        with DagsterInstance.get() as instance:
            run = instance.get_run_by_id(after_run.report["run_id"])
        assert run is not None
        assert (run.job_name, run.status.value) == ("everything", "SUCCESS")

    def test_a_selection_builds_its_assets_alone(self, after_run: Ran) -> None:
        result = c360("run", "--select", "contacts,rfm_segments", "--json")
        report = json.loads(result.stdout)
        assert result.exit_code == 0, result.stderr
        assert [step["asset"] for step in report["steps"]] == ["contacts", "rfm_segments"]
        assert report["first_day"] is None

    def test_a_selection_with_days_takes_the_newest_where_none_is_missing(
        self, after_run: Ran
    ) -> None:
        report = json.loads(c360("run", "--select", "user_event_days", "--json").stdout)
        assert (report["first_day"], report["last_day"]) == ("2021-11-05", "2021-11-05")

    def test_days_can_be_chosen(self, after_run: Ran) -> None:
        days = "2021-11-03..2021-11-04"
        result = c360("run", "--select", "user_event_days", "--partition", days)
        assert result.exit_code == 0, result.stderr
        assert "days 2021-11-03 to 2021-11-04" in result.stdout

    @pytest.mark.parametrize(
        ("arguments", "problem"),
        [
            (["--select", "contcts"], "there is no asset 'contcts'; did you mean contacts"),
            (["--select", "key:contcts+"], "did you mean contacts"),
            (["--select", "group:nowhere"], "chooses no asset; the groups are"),
            (["--select", "contacts or or"], "cannot be read"),
            (["--partition", "2021-12-24"], "from 2021-11-03 to 2021-11-05"),
            (["--select", "contacts", "--partition", "2021-11-03"], "leave --partition out"),
        ],
    )
    def test_what_there_is_not_is_refused_with_what_there_is(
        self, arguments: list[str], problem: str, after_run: Ran
    ) -> None:
        result = c360("run", *arguments)
        assert result.exit_code == 2
        assert problem in result.stderr

    def test_a_failed_step_is_told_in_a_sentence_and_the_exit_code(
        self, fresh: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "source" / "raw_user.csv").write_text("id,email\n1,ann@acme.com\n")
        result = c360("run", "--select", "raw_user+")
        assert result.exit_code == 1
        assert "raw_user failed: " in result.stderr
        assert "lacks name, created_at" in result.stderr
        assert "Traceback" not in result.stderr
        assert "failed in" in result.stdout

    def test_a_failed_check_makes_the_exit_code_one(self) -> None:
        report = RunReport("run", None, is_success=True)
        assert report.exit_code == 0
        report.failed.append(CheckFinding("contacts", "email_is_unique", "", 1))
        assert report.exit_code == 1


class TestStatus:
    def test_nothing_has_run(self, fresh: Path) -> None:
        result = c360("status")
        assert result.exit_code == 0
        assert "Nothing has run" in result.stdout
        assert "c360 demo" in result.stdout

    def test_everything_is_there_for_machines(self, after_run: Ran) -> None:
        found = json.loads(c360("status", "--json").stdout)
        assert all(asset["materialized_at"] for asset in found["assets"])
        assert found["checks"]["failed"] == found["checks"]["not_run"] == []
        assert found["runs"][-1]["run_id"] == after_run.report["run_id"]
        assert found["published"]["rows"]["marts.contacts"] == 4
        assert found["data"]["newest_event_or_order"] == "2021-11-05T11:00:00Z"
        assert found["rejected"] == [
            {"source_table": "raw_user", "reason": "invalid_email: email", "number_of_rows": 1}
        ]
        outcomes = {(d["outcome"], d["source_row"]) for d in found["merges"]["unsettled"]}
        assert outcomes == {("refused", 2), ("pending", 3)}

    def test_people_read_it_in_tables(self, after_run: Ran) -> None:
        text = c360("status").stdout
        assert "Published copy" in text
        assert "no_row_breaks_the_contract" in text
        assert "invalid_email: email" in text


class TestExplain:
    def test_nothing_is_published_yet(self, fresh: Path) -> None:
        result = c360("explain", "ann@acme.com")
        assert result.exit_code == 2
        assert "no published copy yet; run `c360 demo`" in result.stderr

    @pytest.mark.parametrize("asked", ["ann@acme.com", "  ANN.W@gmail.com. "])
    def test_old_and_new_address_in_any_spelling_are_the_same_person(
        self, asked: str, after_run: Ran
    ) -> None:
        result = c360("explain", asked, "--json")
        found = json.loads(result.stdout)
        assert result.exit_code == 0
        assert (found["contact"]["user_id"], found["contact"]["email"]) == ("1", "ann@acme.com")
        assert found["contact"]["number_of_events"] == 2
        assert [a["user_id"] for a in found["accounts"]] == ["1", "2"]
        assert found["gaggle"]["gaggle_name"] == "Makers"
        assert found["company"]["corporate_email"] == "acme.com"

    def test_the_decision_is_named_by_file_and_row_with_who_and_why(self, after_run: Ran) -> None:
        (decision,) = json.loads(c360("explain", "ann@acme.com", "--json").stdout)["decisions"]
        assert (decision["source_file"], decision["source_row"]) == ("merged_user.csv", 1)
        assert (decision["decided_by"], decision["reason"]) == ("kim", "same phone")
        assert (decision["outcome"], decision["merge_path"]) == (
            "applied",
            "ann.w@gmail.com > ann@acme.com",
        )

    def test_accounts_are_traced_to_the_rows_of_the_source(self, after_run: Ran) -> None:
        found = json.loads(c360("explain", "ann@acme.com", "--json").stdout)
        assert [a["source"] for a in found["accounts"]] == [
            "raw_user.csv, row 1",
            "raw_user.csv, row 2",
        ]

    def test_a_source_that_is_gone_leaves_the_rest(
        self, after_run: Ran, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("C360_SOURCE", str(after_run.home / "gone"))
        found = json.loads(c360("explain", "ann@acme.com", "--json").stdout)
        assert found["contact"]["user_id"] == "1"
        assert "were not looked up" in found["notes"][0]

    def test_refused_and_pending_decisions_that_name_the_address_are_told(
        self, after_run: Ran
    ) -> None:
        refused = json.loads(c360("explain", "cy@acme.com", "--json").stdout)["decisions"]
        pending = json.loads(c360("explain", "di@yahoo.com", "--json").stdout)["decisions"]
        assert [d["outcome"] for d in refused] == ["refused"]
        assert [d["outcome"] for d in pending] == ["pending"]

    def test_a_domain_of_any_script_is_found(self, after_run: Ran) -> None:
        assert c360("explain", "BO@Bücher.com").exit_code == 0

    def test_an_unknown_address_gets_near_ones(self, after_run: Ran) -> None:
        result = c360("explain", "ana@acme.com")
        assert result.exit_code == 1
        assert "nobody has the address ana@acme.com" in result.stderr
        assert "near addresses: ann@acme.com" in result.stderr

    def test_the_target_that_a_decision_waits_for_is_explained(self, after_run: Ran) -> None:
        result = c360("explain", "later@acme.com", "--json")
        assert result.exit_code == 1
        assert json.loads(result.stdout)["decisions"][0]["outcome"] == "pending"

    def test_a_rejected_row_is_named(self, after_run: Ran) -> None:
        result = c360("explain", "not-an-address")
        assert result.exit_code == 1
        assert "is no e-mail address" in result.stderr
        assert "raw_user.csv, row 6 has it, and was rejected: invalid_email" in result.stderr

    def test_people_read_the_chain_and_the_reason(self, after_run: Ran) -> None:
        text = re.sub(r"[│\s]+", " ", c360("explain", "ann.w@gmail.com").stdout)
        assert "ann.w@gmail.com is today ann@acme.com." in text
        assert "Reason given: same phone." in text


class TestCheckSource:
    def test_a_good_source_passes_with_what_would_be_rejected(self, fresh: Path) -> None:
        result = c360("check-source", "--json")
        found = json.loads(result.stdout)
        tables = {table["table"]: table for table in found["tables"]}
        assert result.exit_code == 0
        assert found["ok"]
        assert tables["raw_user"]["reasons"] == {"invalid_email: email": 1}
        assert tables["raw_user"]["samples"][0]["source_row"] == 6
        assert tables["raw_event"]["rejected"] == 0
        subjects = [finding["subject"] for finding in found["findings"]]
        assert subjects == ["raw_user", "merged_user.csv, row 2", "merged_user.csv, row 3"]

    def test_nothing_is_written_to_home(self, fresh: Path) -> None:
        c360("check-source")
        assert not fresh.exists()

    def test_a_folder_of_ones_own_can_be_named(self, fresh: Path, tmp_path: Path) -> None:
        other = write_tiny_source(tmp_path / "other")
        (other / "merged_user.csv").unlink()
        found = json.loads(c360("check-source", str(other), "--json").stdout)
        assert found["folder"] == found["merges"] == str(other)
        assert [finding["subject"] for finding in found["findings"]] == ["raw_user"]

    def test_every_problem_is_listed_at_once(self, fresh: Path, tmp_path: Path) -> None:
        source = tmp_path / "source"
        (source / "raw_gaggle.csv").write_text("id,nme\ng1,Makers\n")
        (source / "raw_order.csv").write_text("")
        (source / "raw_product.parquet").write_text("no Parquet")
        (source / "raw_event.csv").unlink()
        (source / "raw_event").mkdir()
        (source / "raw_event" / "1.csv").write_text("a,b\n1,2\n")
        (source / "raw_event" / "2.csv").write_bytes(b"\x00\x00")
        (source / "merged_company_domain.csv").write_text("x\n")
        (source / "raw_gagle.csv").write_text("id\n")
        (source / "raw_user.xlsx").write_text("binary")
        (source / "notes.md").write_text("not data")
        result = c360("check-source", "--json")
        findings = json.loads(result.stdout)["findings"]
        errors = [f["subject"] for f in findings if f["level"] == "error"]
        warnings = {f["subject"]: f["message"] for f in findings if f["level"] == "warning"}
        assert result.exit_code == 1
        assert errors == [
            "raw_gaggle",
            "raw_event",
            "raw_event",
            "raw_order",
            "raw_product",
            "merged_company_domain.csv",
        ]
        assert "did you mean raw_gaggle?" in warnings["raw_gagle.csv"]
        assert "save raw_user in one of the formats" in warnings["raw_user.xlsx"]
        assert "notes.md" not in warnings

    def test_a_missing_user_table_leaves_the_others_checked(
        self, fresh: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "source" / "raw_user.csv").unlink()
        result = c360("check-source")
        assert result.exit_code == 1
        assert "its rows were not judged, since raw_user is not read" in result.stdout

    def test_a_broken_mapping_is_named(self, fresh: Path, tmp_path: Path) -> None:
        (tmp_path / "source" / "sources.toml").write_text('[raw_usr]\nfile = "x"\n')
        findings = json.loads(c360("check-source", "--json").stdout)["findings"]
        assert findings[0]["subject"] == "sources.toml"
        assert "[raw_usr] is no raw table" in findings[0]["message"]

    def test_an_expression_that_does_not_fit_is_named(self, fresh: Path, tmp_path: Path) -> None:
        mapping = '[raw_gaggle.columns]\nname = "nothing_like_it"\n'
        (tmp_path / "source" / "sources.toml").write_text(mapping)
        findings = json.loads(c360("check-source", "--json").stdout)["findings"]
        assert findings[0]["subject"] == "raw_gaggle"
        assert "nothing_like_it" in findings[0]["message"]

    def test_a_folder_that_is_not_there_is_one_error(self, fresh: Path) -> None:
        result = c360("check-source", "/no/such/folder")
        assert result.exit_code == 1
        assert "does not exist" in result.stdout


class TestDocs:
    def test_the_pages_in_the_repository_are_those_of_the_contract(self, repo_root: Path) -> None:
        result = c360("docs", "--check", "--folder", str(repo_root / "docs" / "tables"))
        assert result.exit_code == 0, result.stdout

    def test_pages_that_differ_are_written_once(self, tmp_path: Path) -> None:
        first = c360("docs", "--folder", str(tmp_path), "--json")
        second = c360("docs", "--folder", str(tmp_path), "--json")
        assert "marts.md" in json.loads(first.stdout)["written"]
        assert json.loads(second.stdout)["written"] == []

    def test_a_page_that_was_edited_fails_the_check(self, tmp_path: Path) -> None:
        docs_pages.write_pages(tmp_path)
        (tmp_path / "marts.md").write_text("by hand")
        result = c360("docs", "--check", "--folder", str(tmp_path))
        assert result.exit_code == 1
        assert "marts.md" in result.stdout

    def test_pages_of_others_stay_and_own_ones_without_a_layer_go(self, tmp_path: Path) -> None:
        docs_pages.write_pages(tmp_path)
        (tmp_path / "notes.md").write_text("by hand")
        (tmp_path / "gone.md").write_text(f"{docs_pages.GENERATED}\n")
        assert docs_pages.write_pages(tmp_path) == ["gone.md"]
        assert (tmp_path / "notes.md").exists()

    def test_a_page_says_key_references_upstream_and_columns(self) -> None:
        page = docs_pages.pages()["marts.md"]
        section = page.split("## marts.contacts")[1].split("\n## ")[0]
        assert "- Key: `user_id`" in section
        assert "`user_id` refers to [staging.stg_users](staging.md#stagingstg_users)" in section
        assert "- Computed from: " in section
        assert "[identity.user_identity](identity.md#identityuser_identity)" in section
        assert "| `email` | VARCHAR | no |" in section


def _written(folder: Path) -> dict[Path, tuple[int, int]]:
    """Which file each path of a folder is, and when it was written."""
    found = {path: path.stat() for path in folder.rglob("*")}
    return {path: (each.st_ino, each.st_mtime_ns) for path, each in found.items()}


class TestDemo:
    def test_the_data_are_written_once_and_what_is_added_stays(self, fresh: Path) -> None:
        assert json.loads(c360("demo", "--write-only", "--json").stdout)["demo"]["is_new"]
        merges = fresh / "demo" / "merged_user.csv"
        merges.write_text(f"{merges.read_text()}a@b.com,c@d.com\n")
        before = _written(merges.parent)
        again = json.loads(c360("demo", "--write-only", "--json").stdout)["demo"]
        assert not again["is_new"]
        assert _written(merges.parent) == before
        assert "a@b.com" in merges.read_text()

    def test_another_seed_or_a_missing_file_writes_them_anew(self, fresh: Path) -> None:
        c360("demo", "--write-only")
        assert json.loads((fresh / DEMO_MARKER).read_text())["seed"] == 360
        (fresh / "demo" / "raw_user.csv").unlink()
        assert json.loads(c360("demo", "--write-only", "--json").stdout)["demo"]["is_new"]
        other = json.loads(c360("demo", "--write-only", "--seed", "7", "--json").stdout)["demo"]
        assert (other["is_new"], other["seed"]) == (True, 7)

    def test_a_source_of_ones_own_is_left_aside_and_that_is_said(
        self, fresh: Path, tmp_path: Path
    ) -> None:
        result = c360("demo", "--write-only")
        assert result.exit_code == 0
        assert f"C360_SOURCE is {tmp_path / 'source'}" in result.stderr
        assert f"uses {fresh / 'demo'} instead" in result.stderr

    def test_a_scale_of_nothing_is_refused(self, fresh: Path) -> None:
        assert c360("demo", "--scale", "0").exit_code == 2

    @pytest.mark.slow
    def test_the_whole_demo_ends_with_rows_checks_and_what_to_do_next(
        self, tmp_path: Path, environment: dict[str, str]
    ) -> None:
        environment["C360_HOME"] = str(tmp_path)
        done = subprocess.run(
            [sys.executable, "-m", "c360_assets", "demo", "--json"],
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        assert found["rows"]["marts.contacts"] == 5774
        assert found["rows"]["marts.gaggle_facts"] == 823
        assert found["rows"]["marts.corporate_accounts"] == 581
        assert found["checks"]["failed"] == []
        assert (Path(found["crm"]) / "contacts.csv").exists()
        explained = next(command for command in found["next"] if "explain" in command)
        who = subprocess.run(
            [sys.executable, "-m", "c360_assets", "explain", explained.split()[-1], "--json"],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert json.loads(who.stdout)["decisions"][0]["outcome"] == "applied"
