-- One row: to how many campaigns and days of them the person was subject.
select count(*) as total
from marts.campaign_targets
where user_id = $user_id
