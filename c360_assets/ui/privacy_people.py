"""Who is hidden on the pages: the suppressed and the erased, with all by which they are told.

Belongs here: filling the schema `hidden` of a connection in memory from the published copy beside
it. Not here: what the views do with it (`privacy`).

- `hidden.users`, `hidden.contacts`, `hidden.places`, `hidden.addresses`: ids of accounts, contacts
  and postal addresses, and e-mail addresses, each once (`id, is_erased`).
- `hidden.known_users`: `hidden.users`, and who once was one person with one of them (profiles of
  that time tell of both).
- `hidden.names`: full names of two words or more, also with the last word first, which texts are
  searched for.

Rows are joined inside the engine; the sets are small, so that the joins with them are cheap.
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from c360_assets.activation.sync.wanted import SUPPRESSED, load_suppression
from c360_assets.assets.crm_job import opt_outs
from c360_assets.erasure.person import spellings
from c360_assets.errors import ConfigError
from c360_assets.identity.addresses import normalise_email
from c360_assets.settings import Settings
from c360_assets.sources.tombstones import Tombstones, read_tombstones
from c360_assets.ui.privacy_rules import Cover
from c360_assets.ui.privacy_texts import WORDS, find_mentions

SETS = ("users", "contacts", "places", "addresses")
# in which addresses of theirs may stand that no account has
_STRAY = """
    select email as id from published.staging.stg_tickets
    union select email from published.staging.stg_deals
    union select address from hidden.mentioned
"""
# every e-mail address of the copy
_ADDRESSES = f"""
    select email from published.identity.user_identity
    union select old_key from published.identity.merge_journal where kind = 'user'
    union select new_key from published.identity.merge_journal where kind = 'user'
    union {_STRAY}
"""
_UNTAGGED = "regexp_replace({}, '[+][^@]*@', '@')"
_ERASED_ADDRESSES = f"""
    insert into hidden.asked
    select email, true from ({_ADDRESSES})
    where email is not null and sha256($salt || 'email:' || email) in (select hash from hidden.gone)
"""
_ERASED_USERS = """
    insert into hidden.asked_users
    select user_id, true from published.identity.user_identity
    where sha256($salt || 'user:' || user_id) in (select hash from hidden.gone)
"""
# by any address that they have or had: an applied merge leads from an address without account
_ASKED_USERS = """
    insert into hidden.asked_users
    select i.contact_user_id, a.is_erased
    from hidden.asked as a
    inner join published.identity.user_identity as i on i.email = a.id
    union all
    select i.contact_user_id, a.is_erased
    from hidden.asked as a
    inner join published.identity.merge_journal as j on j.old_key = a.id
    inner join published.identity.user_identity as i on i.email = j.resolved_to
    where j.kind = 'user' and j.decision = 'merge' and j.outcome = 'applied'
"""
# whole people; an id that is an address would tell it wherever a row says whose it is
_USERS = """
    insert into hidden.users
    with people as (
        select i.contact_user_id, bool_or(a.is_erased) as is_erased
        from hidden.asked_users as a
        inner join published.identity.user_identity as i on i.user_id = a.id
        group by i.contact_user_id
    )
    select
        i.user_id,
        p.is_erased or bool_or(contains(i.user_id, '@')) over (partition by i.contact_user_id)
    from published.identity.user_identity as i
    inner join people as p on p.contact_user_id = i.contact_user_id
"""
_OTHER_SETS = """
    insert into hidden.addresses
    select id, bool_or(is_erased) from (
        select * from hidden.asked
        union all
        select i.email, u.is_erased
        from hidden.users as u inner join published.identity.user_identity as i on i.user_id = u.id
        union all
        select j.old_key, u.is_erased
        from hidden.users as u
        inner join published.identity.user_identity as i on i.user_id = u.id
        inner join published.identity.merge_journal as j on j.resolved_to = i.email
        where j.kind = 'user' and j.decision = 'merge' and j.outcome = 'applied'
    ) as theirs
    group by id;

    insert into hidden.contacts
    select id, bool_or(is_erased) from (
        select i.contact_id as id, u.is_erased
        from hidden.users as u inner join published.identity.user_identity as i on i.user_id = u.id
        union all
        select h.contact_id, u.is_erased
        from hidden.users as u
        inner join published.identity.user_identity as i on i.user_id = u.id
        inner join published.identity.contact_id_history as h
            on h.current_contact_id = i.contact_id
    ) as theirs
    group by id;

    -- postal addresses that nobody else has
    insert into hidden.places
    with used as (
        select user_id, address_id from published.staging.stg_users
        union all select account_user_id, address_id from published.marts.fct_orders
    ),
    theirs as (
        select u.address_id, bool_and(h.is_erased) as is_erased
        from used as u inner join hidden.users as h on h.id = u.user_id
        where u.address_id is not null
        group by u.address_id
    ),
    others as (
        select distinct u.address_id
        from used as u
        semi join theirs as t on t.address_id = u.address_id
        anti join hidden.users as h on h.id = u.user_id
    )
    select t.address_id, t.is_erased from theirs as t
    anti join others as o on o.address_id = t.address_id;
