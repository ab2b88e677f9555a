"""The few calls that Salesforce has in its SOAP interface alone: merge, emptyRecycleBin, user.

Belongs here: envelopes and their answers. Texts are escaped by the XML library; an answer with a
document type is refused before anything of it is expanded. Source: SOAP API Developer Guide,
partner WSDL.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from c360_assets.activation.destinations.salesforce_answers import GONE
from c360_assets.activation.destinations.salesforce_api import USED_UP, SalesforceApi
from c360_assets.activation.sync.model import Verdict
from c360_assets.errors import CrmError, OutcomeUnknownError

MERGEABLE = ("Account", "Contact")
ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
PARTNER = "urn:partner.soap.sforce.com"
OBJECT = "urn:sobject.partner.soap.sforce.com"
ENDED_SESSION = "INVALID_SESSION_ID"
# what emptyRecycleBin says of a record that has left the recycle bin before
NOT_IN_BIN = GONE | {"INVALID_ID_FIELD", "UNDELETE_FAILED"}


class _NoDoctype(ET.TreeBuilder):
    """Builds a tree; entities cannot be declared without what is refused here."""

    def doctype(self, name: str, public: str | None, system: str | None) -> None:
        raise ValueError("an answer with a document type")


class _FaultError(Exception):
    """A fault: its code without the name space, and its text."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True)
class SoapApi:
    """The SOAP side of an org."""

    api: SalesforceApi

    def user_id(self) -> str:
        """The id of the user whom the token stands for."""
        try:
            answer = self._call(ET.Element(_in(PARTNER, "getUserInfo")), may_repeat=True)
        except _FaultError as fault:
            raise CrmError(f"salesforce: getUserInfo: {fault}") from None
        return answer.findtext(f".//{_in(PARTNER, 'userId')}", "")

    def merge(self, object_: str, kept: str, gone: str) -> Verdict:
        """Merge a record into another, whose own values stay."""
        call = ET.Element(_in(PARTNER, "merge"))
        request = ET.SubElement(call, _in(PARTNER, "request"))
        master = ET.SubElement(request, _in(PARTNER, "masterRecord"))
        ET.SubElement(master, _in(OBJECT, "type")).text = object_
        ET.SubElement(master, _in(OBJECT, "Id")).text = kept
        ET.SubElement(request, _in(PARTNER, "recordToMergeIds")).text = gone
        try:
            answer = self._call(call, may_repeat=False)
        except _FaultError as fault:
            return Verdict("rejected", reason=str(fault))
        except OutcomeUnknownError as error:
            return Verdict("unknown", reason=str(error))
        result = answer.find(_in(PARTNER, "result"))
        if result is None:
            return Verdict("unknown", reason="the answer says nothing of the merge")
        if _text(result, "success") != "true":
            return Verdict("rejected", reason=_reasons(result) or "no reason given")
        return Verdict("acknowledged", _text(result, "id"))

    def empty_recycle_bin(self, ids: Sequence[str]) -> list[str]:
        """Remove deleted records for good; the reasons of those that stay."""
        call = ET.Element(_in(PARTNER, "emptyRecycleBin"))
        for each in ids:
            ET.SubElement(call, _in(PARTNER, "ids")).text = each
        try:
            answer = self._call(call, may_repeat=True)
        except _FaultError as fault:
            return [str(fault)]
        results = answer.findall(_in(PARTNER, "result"))
        stay = [
            _reasons(result) or "no reason given"
            for result in results
            if _text(result, "success") != "true"
            and not {each.text for each in result.iter(_in(PARTNER, "statusCode"))} & NOT_IN_BIN
        ]
        silent = len(ids) - len(results)
        return [*stay, *["the answer says nothing of it"] * silent]

    def _call(self, call: ET.Element, *, may_repeat: bool) -> ET.Element:
        """The response element of a call."""
        try:
            return self._once(call, may_repeat)
        except _FaultError as fault:
            if fault.code != ENDED_SESSION or not self.api.access.renew():
                self._raise_common(fault)
        try:
            return self._once(call, may_repeat)
        except _FaultError as fault:
            self._raise_common(fault)
            raise

    def _once(self, call: ET.Element, may_repeat: bool) -> ET.Element:
        envelope = ET.Element(_in(ENVELOPE, "Envelope"))
        header = ET.SubElement(envelope, _in(ENVELOPE, "Header"))
        session = ET.SubElement(header, _in(PARTNER, "SessionHeader"))
        token = self.api.access.current()
        ET.SubElement(session, _in(PARTNER, "sessionId")).text = token
        ET.SubElement(envelope, _in(ENVELOPE, "Body")).append(call)
        response = self.api.send(
            "POST",
            f"/services/Soap/u/{self.api.version.removeprefix('v')}",
            content=ET.tostring(envelope, encoding="utf-8", xml_declaration=True),
            headers={"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": '""'},
            may_repeat=may_repeat,
            # a fault comes with 500
            answers=(500,),
        )
        return self._read(response)

    def _read(self, response: httpx.Response) -> ET.Element:
        told = f"salesforce: POST {response.request.url.path}: {self.api.client.said(response)}"
        try:
            body: ET.Element | None = _parsed(response.content).find(_in(ENVELOPE, "Body"))
        except (ET.ParseError, ValueError):
            body = None
        if body is None or len(body) == 0:
            raise OutcomeUnknownError(f"{told}; that is no SOAP answer")
        if body[0].tag == _in(ENVELOPE, "Fault"):
            code = (body[0].findtext("faultcode") or "").rpartition(":")[2]
            raise _FaultError(code, body[0].findtext("faultstring") or code)
        return body[0]

    def _raise_common(self, fault: _FaultError) -> None:
        """Raise a fault: as the end of the run where it is about the session or the org."""
        if fault.code in (ENDED_SESSION, USED_UP):
            raise CrmError(
                f"salesforce: {fault}; renew the token, or run again when the org has calls left"
            ) from None
        raise fault


def _parsed(content: bytes) -> Any:
    parser = ET.XMLParser(target=_NoDoctype())  # noqa: S314 - a document type is refused
    parser.feed(content)
    return parser.close()


def _in(space: str, name: str) -> str:
    return f"{{{space}}}{name}"


def _text(element: ET.Element, name: str) -> str:
    return element.findtext(_in(PARTNER, name), "")


def _reasons(result: ET.Element) -> str:
    return "; ".join(
        f"{_text(each, 'statusCode')}: {_text(each, 'message')}"
        for each in result.findall(_in(PARTNER, "errors"))
    )
