-- One row per company domain asked for that is a company today.
select corporate_email as id
from marts.corporate_accounts
where corporate_email in (select unnest($ids))