"""
# Addresses that no account has: what a decision takes for one of theirs (applied or not, a slip or
# no address at all), what differs from one of theirs by a tag alone, and what was refused and is
# one of theirs but for a sign (`ann@@acme.com`). Rows with them stay.
_STRAY_ADDRESSES = f"""
    insert into hidden.addresses
    with likely as (
        select d.id from (
            select old_key as id, new_key as theirs from published.identity.merge_journal
            where kind = 'user' and decision <> 'never'
            union
            select new_key, old_key from published.identity.merge_journal
            where kind = 'user' and decision <> 'never'
        ) as d
        semi join hidden.addresses as h on h.id = d.theirs
        union
        select s.id from ({_STRAY}) as s
        semi join hidden.addresses as h
            on {_UNTAGGED.format("h.id")} = {_UNTAGGED.format("s.id")}
        union
        select r.id from (
            select old_key as id from published.identity.merge_journal
            where kind = 'user' and outcome = 'refused'
            union
            select new_key from published.identity.merge_journal
            where kind = 'user' and outcome = 'refused'
        ) as r
        semi join hidden.addresses as h
            on {WORDS.format("h.id")} = {WORDS.format("r.id")}
    )
    select l.id, false from likely as l
    anti join published.identity.user_identity as i on i.email = l.id
    anti join hidden.addresses as h on h.id = l.id
    where l.id is not null
"""
_KNOWN_USERS = """
    insert into hidden.known_users
    with recursive once_one(email) as (
        select id from hidden.addresses
        union
        select case when j.old_key = o.email then j.new_key else j.old_key end
        from once_one as o
        inner join (
            select old_key, new_key from published.identity.merge_journal
            where kind = 'user' and was_applied
        ) as j on j.old_key = o.email or j.new_key = o.email
    )
    select id, is_erased from hidden.users
    union all
    select distinct i.user_id, false
    from once_one as o
    inner join published.identity.user_identity as i on i.email = o.email
    where i.user_id not in (select id from hidden.users)
"""
_NAMES = f"""
    insert into hidden.names
    with theirs as (
        select {WORDS.format("s.user_name")} as words
        from published.staging.stg_users as s inner join hidden.users as u on u.id = s.user_id
        union all
        select {WORDS.format("c.user_name")}
        from published.marts.contacts as c inner join hidden.users as u on u.id = c.user_id
    ),
    parted as (
        select words, string_split(words, ' ') as parts from theirs where contains(words, ' ')
    )
    select words from parted
    union
    -- as lists have them: the last name first
    select array_to_string(list_concat(parts[-1:], parts[:-2]), ' ') from parted
"""


def find_hidden(
    connection: duckdb.DuckDBPyConnection, settings: Settings, covers: Mapping[str, Cover]
) -> int:
    """Make the schema `hidden`; returns how many people of the copy are hidden.

    Raises:
        ConfigError: a file of who opted out is missing or cannot be read.
        SourceError: it cannot be read who was erased.
    """
    connection.execute("create schema hidden")
    for name in (*SETS, "known_users", "asked", "asked_users"):
        connection.execute(f"create table hidden.{name} (id varchar, is_erased boolean)")
    connection.execute("create table hidden.names (words varchar)")
    suppressed = _ask_for_suppressed(connection, settings)
    tombstones = read_tombstones(settings.home_dir, normalise_email)
    # nobody to be found in texts, nothing to look for
    find_mentions(connection, covers if suppressed or tombstones else {})
    if tombstones:
        _ask_for_erased(connection, tombstones)
    connection.execute(_ASKED_USERS)
    connection.execute(_USERS)
    connection.execute(_OTHER_SETS)
    connection.execute(_STRAY_ADDRESSES)
    _add_spellings(connection)
    connection.execute(_KNOWN_USERS)
    connection.execute(_NAMES)
    return _people(connection)


def _ask_for_suppressed(connection: duckdb.DuckDBPyConnection, settings: Settings) -> int:
    """Ask for who opted out; returns how many addresses did."""
    try:
        found = load_suppression(connection, opt_outs(settings), settings.source_dir)
    except ConfigError as error:
        raise ConfigError(
            f"no page is shown while it is not known who opted out. {error}"
        ) from error
    connection.execute(f"insert into hidden.asked select distinct email, false from {SUPPRESSED}")
    return found


def _ask_for_erased(connection: duckdb.DuckDBPyConnection, tombstones: Tombstones) -> None:
    connection.execute(
        "create table hidden.gone as select unnest(?::varchar[]) as hash",
        [sorted(tombstones.hashes)],
    )
    for statement in (_ERASED_ADDRESSES, _ERASED_USERS):
        connection.execute(statement, {"salt": tombstones.salt})
    connection.execute("drop table hidden.gone")


def _add_spellings(connection: duckdb.DuckDBPyConnection) -> None:
    """Addresses whose domain is punycode, with the domain in letters, as texts may have them."""
    coded = connection.execute(
        "select id, is_erased from hidden.addresses where contains(id, 'xn--')"
    ).fetchall()
    new = [(each, is_erased) for id_, is_erased in coded for each in spellings(id_) - {id_}]
    if new:
        connection.execute(
            "insert into hidden.addresses select * from (select unnest($1::varchar[]) as id,"
            " unnest($2::boolean[])) as n anti join hidden.addresses as h on h.id = n.id",
            [list(column) for column in zip(*new, strict=True)],
        )


def _people(connection: duckdb.DuckDBPyConnection) -> int:
    """Contacts, and addresses that only wrote a ticket or are on a deal."""
    found = connection.execute(
        """
        select count(distinct i.contact_user_id) + (
            select count(*) from (
                select email from published.staging.stg_tickets
                union select email from published.staging.stg_deals
            ) as w
            semi join hidden.asked as a on a.id = w.email
            anti join published.identity.user_identity as i on i.email = w.email
            anti join (
                select old_key from published.identity.merge_journal
                where kind = 'user' and outcome = 'applied'
            ) as j on j.old_key = w.email
        )
        from hidden.users as u inner join published.identity.user_identity as i on i.user_id = u.id
        """
    ).fetchall()
    return int(found[0][0])
