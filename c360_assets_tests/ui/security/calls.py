"""Requests to a gate round a tiny application, byte by byte: no client tidies paths or headers."""

import asyncio
import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urlencode

from argon2 import PasswordHasher
from starlette.requests import HTTPConnection

from c360_assets.settings import Rules, Settings
from c360_assets.ui.security.gate import Gate, Users, access_of, visitor_of

HOST = "c360.example.com"
PASSWORD = "correct horse battery"
# as weak as argon2 lets: tests are about what is done with hashes
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@dataclass
class Answer:
    """What came back."""

    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    @property
    def text(self):
        return self.body.decode()

    def all(self, name):
        return [value for key, value in self.headers if key == name.lower()]

    def __getitem__(self, name):
        (value,) = self.all(name)
        return value

    @property
    def cookies(self):
        pairs = [each.split(";")[0].partition("=") for each in self.all("set-cookie")]
        return {name: value for name, _, value in pairs}

    @property
    def csrf(self):
        return re.search(r'name="csrf" value="([^"]+)"', self.text)[1]


class Clock:
    """Seconds that pass when told to."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


async def tiny_app(scope, receive, send):
    """Says who is there; keeps the visitors of all requests, and echoes websockets."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": f"echo {message['text']}"})
        return
    visitor = visitor_of(HTTPConnection(scope))
    headers = {key: value for key, value in scope["headers"]}
    tiny_app.seen.append((visitor, headers, scope))
    await send({
        "type": "http.response.start",
        "status": 200,
        "headers": [(b"cache-control", b"public, max-age=9"), (b"x-frame-options", b"ALLOW")],
    })  # fmt: skip
    await send({"type": "http.response.body", "body": visitor.name.encode()})


tiny_app.seen = []


class Site:
    """A gate round `tiny_app`, and a browser's cookies."""

    def __init__(self, folder, *, host="127.0.0.1", users=(), app=tiny_app, user=None, **rules):
        self.settings = Settings(home=folder, user=user, rules=Rules.model_validate({"ui": rules}))
        self.users = Users(folder / "ui", QUICK)
        for name, role in users:
            self.users.add(name, PASSWORD, role, replace=True)
        self.clock = Clock()
        access = access_of(self.settings, host)
        self.gate = Gate(app, self.settings, access, users=self.users, clock=self.clock)
        self.cookies = {}
        self.host = HOST if HOST in rules.get("allowed_hosts", ()) else "localhost:8360"

    def scope(self, path, headers, *, method="GET", peer="127.0.0.1", kind="http"):
        raw, _, query = path.partition("?")
        given = {"host": self.host, **headers}
        if self.cookies and "cookie" not in given:
            given["cookie"] = "; ".join(f"{n}={v}" for n, v in self.cookies.items())
        scope = {
            "type": kind,
            "path": unquote(raw),
            "raw_path": raw.encode(),
            "query_string": query.encode(),
            "headers": [
                (name.lower().encode(), value.encode("latin-1"))
                for name, value in given.items()
                if value is not None
            ],
            "client": (peer, 50000),
            "scheme": "http" if kind == "http" else "ws",
            "state": {"of": "the server"},
        }
        return scope | ({"method": method} if kind == "http" else {})

    def __call__(self, path="/", *, method="GET", form=None, peer="127.0.0.1", more=(), **headers):
        """One request; underscores in the names of headers are dashes, None leaves one out."""
        return asyncio.run(self.ask(path, method, form, peer, more, headers))

    async def ask(self, path, method, form, peer, more, headers):
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        body = b""
        if form is not None:
            method, body = "POST", urlencode(form).encode()
            given = {
                "content-type": "application/x-www-form-urlencoded",
                "origin": f"http://{self.host}",
                **given,
            }
        scope = self.scope(path, given, method=method, peer=peer)
        scope["headers"] += [(n.encode(), v.encode("latin-1")) for n, v in more]
        answer, sent = Answer(), [{"type": "http.request", "body": body, "more_body": False}]

        async def receive():
            # as long as the client listens there is nothing more to hear from it
            return sent.pop(0) if sent else await asyncio.Event().wait()

        async def send(message):
            if message["type"] == "http.response.start":
                assert answer.status == 0, "two answers to one request"
                answer.status = message["status"]
                answer.headers = [(k.decode(), v.decode("latin-1")) for k, v in message["headers"]]
            else:
                answer.body += message.get("body", b"")

        await self.gate(scope, receive, send)
        for name, value in answer.cookies.items():
            self.cookies[name] = value
            if not value:
                del self.cookies[name]
        return answer

    def log_in(self, name="ann", password=PASSWORD, path="/login", **headers):
        """Both requests of a login; returns the answer to the form."""
        form = self(path, **headers)
        given = {"csrf": form.csrf, "name": name, "password": password}
        given["next"] = re.search(r'name="next" value="([^"]*)"', form.text)[1]
        return self("/login", form=given, **headers)

    def socket(self, texts, path="/_nicegui_ws/socket.io/", peer="127.0.0.1", **headers):
        """Open a websocket, send these texts (functions are called instead); what came back."""
        given = {"origin": f"http://{self.host}"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        scope = self.scope(path, given, kind="websocket", peer=peer)
        return asyncio.run(self._talk(scope, list(texts)))

    async def _talk(self, scope, texts):
        came = []

        async def receive():
            if not came and not receive.opened:
                receive.opened = True
                return {"type": "websocket.connect"}
            while texts:
                text = texts.pop(0)
                if isinstance(text, str):
                    return {"type": "websocket.receive", "text": text}
                text()
            return {"type": "websocket.disconnect", "code": 1000}

        receive.opened = False

        async def send(message):
            came.append(message.get("text") or message.get("code") or message["type"])

        await self.gate(scope, receive, send)
        return came
