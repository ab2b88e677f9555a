"""Who may import whom (docs/architecture), read from the files; and how long they may be."""

import ast
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "c360_assets"
MODULES = sorted(PACKAGE.rglob("*.py"))
each_module = pytest.mark.parametrize(
    "path", MODULES, ids=lambda path: str(path.relative_to(ROOT).with_suffix(""))
)

BASE = {
    *("errors", "domain_rules", "customer_rules", "attribute_rules", "settings", "contracts"),
    *("days", "crm_rules", "mentions", "ui_rules"),
}
LAYERS = {"sources", "identity", "customers", "warehouse", "activation"}
# What a part may import of c360_assets, beside itself.
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "contracts": {"errors"},
    "domain_rules": set(),
    "customer_rules": set(),
    "attribute_rules": set(),
    "crm_rules": set(),
    "ui_rules": set(),
    "config_problems": set(),
    "settings": {
        *("errors", "domain_rules", "customer_rules", "attribute_rules", "config_problems"),
        *("crm_rules", "ui_rules"),
    },
    "days": set(),
    "mentions": set(),
    **{layer: BASE for layer in LAYERS},
    "instance": BASE,
    # between the layers and those who run or show them
    "resolution": BASE | LAYERS,
    "erasure": BASE | LAYERS,
    "assets": BASE | LAYERS | {"resolution"},
    "automation": BASE | LAYERS | {"assets"},
    "definitions": BASE | LAYERS | {"assets", "automation", "instance"},
    # what the history of runs tells, for those who show it
    "standing": BASE | {"definitions", "instance"},
}
# The outermost parts: they import anything, and nothing imports them.
OUTERMOST = {"cli", "cli_support", "ui", "__main__"}
# The resource classes, for which Dagster is no stranger.
MAY_KNOW_DAGSTER = {"warehouse/duckdb.py"}
MAX_LINES = 400
MAX_FUNCTION_LINES = 45
LONG_FUNCTIONS: dict[str, int] = {}
REGISTRIES = (
    "pypi.org",
    "pythonhosted.org",
    "npmjs.",
    "crates.io",
    "conda.anaconda",
    "proxy.golang",
)


def part(path: Path) -> str:
    """The folder or module directly under c360_assets that a file belongs to."""
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imported(path: Path) -> frozenset[str]:
    """The dotted names of all imports of a file, also those inside functions."""
    names = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(names)


def own_parts(path: Path) -> set[str]:
    """The parts of c360_assets that a file imports, but for its own."""
    names = [name.split(".") for name in imported(path)]
    parts = {name[1] for name in names if name[0] == "c360_assets" and len(name) > 1}
    return {name for name in parts if not name.startswith("__")} - {part(path)}


def test_every_part_of_the_package_has_a_rule():
    parts = {part(path) for path in MODULES} - {"__init__"}
    assert parts <= set(MAY_IMPORT) | OUTERMOST


@each_module
def test_a_module_imports_only_what_its_part_may(path):
    if part(path) not in OUTERMOST | {"__init__"}:
        assert own_parts(path) <= MAY_IMPORT[part(path)]


@each_module
def test_nothing_imports_pages_or_command_line(path):
    if part(path) not in OUTERMOST:
        assert not own_parts(path) & OUTERMOST


@each_module
def test_dagster_is_known_to_assets_and_automation_alone(path):
    if (
        part(path) in BASE | LAYERS | {"resolution"}
        and str(path.relative_to(PACKAGE)) not in MAY_KNOW_DAGSTER
    ):
        assert not [name for name in imported(path) if name.startswith("dagster")]


@each_module
def test_the_package_does_not_import_tests_or_benchmarks(path):
    tops = {name.split(".")[0] for name in imported(path)}
    assert not tops & {"c360_assets_tests", "benchmarks", "pytest", "hypothesis"}


@each_module
def test_a_module_opens_with_what_belongs_in_it(path):
    assert ast.get_docstring(tree(path))


@each_module
def test_no_module_is_too_long(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


@each_module
def test_no_function_is_too_long(path):
    found = {}
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or 0) - node.lineno + 1
            if lines > LONG_FUNCTIONS.get(node.name, MAX_FUNCTION_LINES):
                found[node.name] = lines
    assert found == {}


def test_the_list_of_long_functions_stays_short():
    assert len(LONG_FUNCTIONS) <= 3


def tracked_files() -> list[Path]:
    done = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        pytest.skip("this is no git checkout")
    return [ROOT / name.decode() for name in done.stdout.split(b"\0") if name]


def test_no_file_names_the_host_of_a_package_registry():
    mine = Path(__file__).resolve()
    found = [
        (str(path.relative_to(ROOT)), host)
        for path in tracked_files()
        if path.is_file() and path.resolve() != mine
        for host in REGISTRIES
        if host.encode() in path.read_bytes()
    ]
    assert found == []
