-- One row: the gaggle; none where there is no such gaggle.
select g.*, u.upgrade_rank, a.is_paying, a.current_plan
from marts.gaggle_facts as g
left join marts.upgrade_candidates as u on u.gaggle_id = g.gaggle_id
left join marts.corporate_accounts as a on a.corporate_email = g.corporate_email
where g.gaggle_id = $gaggle_id
