-- One row per person, company or gaggle that a search can find.
-- Its text is lower case without accents, each name, address and domain a line between line breaks,
-- with a tab before each word (after each break, blank and any of . @ - _ +). So looking for a few
-- characters in one column tells what is the text looked for, or begins with it, or has it.
with addresses_without_account as (
    -- a chain of merges may begin at, or pass through, an address that no account has
    select resolved_to as email, list_sort(array_agg(old_key)) as old_emails
    from (
        select distinct j.resolved_to, j.old_key
        from identity.merge_journal as j
        left join staging.stg_users as u on u.email = j.old_key
        where j.kind = 'user' and j.decision = 'merge' and j.outcome = 'applied'
            and u.email is null
    ) as unknown_addresses
    group by resolved_to
),

other_domains as (
    select corporate_email, list_sort(array_agg(email_domain)) as email_domains
    from identity.domain_identity
    where corporate_email is not null and email_domain <> corporate_email
    group by corporate_email
),

found as (
    select
        'person' as kind,
        c.contact_id as object_id,
        c.user_id,
        concat_ws(
            chr(10),
            trim(regexp_replace(c.user_name, '[\s\p{Z}]+', ' ', 'g')),
            c.email,
            array_to_string(c.merged_emails, chr(10)),
            array_to_string(a.old_emails, chr(10)),
            -- with the @, so that the domain alone means the company
            case when split_part(c.email, '@', 2) <> c.corporate_email
                then '@' || c.corporate_email end
        ) as texts,
        c.number_of_orders,
        c.number_of_events
    from marts.contacts as c
    left join addresses_without_account as a on a.email = c.email
    union all
    select
        'company' as kind,
        a.corporate_email as object_id,
        cast(null as varchar) as user_id,
        concat_ws(chr(10), a.corporate_email, array_to_string(o.email_domains, chr(10))) as texts,
        a.number_of_orders_corporate as number_of_orders,
        a.number_of_events_corporate as number_of_events
    from marts.corporate_accounts as a
    left join other_domains as o on o.corporate_email = a.corporate_email
    union all
    select
        'gaggle' as kind,
        gaggle_id as object_id,
        cast(null as varchar) as user_id,
        coalesce(trim(regexp_replace(gaggle_name, '[\s\p{Z}]+', ' ', 'g')), '') as texts,
        number_of_orders,
        number_of_events
    from marts.gaggle_facts
),

folded as (
    select
        *,
        replace(
            replace(
                replace(
                    chr(10) || lower(strip_accents(texts)) || chr(10),
                    chr(10), chr(10) || chr(9)
                ),
                ' ', ' ' || chr(9)
            ),
            '.', '.' || chr(9)
        ) as half_marked
    from found
)

select
    kind,
    object_id,
    user_id,
    replace(
        replace(
            replace(
                replace(half_marked, '@', '@' || chr(9)),
                '-', '-' || chr(9)
            ),
            '_', '_' || chr(9)
        ),
        '+', '+' || chr(9)
    ) as search_text,
    row_number() over (
        order by number_of_orders desc, number_of_events desc, kind, object_id
    ) as value_rank
from folded
