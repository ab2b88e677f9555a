"""The documentation against the code: links, pictures, variables, commands, tables, examples."""

import re
import tomllib
from pathlib import Path

import pytest

from c360_assets import contracts
from c360_assets.cli_support import docs_pages
from c360_assets.identity.rulings import RULINGS
from c360_assets.settings import Rules, Settings
from c360_assets.sources.folder import MAPPING_FILE, SourceFolder
from c360_assets.sources.judging import KEY_OF_ANOTHER_DAY

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
CODE = sorted([*(ROOT / "c360_assets").rglob("*.py"), ROOT / "Makefile", ROOT / ".env.example"])
MAX_PICTURE_BYTES = 400_000
# Named in the documentation as examples of variables that the reader chooses.
EXAMPLE_VARIABLES = {"C360_SLACK_URL", "C360_SMTP_USER", "C360_SMTP_PASSWORD"}

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)\n(?P<body>.*?)^ *```", re.M | re.S)
VARIABLE = re.compile(r"\bC360_[A-Z]+(?:_[A-Z]+)*\b")

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def prose_of(page: Path) -> str:
    """The page without its fenced blocks."""
    return FENCE.sub("", text_of(page))


def all_text() -> str:
    return "\n".join(text_of(page) for page in PAGES)


def blocks(language: str) -> list[tuple[str, str]]:
    """(page, content) of every fenced block of a language, without its indentation."""
    found = []
    for page in PAGES:
        for fence in FENCE.finditer(text_of(page)):
            if fence["language"] == language:
                body = re.sub(rf"^{fence['indent']}", "", fence["body"], flags=re.M)
                found.append((page.relative_to(ROOT).as_posix(), body))
    return found


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose_of(page), re.M)
    plain = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading) for heading in headings]
    return {re.sub(r"[^\w\- ]", "", h.strip().lower()).replace(" ", "-") for h in plain}


def examples(kind: str) -> list:
    """The blocks that say in their first line which file they are."""
    return [
        pytest.param(body, id=f"{page}-{number}")
        for number, (page, body) in enumerate(blocks("toml"))
        if body.startswith(f"# {kind}\n")
    ]


@each_page
def test_every_relative_link_leads_somewhere(page):
    lost = []
    for target in LINK.findall(prose_of(page)):
        path, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", path):
            continue
        found = (page.parent / path).resolve() if path else page
        is_there = found.exists() and found.is_relative_to(ROOT)
        if not is_there or (anchor and found.suffix == ".md" and anchor not in anchors(found)):
            lost.append(target)
    assert lost == []


def test_every_picture_is_shown_and_small():
    shown = {
        (page.parent / target).resolve()
        for page in PAGES
        for target in LINK.findall(text_of(page))
        if target.endswith(".png")
    }
    pictures = sorted((ROOT / "docs" / "images").glob("*"))
    assert {p for p in pictures if p.resolve() not in shown} == set()
    assert {p.name for p in pictures if p.stat().st_size > MAX_PICTURE_BYTES} == set()


def test_every_variable_of_the_settings_is_in_the_readme_and_no_other():
    fields = {f"C360_{name.upper()}" for name in Settings.model_fields if name != "rules"}
    readme = set(VARIABLE.findall(text_of(ROOT / "README.md")))
    assert readme == fields
    assert fields <= set(VARIABLE.findall(text_of(ROOT / ".env.example")))


def test_every_variable_in_code_and_pages_is_a_setting():
    fields = {f"C360_{name.upper()}" for name in Settings.model_fields if name != "rules"}
    named = {name for path in CODE for name in VARIABLE.findall(text_of(path))}
    named |= set(VARIABLE.findall(all_text()))
    assert named - EXAMPLE_VARIABLES == fields


def test_every_command_named_is_one_of_c360():
    cli = pytest.importorskip("c360_assets.cli")
    import typer

    commands = set(typer.main.get_command(cli.app).commands)
    shell = "\n".join(body for language in ("", "sh", "bash") for _, body in blocks(language))
    named = set(re.findall(r"`c360 ([a-z][a-z-]*)", all_text()))
    named |= set(re.findall(r"^ *c360 ([a-z][a-z-]*)", shell, re.M))
    assert named <= commands
    assert commands <= set(re.findall(r"\bc360 ([a-z][a-z-]*)", all_text())) | {
        "demo"  # `make demo` is how a reader starts it
    }


