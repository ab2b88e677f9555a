"""Each channel against a real server on loopback."""

from __future__ import annotations

import logging
import ssl
import subprocess
from dataclasses import replace
from email.utils import parsedate_to_datetime

import pytest
from aiosmtpd.smtp import AuthResult

from c360_assets.automation.alert_channels import Email, Log, Webhook, build_channels
from c360_assets.automation.alert_history import metadata_lines, shower
from c360_assets.automation.alert_model import Alert
from c360_assets.errors import AlertError, AlertRefusedError
from c360_assets.settings import AlertRules, EmailChannel, LogChannel, WebhookChannel
from c360_assets_tests.automation.conftest import SECRET_PATH, MailServer
from c360_assets_tests.ports import free_port

ALERT = Alert(
    kind="check_failed",
    severity="WARN",
    title="[WARN] Check failed: rows_are_fresh on orders",
    details=("stale_rows: 3", "name: Zoë <!channel> & co"),
    run_id="run-1",
    at=1_638_334_800.0,
    link_path="/runs/run-1",
)
WEBHOOK = WebhookChannel(url_env="HOOK_URL", timeout_seconds=5)


def email(port: int, **facts) -> Email:
    defaults = {"host": "127.0.0.1", "sender": "c360 <c360@x.org>", "to": ("ann@x.org", "b@x.org")}
    return Email(EmailChannel(port=port, **(defaults | facts)), "http://dagster:3000/")


def test_a_webhook_gets_the_text_without_pings_and_with_a_whole_link(hook):
    Webhook(WEBHOOK, "http://dagster:3000/").send(ALERT, 5)
    (text,) = hook.take()
    assert text == (
        "*[WARN] Check failed: rows_are_fresh on orders*\n"
        "stale_rows: 3\n"
        "name: Zoë &lt;!channel&gt; &amp; co\n"
        "Run: run-1\n"
        "When: 2021-12-01 05:00:00 UTC\n"
        "Link: http://dagster:3000/runs/run-1"
    )


def test_a_server_that_stumbles_once_is_asked_again_at_once(hook):
    hook.answers = [503]
    Webhook(WEBHOOK).send(ALERT, 5)
    assert len(hook.take()) == 1


@pytest.mark.parametrize(
    ("status", "error", "says"),
    [
        (400, AlertRefusedError, "refuses this message"),
        (404, AlertError, "see that the address in the variable is current"),
        (302, AlertError, "answered 302"),
        (429, AlertError, "answered 429"),
    ],
)
def test_an_answer_that_is_no_success_is_an_error_of_its_kind(hook, status, error, says):
    hook.answers = [status]
    with pytest.raises(AlertError, match=says) as caught:
        Webhook(WEBHOOK).send(ALERT, 5)
    assert type(caught.value) is error
    assert SECRET_PATH not in str(caught.value)


@pytest.mark.parametrize("address", ["hooks.example/x", "ftp://hooks.example/x", "http://[bad/x"])
def test_an_address_that_is_none_is_not_repeated_in_the_error(monkeypatch, address):
    monkeypatch.setenv("HOOK_URL", address)
    with pytest.raises(AlertError, match=r"webhook \$HOOK_URL") as caught:
        Webhook(WEBHOOK).send(ALERT, 5)
    assert address not in str(caught.value)


def test_a_mail_is_plain_text_with_date_and_a_message_id_that_stays(mail):
    channel = email(mail.port)
    channel.send(ALERT, 5)
    channel.send(ALERT, 5)
    first, second = mail.box.mails
    assert first["Subject"] == ALERT.title
    assert (first["From"], first["To"]) == ("c360 <c360@x.org>", "ann@x.org, b@x.org")
    assert parsedate_to_datetime(first["Date"]).timestamp() == ALERT.at
    assert first["Message-ID"] == second["Message-ID"] == f"<{ALERT.id}@x.org>"
    assert first.get_content_type() == "text/plain"
    body = first.get_payload(decode=True).decode("utf-8")
    assert "name: Zoë <!channel> & co" in body
    assert "Link: http://dagster:3000/runs/run-1" in body


def test_a_title_cannot_add_a_header(mail):
    title = "[WARN] Check failed\r\nBcc: eve@x.org\r\n\r\nbody"
    email(mail.port).send(replace(ALERT, title=title), 5)
    (message,) = mail.box.mails
    assert message["Bcc"] is None
    assert message["Subject"] == "[WARN] Check failed Bcc: eve@x.org body"
    assert message["X-RcptTo"] == "ann@x.org, b@x.org"


def test_a_sender_with_a_line_break_is_an_error_and_no_mail(mail):
    with pytest.raises(AlertError, match="sender"):
        email(mail.port, sender="c360@x.org\nBcc: eve@x.org").send(ALERT, 5)
    assert mail.box.mails == []


def test_no_mail_goes_out_in_the_clear_where_starttls_is_asked_for(mail):
    with pytest.raises(AlertError, match="STARTTLS"):
        email(mail.port, starttls=True).send(ALERT, 5)
    assert mail.box.mails == []


