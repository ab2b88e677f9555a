-- One row per decision of one person that holds, the latest first.
select *
from identity.merge_journal
where decided_by = $name
    and decision in ('merge', 'never')
    and outcome in ('applied', 'pending')
    and decided_at is not null
    and old_key is not null
    and new_key is not null
order by decided_at desc, source_file desc, source_row desc
limit 20
