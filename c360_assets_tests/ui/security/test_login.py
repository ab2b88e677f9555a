"""The forms for logging in and out: cookies, forgery, waiting, and where they lead."""

import re
from html.parser import HTMLParser
from urllib.parse import quote, urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c360_assets.ui.security.gate import Role
from c360_assets.ui.security.login_page import login_page, logout_page
from c360_assets.ui.security.origins import safe_next
from c360_assets.ui.security.throttle import MOST_KEYS, Throttle
from c360_assets_tests.ui.security.calls import HOST, PASSWORD, Clock, Site, tiny_app


@pytest.fixture
def site(tmp_path):
    tiny_app.seen.clear()
    return Site(tmp_path, users=[("ann", Role.VIEWER)], allowed_hosts=[HOST])


def test_the_right_password_logs_in_and_leads_where_one_wanted_to_go(site):
    answer = site.log_in(path="/login?next=%2Fkpis%3Ffrom%3D2021-01-01")
    assert (answer.status, answer["location"]) == (303, "/kpis?from=2021-01-01")
    assert site("/kpis").text == "ann"
    assert site("/login?next=/queue")["location"] == "/queue"


def test_the_session_cookie_is_for_the_server_alone(site):
    (cookie, used) = site.log_in().all("set-cookie")
    assert re.fullmatch(r"c360_session=[\w-]{43}; Path=/; HttpOnly; SameSite=Lax", cookie)
    assert used.startswith("c360_login=; ")
    token = site.cookies["c360_session"]
    assert token not in repr(vars(site.gate.sessions))


@pytest.mark.parametrize("name", ["c360_session", "c360_login"])
def test_cookies_are_secure_where_the_browser_came_by_https(site, name):
    site("/login", x_forwarded_proto="https")
    answers = [site("/login", x_forwarded_proto="https"), site.log_in(x_forwarded_proto="https")]
    found = [each for answer in answers for each in answer.all("set-cookie") if name in each]
    assert found
    assert all("; Secure" in each for each in found)


@pytest.mark.parametrize(("name", "password"), [("ann", "wrong"), ("nobody", PASSWORD), ("", "")])
def test_wrong_names_and_wrong_passwords_are_told_in_the_same_words(site, name, password):
    answer = site.log_in(name, password)
    assert answer.status == 401
    assert "Name or password are wrong." in answer.text
    assert "c360_session" not in site.cookies


def test_each_login_has_a_token_of_its_own_and_ends_the_one_before(site):
    site.log_in()
    first = site.cookies["c360_session"]
    site.cookies.pop("c360_session")
    site("/login")
    site.cookies["c360_session"] = first
    form = {"csrf": site.cookies["c360_login"], "name": "ann", "password": PASSWORD}
    assert site("/login", form=form).status == 303
    assert site.cookies["c360_session"] != first
    site.cookies["c360_session"] = first
    assert site("/kpis").status == 303


def test_a_token_that_somebody_made_up_is_nobodys(site):
    site.cookies["c360_session"] = "x" * 43
    assert site("/kpis").status == 303


# --- forgery


@pytest.mark.parametrize("csrf", ["", "x", "x" * 43])
def test_a_login_form_of_elsewhere_is_refused(site, csrf):
    site("/login")
    answer = site("/login", form={"csrf": csrf, "name": "ann", "password": PASSWORD})
    assert answer.status == 403
    assert "c360_session" not in site.cookies


def test_a_login_without_its_cookie_is_refused(site):
    token = site("/login").csrf
    site.cookies.clear()
    form = {"csrf": token, "name": "ann", "password": PASSWORD}
    assert site("/login", form=form).status == 403


def test_a_login_from_another_origin_is_refused(site):
    token = site("/login").csrf
    form = {"csrf": token, "name": "ann", "password": PASSWORD}
    assert site("/login", form=form, origin="http://evil.example").status == 403
    assert "c360_session" not in site.cookies


def test_several_windows_share_a_token(site):
    first = site("/login").csrf
    assert site("/login").csrf == first


def test_logging_out_takes_the_form_and_its_token(site):
    site.log_in()
    page = site("/logout")
    assert page.status == 200
    assert site("/kpis").status == 200, "looking at the form logs nobody out"
    assert site("/logout", form={"csrf": "x"}).status == 403
    assert site("/kpis").status == 200
    token = site.cookies["c360_session"]
    answer = site("/logout", form={"csrf": page.csrf})
    assert (answer.status, answer["location"]) == (303, "/login")
    assert "Max-Age=0" in answer["set-cookie"]
    site.cookies["c360_session"] = token
    assert site("/kpis").status == 303


def test_who_is_not_logged_in_cannot_log_out(site):
    assert site("/logout")["location"] == "/"


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data", "text/plain", ""])
def test_what_is_no_form_is_refused(site, kind):
    token = site("/login").csrf
    form = {"csrf": token, "name": "ann", "password": PASSWORD}
    assert site("/login", form=form, content_type=kind).status == 413


