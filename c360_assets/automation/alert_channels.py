"""The ways an alert reaches people: the log, a Slack-compatible webhook, e-mail over SMTP.

A channel sends one alert or raises. `AlertError`: the channel does not work now, try it later.
`AlertRefusedError`: it works and will not take this one message. Not here: what to send, when to
try again (`alert_outbox`). No error, log line or `name` holds a webhook's address, a user or a
password: those are secrets, and come from environment variables alone.
"""

from __future__ import annotations

import logging
import os
import smtplib
import ssl
import time
from collections.abc import Mapping
from email.message import EmailMessage
from email.utils import formatdate, parseaddr
from typing import Protocol

import httpx
import stamina

from c360_assets.activation.sync.http import unlogged
from c360_assets.automation.alert_model import Alert, one_line, shortened
from c360_assets.errors import AlertError, AlertRefusedError
from c360_assets.settings import AlertRules, EmailChannel, LogChannel, WebhookChannel

MAX_SLACK_CHARACTERS = 4_000  # Slack cuts longer messages into pieces
WEBHOOK_ATTEMPTS = 3
WEBHOOK_FIRST_WAIT_SECONDS = 0.2
WEBHOOK_LONGEST_WAIT_SECONDS = 2.0
REFUSALS = frozenset({400, 413, 422})  # HTTP: it is this message that is wrong
LEVELS = {"ERROR": logging.ERROR, "WARN": logging.WARNING, "INFO": logging.INFO}


class Channel(Protocol):
    """One way to people. `name` is stable, safe to show, and the key of what waits for it."""

    @property
    def name(self) -> str:
        """What the channel is called in logs and in the cursor."""

    def send(self, alert: Alert, seconds: float) -> None:
        """Deliver within about `seconds`, or raise AlertError or AlertRefusedError."""


def build_channels(rules: AlertRules, log: logging.Logger) -> dict[str, Channel]:
    """The channels of `c360.toml` by name; the same one configured twice counts once."""
    channels: list[Channel] = []
    for rule in rules.channels:
        match rule:
            case LogChannel():
                channels.append(Log(log, rules.base_url))
            case WebhookChannel():
                channels.append(Webhook(rule, rules.base_url))
            case EmailChannel():
                channels.append(Email(rule, rules.base_url, log))
    return {channel.name: channel for channel in channels}


class Log:
    """Alerts as log lines of the level that fits."""

    name = "log"

    def __init__(self, log: logging.Logger, base_url: str | None = None) -> None:
        self._log = log
        self._base_url = base_url

    def send(self, alert: Alert, seconds: float) -> None:
        """Write one log record."""
        self._log.log(LEVELS[alert.severity], "%s", alert.text(self._base_url))


class Webhook:
    """Alerts as `{"text": …}`, posted to the address that the variable `url_env` holds."""

    def __init__(self, rule: WebhookChannel, base_url: str | None = None) -> None:
        self._rule = rule
        self._base_url = base_url
        self.name = f"webhook ${rule.url_env}"

    def send(self, alert: Alert, seconds: float) -> None:
        """Post once; again at once, a few times, where the server stumbles."""
        url = _variable(self._rule.url_env, "the address of the webhook")
        limit = min(self._rule.timeout_seconds, seconds)
        deadline = time.monotonic() + limit
        try:
            with unlogged(), httpx.Client(follow_redirects=False) as client:
                for attempt in stamina.retry_context(
                    on=_StumbleError,
                    attempts=WEBHOOK_ATTEMPTS,
                    timeout=limit,
                    wait_initial=WEBHOOK_FIRST_WAIT_SECONDS,
                    wait_max=WEBHOOK_LONGEST_WAIT_SECONDS,
                    wait_jitter=WEBHOOK_FIRST_WAIT_SECONDS,
                ):
                    with attempt:
                        self._post(client, url, alert, deadline)
        except _StumbleError as error:
            raise AlertError(str(error)) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise AlertError(
                f"{self.name}: no delivery ({type(error).__name__}); see that the variable holds "
                "a whole address (https://…) and that this machine reaches it"
            ) from None  # the cause may hold the address

    def _post(self, client: httpx.Client, url: str, alert: Alert, deadline: float) -> None:
        left = max(deadline - time.monotonic(), 0.1)
        try:
            response = client.post(url, json={"text": self._text(alert)}, timeout=left)
        except httpx.ConnectError:
            raise _StumbleError(f"{self.name}: no connection; is the server up?") from None
        if response.is_success:
            return
        said = one_line(shortened(response.text.replace(url, "***"), 100))
        told = f"{self.name}: the server answered {response.status_code} ({said or 'no text'})"
        if response.is_server_error:
            raise _StumbleError(told)
        if response.status_code in REFUSALS:
            raise AlertRefusedError(f"{told}: it refuses this message")
        raise AlertError(f"{told}; see that the address in the variable is current")

    def _text(self, alert: Alert) -> str:
        title, body = (_slack(part) for part in (alert.title, alert.body(self._base_url)))
        return shortened(f"*{title}*\n{body}", MAX_SLACK_CHARACTERS)


