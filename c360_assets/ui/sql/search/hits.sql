-- One row per person, company or gaggle whose text has every word, the closest first.
-- Words that are not there are '', which every text has.
with found as (
    select
        kind,
        object_id,
        user_id,
        value_rank,
        case
            -- a line of it is the text; begins with it; each word begins a word of it
            when contains(search_text, chr(10) || chr(9) || $text || chr(10)) then 1
            when contains(search_text, chr(10) || chr(9) || $text) then 2
            when contains(search_text, chr(9) || $word_1)
                and contains(search_text, chr(9) || $word_2)
                and contains(search_text, chr(9) || $word_3)
                and contains(search_text, chr(9) || $word_4) then 3
            else 4
        end as closeness
    from marts.search_index
    where kind in (select unnest($kinds))
        and contains(search_text, $word_1)
        and contains(search_text, $word_2)
        and contains(search_text, $word_3)
        and contains(search_text, $word_4)
        -- seldom more words, so a list of them need not be fast
        and coalesce(list_bool_and([contains(search_text, w) for w in $more_words]), true)
        and not list_contains($skipped, value_rank)
)

select kind, object_id, user_id
from found
order by closeness, value_rank
limit $limit offset $offset
