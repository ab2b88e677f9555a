"""The real Tryton server in a process of its own, which is the only one that imports it.

    python -m c360_assets_tests.activation.emulators.tryton_process make FOLDER
    python -m c360_assets_tests.activation.emulators.tryton_process serve FOLDER

`make` makes the database `tryton` as `trytond-admin` does, with an administrator and the user of
c360. `serve` answers on a free port, told in the first line of its output, until its input ends;
then the folder goes, too.
"""

from __future__ import annotations

import os
import shutil
import sys
import threading
from pathlib import Path

DATABASE = "tryton"
MODULES = ("party", "party_relationship", "c360_test")
ADMIN_PASSWORD, USER, USER_PASSWORD = "pass-of-admin-7", "c360", "pass-of-c360-4711"
HOST = "127.0.0.1"
# one and the same for all Tryton: what a module is, and where
ENTRY_POINT = (
    "[trytond.modules]\nc360_test = c360_assets_tests.activation.emulators.tryton_module\n"
)
# nobody is asked to log in again while the tests run
SESSION_SECONDS = 24 * 3600


def configure(folder: Path) -> None:
    """Tell Tryton where its databases are, and of the module of the tests."""
    (folder / "trytond.conf").write_text(
        f"[database]\nuri = sqlite://\npath = {folder}\n[session]\ntimeout = {SESSION_SECONDS}\n"
    )
    info = folder / "c360_test-1.dist-info"
    info.mkdir(exist_ok=True)
    (info / "entry_points.txt").write_text(ENTRY_POINT)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: c360_test\nVersion: 1\n")
    sys.path.append(str(folder))
    from trytond import config

    config.update_etc([str(folder / "trytond.conf")])


def make(folder: Path) -> None:
    """Make the database."""
    configure(folder)
    (folder / f"{DATABASE}.sqlite").touch()
    (folder / "password").write_text(ADMIN_PASSWORD)
    os.environ["TRYTONPASSFILE"] = str(folder / "password")
    _relax()
    from trytond.cli import admin

    conf, modules = str(folder / "trytond.conf"), list(MODULES)
    said = ["-c", conf, "-d", DATABASE, "-u", *modules, "--activate-dependencies"]
    sys.argv = ["trytond-admin", *said, "--email", "admin@example.com"]
    admin.main()
    from trytond.pool import Pool
    from trytond.transaction import Transaction

    with Transaction().start(DATABASE, 0):
        pool = Pool(DATABASE)
        groups = pool.get("res.group").search([("name", "=", "Party Administration")])
        user = {"name": USER, "login": USER, "password": USER_PASSWORD}
        pool.get("res.user").create([user | {"groups": [("add", [each.id for each in groups])]}])


def serve(folder: Path) -> None:
    """Answer until the input ends."""
    configure(folder)
    _relax()
    from trytond.pool import Pool
    from trytond.wsgi import app
    from werkzeug.serving import make_server

    Pool.start()
    Pool(DATABASE).init()
    server = make_server(HOST, 0, app, threaded=True)
    print(server.port, flush=True)
    threading.Thread(target=_end_with_the_input, args=(folder,), daemon=True).start()
    server.serve_forever()


def _relax() -> None:
    """Look no address up in the DNS, and hash passwords cheaply: each sync logs in."""
    from pwdlib import PasswordHash
    from pwdlib.hashers.argon2 import Argon2Hasher
    from trytond.pool import Pool
    from trytond.res import user

    # Tryton's own switch; ids of each table then begin elsewhere, too
    Pool.test = True
    user.PASSWORD_HASH = PasswordHash([Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1)])


def _end_with_the_input(folder: Path) -> None:
    sys.stdin.buffer.read()
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


if __name__ == "__main__":
    {"make": make, "serve": serve}[sys.argv[1]](Path(sys.argv[2]))
