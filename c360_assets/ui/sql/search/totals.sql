-- One row per kind: how many of it have every word.
select kind, count(*) as total
from marts.search_index
where kind in (select unnest($kinds))
    and contains(search_text, $word_1)
    and contains(search_text, $word_2)
    and contains(search_text, $word_3)
    and contains(search_text, $word_4)
    -- seldom more words, so a list of them need not be fast
    and coalesce(list_bool_and([contains(search_text, w) for w in $more_words]), true)
    and not list_contains($skipped, value_rank)
group by kind
