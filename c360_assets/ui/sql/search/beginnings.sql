-- One row per person, company or gaggle with a name, address or domain that begins with the text.
-- Those of closeness 1 and 2 of `hits`, without looking at how close all the others are.
select kind, object_id, user_id
from marts.search_index
where kind in (select unnest($kinds))
    and contains(search_text, chr(10) || chr(9) || $text)
    and not list_contains($skipped, value_rank)
order by contains(search_text, chr(10) || chr(9) || $text || chr(10)) desc, value_rank
limit $limit
