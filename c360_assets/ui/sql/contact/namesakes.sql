-- One row per person suggested as one with this one, the likeliest first; `pair` is for the review.
with suggested as (
    select
        case when old_key = $email then new_key else old_key end as email,
        old_key || '~' || new_key as pair,
        match_probability
    from identity.merge_candidates
    where kind = 'user' and $email in (old_key, new_key)
)

select c.contact_id, c.user_name, c.email, s.pair
from suggested as s
inner join marts.contacts as c on c.email = s.email
order by s.match_probability desc, c.contact_id
limit $limit