class Email:
    """Alerts as plain-text mail. A mail sent twice has the same Message-ID."""

    def __init__(
        self, rule: EmailChannel, base_url: str | None = None, log: logging.Logger | None = None
    ) -> None:
        self._rule = rule
        self._base_url = base_url
        self._log = log or logging.getLogger(__name__)
        self.name = f"email {','.join(rule.to)} by {rule.host}:{rule.port}"

    def send(self, alert: Alert, seconds: float) -> None:
        """Hand the mail over to the SMTP server."""
        rule = self._rule
        login = self._login()
        deadline = time.monotonic() + min(rule.timeout_seconds, seconds)
        try:
            message = self._message(alert)
            with _DeadlineSMTP(rule.host, rule.port, deadline) as smtp:
                if rule.starttls:
                    smtp.starttls(context=ssl.create_default_context())
                if login is not None:
                    smtp.login(*login)
                refused = smtp.send_message(message)
        except (OSError, ValueError) as error:  # smtplib's own errors are OSErrors
            if _is_refusal(error):
                raise AlertRefusedError(
                    f"{self.name}: the server does not take this mail ({_said(error)})"
                ) from error
            raise AlertError(
                f"{self.name}: no delivery ({_said(error)}); see that host, port, sender, "
                "recipients and login in [[alerts.channels]] are right"
            ) from error
        if refused:
            self._log.error(
                "%s: delivered, but not to %s, which the server refuses; mend `to` in c360.toml",
                self.name,
                ", ".join(sorted(refused)),
            )

    def _login(self) -> tuple[str, str] | None:
        rule = self._rule
        if rule.user_env is None and rule.password_env is None:
            return None
        if rule.user_env is None or rule.password_env is None:
            raise AlertError(
                f"{self.name}: user_env and password_env go together in [[alerts.channels]]; "
                "set both or neither"
            )
        return (
            _variable(rule.user_env, "the user of the SMTP server"),
            _variable(rule.password_env, "the password of the SMTP server"),
        )

    def _message(self, alert: Alert) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._rule.sender
        message["To"] = ", ".join(self._rule.to)
        message["Subject"] = one_line(alert.title)
        message["Date"] = formatdate(alert.at)
        domain = parseaddr(self._rule.sender)[1].rpartition("@")[2] or "c360.invalid"
        message["Message-ID"] = f"<{alert.id}@{domain}>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
        message.set_content(alert.text(self._base_url))
        return message


class _StumbleError(AlertError):
    """The webhook's server failed in a way that often passes within seconds."""


class _DeadlineSMTP(smtplib.SMTP):
    """SMTP whose timeout is that of the whole conversation, not of each answer in it."""

    def __init__(self, host: str, port: int, deadline: float) -> None:
        self._deadline = deadline
        super().__init__(host, port, timeout=self._left())

    def _left(self) -> float:
        return max(self._deadline - time.monotonic(), 0.1)

    def getreply(self) -> tuple[int, bytes]:
        if self.sock is not None:
            self.sock.settimeout(self._left())
        return super().getreply()


def _variable(name: str, meaning: str, environment: Mapping[str, str] = os.environ) -> str:
    value = environment.get(name, "").strip()
    if not value:
        raise AlertError(
            f"the environment variable {name} is not set; put {meaning} there and restart Dagster, "
            "or take the channel out of [[alerts.channels]] in c360.toml"
        )
    return value


def _slack(text: str) -> str:
    """Slack reads <…> as links and pings; its three control characters are escaped."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _is_refusal(error: Exception) -> bool:
    """A permanent answer (RFC 5321, 4.2.1) about the content, or 552: the size."""
    if not isinstance(error, smtplib.SMTPResponseException):
        return False
    return error.smtp_code == 552 or (
        isinstance(error, smtplib.SMTPDataError) and error.smtp_code >= 500
    )


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {shortened(one_line(str(error)), 200)}"
