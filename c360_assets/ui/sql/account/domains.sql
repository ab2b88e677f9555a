-- One row per domain that counts as the company: how it came to it.
select email_domain, merge_path
from identity.domain_identity
where corporate_email = $domain
