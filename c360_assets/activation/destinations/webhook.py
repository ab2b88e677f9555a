"""The destination `webhook`: signed JSON to an address of one's own, after "Standard Webhooks".

One POST per batch; `webhook.schema.json` describes its body and what may be answered. Nobody tells
what the receiver holds, so that records go out whole and are told by our own keys. A delivery may
arrive twice: its `webhook-id` is made of its body, and that is the same when the same is delivered
again. Source: the specification of Standard Webhooks, 1.0.0.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from c360_assets.activation.destinations.connect import ApiDestination, Surroundings, address_of
from c360_assets.activation.destinations.values import same_value
from c360_assets.activation.destinations.webhook_answers import verdicts_of
from c360_assets.activation.destinations.webhook_signing import keys_of, signed_headers
from c360_assets.activation.destinations.webhook_told import Told
from c360_assets.activation.sync.http import ApiClient
from c360_assets.activation.sync.model import (
    Limits,
    Link,
    ObjectMapping,
    Remote,
    RemoteField,
    Row,
    Value,
    Verdict,
)
from c360_assets.crm_rules import DestinationRules, FieldType, LinkRules
from c360_assets.errors import ConfigError, OutcomeUnknownError, RowsRefusedError

SECRET_ENV = "WEBHOOK_SECRET"  # noqa: S105 - the name of a variable
LIMITS = Limits(rows_per_write=100, rows_per_read=100, links_per_write=100, calls=100, seconds=10)
# of the body; another number where a receiver of this one would not understand it
VERSION = 1
LINKS = "links"
TOLD_FILE = "webhook.sqlite"
# the parts of an event's type, by the specification
_WORD = re.compile(r"[A-Za-z0-9_]+")


@dataclass(frozen=True)
class WebhookDestination(ApiDestination):
    """One receiver. `path` is its address behind the host; `keys` sign, all of them.

    `clock` gives seconds since 1970.
    """

    client: ApiClient
    path: str
    keys: Sequence[bytes]
    links: Mapping[str, LinkRules]
    remote_objects: Mapping[str, str]
    told: Told
    clock: Callable[[], float] = time.time

    @property
    def name(self) -> str:
        """The word for it in `C360_CRM`."""
        return "webhook"

    @property
    def limits(self) -> Limits:
        """What one call takes."""
        return LIMITS

    @property
    def can_read(self) -> bool:
        """A receiver tells nothing: what it acknowledged last is what it holds."""
        return False

    def close(self) -> None:
        """Close the connections."""
        self.client.close()
        self.told.close()

    # --- what a receiver does not have ---------------------------------------------------------

    def fields(self, mapping: ObjectMapping) -> Mapping[str, RemoteField]:
        """Those of the mapping: a receiver takes what comes."""
        return {name: RemoteField(name, type_) for name, type_ in mapping.fields.items()}

    def create_field(self, mapping: ObjectMapping, name: str, type_: FieldType) -> None:
        """There is none to make.

        Raises:
            ConfigError: always.
        """
        raise ConfigError(
            f"crm.webhook: {mapping.name}.{name} is not ours to make; name it in the mapping of "
            "c360.toml, and the receiver gets it"
        )

    def missing_links(self) -> Sequence[str]:
        """None: a receiver takes what comes."""
        return ()

    def create_link(self, kind: str) -> None:
        """There is none to make.

        Raises:
            ConfigError: always.
        """
        raise ConfigError(
            f"crm.webhook: the kind of link {kind} is not ours to make; name it under "
            "[crm.webhook.links] in c360.toml, and the receiver gets it"
        )

    def read(self, mapping: ObjectMapping, ids: Sequence[str]) -> Mapping[str, Remote]:
        """Nothing: a receiver cannot be asked."""
        return {}

    def find(self, mapping: ObjectMapping, unique: Sequence[str]) -> Mapping[str, Remote]:
        """Nothing: a receiver cannot be asked."""
        return {}

    def release(self, mapping: ObjectMapping, remote_id: str, unique: str) -> None:
        """Nothing to do: records are told by our keys, and a unique text may move freely."""

    # --- records -------------------------------------------------------------------------------

    def upsert(self, mapping: ObjectMapping, rows: Sequence[Row]) -> Sequence[Verdict]:
        """Tell how records are to stand, whole."""
        told = [
            {
                "key": row.key,
                "unique": row.unique,
                "fields": {name: _plain(value) for name, value in sorted(row.payload.items())},
            }
            for row in rows
        ]
        return self._deliver(mapping.remote_object, "upsert", told)

    def update(self, mapping: ObjectMapping, rows: Sequence[Row]) -> Sequence[Verdict]:
        """The same as `upsert`: whether a receiver has a record is not for us to know."""
        return self.upsert(mapping, rows)

    def merge(self, mapping: ObjectMapping, kept: str, gone: str) -> Verdict:
        """Tell that a record has become part of another; the verdict has the other's key."""
        try:
            rows = [{"key": gone, "into": kept}]
            (verdict,) = self._deliver(mapping.remote_object, "merge", rows)
        except RowsRefusedError as error:
            return Verdict("rejected", reason=str(error))
        except OutcomeUnknownError as error:
            return Verdict("unknown", reason=str(error))
        return Verdict(verdict.outcome, kept, verdict.reason)

    def delete(self, mapping: ObjectMapping, ids: Sequence[str]) -> Sequence[Verdict]:
        """Tell that records are wanted no more."""
        return self._deliver(mapping.remote_object, "delete", [{"key": id_} for id_ in ids])

    def erase(self, mapping: ObjectMapping, row: Row) -> Verdict:
        """Tell that a person is to be removed for good, by key and, if given, by unique text."""
        object_ = mapping.remote_object
        rows = [{"key": row.remote_id or row.key} | ({"unique": row.unique} if row.unique else {})]
        try:
            (verdict,) = self._deliver(object_, "erase", rows)
        except RowsRefusedError as error:
            return Verdict("rejected", reason=str(error))
        if verdict.outcome == "acknowledged":
            self.told.forget(object_, rows[0]["key"])
        return verdict

    # --- links ---------------------------------------------------------------------------------

    def link(self, kind: str, links: Sequence[Link]) -> Sequence[Verdict]:
        """Tell that records belong together."""
        return self._deliver_links(kind, "add", links)

    def unlink(self, kind: str, links: Sequence[Link]) -> Sequence[Verdict]:
        """Tell that records belong together no more."""
        return self._deliver_links(kind, "remove", links)

    def _deliver_links(self, kind: str, what: str, links: Sequence[Link]) -> Sequence[Verdict]:
        rules = self.links[kind]
        ends = {
            "kind": rules.type,
            "from": self.remote_objects[rules.from_object],
            "to": self.remote_objects[rules.to_object],
        }
        rows = [
            {
                "key": f"{rules.type}:{link.from_id}:{link.to_id}",
                "from": link.from_id,
                "to": link.to_id,
            }
            for link in links
        ]
        return self._deliver(LINKS, what, rows, ends)

    # --- values and calls ----------------------------------------------------------------------

    def same(self, type_: FieldType, ours: Value, theirs: str | None) -> bool:
        """Whether a value that was acknowledged is ours; texts letter by letter."""
        if type_ == "text" and theirs is not None and ours is not None:
            return str(ours) == theirs
        return same_value(type_, ours, theirs)

    def _deliver(
        self,
        object_: str,
        what: str,
        rows: Sequence[Mapping[str, Any]],
        ends: Mapping[str, str] | None = None,
    ) -> list[Verdict]:
        """One POST of rows with a `key` each; returns a verdict on each."""
        moments = self.told.since(object_, what, rows)
        body = {
            "type": f"{object_}.{what}",
            "timestamp": max(moments),
            "version": VERSION,
            "data": {
                **(ends or {}),
                "rows": [{**row, "at": at} for row, at in zip(rows, moments, strict=True)],
            },
        }
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        id_ = f"msg_{hashlib.sha256(content).hexdigest()[:40]}"

        def headers() -> Mapping[str, str]:
            signed = signed_headers(self.keys, id_, int(self.clock()), content)
            return {"Content-Type": "application/json", **signed}

        response = self.client.call("POST", self.path, content=content, headers=headers)
        verdicts = verdicts_of(response, [row["key"] for row in rows], self.client.said(response))
        refused = [
            row["key"]
            for row, verdict in zip(rows, verdicts, strict=True)
            if verdict.outcome == "rejected"
        ]
        self.told.end(object_, refused)
        return verdicts


