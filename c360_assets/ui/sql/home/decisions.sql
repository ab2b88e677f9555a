-- One row per kind of merge decision and outcome.
select kind, outcome, count(*) as decisions
from identity.merge_journal
group by kind, outcome
order by kind desc, outcome
