-- One row per person, company or gaggle that has the words, but not at the beginnings of words.
-- Those of closeness 4 of `hits`, without looking at how close all the others are.
select kind, object_id, user_id
from marts.search_index
where kind in (select unnest($kinds))
    and contains(search_text, $word_1)
    and contains(search_text, $word_2)
    and contains(search_text, $word_3)
    and contains(search_text, $word_4)
    -- seldom more words, so a list of them need not be fast
    and coalesce(list_bool_and([contains(search_text, w) for w in $more_words]), true)
    and not contains(search_text, chr(10) || chr(9) || $text)
    and not (
        contains(search_text, chr(9) || $word_1)
        and contains(search_text, chr(9) || $word_2)
        and contains(search_text, chr(9) || $word_3)
        and contains(search_text, chr(9) || $word_4)
    )
    and not list_contains($skipped, value_rank)
order by value_rank
limit $limit