REMEDY = (
    "write the receiver's address as base_url under [crm.webhook] in c360.toml, such as "
    "https://example.com/hooks/c360"
)


def build(rules: DestinationRules, at: Surroundings) -> WebhookDestination:
    """The receiver of c360.toml, with the secrets of the environment.

    Raises:
        ConfigError: there is no address, or it is not one to send people's data to; a secret is
            missing or malformed; a name of the mapping cannot be part of an event's type.
    """
    url = address_of("webhook", rules.base_url, REMEDY)
    variable = rules.token_env or SECRET_ENV
    text = at.secret(
        "webhook", variable, "the secret whsec_… that the receiver has, too (two while they change)"
    )
    keys = keys_of(text, variable)
    links = rules.links or {}
    for word in (*rules.remote_objects().values(), *(each.type for each in links.values())):
        if not _WORD.fullmatch(word) or word == LINKS:
            raise ConfigError(
                f"crm.webhook: {word!r} becomes part of what is delivered, and cannot; use "
                f"letters, digits and _, and not {LINKS!r}, as remote_object or type of a link"
            )
    client = ApiClient(
        *("webhook", f"{url.scheme}://{url.netloc.decode()}", {}, text),
        at.call_limit("webhook", LIMITS),
        timeout=rules.timeout_seconds,
        further_secrets=text.split(),
    )
    return WebhookDestination(
        *(client, url.raw_path.decode(), keys, links, rules.remote_objects()),
        Told(at.folder / TOLD_FILE),
    )


def _plain(value: Value) -> Value:
    """A whole number without decimals: not every receiver takes 2.0 for a count."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
