"""Every ruling that the journal can give on a row, with its outcome, code and sentence.

Belongs here: the table of rulings and the writing of their sentences. Not here: which row gets
which ruling (`journal`). A new rule of the journal begins with a line in RULINGS.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum
from string import Formatter
from typing import Final, Literal, NamedTuple

Outcome = Literal["applied", "undone", "pending", "refused"]


class Ruling(IntEnum):
    """What was found about one row; OPEN until a stage of the journal settles it."""

    OPEN = 0
    MALFORMED = 1
    UNKNOWN_DECISION = 2
    INVALID_DECIDED_AT = 3
    INVALID_OLD = 4
    INVALID_NEW = 5
    UNDO = 6
    SELF_MERGE = 7
    PERSONAL_OLD = 8
    PERSONAL_NEW = 9
    SUPERSEDED = 10
    CONFLICT = 11
    CYCLE = 12
    TOO_LARGE = 13
    UNKNOWN_TARGET = 14
    APPLIED = 15
    REPEAT = 16
    OLD_UNKNOWN = 17
    UNDONE = 18
    NOTHING_TO_UNDO = 19
    BAN = 20
    BAN_REPEAT = 21
    BAN_LIFTED = 22
    SUSPENDED = 23
    BANNED = 24
    SHARED_MAILBOX = 25


class Meaning(NamedTuple):
    """The contract's outcome and code of a ruling, and its sentence with `{fields}` to fill.

    Fields: `noun` (email or domain), `thing`, `example`, `where` (the row's file and number),
    `old`, `new`, `decision`, `decided_at`, `problem`, `count`, `limit`, `path`, `end`,
    `parties` (people or companies), `suspended` (the merges that a ban took back), and of the other
    row that the ruling rests on `other_where`, `other_old` and `other_new`.
    """

    outcome: Outcome
    code: str | None
    sentence: str


_MERGED = '"{old}" is merged into "{new}", and the chain ends at "{end}"'

RULINGS: Final[dict[Ruling, Meaning]] = {
    Ruling.MALFORMED: Meaning(
        "refused", "invalid_{noun}", "{where} {problem}; give it as many fields as the header has."
    ),
    Ruling.UNKNOWN_DECISION: Meaning(
        "refused",
        "unknown_decision",
        '{where}: decision "{decision}" is none of merge, never, undo; write one of them or leave '
        "it empty for merge.",
    ),
    Ruling.INVALID_DECIDED_AT: Meaning(
        "refused",
        "invalid_decided_at",
        '{where}: decided_at "{decided_at}" is no time; write it as 2021-12-01 or '
        "2021-12-01T05:00:00Z, or leave it empty.",
    ),
    Ruling.INVALID_OLD: Meaning(
        "refused",
        "invalid_{noun}",
        '{where}: old_{noun} "{old}" is no {thing}; write it as {example} or remove the row.',
    ),
    Ruling.INVALID_NEW: Meaning(
        "refused",
        "invalid_{noun}",
        '{where}: new_{noun} "{new}" is no {thing}; write it as {example} or remove the row.',
    ),
    Ruling.UNDO: Meaning(
        "applied",
        None,
        '{where} takes back the decision of {other_where} on "{old}" and "{new}".',
    ),
    Ruling.UNDONE: Meaning(
        "undone",
        "undo",
        'The decision on "{old}" and "{new}" was taken back by {other_where}.',
    ),
    Ruling.NOTHING_TO_UNDO: Meaning(
        "refused",
        "nothing_to_undo",
        '{where}: no decision on "{old}" and "{new}" stands before this one; name a pair as some '
        "merge file does, or give the row a decided_at after it.",
    ),
    Ruling.BAN: Meaning(
        "applied", None, '"{old}" and "{new}" stay two {parties} by whatever path{suspended}.'
    ),
    Ruling.BAN_REPEAT: Meaning(
        "applied",
        "repeat",
        '"{old}" and "{new}" stay two {parties}; {where} repeats {other_where}.',
    ),
    Ruling.BAN_LIFTED: Meaning(
        "undone",
        "superseded",
        'The ban on "{old}" and "{new}" was lifted by the later merge of {other_where}.',
    ),
    Ruling.SUSPENDED: Meaning(
        "undone",
        "never",
        '"{old}" into "{new}" is suspended: "{other_old}" and "{other_new}" stay two {parties} '
        "({other_where}, decided later).",
    ),
    Ruling.BANNED: Meaning(
        "refused",
        "banned",
        '{where}: "{old}" into "{new}" would make "{other_old}" and "{other_new}" one, which '
        "{other_where} forbids; remove one of the two rows, or undo one.",
    ),
    Ruling.SHARED_MAILBOX: Meaning(
        "refused",
        "shared_mailbox",
        '{where}: "{old}" or "{new}" is a mailbox that several people share '
        "(identity.role_addresses), so that merging them needs a reason; fill in the column "
        "reason.",
    ),
    Ruling.SELF_MERGE: Meaning(
        "refused",
        "self_merge",
        '{where}: "{old}" cannot be merged into itself; remove the row or name another target.',
    ),
    Ruling.PERSONAL_OLD: Meaning(
        "refused",
        "personal_domain",
        '{where}: "{old}" is a personal domain (or a disposable or relay one) and no company, so '
        'it cannot become "{new}"; remove the row, or list the domain under domains.corporate if '
        "it is a company's.",
    ),
    Ruling.PERSONAL_NEW: Meaning(
        "refused",
        "personal_domain",
        '{where}: "{new}" is a personal domain (or a disposable or relay one) and no company, so '
        '"{old}" cannot become it; remove the row, or list the domain under domains.corporate if '
        "it is a company's.",
    ),
    Ruling.SUPERSEDED: Meaning(
        "undone",
        "superseded",
        '"{old}" into "{new}" was replaced by the later decision for "{other_new}" '
        "({other_where}).",
    ),
    Ruling.CONFLICT: Meaning(
        "refused",
        "conflicting_target",
        '{where} merges "{old}" into "{new}" and {other_where} into "{other_new}", and neither is '
        "later; remove one of them, or give each its own decided_at.",
    ),
    Ruling.CYCLE: Meaning(
        "refused",
        "cycle",
        "{where} is part of a cycle of {count} merges, {path}; remove the one that points the "
        "wrong way.",
    ),
    Ruling.TOO_LARGE: Meaning(
        "refused",
        "too_large",
        '{where}: "{old}" into "{new}" would belong to a cluster of {count} {noun}s, and more than '
        "{limit} (identity.max_cluster_size) need a reason; fill in the column reason.",
    ),
    Ruling.UNKNOWN_TARGET: Meaning(
        "pending",
        "unknown_target",
        '"{old}" into "{new}" waits: neither "{new}" nor anything that it is merged into is a '
        "user; it applies by itself once one of them is.",
    ),
    Ruling.APPLIED: Meaning("applied", None, _MERGED + "."),
    Ruling.REPEAT: Meaning("applied", "repeat", _MERGED + "; {where} repeats {other_where}."),
    Ruling.OLD_UNKNOWN: Meaning(
        "applied",
        "old_address_unknown",
        _MERGED + '; no user has the address "{old}", so it only links others.',
    ),
}


def sentences(template: str, fields: Mapping[str, Iterable[str]]) -> list[str]:
    """Fill a template once per row: `fields` gives, for each name in it, a text per row.

    Field by field and row by row in C; adding up Series of text takes twice as long.
    """
    parts = list(Formatter().parse(template))
    positional = "".join(literal + ("{}" if name else "") for literal, name, _, _ in parts)
    return list(map(positional.format, *(fields[name] for _, name, _, _ in parts if name)))
