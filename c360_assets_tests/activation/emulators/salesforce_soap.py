"""The SOAP side of an emulated Salesforce org: merge, emptyRecycleBin, getUserInfo."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass
from xml.sax.saxutils import escape

from c360_assets_tests.activation.emulators.salesforce_org import (
    Org,
    RefusedCallError,
    RefusedRowError,
)
from c360_assets_tests.activation.emulators.salesforce_setup import USER_ID

SPACES = {
    "e": "http://schemas.xmlsoap.org/soap/envelope/",
    "p": "urn:partner.soap.sforce.com",
    "s": "urn:sobject.partner.soap.sforce.com",
}
MOST_IDS = 200


@dataclass
class Soap:
    """Answers envelopes: (status, envelope)."""

    org: Org

    def answer(self, content: bytes, token: str | None) -> tuple[int, str]:
        """Carry a call out; `token` is the one that is valid."""
        try:
            envelope = ET.fromstring(content)
        except ET.ParseError as error:
            return _fault("soapenv:Client", str(error))
        if envelope.findtext("e:Header/p:SessionHeader/p:sessionId", "", SPACES) != token:
            told = "INVALID_SESSION_ID: Invalid Session ID found in SessionHeader"
            return _fault("sf:INVALID_SESSION_ID", told)
        body = envelope.find("e:Body", SPACES)
        calls = [] if body is None else list(body)
        if len(calls) != 1:
            return _fault("soapenv:Client", "one call to an envelope")
        name = calls[0].tag.rpartition("}")[2]
        known: dict[str, Callable[[ET.Element], str]] = {
            "merge": self._merge,
            "emptyRecycleBin": self._empty,
            "getUserInfo": lambda call: f"<result><userId>{USER_ID}</userId></result>",
        }
        if calls[0].tag != f"{{{SPACES['p']}}}{name}" or name not in known:
            return _fault("soapenv:Client", f"No operation available for request {calls[0].tag}")
        try:
            return 200, _envelope(f"<{name}Response>{known[name](calls[0])}</{name}Response>")
        except (RefusedRowError, RefusedCallError) as refusal:
            return _fault(f"sf:{refusal.code}", f"{refusal.code}: {refusal.message}")

    def _merge(self, call: ET.Element) -> str:
        type_ = call.findtext("p:request/p:masterRecord/s:type", "", SPACES)
        master = call.findtext("p:request/p:masterRecord/s:Id", "", SPACES)
        gone = [each.text or "" for each in call.findall("p:request/p:recordToMergeIds", SPACES)]
        if not 1 <= len(gone) <= 2:
            raise RefusedRowError("INVALID_ID_FIELD", "one or two records are merged into one")
        try:
            for each in gone:
                self.org.merge(self.org.kind(type_), master, each)
        except RefusedRowError as refusal:
            return _result("", refusal)
        merged = "".join(f"<mergedRecordIds>{escape(each)}</mergedRecordIds>" for each in gone)
        return _result(f"<id>{escape(master)}</id>{merged}", None)

    def _empty(self, call: ET.Element) -> str:
        ids = [each.text or "" for each in call.findall("p:ids", SPACES)]
        if len(ids) > MOST_IDS:
            raise RefusedRowError("EXCEEDED_ID_LIMIT", f"at most {MOST_IDS} ids")
        return "".join(self._purged(id_) for id_ in ids)

    def _purged(self, id_: str) -> str:
        for kind in self.org.kinds.values():
            record = self.org.record(kind, id_)
            if record is None:
                continue
            if not record.is_deleted:
                told = RefusedRowError("DELETE_FAILED", "entity is not in the recycle bin")
                return _result(f"<id>{escape(id_)}</id>", told)
            # for a day or so it can still be found among the deleted
            if record.is_purged:
                told = RefusedRowError("ENTITY_IS_DELETED", "entity is deleted")
                return _result(f"<id>{escape(id_)}</id>", told)
            record.is_purged = True
            return _result(f"<id>{escape(id_)}</id>", None)
        return _result("", RefusedRowError("INVALID_ID_FIELD", f"invalid id {id_}"))


def _result(inner: str, refusal: RefusedRowError | None) -> str:
    errors = ""
    if refusal is not None:
        told = f"<message>{escape(refusal.message)}</message>"
        errors = f"<errors>{told}<statusCode>{refusal.code}</statusCode></errors>"
    success = "false" if refusal else "true"
    return f"<result>{errors}{inner}<success>{success}</success></result>"


def _fault(code: str, told: str) -> tuple[int, str]:
    inner = f"<faultcode>{code}</faultcode><faultstring>{escape(told)}</faultstring>"
    return 500, _envelope(f'<soapenv:Fault xmlns="">{inner}</soapenv:Fault>')


def _envelope(inner: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<soapenv:Envelope xmlns:soapenv="{SPACES["e"]}" xmlns="{SPACES["p"]}">'
        f"<soapenv:Body>{inner}</soapenv:Body></soapenv:Envelope>"
    )
