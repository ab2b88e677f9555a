-- One row per sales opportunity with an address of the person, newest first; one for `total`.
with mine as (
    select
        cast(close_date as timestamp) as happened_at,
        -- deals have no id: their place among those alike
        concat(deal_name, ' ', row_number() over (
            partition by close_date, deal_name order by stage, amount, email
        )) as entry_id,
        deal_name,
        stage,
        amount,
        email,
        email_domain
    from staging.stg_deals
    where email in (select unnest($emails))
),

shown as (
    select *
    from mine
    where happened_at <= $before
    order by happened_at desc, entry_id
    limit $most
)

select t.total, s.*, d.corporate_email
from (select count(*) as total from mine) as t
left join shown as s on true
left join identity.domain_identity as d on d.email_domain = s.email_domain
order by s.happened_at desc, s.entry_id
