-- One row where a domain belongs to another company, or merges into it: that company's domain.
select i.corporate_email
from identity.domain_identity as i
inner join marts.corporate_accounts as a on a.corporate_email = i.corporate_email
where i.email_domain = $domain
