-- One row per open ticket, ranked by who should be answered first.
with clock as (
    select coalesce(
        (select max(k.as_of) from ops.clock as k),
        -- greatest skips nulls
        (select max(greatest(t.most_recent_event, t.most_recent_order))
         from staging.user_event_totals as t)
    ) as as_of
),

-- accounts with one address are one person
address_owners as (
    select email, min(contact_user_id) as contact_user_id
    from identity.user_identity
    group by email
),

-- without events and orders there is no clock, and nobody waits
open_tickets as (
    select
        t.*,
        coalesce(epoch(k.as_of) - epoch(t.created_at), 0) / 3600 as hours
    from staging.stg_tickets as t
    inner join ops.open_ticket_statuses as s on s.status = t.status
    cross join clock as k
    where k.as_of is null or t.created_at <= k.as_of
),

known as (
    select
        t.ticket_id,
        t.email,
        t.subject,
        t.status,
        t.created_at,
        t.hours,
        c.user_id,
        c.user_name,
        coalesce(c.corporate_email, d.corporate_email) as company,
        case when c.user_id is not null then coalesce(r.rfm_segment, 'prospects') end
            as rfm_segment,
        r.monetary,
        r.monetary_percentile
    from open_tickets as t
    left join address_owners as o on o.email = t.email
    left join marts.contacts as c on c.user_id = o.contact_user_id
    left join marts.rfm_segments as r on r.user_id = c.user_id
    -- the company of somebody unknown is told by their address
    left join identity.domain_identity as d
        on d.email_domain = split_part(t.email, '@', 2) and c.user_id is null
),

weighed as (
    select
        k.*,
        coalesce(a.is_paying, false) as is_paying,
        case
            when k.user_id is null then w.unknown_sender
            else coalesce(s.points, w.other_segment)
        end
        + coalesce(k.monetary_percentile, 0) * w.most_valuable
        + least(k.hours / 24, w.waiting_days_at_most) * w.waiting_day
        + case when a.is_paying then w.paying_company else 0 end as points
    from known as k
    cross join ops.support_weights as w
    left join ops.support_segment_weights as s on s.rfm_segment = k.rfm_segment
    left join marts.corporate_accounts as a on a.corporate_email = k.company
),

measured as (
    select
        w.*,
        round(points, 2) as priority,
        cast(floor(hours) as bigint) as waiting_hours,
        cast(floor(hours / 24) as bigint) as waiting_days,
        abs(monetary) as worth
    from weighed as w
),

worded as (
    select
        m.*,
        case when monetary < 0 then '-' else '' end
        || case
            when worth >= 1000000
                then cast(cast(floor(worth / 1000000) as bigint) as varchar) || ','
                    || lpad(cast(cast(floor(worth / 1000) as bigint) % 1000 as varchar), 3, '0')
                    || ','
                    || lpad(cast(cast(floor(worth) as bigint) % 1000 as varchar), 3, '0')
            when worth >= 1000
                then cast(cast(floor(worth / 1000) as bigint) as varchar) || ','
                    || lpad(cast(cast(floor(worth) as bigint) % 1000 as varchar), 3, '0')
            else cast(cast(floor(worth) as bigint) as varchar)
        end
        || '.' || lpad(cast(cast(worth * 100 as bigint) % 100 as varchar), 2, '0') as worth_words,
        case
            when waiting_days >= 2 then cast(waiting_days as varchar) || ' days waiting'
            when waiting_hours = 1 then '1 hour waiting'
            else cast(waiting_hours as varchar) || ' hours waiting'
        end as waiting_words
    from measured as m
)

select
    row_number() over (order by priority desc, created_at, ticket_id) as queue_rank,
    ticket_id,
    user_id,
    email,
    user_name,
    company,
    is_paying,
    subject,
    status,
    created_at,
    waiting_hours,
    rfm_segment,
    monetary,
    priority,
    case
        when user_id is null then 'unknown sender'
        when rfm_segment = 'prospects' then 'never ordered'
        else rfm_segment
    end
    || coalesce(', worth ' || worth_words, '')
    || case when is_paying then ', paying company ' || company else '' end
    || ', ' || waiting_words as reason
from worded
