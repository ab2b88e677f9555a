-- One row: how many open tickets the filters let through, and how long they have waited.
select
    count(*) as total,
    count(case when is_paying then 1 end) as paying,
    count(case when user_id is null then 1 end) as unknown_senders,
    max(waiting_hours) as longest_hours,
    median(waiting_hours) as median_hours
from marts.support_queue
where (not $paying or is_paying)
    and ($segment is null or coalesce(rfm_segment, '(unknown sender)') = $segment)
    and ($company is null or company = $company)
    and waiting_hours >= $hours
    and (
        $text is null
        or contains(
            lower(strip_accents(concat_ws(chr(10), subject, user_name, email, ticket_id))),
            lower(strip_accents($text))
        )
    )
