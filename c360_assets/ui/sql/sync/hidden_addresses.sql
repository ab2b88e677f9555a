-- One row per address asked for that is that of somebody who is hidden.
select id from hidden.addresses where id in (select unnest($addresses))
