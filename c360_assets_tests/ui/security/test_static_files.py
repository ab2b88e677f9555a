"""No path of the pages, of NiceGUI's files or of ours reads a file outside of its folder."""

import nicegui
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from c360_assets_tests.ui.security.calls import Site

SECRET = "not for anybody"
UPWARDS = (
    *("../", "%2e%2e/", "..%2f", "%2e%2e%2f", ".%2e/", "%252e%252e/", "%252e%252e%252f"),
    *("..%5c", "%2e%2e%5c", "....//", "..;/", "%c0%ae%c0%ae/", "/", "//", "%2f", "%00/../"),
)
NICEGUI = f"/_nicegui/{nicegui.__version__}"
FOLDERS = (
    *(f"{NICEGUI}/static", f"{NICEGUI}/libraries", f"{NICEGUI}/components", f"{NICEGUI}/esm/x"),
    *(f"{NICEGUI}/resources/x", f"{NICEGUI}/dynamic_resources", "/_nicegui_ws", "/static"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("files")
    (found / "static").mkdir()
    (found / "static" / "c360.css").write_text("body {}")
    (found / "secret.txt").write_text(SECRET)
    (found / "static" / "link.txt").symlink_to(found / "secret.txt")
    return found


@pytest.fixture(scope="module")
def ours(folder):
    return Starlette(routes=[Mount("/static", StaticFiles(directory=folder / "static"))])


@pytest.fixture(scope="module")
def theirs():
    """NiceGUI's own routes with its files; its pages for errors want a server that runs."""
    outer = FastAPI()
    outer.mount("/", nicegui.app.router)
    return outer


def targets(folder):
    """Files that are there, from the root and next to the folder."""
    return ["secret.txt", str(folder / "secret.txt").lstrip("/"), "etc/passwd", "main.py"]


def test_the_files_themselves_are_served(tmp_path, ours, theirs):
    assert Site(tmp_path, app=ours)("/static/c360.css").text == "body {}"
    assert Site(tmp_path, app=theirs)(f"{NICEGUI}/static/nicegui.js").status == 200


@pytest.mark.parametrize("up", UPWARDS)
@pytest.mark.parametrize("is_behind_gate", [True, False])
def test_our_files_lead_nowhere_else(tmp_path, folder, ours, up, is_behind_gate):
    """The second time without the gate: neither of the two relies on the other."""
    site = Site(tmp_path, app=ours)
    if not is_behind_gate:
        site.gate = ours
    for depth in (1, 2, 6, 12):
        for target in targets(folder):
            answer = site(f"/static/{up * depth}{target}")
            assert answer.status in (307, 400, 404), (answer.status, up, depth, target)
            assert SECRET not in answer.text


@pytest.mark.parametrize("up", UPWARDS)
def test_files_of_nicegui_lead_nowhere_else(tmp_path, folder, theirs, up):
    site = Site(tmp_path, app=theirs)
    for start in FOLDERS:
        for depth in (1, 6, 12):
            for target in targets(folder):
                answer = site(f"{start}/{up * depth}{target}")
                assert answer.status in (307, 400, 404), (answer.status, start, up, target)
                assert "root:" not in answer.text
                assert SECRET not in answer.text


def test_a_link_in_the_folder_leads_nowhere_else(tmp_path, ours):
    answer = Site(tmp_path, app=ours)("/static/link.txt")
    assert answer.status == 404
