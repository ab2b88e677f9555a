-- One row: the words as marts.search_index has its texts: without accents, a tab before each word.
select
    list_transform(
        $words,
        lambda word: regexp_replace(lower(strip_accents(word)), '([.@_+-])', '\1' || chr(9), 'g')
    ) as words