def test_a_mail_server_that_is_down_is_an_alert_error():
    with pytest.raises(AlertError, match="no delivery"):
        email(free_port()).send(ALERT, 5)


def test_a_mail_that_is_too_big_for_the_server_is_refused_for_good():
    server = MailServer(data_size_limit=50)
    try:
        with pytest.raises(AlertRefusedError, match="does not take this mail"):
            email(server.port).send(ALERT, 5)
    finally:
        server.close()


@pytest.mark.parametrize(
    ("answer", "error"), [("554 looks like spam", AlertRefusedError), ("451 later", AlertError)]
)
def test_a_mail_whose_content_is_refused_differs_from_one_that_is_put_off(mail, answer, error):
    mail.box.answer = answer
    with pytest.raises(AlertError, match=answer[4:]) as caught:
        email(mail.port).send(ALERT, 5)
    assert type(caught.value) is error
    assert mail.box.mails == []


def test_a_mail_that_one_of_two_may_get_is_delivered_and_the_other_is_named(mail, caplog):
    mail.box.unknown = "b@x.org"
    email(mail.port).send(ALERT, 5)
    assert mail.box.mails[0]["X-RcptTo"] == "ann@x.org"
    assert "delivered, but not to b@x.org" in caplog.text


def test_login_and_starttls_work_against_a_server_that_requires_both(tmp_path, monkeypatch):
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost "
        "-addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out cert.pem".split(),
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)

    def authenticate(server, session, envelope, mechanism, data):
        known = (data.login, data.password) == (b"ann", b"s3cr3t")
        return AuthResult(success=known, handled=False)

    server = MailServer(
        tls_context=tls, require_starttls=True, auth_required=True, authenticator=authenticate
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setenv("MAIL_USER", "ann")
    channel = email(server.port, starttls=True, user_env="MAIL_USER", password_env="MAIL_PASSWORD")
    try:
        monkeypatch.delenv("MAIL_PASSWORD", raising=False)
        with pytest.raises(AlertError, match="MAIL_PASSWORD is not set"):
            channel.send(ALERT, 5)
        monkeypatch.setenv("MAIL_PASSWORD", "wr0ng-one")
        with pytest.raises(AlertError, match="SMTPAuthenticationError") as caught:
            channel.send(ALERT, 5)
        assert "wr0ng-one" not in str(caught.value)
        monkeypatch.setenv("MAIL_PASSWORD", "s3cr3t")
        channel.send(ALERT, 5)
        monkeypatch.delenv("SSL_CERT_FILE")
        with pytest.raises(AlertError, match="CERTIFICATE_VERIFY_FAILED"):
            channel.send(ALERT, 5)
    finally:
        server.close()
    assert len(server.box.mails) == 1


def test_a_user_without_a_password_is_an_error_that_names_both():
    with pytest.raises(AlertError, match="user_env and password_env go together"):
        email(free_port(), user_env="MAIL_USER").send(ALERT, 5)


@pytest.mark.parametrize(("severity", "level"), [("ERROR", 40), ("WARN", 30), ("INFO", 20)])
def test_the_log_has_the_level_of_the_alert(caplog, severity, level):
    caplog.set_level(logging.INFO)
    Log(logging.getLogger("alerts")).send(replace(ALERT, severity=severity), 5)
    assert [(r.levelno, r.getMessage()) for r in caplog.records] == [(level, ALERT.text())]


def test_a_channel_that_is_configured_twice_counts_once():
    rules = AlertRules(channels=(LogChannel(), WEBHOOK, WEBHOOK, LogChannel()))
    assert list(build_channels(rules, logging.getLogger())) == ["log", "webhook $HOOK_URL"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("token = 'a b c' failed", "token = *** failed"),
        ('{"api_key": "abc123"}', '{"api_key": ***}'),
        ("Authorization: Bearer abcdef123456", "Authorization: Bearer ***"),
        ("postgres://ann:pw@db/x is down", "postgres://***@db/x is down"),
        ("https://hooks.slack.com/services/T/B/x said no", "https://hooks.*** said no"),
        ("the value of MY_VALUE is zebra-42!", "the value of MY_VALUE is ***!"),
        ("a\x1b[31mred\x07 line", "a [31mred  line"),
        ("ordinary words stay: 3 rows of user ann@x.org", None),
    ],
)
def test_what_looks_like_a_secret_is_not_shown(monkeypatch, text, shown):
    monkeypatch.setenv("MY_VALUE", "zebra-42")
    assert shower(["MY_VALUE"])(text) == (text if shown is None else shown)


def test_long_metadata_is_cut_and_numbers_come_first():
    from dagster import MetadataValue

    metadata = {f"m{n}": MetadataValue.text("x" * 500) for n in range(10)}
    metadata["rows"] = MetadataValue.int(1234567)
    metadata["rate"] = MetadataValue.float(0.25)
    metadata["sample"] = MetadataValue.json([{"id": n} for n in range(9)])
    lines = metadata_lines(metadata, shower())
    assert lines[:2] == ["rows: 1,234,567", "rate: 0.25"]
    assert lines[-1] == "… and 5 more entries in Dagster"
    assert all(len(line) <= 300 for line in lines)
