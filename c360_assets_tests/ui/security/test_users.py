"""The users file: what is kept, who may read it, and that two writers lose nothing."""

import json
import subprocess
import sys

import pytest
from argon2 import PasswordHasher
from typer.testing import CliRunner

from c360_assets.cli_support.ui_app import ui_app
from c360_assets.cli_support.ui_users import asked_password
from c360_assets.errors import ConfigError, RequestError
from c360_assets.ui.security.users import Role, Users
from c360_assets_tests.ui.security.calls import PASSWORD, QUICK


@pytest.fixture
def users(tmp_path):
    return Users(tmp_path / "ui", QUICK)


def test_a_user_is_who_has_the_password(users):
    users.add("Ann", PASSWORD, Role.REVIEWER)
    assert users.verify("ann", PASSWORD).role is Role.REVIEWER
    assert users.verify(" ANN ", PASSWORD).name == "ann"
    assert users.verify("ann", PASSWORD + "x") is None
    assert users.verify("bob", PASSWORD) is None
    assert users.role_of("ANN") is Role.REVIEWER
    assert users.role_of("bob") is None


def test_letters_are_the_same_from_every_keyboard(users):
    users.add("ann", "mot de passé très long", Role.VIEWER)
    assert users.verify("ann", "mot de passe\u0301 tre\u0300s long")


def test_the_file_has_no_password_and_is_read_by_its_owner_alone(users):
    users.add("ann", PASSWORD, Role.VIEWER)
    assert PASSWORD not in users.path.read_text()
    assert "$argon2id$" in users.path.read_text()
    assert users.path.stat().st_mode & 0o777 == 0o600
    assert users.path.parent.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in users.path.parent.iterdir() if path.suffix == ".partial"] == []


def test_real_hashes_have_the_parameters_that_argon2_recommends(tmp_path):
    users = Users(tmp_path)
    users.add("ann", PASSWORD, Role.VIEWER)
    stored = json.loads(users.path.read_text())["users"][0]["password_hash"]
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


@pytest.mark.parametrize("name", ["", " ", "-ann", "a b", "a/b", "<b>", "zoë", "x" * 65, "a\nb"])
def test_odd_names_are_refused(users, name):
    with pytest.raises(RequestError, match="is no name of a user"):
        users.add(name, PASSWORD, Role.VIEWER)
    assert users.all() == []


@pytest.mark.parametrize("password", ["", "elevenchars", " " * 20, "x" * 1025])
def test_short_and_endless_passwords_are_refused(users, password):
    with pytest.raises(RequestError, match="at least 12"):
        users.add("ann", password, Role.VIEWER)


def test_a_name_is_taken_unless_it_is_replaced(users):
    before = users.add("ann", PASSWORD, Role.VIEWER)
    with pytest.raises(RequestError, match="--replace"):
        users.add("ANN", "another long password", Role.ADMIN)
    assert users.verify("ann", PASSWORD)
    after = users.add("ann", "another long password", Role.ADMIN, replace=True)
    assert users.verify("ann", PASSWORD) is None
    assert users.role_of("ann") is Role.ADMIN
    assert after.key != before.key


def test_a_user_without_a_password_logs_in_with_none(users):
    users.add("ann", None, Role.ADMIN)
    for password in ("", "None", PASSWORD):
        assert users.verify("ann", password) is None


def test_what_others_write_counts_at_once(users, tmp_path):
    users.add("ann", PASSWORD, Role.VIEWER)
    other = Users(tmp_path / "ui", QUICK)
    assert users.verify("ann", PASSWORD)
    other.add("bob", PASSWORD, Role.ADMIN)
    other.remove("ann")
    assert users.verify("ann", PASSWORD) is None
    assert [user.name for user in users.all()] == ["bob"]


def test_removing_nobody_tells_who_there_is(users):
    users.add("ann", PASSWORD, Role.VIEWER)
    with pytest.raises(RequestError, match="there are: ann"):
        users.remove("bob")


def test_a_hash_of_old_parameters_is_made_anew_at_login(users, tmp_path):
    before = users.add("ann", PASSWORD, Role.VIEWER)
    stronger = Users(tmp_path / "ui", PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    assert stronger.verify("ann", "x") is None
    assert stronger.get("ann") == before
    assert stronger.verify("ann", PASSWORD)
    after = stronger.get("ann")
    assert "m=16,t=2" in after.password_hash
    assert after.key == before.key, "it would end the logins of the user"
    assert stronger.verify("ann", PASSWORD)


@pytest.mark.parametrize("name", ["ann", "nobody", "proxied"])
def test_a_hash_is_worked_out_whoever_asks(users, name, monkeypatch):
    users.add("ann", PASSWORD, Role.VIEWER)
    users.add("proxied", None, Role.VIEWER)
    seen = []
    verify = PasswordHasher.verify

    def counted(self, *given):
        seen.append(given)
        return verify(self, *given)

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    users.verify(name, "wrong")
    assert len(seen) == 1


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"users": [{}]}', '{"users": [{"name": "a", "role": "king"}]}', "\x80"],
)
def test_a_broken_file_is_an_error_and_no_open_door(users, text):
    users.add("ann", PASSWORD, Role.VIEWER)
    users.path.write_text(text, encoding="latin-1")
    for ask in (users.all, lambda: users.verify("ann", PASSWORD), lambda: users.role_of("ann")):
        with pytest.raises(ConfigError, match=r"users\.json cannot be read"):
            ask()
    with pytest.raises(ConfigError, match="cannot be read"):
        users.add("bob", PASSWORD, Role.VIEWER)


