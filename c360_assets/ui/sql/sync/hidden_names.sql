-- One row per text asked for that has the full name of somebody who is hidden.
with
texts as (select distinct unnest($texts::varchar[]) as text),
worded as (
    -- as the names are kept: small letters without accents, one blank between two words
    select
        text,
        regexp_extract_all(lower(strip_accents(text)), '[\p{L}\p{M}\p{N}]+') as words
    from texts
),
pairs as (
    select
        text,
        words,
        unnest(list_zip(words[:-2], words[2:])) as pair,
        generate_subscripts(words[2:], 1) as place
    from worded
),
names as (
    select words, string_split(words, ' ') as parts from hidden.names
)
select distinct p.text
from pairs as p
inner join names as n on n.parts[1] = p.pair[1] and n.parts[2] = p.pair[2]
where array_to_string(p.words[p.place:p.place + len(n.parts) - 1], ' ') = n.words