def test_a_form_of_any_size_does_not_fill_the_memory(site):
    site("/login")
    assert site("/login", form={"name": "x" * 20_000}).status == 413


def test_many_fields_are_no_form(site):
    site("/login")
    assert site("/login", form={f"f{n}": "x" for n in range(50)}).status == 413


# --- time


def test_a_session_ends_without_clicks_and_after_its_longest_time(site):
    site.log_in()
    for _ in range(11):
        site.clock.now += 59 * 60
        assert site("/kpis").status == 200
    site.clock.now += 61 * 60
    assert site("/kpis").status == 303
    site.log_in()
    for _ in range(12):
        assert site("/kpis").status == 200
        site.clock.now += 59 * 60
    assert site("/kpis").status == 200
    site.clock.now += 13 * 60
    assert site("/kpis").status == 303, "twelve hours are over"


def test_sessions_do_not_pile_up(site):
    for _ in range(30):
        site.gate.sessions.begin(site.users.get("ann"))
    assert len(site.gate.sessions) == 20
    site.clock.now += 3600
    site.gate.sessions.begin(site.users.get("ann"))
    assert len(site.gate.sessions) == 1


def test_failing_again_and_again_takes_longer_each_time(site):
    waits = []
    for _ in range(12):
        answer = site.log_in(password="wrong")
        if answer.status == 429:
            waits.append(int(answer["retry-after"]))
            assert f"Wait {waits[-1]} second" in answer.text
            site.clock.now += waits[-1]
    assert waits == [1, 2, 4, 8, 16]


def test_who_has_to_wait_waits_with_the_right_password_too(site):
    for _ in range(3):
        site.log_in(password="wrong")
    assert site.log_in().status == 429
    site.clock.now += 1
    assert site.log_in().status == 303
    # and nothing is held against them any more
    site.cookies.clear()
    for _ in range(3):
        assert site.log_in(password="wrong").status == 401


def test_names_that_nobody_has_wait_as_long(site):
    assert [site.log_in("nobody", "x").status for _ in range(4)] == [401, 401, 401, 429]


def test_an_address_that_tries_many_names_waits(site):
    found = [site.log_in(f"user{n}", "x", peer="203.0.113.7").status for n in range(12)]
    assert found == [*[401] * 10, 429, 429]
    assert site.log_in("somebody", "x", peer="203.0.113.8").status == 401


def test_who_has_many_addresses_of_ipv6_waits_like_who_has_one(site):
    found = [site.log_in(f"user{n}", "x", peer=f"2001:db8:1:2::{n:x}").status for n in range(12)]
    assert found == [*[401] * 10, 429, 429]
    assert site.log_in("somebody", "x", peer="2001:db8:1:3::1").status == 401
    seen = {"peer": "127.0.0.1", "x_forwarded_for": "2001:db8:1:2:ffff::9"}
    assert site.log_in("somebody", "x", **seen).status == 429


def test_behind_a_proxy_the_address_is_that_which_the_proxy_saw(site):
    for n in range(11):
        site.log_in(f"user{n}", "x", x_forwarded_for=f"198.51.100.{n}, 203.0.113.7")
    assert site.log_in("other", "x", x_forwarded_for="203.0.113.7").status == 429
    assert site.log_in("other", "x", x_forwarded_for="203.0.113.9").status == 401


def test_waiting_is_bounded_and_forgotten():
    clock = Clock()
    throttle = Throttle(clock)
    key = [("name", "ann")]
    longest = 0.0
    for _ in range(200):
        wait = throttle.begin(key)
        longest = max(longest, wait)
        clock.now += wait
    assert longest == 60.0
    clock.now += 3601
    assert [throttle.begin(key) for _ in range(3)] == [0.0, 0.0, 0.0]


def test_failures_take_bounded_memory():
    throttle = Throttle(Clock())
    for n in range(MOST_KEYS + 500):
        throttle.begin([("name", str(n))])
    assert len(throttle) == MOST_KEYS


# --- where it leads


@pytest.mark.parametrize(
    "text",
    [
        *("//evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example", "evil"),
        *(
            "/\t/evil.example",
            "/\n/evil.example",
            " //evil.example",
            "/%0d%0aX: y\r\n",
            "javascript:1",
        ),
        *(
            "/.//evil.example",
            "/..//evil.example",
            "/a//b",
            "///evil",
            "/login",
            "/logout/",
            "http:/x",
        ),
        *("", None, "/" + "x" * 3000, "/\u2028", "/zoë", "/_nicegui_ws/x", "/../x"),
    ],
)
def test_what_leads_elsewhere_leads_to_the_start_page(text):
    assert safe_next(text) == "/"


