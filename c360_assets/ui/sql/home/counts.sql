-- One row: how many people, companies, gaggles, customers, suggested merges and tickets there are.
select
    (select count(*) from marts.contacts) as contacts,
    (select count(*) from marts.corporate_accounts) as companies,
    (select count(*) from marts.gaggle_facts) as gaggles,
    (select count(*) from marts.contacts where number_of_orders > 0) as customers,
    (select count(*) from identity.merge_candidates where kind = 'user') as suggested_people,
    (select count(*) from identity.merge_candidates where kind = 'domain') as suggested_companies,
    (select count(*) from marts.support_queue) as open_tickets,
    (select max(waiting_hours) from marts.support_queue) as longest_waiting_hours
