-- One row per contact: what its row says today.
select
    c.user_id,
    c.contact_id,
    c.email,
    c.corporate_email,
    c.user_name,
    c.gaggle_id,
    g.gaggle_name,
    c.created_at,
    c.number_of_users,
    nullif(array_to_string(c.merged_emails, ', '), '') as merged_emails,
    d.phone_number,
    d.address,
    d.country,
    d.state,
    d.zipcode,
    a.current_plan,
    a.is_paying,
    a.won_amount
from marts.contacts as c
left join marts.gaggle_facts as g on g.gaggle_id = c.gaggle_id
left join marts.corporate_accounts as a on a.corporate_email = c.corporate_email
left join marts.dim_users as d on d.user_id = c.user_id
