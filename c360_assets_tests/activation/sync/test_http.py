"""Calls over real HTTP: what is tried again, how long it waits, and what is said of it."""

import logging

import httpx
import pytest
import stamina.instrumentation
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from c360_assets.activation.sync import http
from c360_assets.activation.sync.http import ApiClient
from c360_assets.activation.sync.limits import CallLimit
from c360_assets.errors import CrmError, OutcomeUnknownError
from c360_assets_tests.activation.emulators import faults
from c360_assets_tests.activation.emulators.faults import Wire
from c360_assets_tests.activation.emulators.server import Server

SECRET = "the-key-of-the-account"


class Vendor:
    """A vendor that takes everything, and the headers that it has seen."""

    def __init__(self) -> None:
        self.seen: list[dict[str, str]] = []

        async def take(request):
            self.seen.append(dict(request.headers))
            return JSONResponse({})

        self.wire = Wire(Starlette(routes=[Route("/{path:path}", take, methods=["GET", "POST"])]))
        self.server = Server(self.wire)


@pytest.fixture
def vendor():
    found = Vendor()
    with found.server:
        yield found


@pytest.fixture
def waits() -> list[float]:
    """The seconds that the client would have waited."""
    return []


@pytest.fixture
def client(tmp_path, vendor, waits):
    limit = CallLimit(tmp_path / "limits.sqlite", "vendor", 1000, 10.0, sleep=waits.append)
    found = ApiClient(
        *("vendor", vendor.server.url, {"Authorization": SECRET}, SECRET, limit),
        first_wait=1.0,
        sleep=waits.append,
    )
    yield found
    found.close()
    limit.close()


def lines(caplog) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == http.__name__]


def test_each_attempt_that_has_to_wait_leaves_one_line(client, vendor, waits, caplog):
    caplog.set_level(logging.INFO)
    vendor.wire.fault(faults.server_error(503))
    vendor.wire.fault(faults.reset(), nth=2)
    vendor.wire.fault(faults.answering(502, headers={"Retry-After": "2"}), nth=3)
    assert client.call("POST", "/crm/things", body={}).status_code == 200
    assert [line.partition(": waiting")[0] for line in lines(caplog)] == [
        "vendor: 503 on POST /crm/things",
        "vendor: no answer (ReadError) on POST /crm/things",
        "vendor: 502 on POST /crm/things",
    ]
    assert lines(caplog)[2].endswith("waiting 2.0 s (attempt 4 of 6)")
    assert waits[2] == 2.0


def test_a_limit_that_is_reached_is_the_course_of_things_and_trouble_is_a_warning(
    client, vendor, waits, caplog
):
    caplog.set_level(logging.INFO, logger=http.__name__)
    vendor.wire.fault(faults.too_many_requests())
    vendor.wire.fault(faults.server_error(500), nth=2)
    client.call("GET", "/")
    assert [r.levelname for r in caplog.records if r.name == http.__name__] == ["INFO", "WARNING"]


def test_a_line_names_no_secret_nobody_and_nothing_of_the_answer(client, vendor, waits, caplog):
    caplog.set_level(logging.INFO, logger=http.__name__)
    vendor.wire.fault(faults.answering(503, f"{SECRET} of bob@acme.com"))
    vendor.wire.fault(faults.answering(503, "again"), nth=3)
    client.call("GET", "/contacts/alt:email:ann@acme.com/notes?by=cat@acme.com")
    client.call("GET", "/contacts/ann%40acme.com")
    told = " ".join(lines(caplog))
    assert "GET /contacts/…/notes: waiting" in told
    assert "GET /contacts/…: waiting" in told
    assert not any(word in told for word in ("@", "%40", SECRET, "acme", "again"))


def test_who_else_uses_stamina_in_this_process_keeps_their_hooks(client, vendor, waits):
    seen = []
    stamina.instrumentation.set_on_retry_hooks([seen.append])
    try:
        vendor.wire.fault(faults.server_error(503))
        client.call("GET", "/")
        assert seen == []
        assert stamina.instrumentation.get_on_retry_hooks() == (seen.append,)
    finally:
        stamina.instrumentation.set_on_retry_hooks(None)


def test_the_waits_double_with_jitter_up_to_a_longest_one(client, vendor, waits):
    client.attempts = 9
    vendor.wire.fault(faults.server_error(503), nth=None)
    with pytest.raises(CrmError, match="nothing of this call was taken"):
        client.call("GET", "/")
    assert len(waits) == 8
    bounds = [min(2.0**n, http.LONGEST_WAIT_SECONDS) for n in range(8)]
    assert all(
        low <= wait <= min(low + 1.0, http.LONGEST_WAIT_SECONDS)
        for low, wait in zip(bounds, waits, strict=True)
    )
    assert client.calls == 9


def test_a_wait_that_is_too_long_ends_the_run(client, vendor, waits):
    vendor.wire.fault(faults.answering(503, headers={"Retry-After": "3600"}), nth=None)
    with pytest.raises(CrmError, match="503"):
        client.call("GET", "/")
    assert (waits, client.calls) == ([], 1)


@pytest.mark.parametrize("applied", [False, True])
def test_what_may_arrive_once_alone_is_not_sent_again(client, vendor, waits, applied):
    vendor.wire.fault(faults.reset(applied=applied))
    with pytest.raises(OutcomeUnknownError, match=r"POST /merge: no answer \(ReadError\)"):
        client.call("POST", "/merge", body={}, may_repeat=False)
    assert (len(vendor.wire.calls), waits) == (1, [])


def test_headers_that_are_made_anew_are_made_for_each_attempt(client, vendor, waits):
    numbers = iter("123")
    vendor.wire.fault(faults.server_error(503, applied=True), nth={1, 2})
    client.call("POST", "/", content=b"abc", headers=lambda: {"number": next(numbers)})
    assert [seen["number"] for seen in vendor.seen] == ["1", "2", "3"]


def test_certificates_are_read_once_for_all_clients(tmp_path, monkeypatch):
    http._certificates.cache_clear()
    made, make = [], httpx.create_ssl_context

    def counted(**options):
        made.append(options)
        return make(**options)

    monkeypatch.setattr(httpx, "create_ssl_context", counted)
    limit = CallLimit(tmp_path / "limits.sqlite", "vendor", 1, 1.0)
    for _ in range(3):
        ApiClient("vendor", "https://localhost", {}, SECRET, limit).close()
    assert made == [{"trust_env": False}]
    limit.close()
