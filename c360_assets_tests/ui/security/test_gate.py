"""What the gate lets through, to whom, and with which headers."""

import asyncio

import pytest
from starlette.requests import HTTPConnection

from c360_assets.errors import ConfigError
from c360_assets.ui.security.access import access_of
from c360_assets.ui.security.gate import Role, visitor_of
from c360_assets_tests.ui.security.calls import HOST, PASSWORD, Site, tiny_app


@pytest.fixture
def home(tmp_path):
    tiny_app.seen.clear()
    return tmp_path


@pytest.fixture
def local(home):
    """Bound to loopback, nothing configured."""
    return Site(home, user="me")


@pytest.fixture
def public(home):
    """Reached under a name by people who log in."""
    users = (("ann", Role.VIEWER), ("adm", Role.ADMIN))
    return Site(home, users=users, allowed_hosts=[HOST])


@pytest.fixture
def proxied(home):
    """Behind a proxy on this machine that says who it is."""
    rules = {"trusted_proxies": ["127.0.0.1"], "user_header": "X-Remote-User"}
    return Site(home, users=[("adm", Role.ADMIN)], allowed_hosts=[HOST], **rules)


# --- what the address demands


def test_on_loopback_everybody_is_the_user_of_the_machine(local):
    assert local().text == "me"
    visitor, _, _ = tiny_app.seen[-1]
    assert (visitor.role, visitor.can_leave) == (Role.ADMIN, False)
    assert visitor.may(Role.ADMIN)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "[::1]", "localhost"])
def test_loopback_by_any_name_is_open(home, host):
    assert Site(home, host=host).gate.access.is_open


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "", "192.168.1.5", "c360.example.com", "127.0.0"]
)
def test_another_address_without_users_is_refused_with_the_remedy(home, host):
    with pytest.raises(ConfigError, match="c360 ui add-user NAME --role admin"):
        Site(home, host=host)


def test_another_address_with_users_demands_a_login(home):
    site = Site(home, host="192.168.1.5", users=[("ann", Role.VIEWER)])
    assert not site.gate.access.is_open
    assert site("/kpis").status == 303


def test_other_names_on_loopback_demand_a_login_since_a_proxy_must_be_near(home):
    with pytest.raises(ConfigError, match=r"ui\.allowed_hosts names other hosts"):
        Site(home, allowed_hosts=[HOST])
    assert not Site(home, allowed_hosts=[HOST], users=[("a", Role.ADMIN)]).gate.access.is_open


def test_a_proxy_on_loopback_is_not_open(proxied):
    assert not proxied.gate.access.is_open
    assert proxied("/kpis").status == 303


@pytest.mark.parametrize(
    "name", ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "X-Forwarded-For"]
)
def test_an_open_server_refuses_what_came_through_a_proxy(local, name):
    answer = local(more=[(name, "203.0.113.7")])
    assert answer.status == 403
    assert "trusted_proxies" in answer.text
    assert tiny_app.seen == []


# --- Host


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8360", "127.0.0.1:1", "[::1]:8360", "LOCALHOST."]
)
def test_names_of_loopback_are_served(local, host):
    assert local(host=host).status == 200


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "localhost.evil.example", "evil.example:8360", "127.0.0.1.evil.example"),
        *("192.168.1.5", "2130706433", "0.0.0.0"),
    ],
)
def test_a_host_of_somebody_else_is_refused(local, host):
    answer = local(host=host)
    assert answer.status == 421
    assert "ui.allowed_hosts" in answer.text
    assert tiny_app.seen == []


@pytest.mark.parametrize(
    "host", ["", "a b", "localhost@evil.example", "localhost/x", "local\thost", None]
)
def test_a_host_that_is_none_is_refused(local, host):
    assert local(host=host).status in (400, 421)
    assert tiny_app.seen == []


def test_two_hosts_are_refused(local):
    answer = local(more=[("host", "localhost")])
    assert answer.status == 400
    assert "2 times" in answer.text