def test_every_option_of_c360_named_exists():
    cli = pytest.importorskip("c360_assets.cli")
    import typer

    group = typer.main.get_command(cli.app)
    for command, line in re.findall(r"c360 ([a-z][a-z-]*)([^`\n#]*)", all_text()):
        if command in group.commands:
            asked = group.commands[command]
            words = line.split()
            if hasattr(asked, "commands") and words and words[0] in asked.commands:
                asked = asked.commands[words[0]]
            known = {
                option
                for parameter in asked.params
                for option in (*parameter.opts, *parameter.secondary_opts)
            }
            assert set(re.findall(r"(?<!\S)--[a-z-]+", line)) <= known | {"--help"}, line


def test_every_make_target_named_exists():
    targets = set(re.findall(r"^([a-z]+):", text_of(ROOT / "Makefile"), re.M))
    shell = "\n".join(body for language in ("", "sh", "bash") for _, body in blocks(language))
    named = set(re.findall(r"`make ([a-z]+)", all_text()))
    named |= set(re.findall(r"^ *make ([a-z]+)", shell, re.M))
    assert {"demo", "dev", "test"} <= named <= targets


@pytest.mark.parametrize(
    "page", [p for p in PAGES if p.parent.name != "tables"], ids=lambda p: p.name
)
def test_every_table_named_is_in_the_contract(page):
    known = {table.qualified_name for table in contracts.ALL_TABLES}
    schemas = "|".join(sorted({table.layer for table in contracts.ALL_TABLES} - {"ops"}))
    named = set(re.findall(rf"`((?:{schemas})\.[a-z_]+)`", text_of(page)))
    rules = {
        f"{part}.{rule}"
        for part, rules in Rules()
        for rule in getattr(type(rules), "model_fields", ())
    }
    assert named - rules <= known


def test_the_readme_names_every_mart_and_identity_table():
    readme = text_of(ROOT / "README.md")
    wanted = [*contracts.MART_TABLES, *contracts.IDENTITY_TABLES, *contracts.OPS_TABLES]
    assert [t.qualified_name for t in wanted if f"`{t.qualified_name}`" not in readme] == []


def test_the_pages_of_the_tables_are_current():
    assert docs_pages.differences(ROOT / "docs" / "tables") == []


@pytest.mark.parametrize("body", examples("sources.toml"))
def test_examples_of_sources_toml_are_read(tmp_path, body):
    (tmp_path / MAPPING_FILE).write_text(body, encoding="utf-8")
    folder = SourceFolder(tmp_path)
    assert folder.mapping("raw_user").file == "users.csv"


def test_the_guide_shows_the_mapping_that_the_tests_run():
    tested = ROOT / "c360_assets_tests" / "data" / "greenery" / MAPPING_FILE
    shown = [body for page, body in blocks("toml") if page == "docs/guides/your-data.md"]
    assert [tomllib.loads(body) for body in shown] == [tomllib.loads(text_of(tested))]


@pytest.mark.parametrize("body", examples("c360.toml"))
def test_examples_of_c360_toml_are_valid(body):
    assert Rules.model_validate(tomllib.loads(body)) != Rules()


def test_every_toml_example_says_which_file_it_is():
    kinds = {body.splitlines()[0] for _, body in blocks("toml")}
    assert kinds == {"# sources.toml", "# c360.toml"}


def test_every_code_of_the_journal_is_in_the_guide():
    guide = text_of(ROOT / "docs" / "guides" / "merges.md")
    codes = {
        meaning.code.format(noun=noun)
        for meaning in RULINGS.values()
        if meaning.code
        for noun in ("email", "domain")
    }
    assert {code for code in codes if f"`{code}`" not in guide} == set()


def test_every_reason_of_rejection_is_in_the_guide():
    sources = ROOT / "c360_assets" / "sources"
    code = "\n".join(text_of(path) for path in sources.glob("*.py"))
    reasons = set(re.findall(r"then '([a-z]+_[a-z{}]+)(?:: )", code))
    reasons |= set(re.findall(r"'(malformed_row|unreadable_file)'", code))
    spelled = {r.replace("{kind}", kind) for r in reasons for kind in ("time", "number")}
    spelled.add(KEY_OF_ANOTHER_DAY)
    guide = text_of(ROOT / "docs" / "guides" / "your-data.md")
    assert {"missing_value", "unparseable_time", "duplicate_key", "malformed_row"} <= spelled
    assert {reason for reason in spelled if f"`{reason}" not in guide} == set()


def test_every_decision_is_in_the_index():
    folder = ROOT / "docs" / "decisions"
    notes = sorted(path.name for path in folder.glob("[0-9]*.md"))
    assert re.findall(r"\]\((\d{3}-[a-z0-9-]+\.md)\)", text_of(folder / "README.md")) == notes
    assert [name[:3] for name in notes] == [f"{n:03}" for n in range(1, len(notes) + 1)]
