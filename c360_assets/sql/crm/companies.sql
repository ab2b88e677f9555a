-- one row per company domain of marts.corporate_accounts, domain merges applied; its three
-- look-ups also as contact ids, by which CRMs know people
select
    corporate_accounts.corporate_email,
    corporate_accounts.number_of_gaggles,
    corporate_accounts.number_of_users_corporate,
    corporate_accounts.number_of_events_corporate,
    corporate_accounts.first_event_corporate,
    corporate_accounts.most_recent_event_corporate,
    corporate_accounts.number_of_orders_corporate,
    corporate_accounts.first_order_corporate,
    corporate_accounts.most_recent_order_corporate,
    corporate_accounts.number_of_users_associated,
    corporate_accounts.number_of_events_associated,
    corporate_accounts.first_event_associated,
    corporate_accounts.most_recent_event_associated,
    corporate_accounts.number_of_orders_associated,
    corporate_accounts.first_order_associated,
    corporate_accounts.most_recent_order_associated,
    corporate_accounts.first_user_id,
    corporate_accounts.most_active_user_id,
    corporate_accounts.most_orders_user_id,
    corporate_accounts.won_deals,
    corporate_accounts.lost_deals,
    corporate_accounts.won_amount,
    corporate_accounts.current_plan,
    corporate_accounts.customer_since,
    corporate_accounts.is_paying,
    first_contact.contact_id as first_contact_id,
    most_active.contact_id as most_active_contact_id,
    most_orders.contact_id as most_orders_contact_id
from marts.corporate_accounts as corporate_accounts
left join marts.contacts as first_contact
    on corporate_accounts.first_user_id = first_contact.user_id
left join marts.contacts as most_active
    on corporate_accounts.most_active_user_id = most_active.user_id
left join marts.contacts as most_orders
    on corporate_accounts.most_orders_user_id = most_orders.user_id
