"""`c360 crm`: the plan of a sync, the fields it needs, and what the CRM refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from c360_assets.activation.sync.ledger import Ledger
from c360_assets.activation.sync.ledger_conflicts import conflict_of, conflicts, settle_conflict
from c360_assets.activation.sync.ledger_moves import retry as retry_all
from c360_assets.activation.sync.model import Value
from c360_assets.activation.sync.plan import ObjectPlan, Resolved
from c360_assets.activation.sync.run import LEDGER, SyncPlan
from c360_assets.assets.crm_job import FILE, destination_names, sync_job
from c360_assets.cli_support.output import Output
from c360_assets.errors import RequestError
from c360_assets.settings import Settings


def destination(settings: Settings, to: str | None) -> str:
    """The row-wise destination that is asked for, or the one that `C360_CRM` names.

    Raises:
        RequestError: there is none, or there are several.
    """
    named = [to] if to else [name for name in destination_names(settings) if name != FILE]
    if len(named) != 1 or named[0] == FILE:
        raise RequestError(
            f"C360_CRM is {settings.crm!r}; `c360 crm` is about one destination that takes single "
            "records: name it, as in `--to hubspot`. Files tell what changed in changes.jsonl"
        )
    return named[0]


def show_plan(out: Output, settings: Settings, to: str | None, records: int) -> None:
    """Show the plan, and some of its records field by field."""
    name = destination(settings, to)
    with sync_job(settings, name) as job:
        missing = job.missing()
        plan = job.plan(with_details=records)
    out.json({"destination": name, "missing_fields": missing, **_document(plan)})
    for object_, fields in missing.items():
        out.note(f"{name} has no field {', '.join(fields)} for {object_}: `c360 crm prepare`")
    out.table(
        f"What a sync to {name} would do",
        ("", "create", "update", "merge", "delete", "unchanged", "waiting", "left"),
        [(object_, *_counts(part).values()) for object_, part in plan.objects.items()],
    )
    out.table(
        "Links",
        ("", "make", "take away", "unchanged", "waiting"),
        [
            (kind, len(part.add), len(part.remove), part.unchanged, part.waiting)
            for kind, part in plan.links.items()
        ],
    )
    for object_, shown in plan.details.items():
        out.table(
            f"{object_}: field by field",
            ("record", "field", "there", "here", "conflict or refusal"),
            [row for record in shown for row in _fields(record)],
        )
    out.say(f"At most {plan.calls:,} calls, {plan.seconds:,.0f} s of the account's limit.")
    if plan.open_intents:
        out.say(f"{plan.open_intents:,} rows of a sync that was cut off are read back first.")


def prepare(out: Output, settings: Settings, to: str | None) -> None:
    """Make the fields that are missing."""
    name = destination(settings, to)
    with sync_job(settings, name) as job:
        made = job.create_fields()
    out.json({"destination": name, "made": made})
    for object_, fields in made.items():
        out.say(f"{object_}: made {', '.join(fields)}")
    if not made:
        out.say(f"{name} has every field of the mapping.")


def show_rejected(out: Output, settings: Settings, to: str | None) -> None:
    """List the rejected rows."""
    name = destination(settings, to)
    with Ledger(settings.crm_dir / LEDGER, name) as ledger:
        rows = ledger.all_rejected()
    out.json({"destination": name, "rejected": [vars(row) for row in rows]})
    out.table(
        f"What {name} refused",
        ("object", "record", "attempts", "next attempt", "reason"),
        [
            (r.object, r.key, r.attempts, r.next_at or "once it says something else", r.reason)
            for r in rows
        ],
    )
    if not rows:
        out.say(f"{name} refused nothing.")


def retry(out: Output, settings: Settings, to: str | None) -> None:
    """Let what was refused be tried by the next sync."""
    name = destination(settings, to)
    now = datetime.now(UTC).replace(tzinfo=None)
    with Ledger(settings.crm_dir / LEDGER, name) as ledger:
        rows = retry_all(ledger, now)
    out.json({"destination": name, "rows": rows})
    out.say(f"{rows:,} rows are tried by the next sync to {name}.")


def show_conflicts(out: Output, settings: Settings, to: str | None) -> None:
    """List the conflicts that nobody has settled."""
    name = destination(settings, to)
    with Ledger(settings.crm_dir / LEDGER, name) as ledger:
        found = conflicts(ledger)
    out.json({"destination": name, "conflicts": [vars(each) for each in found]})
    out.table(
        f"Where {name} and we disagree",
        ("object", "record", "field", "sent last", "there", "here", "policy"),
        [
            (c.object, c.key, c.field, c.last_sent, c.in_crm or "(nothing)", c.wanted, c.policy)
            for c in found
        ],
    )
    if found:
        out.say("`c360 crm settle OBJECT RECORD FIELD --ours` or `--theirs` decides.")
    else:
        out.say(f"{name} and we agree, as far as we have looked.")


def settle(
    out: Output,
    settings: Settings,
    to: str | None,
    where: tuple[str, str, str],
    is_ours: bool,
    by: str | None,
) -> None:
    """Settle a conflict (object, key, field)."""
    name = destination(settings, to)
    now = datetime.now(UTC).replace(tzinfo=None)
    with Ledger(settings.crm_dir / LEDGER, name) as ledger:
        conflict = conflict_of(ledger, *where)
        settle_conflict(ledger, conflict, is_ours, by, now)
    value = conflict.wanted if is_ours else conflict.in_crm
    out.json({"destination": name, "settled": vars(conflict), "value": value})
    out.say(f"{' '.join(where)} will be {value or '(nothing)'}; the next sync carries it out.")


def roll_back(out: Output, settings: Settings, to: str | None, run_id: str) -> None:
    """Take a run back, and show what came of it."""
    name = destination(settings, to)
    with sync_job(settings, name) as job:
        done = job.roll_back(run_id)
    out.json({"destination": name, **{part: vars(t) for part, t in done.by_part.items()}})
    out.table(
        f"Taken back in {name}",
        ("", "records", "acknowledged", "rejected", "unknown", "left as people wrote them"),
        [
            (part, t.planned, t.acknowledged, t.rejected, t.unknown, t.conflicts)
            for part, t in done.by_part.items()
        ],
    )
    if done.held_back:
        out.say(f"{done.held_back:,} records of people who opted out since were left as they are.")
    out.say("The next sync sends what is wanted by then: mend the cause, or leave crm_sync out.")


def _counts(part: ObjectPlan) -> dict[str, int]:
    return {
        "create": len(part.create),
        "update": len(part.update),
        "merge": len(part.merge),
        "delete": len(part.delete),
        "unchanged": part.unchanged,
        "waiting": part.waiting,
        "left": part.left,
    }


def _document(plan: SyncPlan) -> dict[str, Any]:
    return {
        "objects": {name: _counts(part) for name, part in plan.objects.items()},
        "links": {
            kind: {
                "make": len(p.add),
                "take_away": len(p.remove),
                "unchanged": p.unchanged,
                "waiting": p.waiting,
            }
            for kind, p in plan.links.items()
        },
        "records": {
            name: [
                {
                    "key": record.row.key,
                    "remote_id": record.row.remote_id,
                    "changes": {
                        field: {"old": old, "new": new}
                        for field, (old, new) in record.changes.items()
                    },
                    "conflicts": [vars(conflict) for conflict in record.conflicts],
                    "refused": record.refused,
                }
                for record in shown
            ]
            for name, shown in plan.details.items()
        },
        "calls": plan.calls,
        "seconds": plan.seconds,
        "open_intents": plan.open_intents,
    }


def _fields(record: Resolved) -> list[tuple[Any, ...]]:
    policies = {conflict.field: conflict for conflict in record.conflicts}
    refused = record.refused and f"refused: {record.refused}"
    written = [
        (
            *(record.row.key, field, old, _shown(new)),
            refused or (policies[field].policy if field in policies else None),
        )
        for field, (old, new) in record.changes.items()
    ]
    kept = [
        (record.row.key, c.field, c.in_crm, c.wanted, f"{c.policy}: left as it is")
        for c in record.conflicts
        if c.field not in record.changes
    ]
    return written + kept


def _shown(value: Value) -> Value:
    """A number without decimals that say nothing."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
