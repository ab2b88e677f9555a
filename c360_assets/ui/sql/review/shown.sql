-- One row per contact of the list who is shown.
select contact_id from marts.contacts where contact_id in (select unnest($contact_ids))
    and email is not null
