-- One row per person who decided since a moment, by the journal.
select decided_by, count(*) as decisions, max(decided_at) as last_at
from identity.merge_journal
where decided_at >= $since
group by decided_by
order by decisions desc, decided_by
