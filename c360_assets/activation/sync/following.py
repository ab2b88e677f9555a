"""What the ledger says, after keys here became one: links go along with their records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import duckdb

from c360_assets.activation.sync.apply import Sync
from c360_assets.activation.sync.ledger_links import Pair, follow_records, links, links_astray
from c360_assets.crm_rules import LinkRules

# (key that ended in a merge, key that bears its history today)
MERGED = {
    "contacts": "select contact_id, current_contact_id from identity.contact_id_history"
    " where current_contact_id is not null and contact_id <> current_contact_id",
    "companies": "select email_domain, corporate_email from identity.domain_identity"
    " where corporate_email is not null and email_domain <> corporate_email",
}


def merged_keys(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str]]:
    """Keys that ended in a merge, by object, and those that bear their history today."""
    return {name: dict(connection.execute(sql).fetchall()) for name, sql in MERGED.items()}


def follow_links(
    sync: Sync,
    kind: str,
    rules: LinkRules,
    merged: Mapping[str, Mapping[str, str]],
    wanted: Callable[[], Iterable[Pair]],
) -> None:
    """Let the ledger's links follow records that were merged, or got another remote id.

    A vendor may have moved the links of the one that is gone: those wanted are made again, which
    does no harm, and the others are taken from the record that is left.
    """
    ledger, names = sync.ledger, (rules.from_object, rules.to_object)
    astray = links_astray(ledger, kind, names)
    if not astray:
        return
    ends_of = [merged.get(name, {}) for name in names]
    now = {
        pair: (ends_of[0].get(pair[0], pair[0]), ends_of[1].get(pair[1], pair[1]))
        for pair in astray
    }
    starts, ends = (
        ledger.known(name, {pair[place] for pair in now.values()})
        for place, name in enumerate(names)
    )
    asked, known = set(wanted()), links(ledger, kind)
    moved, ended = {}, []
    for pair, (start, end) in now.items():
        if start not in starts or end not in ends:
            continue
        if (start, end) != pair and ((start, end) in asked or (start, end) in known):
            ended.append(pair)
        else:
            here = (starts[start].remote_id, ends[end].remote_id)
            moved[pair] = ((start, end), here)
    follow_records(ledger, kind, moved, ended, sync.run_id, sync.now())
