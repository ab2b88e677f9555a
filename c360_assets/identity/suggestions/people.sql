-- One row per person to compare: every contact, and every account that a merge decision names.
-- An account keeps what it was before its merge, so that decisions show what sameness looks like.
with named_addresses as (
    select j.old_key as email from identity.merge_journal as j where j.kind = 'user'
    union
    select j.new_key as email from identity.merge_journal as j where j.kind = 'user'
),

sources as (
    select
        'contact' as scope,
        c.user_id,
        c.email,
        c.user_name,
        c.gaggle_id,
        c.created_at,
        least(c.first_event, c.first_order) as first_active,
        greatest(c.most_recent_event, c.most_recent_order) as last_active
    from marts.contacts as c
    union all
    select
        'account' as scope,
        u.user_id,
        u.email,
        u.user_name,
        u.gaggle_id,
        u.created_at,
        least(t.first_event, t.first_order) as first_active,
        greatest(t.most_recent_event, t.most_recent_order) as last_active
    from staging.stg_users as u
    inner join named_addresses as n on n.email = u.email
    left join staging.user_event_totals as t on t.user_id = u.user_id
),

-- phone numbers by their last nine digits, so that +49 30 … and 030 … are one
reached as (
    select
        s.*,
        split_part(s.email, '@', 1) as local,
        split_part(s.email, '@', 2) as email_domain,
        split_part(split_part(s.email, '@', 1), '+', 1) as base,
        case
            when length(regexp_replace(u.phone, '[^0-9]', '', 'g')) >= 7
                then right(regexp_replace(u.phone, '[^0-9]', '', 'g'), 9)
        end as phone,
        coalesce(
            lower(trim(a.address)) || ' ' || coalesce(lower(trim(a.zipcode)), ''), u.address_id
        ) as household,
        trim(regexp_replace(
            -- `Smith, Ann` is Ann Smith; `Ann Smith, Jr.` stays
            regexp_replace(
                lower(strip_accents(coalesce(s.user_name, ''))),
                '^([^,]+),\s*((?:[^,\s.]+\s*)+)$',
                case
                    when regexp_matches(s.user_name, ',\s*(?i:jr|sr|junior|senior|i+v?)$')
                        then '\1 \2'
                    else '\2 \1'
                end
            ),
            '[^\p{L}]+', ' ', 'g'
        )) as plain_name
    from sources as s
    inner join staging.stg_users as u on u.user_id = s.user_id
    left join staging.stg_addresses as a on a.address_id = u.address_id
),

worded as (
    select
        r.*,
        regexp_replace(r.base, '[^\p{L}]', '', 'g') as letters,
        list_filter(
            string_split(r.plain_name, ' '),
            lambda word: word not in (
                '', 'mr', 'mrs', 'ms', 'dr', 'prof',
                'jr', 'sr', 'junior', 'senior', 'ii', 'iii', 'iv'
            )
        ) as words,
        regexp_matches(r.plain_name, ' (jr|junior|ii|iii|iv)$')
            or regexp_matches(r.base, '[\p{L}]{3}[._-]?(jr|junior)[0-9]*$') as is_junior
    from reached as r
),

named as (
    select
        w.*,
        nullif(w.words[1], '') as first_name,
        case when len(w.words) > 1 then w.words[-1] end as last_name,
        d.corporate_email as company
    from worded as w
    left join identity.domain_identity as d on d.email_domain = w.email_domain
),

-- a mailbox of that name at three companies or more whose users' names are not in it is an office's
office_words as (
    select letters
    from named
    where company is not null
    group by letters
    having count(distinct company) >= 3 and not bool_or(
        (last_name is not null and contains(letters, left(last_name, 4)))
        or (first_name is not null and contains(letters, left(first_name, 3)))
    )
)

select
    cast(row_number() over (order by n.email, n.scope, n.user_id) as integer) as person,
    n.scope,
    n.user_id,
    n.email,
    n.user_name,
    n.gaggle_id,
    n.created_at,
    n.first_active,
    n.last_active,
    n.email_domain,
    n.company,
    n.base,
    n.letters,
    regexp_replace(n.base, '[^0-9]', '', 'g') as digits,
    -- Gmail delivers mail to a.b@ and ab@ into one mailbox
    case when n.email_domain in ('gmail.com', 'googlemail.com') then replace(n.base, '.', '')
        else n.base end || '@' || n.email_domain as mailbox,
    n.first_name,
    n.last_name,
    list_distinct(list_append(coalesce(k.roots, []), n.first_name)) as roots,
    n.is_junior,
    n.phone,
    n.household,
    r.local is not null or o.letters is not null as is_office
from named as n
left join nicknames as k on k.nickname = n.first_name
left join office_mailboxes as r on r.local = n.base
left join office_words as o on o.letters = n.letters
