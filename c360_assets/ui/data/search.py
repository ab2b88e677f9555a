"""Search: people by name, any address they ever had or id; companies by domain; gaggles by name.

All words must be found. What is closest comes first: the whole text as an id, an address, a name
or a domain; then its beginning; then the beginnings of words; then anywhere. Of the equally close
those with more orders come first, then with more events. Personal data of hidden people finds
nobody; their ids find them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, get_args

Kind = Literal["person", "company", "gaggle"]
KINDS: tuple[Kind, ...] = get_args(Kind)
MAX_CHARACTERS = 200
# words that the questions look for one by one; more are a list, which takes longer
WORDS_OF_THEIR_OWN = 4
# hits from which on it is faster to look for the closest first than to rank all of them
MANY_HITS = 100_000


class Asks(Protocol):
    """What answers questions, such as `copies.Copy`."""

    def rows(self, name: str, /, **parameters: Any) -> list[dict[str, Any]]:
        """All rows of a question that has few."""


@dataclass(frozen=True)
class Found:
    """One person, company or gaggle.

    `object_id` is a contact_id, a company's domain or a gaggle_id. `title` is the name, or the
    domain of a company; None where there is none, or where the person is hidden. `note` tells why
    it was found where that cannot be seen: `was c_123, merged`, `also ann@old.com`, `account 17`.
    """

    kind: Kind
    object_id: str
    title: str | None
    address: str | None
    company: str | None
    gaggle_name: str | None
    number_of_people: int
    number_of_orders: int
    number_of_events: int
    note: str | None


@dataclass(frozen=True)
class Results:
    """Some of what was found, the closest first, and how many of each kind there are in all."""

    found: tuple[Found, ...]
    totals: dict[Kind, int]

    @property
    def total(self) -> int:
        """How many were found, of all kinds."""
        return sum(self.totals.values())


def search(
    ask: Asks, text: str, kinds: Collection[Kind] = KINDS, limit: int = 20, offset: int = 0
) -> Results:
    """What a text finds; nothing where it is empty. Texts are cut at MAX_CHARACTERS.

    Raises:
        ValueError: a kind is unknown, or `limit` or `offset` is negative.
    """
    unknown = sorted(set(kinds) - set(KINDS))
    if unknown or limit < 0 or offset < 0:
        raise ValueError(
            f"search for kinds of {', '.join(KINDS)} with limit and offset of 0 or more, not for "
            f"{', '.join(unknown) or 'those'} with {limit} and {offset}"
        )
    words = text.encode("utf-8", "replace").decode()[:MAX_CHARACTERS].split()
    wanted = sorted(kinds)
    if not words or not wanted:
        return Results((), dict.fromkeys(KINDS, 0))
    by_id = _by_id(ask, " ".join(words), wanted)
    folded = folded_words(ask, words)
    looked_for = _looked_for(folded, wanted, [row["value_rank"] for row in by_id])
    totals = _totals(ask, looked_for, by_id)
    hits = by_id[offset : offset + limit]
    if len(hits) < limit and sum(totals.values()) > len(by_id):
        hits += _hits(
            ask,
            folded,
            looked_for,
            is_broad=sum(totals.values()) > MANY_HITS,
            limit=limit - len(hits),
            offset=max(offset - len(by_id), 0),
        )
    return Results(_described(ask, hits, folded), totals)


def folded_words(ask: Asks, words: Sequence[str]) -> list[str]:
    """The words as `marts.search_index` has its texts."""
    folded: list[str] = ask.rows("search/folded", words=words)[0]["words"]
    return folded


def as_indexed(folded: Sequence[str]) -> str:
    """Folded words as they stand in a text of the index: each after a tab."""
    return " \t".join(folded)


def _by_id(ask: Asks, text: str, kinds: Sequence[str]) -> list[dict[str, Any]]:
    """Who has or had this id, the most active first; the index is asked where there is somebody."""
    named = {
        (row["kind"], row["object_id"]): row
        for row in ask.rows("search/by_id", text=text, kinds=kinds)
    }
    if not named:
        return []
    ranked = ask.rows("search/ranked", object_ids=sorted({id_ for _, id_ in named}))
    return [
        {**row, **named[row["kind"], row["object_id"]]}
        for row in ranked
        if (row["kind"], row["object_id"]) in named
    ]


def _looked_for(
    folded: Sequence[str], kinds: Sequence[str], skipped: Sequence[int]
) -> dict[str, Any]:
    """What the questions bind: the words, the longest first, since fewest rows have it."""
    ordered = sorted(dict.fromkeys(folded), key=lambda word: (-len(word), word))
    padded = [*ordered, *[""] * WORDS_OF_THEIR_OWN]
    own = {f"word_{n}": padded[n - 1] for n in range(1, WORDS_OF_THEIR_OWN + 1)}
    more = ordered[WORDS_OF_THEIR_OWN:]
    return {**own, "more_words": more, "kinds": list(kinds), "skipped": list(skipped)}


def _totals(
    ask: Asks, looked_for: Mapping[str, Any], by_id: Sequence[Mapping[str, Any]]
) -> dict[Kind, int]:
    counted = {row["kind"]: row["total"] for row in ask.rows("search/totals", **looked_for)}
    return {
        kind: counted.get(kind, 0) + sum(row["kind"] == kind for row in by_id) for kind in KINDS
    }


def _hits(
    ask: Asks,
    folded: Sequence[str],
    looked_for: Mapping[str, Any],
    *,
    is_broad: bool,
    limit: int,
    offset: int,
) -> list[dict[str, Any]]:
    text = as_indexed(folded)
    if not is_broad or offset:
        return ask.rows("search/hits", text=text, limit=limit, offset=offset, **looked_for)
    both = {name: looked_for[name] for name in ("kinds", "skipped")}
    hits = ask.rows("search/beginnings", text=text, limit=limit, **both)
    for name in ("search/word_beginnings", "search/elsewhere"):
        if len(hits) < limit:
            hits += ask.rows(name, text=text, limit=limit - len(hits), **looked_for)
    return hits


def _described(
    ask: Asks, hits: Sequence[Mapping[str, Any]], folded: Sequence[str]
) -> tuple[Found, ...]:
    words = [word.replace("\t", "") for word in folded]
    people = {hit["user_id"] for hit in hits if hit["kind"] == "person"}
    domains = {hit["object_id"] for hit in hits if hit["kind"] == "company"}
    gaggles = {hit["object_id"] for hit in hits if hit["kind"] == "gaggle"}
    found: dict[tuple[str, str], dict[str, Any]] = {}
    if people:
        rows = ask.rows("search/people", user_ids=sorted(people), words=words)
        found |= {("person", row["contact_id"]): row for row in rows}
    if domains:
        rows = ask.rows("search/companies", domains=sorted(domains), words=words)
        found |= {("company", row["corporate_email"]): row for row in rows}
    if gaggles:
        rows = ask.rows("search/gaggles", gaggle_ids=sorted(gaggles))
        found |= {("gaggle", row["gaggle_id"]): row for row in rows}
    return tuple(_found(hit, found[hit["kind"], hit["object_id"]]) for hit in hits)


def _found(hit: Mapping[str, Any], row: Mapping[str, Any]) -> Found:
    kind: Kind = hit["kind"]
    titles = {"person": "user_name", "company": "corporate_email", "gaggle": "gaggle_name"}
    return Found(
        kind,
        hit["object_id"],
        title=row[titles[kind]],
        address=row.get("email"),
        company=row["corporate_email"],
        gaggle_name=row.get("gaggle_name"),
        number_of_people=row.get("number_of_people", 1),
        number_of_orders=row["number_of_orders"],
        number_of_events=row["number_of_events"],
        note=_note(hit, row),
    )


def _note(hit: Mapping[str, Any], row: Mapping[str, Any]) -> str | None:
    bearer = hit.get("bearer")
    if bearer == "former":
        return f"was {hit['id']}, merged"
    if bearer == "account":
        return f"account {hit['id']}"
    other = row.get("found_address") or row.get("found_domain")
    return f"also {other}" if other and not bearer else None