def test_the_address_bound_to_and_allowed_hosts_are_served(home):
    site = Site(home, host="192.168.1.5", users=[("ann", Role.VIEWER)], allowed_hosts=[HOST])
    for host in ("192.168.1.5:8360", HOST, HOST.upper()):
        assert site("/login", host=host).status == 200
    assert site("/login", host="192.168.1.6").status == 421


def test_a_websocket_of_another_host_is_refused(local):
    assert local.socket(["2"], host="evil.example", origin="http://evil.example") == [4421]


# --- Origin


@pytest.mark.parametrize(
    "origin",
    [
        *("http://evil.example", "null", "http://localhost:3000", "https://localhost", "file://"),
        *(
            "http://localhost:8360.evil.example",
            "http://evil.example/localhost:8360",
            "localhost:8360",
        ),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_request_of_another_origin_is_refused(local, origin, method):
    assert local(origin=origin, method=method).status == 403
    assert tiny_app.seen == []


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:1", "", None])
def test_a_websocket_of_another_origin_or_of_none_is_closed(local, origin):
    assert local.socket(["2"], origin=origin) == [4403]


def test_a_websocket_of_the_page_itself_is_served(local):
    assert local.socket(["hello"]) == ["websocket.accept", "echo hello"]


def test_the_scheme_may_be_that_before_the_proxy(public):
    public.log_in(x_forwarded_proto="https")
    for origin in (f"https://{HOST}", f"http://{HOST}"):
        assert public.socket(["x"], origin=origin)[0] == "websocket.accept"
    assert public.socket(["x"], origin=f"https://{HOST}:8443") == [4403]


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_post_that_says_it_is_of_another_site_is_refused(local, site):
    assert local(method="POST", sec_fetch_site=site).status == 403
    assert local(method="POST", sec_fetch_site="same-origin").status == 200
    # a link from elsewhere may lead here
    assert local(sec_fetch_site=site).status == 200


# --- paths


@pytest.mark.parametrize(
    "path",
    [
        *("/static/../secret", "/static/%2e%2e/secret", "/static/..%2fsecret", "/.%2e/etc/passwd"),
        *("/static/%2e%2e%2f%2e%2e%2fetc/passwd", "/static/..%5csecret", "/a/./b", "/a%00b"),
    ],
)
def test_a_path_that_leads_upwards_is_refused(local, path):
    assert local(path).status == 400
    assert tiny_app.seen == []


@pytest.mark.parametrize(
    "path", ["/accounts/acme..com", "/contacts/c_%2e1", "/gaggles/a%2fb", "/a%5cb"]
)
def test_dots_and_slashes_in_names_are_served(local, path):
    assert local(path).status == 200


# --- headers


def test_every_answer_has_the_headers_that_protect_it(local, public):
    answers = [local(), local("/static/x.css"), local(host="evil.example"), public("/login")]
    for answer in answers:
        policy = answer["content-security-policy"]
        assert "default-src" in policy
        assert "frame-ancestors 'none'" in policy
        assert "http:" not in policy
        assert answer["x-content-type-options"] == "nosniff"
        assert answer["x-frame-options"] == "DENY"
        assert answer["referrer-policy"] == "same-origin"
        assert answer["cross-origin-resource-policy"] == "same-origin"


def test_pages_are_kept_nowhere_and_files_may_be(local, public):
    for path in ("/", "/kpis", "/download/x.csv", "/_nicegui/auto/static/x", "/_nicegui_ws/x"):
        assert local(path)["cache-control"] == "no-store", path
    for path in ("/static/c360.css", "/_nicegui/3.18.0/static/x.js"):
        assert local(path)["cache-control"] == "public, max-age=9", path
    assert public("/kpis")["cache-control"] == "no-store"


# --- nobody is there


def test_a_page_leads_to_the_form_and_back(public):
    assert public("/kpis?from=2021-01-01&x=%26")["location"] == (
        "/login?next=%2Fkpis%3Ffrom%3D2021-01-01%26x%3D%2526"
    )
    assert public("/")["location"] == "/login"
    assert tiny_app.seen == []


@pytest.mark.parametrize(
    ("path", "method"),
    [
        *[("/static/c360.js", "GET"), ("/_nicegui/3.18.0/static/nicegui.js", "GET")],
        *[("/_nicegui_ws/socket.io/?EIO=4", "GET"), ("/favicon.ico", "GET")],
        *[("/kpis", "POST"), ("/kpis", "HEAD"), ("/kpis", "OPTIONS"), ("/kpis", "PUT")],
    ],
)
def test_everything_else_is_refused_without_a_login(public, path, method):
    assert public(path, method=method).status == 401
    assert tiny_app.seen == []


def test_a_script_that_asks_for_a_page_is_refused(public):
    assert public("/kpis", sec_fetch_dest="empty").status == 401
    assert public("/kpis", sec_fetch_dest="document").status == 303


def test_a_websocket_without_a_login_is_closed(public):
    assert public.socket(["x"]) == [4401]


def test_an_unreadable_users_file_lets_nobody_in(public, caplog):
    public.log_in()
    public.users.path.write_text("[]")
    answer = public("/kpis")
    assert answer.status == 503
    assert "users.json" in caplog.text
    assert str(public.users.path) not in answer.text
    assert public.socket(["x"]) == [4503]


# --- who is there


def test_pages_know_the_visitor_and_the_servers_own_state(public):
    public.log_in("adm")
    assert public("/kpis").text == "adm"
    visitor, _, scope = tiny_app.seen[-1]
    assert scope["state"]["of"] == "the server"
    assert (visitor.name, visitor.role, visitor.can_leave) == ("adm", Role.ADMIN, True)


def test_a_request_past_the_gate_has_no_visitor():
    request = HTTPConnection({"type": "http", "state": {"c360_visitor": "admin"}})
    with pytest.raises(LookupError, match="without the gate"):
        visitor_of(request)


def test_roles_allow_what_lower_ones_may():
    order = [Role.VIEWER, Role.REVIEWER, Role.ADMIN]
    for place, role in enumerate(order):
        assert [role.allows(each) for each in order] == [n <= place for n in range(3)]


def test_a_visitor_is_asked_for_anew_each_time(public):
    public.log_in("ann")
    public()
    visitor, _, _ = tiny_app.seen[-1]
    assert visitor.may("viewer")
    assert not visitor.may(Role.REVIEWER)
    text = public.users.path.read_text()
    public.users.path.write_text(text.replace('"viewer"', '"reviewer"'))
    assert visitor.may(Role.REVIEWER)
    public.users.remove("ann")
    assert not visitor.may(Role.VIEWER)
    assert public().status == 303


def test_another_password_ends_the_logins_before_it(public):
    public.log_in("ann")
    assert public().status == 200
    public.users.add("ann", "another long password", Role.VIEWER, replace=True)
    assert public().status == 303


# --- the proxy's word


def test_a_trusted_proxy_says_who_it_is(proxied):
    answer = proxied("/kpis", x_remote_user="Eve@Example.com")
    assert answer.text == "Eve@Example.com"
    visitor, headers, _ = tiny_app.seen[-1]
    assert (visitor.role, visitor.can_leave) == (Role.VIEWER, False)
    assert b"x-remote-user" not in headers
    assert not visitor.may(Role.REVIEWER)


def test_the_users_file_gives_people_of_the_proxy_their_role(proxied):
    proxied.users.add("eve@example.com", None, Role.REVIEWER)
    proxied("/kpis", x_remote_user="Eve@Example.com")
    visitor, _, _ = tiny_app.seen[-1]
    assert visitor.may(Role.REVIEWER)
    proxied.users.remove("eve@example.com")
    assert not visitor.may(Role.REVIEWER)


@pytest.mark.parametrize("peer", ["203.0.113.7", "10.0.0.1", "::2", "", "127.0.0.1, 203.0.113.7"])
def test_the_header_of_anybody_else_is_nothing(proxied, peer):
    assert proxied("/kpis", peer=peer, x_remote_user="adm").status == 303
    assert proxied.socket(["x"], peer=peer, x_remote_user="adm") == [4401]


def test_the_header_of_anybody_else_does_not_get_past_the_gate(proxied):
    proxied.log_in("adm", peer="203.0.113.7")
    proxied("/kpis", peer="203.0.113.7", x_remote_user="root", x_forwarded_prefix="//evil.example")
    visitor, headers, _ = tiny_app.seen[-1]
    assert visitor.name == "adm"
    assert not {b"x-remote-user", b"x-forwarded-prefix"} & set(headers)


def test_a_proxy_is_known_by_its_ipv4_address_in_ipv6_form(proxied):
    assert proxied("/kpis", peer="::ffff:127.0.0.1", x_remote_user="eve").status == 200


@pytest.mark.parametrize("name", ["", " ", "a\x7fb", "x" * 129, "\xff"])
def test_a_proxy_that_says_nothing_of_use_lets_nobody_in(proxied, name):
    assert proxied("/kpis", x_remote_user=name).status == 303


def test_two_users_at_once_are_nobody(proxied):
    answer = proxied("/kpis", x_remote_user="eve", more=[("x-remote-user", "adm")])
    assert answer.status == 303


def test_names_of_the_proxy_are_utf_8(proxied):
    assert proxied("/kpis", x_remote_user="zoë".encode().decode("latin-1")).text == "zoë"


# --- websockets that stay open


def test_a_websocket_is_closed_at_the_next_message_after_logout(public):
    public.log_in()
    token = public.cookies["c360_session"]
    came = public.socket(["a", lambda: public.gate.sessions.end(token), "b", "c"])
    assert came == ["websocket.accept", "echo a", 4401]


def test_a_websocket_sends_nothing_once_the_login_is_over(home):
    async def pushing(scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": "first"})
        site.users.remove("ann")
        for text in ("second", "third"):
            await send({"type": "websocket.send", "text": text})

    site = Site(home, users=[("ann", Role.VIEWER)], allowed_hosts=[HOST], app=pushing)
    site.log_in()
    assert site.socket([]) == ["websocket.accept", "first", 4401]


@pytest.mark.parametrize(
    ("text", "is_click"),
    [
        *[("2", False), ("3", False), ('42["ack",{"client_id":1}]', False), ("40", False)],
        *[('42["log",{}]', False), ('42["javascript_response",{}]', False)],
        *[('42["event",{"id":"c1"}]', True), ('4213["event",{}]', True)],
    ],
)
def test_pings_keep_no_login_alive_and_clicks_do(public, text, is_click):
    public.log_in()

    def later():
        public.clock.now += 59 * 60

    came = public.socket([later, text, later, "x"])
    assert came[:2] == ["websocket.accept", f"echo {text}"]
    assert came[2:] == (["echo x"] if is_click else [4401])


def test_polling_keeps_no_login_alive_and_opening_a_page_does(public):
    public.log_in()
    for path, headers in (("/_nicegui_ws/socket.io/", {}), ("/x", {"sec_fetch_dest": "empty"})):
        public.clock.now += 50 * 60
        assert public(path, **headers).status == 200
        public.clock.now += 11 * 60
        assert public("/kpis").status == 303
        public.log_in()
    for _ in range(3):
        public.clock.now += 50 * 60
        assert public("/kpis").status == 200


def test_lifespan_passes(home):
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["type"])

    asyncio.run(Site(home, app=app).gate({"type": "lifespan"}, None, None))
    assert seen == ["lifespan"]


def test_access_tells_the_users_name_of_the_settings(local):
    assert access_of(local.settings, "127.0.0.1").local_name == "me"
    assert PASSWORD not in repr(local.users.all())