@pytest.mark.parametrize(
    "change",
    [{"name": 7}, {"name": "Ann"}, {"key": None}, {"key": ""}, {"password_hash": 7}],
    ids=str,
)
def test_a_user_written_wrongly_by_hand_is_an_error(users, change):
    users.add("ann", PASSWORD, Role.VIEWER)
    users.add("bob", PASSWORD, Role.VIEWER)
    content = json.loads(users.path.read_text())
    content["users"][0] |= change
    users.path.write_text(json.dumps(content))
    for ask in (users.all, lambda: users.verify("bob", PASSWORD)):
        with pytest.raises(ConfigError, match=r"users\.json cannot be read"):
            ask()


def test_a_password_that_is_no_hash_is_an_error(users):
    users.add("ann", PASSWORD, Role.VIEWER)
    content = json.loads(users.path.read_text())
    content["users"][0]["password_hash"] = "plain text"
    users.path.write_text(json.dumps(content))
    with pytest.raises(ConfigError, match="no argon2 hash"):
        users.verify("ann", "plain text")


WRITER = """
import sys
from pathlib import Path
from argon2 import PasswordHasher
from c360_assets.ui.security.users import Role, Users
users = Users(Path(sys.argv[1]), PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
sys.stdin.readline()
for n in range(40):
    users.add(f"{sys.argv[2]}{n}", "correct horse battery", Role.VIEWER)
"""


def test_two_processes_that_write_at_once_lose_nobody(tmp_path, repo_root):
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path / "ui"), name],
            stdin=subprocess.PIPE,
            cwd=repo_root,
        )
        for name in ("a", "b")
    ]
    for writer in writers:
        writer.stdin.write(b"go\n")
        writer.stdin.flush()
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0]
    for writer in writers:
        writer.stdin.close()
    names = {user.name for user in Users(tmp_path / "ui", QUICK).all()}
    assert names == {f"{name}{n}" for name in "ab" for n in range(40)}


# --- the commands


@pytest.fixture
def c360(tmp_path, monkeypatch):
    monkeypatch.setenv("C360_HOME", str(tmp_path))

    def run(*arguments, input=None):
        return CliRunner().invoke(ui_app, arguments, input=input)

    run.users = Users(tmp_path / "ui", QUICK)
    return run


def test_a_user_is_added_listed_and_removed(c360):
    given = ("add-user", "ann", "--role", "reviewer", "--password-stdin", "--json")
    done = c360(*given, input=f"{PASSWORD}\n")
    assert json.loads(done.stdout) == {"name": "ann", "role": "reviewer", "has_password": True}
    assert c360.users.verify("ann", PASSWORD).role is Role.REVIEWER
    listed = json.loads(c360("users", "--json").stdout)
    assert listed["users"] == [{"name": "ann", "role": "reviewer", "has_password": True}]
    assert "argon2" not in c360("users").stdout
    assert c360("remove-user", "ann").exit_code == 0
    assert c360.users.all() == []
    assert "add-user NAME" in c360("users").stdout


def test_a_password_is_never_shown(c360):
    done = c360("add-user", "ann", "--password-stdin", input=f"{PASSWORD}\n")
    assert done.exit_code == 0
    assert PASSWORD not in done.output


def test_a_short_password_adds_nobody(c360):
    done = c360("add-user", "ann", "--password-stdin", input="short\n")
    assert isinstance(done.exception, RequestError)
    assert c360.users.all() == []


def test_without_a_terminal_there_is_nobody_to_ask(c360):
    done = c360("add-user", "ann")
    assert "--password-stdin" in str(done.exception)


def test_a_password_is_no_argument(c360):
    assert c360("add-user", "ann", PASSWORD).exit_code == 2


def test_a_user_of_the_proxy_needs_no_password(c360):
    assert c360("add-user", "eve@example.com", "--no-password", "--role", "admin").exit_code == 0
    assert c360.users.role_of("eve@example.com") is Role.ADMIN
    assert c360("add-user", "x", "--no-password", "--password-stdin").exit_code == 2


def test_replacing_gives_another_password(c360):
    c360("add-user", "ann", "--password-stdin", input=f"{PASSWORD}\n")
    done = c360("add-user", "ann", "--password-stdin", input="another long password\n")
    assert "--replace" in str(done.exception)
    c360("add-user", "ann", "--replace", "--password-stdin", input="another long password\n")
    assert c360.users.verify("ann", "another long password")


def test_two_different_passwords_are_not_taken(monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    typed = iter([PASSWORD, PASSWORD + "x"])
    with pytest.raises(RequestError, match="not the same"):
        asked_password(lambda _: next(typed))
    assert asked_password(lambda _: PASSWORD) == PASSWORD