@pytest.mark.parametrize(
    "text",
    ["/", "/kpis", "/kpis?from=2021-01-01&to=//x", "/contacts/c_1%2F2", "/accounts/acme.com?q=a@b"],
)
def test_paths_of_the_pages_are_kept(text):
    assert safe_next(text) == text


@given(st.one_of(
    st.text(max_size=60),
    st.text(alphabet="/\\.:@?#%evilxamp \t\r\n", max_size=30),
    st.text(alphabet="/\\.:@?#evil\t", max_size=30).map(lambda text: "/" + text),
))  # fmt: skip
def test_no_next_ever_leaves_the_site(text):
    found = safe_next(text)
    # as browsers read it: without tabs and line breaks, a backslash for a slash
    read = re.sub(r"[\t\r\n]", "", found).strip().replace("\\", "/")
    for base in ("https://c360.example.com/login", "https://c360.example.com/login?next=x"):
        target = urlsplit(urljoin(base, read))
        assert (target.scheme, target.netloc) == ("https", "c360.example.com")
    assert found.startswith("/")
    assert not found.startswith("//")
    found.encode("ascii")


@given(st.text(alphabet="/\\.:@?#%evil\t\n x", max_size=40))
def test_no_login_ever_redirects_to_another_site(tmp_path_factory, text):
    site = _SITES.setdefault("one", None) or _site(tmp_path_factory)
    site.cookies.clear()
    site.log_in(path=f"/login?next={quote(text, safe='')}")
    answer = site(f"/login?next={quote(text, safe='')}")
    assert answer.status == 303
    assert re.match(r"/(?![/\\])", answer["location"])


_SITES = {}


def _site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("any_next")
    _SITES["one"] = Site(folder, users=[("ann", Role.VIEWER)], allowed_hosts=[HOST])
    return _SITES["one"]


# --- the pages themselves


class Elements(HTMLParser):
    """The start tags of a page, and its texts."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.texts = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.texts.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


ODD = "\"><script>alert(1)</script>'&"


def test_names_and_targets_are_escaped():
    for page in (
        login_page(ODD, ODD, name=ODD, problem=ODD),
        logout_page(ODD, ODD),
    ):
        found = Elements(page)
        assert found.all("script") == []
        assert "<script" not in page
        assert ODD in [*found.texts, *[each.get("value") for each in found.all("input")]]


def test_an_odd_name_comes_back_escaped(site):
    answer = site.log_in(ODD, "x")
    assert Elements(answer.text).all("script") == []


def test_every_field_has_a_label_and_tells_what_it_is_for(site):
    found = Elements(site("/login").text)
    shown = [each for each in found.all("input") if each.get("type") != "hidden"]
    assert {each["autocomplete"] for each in shown} == {"username", "current-password"}
    assert {each["id"] for each in shown} == {each["for"] for each in found.all("label")}
    assert found.all("html")[0]["lang"] == "en"
    assert "width=device-width" in str(found.all("meta"))


def test_a_problem_is_told_to_who_does_not_see_it(site):
    found = Elements(site.log_in(password="wrong").text)
    (alert,) = [each for each in found.all("p") if each.get("role") == "alert"]
    described = [each for each in found.all("input") if each.get("type") != "hidden"]
    assert {each["aria-describedby"] for each in described} == {alert["id"]}


def test_the_forms_fetch_nothing_and_work_without_scripts(site):
    answer = site("/login")
    found = Elements(answer.text)
    assert [found.all(tag) for tag in ("script", "img", "iframe")] == [[], [], []]
    assert [each["href"] for each in found.all("link")] == ["data:,"]
    assert "script-src" not in answer["content-security-policy"]
    assert "default-src 'none'" in answer["content-security-policy"]


def luminance(colour):
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [0, 1])
def test_colours_have_the_contrast_of_aa(theme):
    style = login_page("x", "/").partition("<style>")[2].partition("</style>")[0]
    block = re.findall(r":root \{(.*?)\}", style, re.DOTALL)[theme]
    colours = {
        name: value if len(value) == 7 else "#" + "".join(2 * c for c in value[1:])
        for name, value in re.findall(r"--([\w-]+): (#[0-9a-f]{3,6})", block)
    }
    for text, ground, least in (
        *[("text", "card", 4.5), ("text", "ground", 4.5), ("soft", "card", 4.5)],
        *[("on-strong", "strong", 4.5), ("bad", "bad-ground", 4.5), ("strong", "card", 4.5)],
        ("line", "card", 3.0),
    ):
        one, other = sorted((luminance(colours[text]), luminance(colours[ground])))
        assert (other + 0.05) / (one + 0.05) >= least, (text, ground)


def test_nobody_to_log_in_as_is_told(tmp_path):
    rules = {"trusted_proxies": ["127.0.0.1"], "user_header": "X-User"}
    site = Site(tmp_path, **rules)
    answer = site("/login")
    assert answer.status == 401
    assert "a proxy says who people are" in answer.text
