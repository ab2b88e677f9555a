-- One row per decision, of the journal or of files that no run has read yet, with what it comes to.
-- $waiting is a JSON list of rows of the journal as the next run will have them.
with waiting as (
    select unnest(from_json($waiting, '[{
        "kind": "VARCHAR", "source_file": "VARCHAR", "source_row": "BIGINT",
        "old_key": "VARCHAR", "new_key": "VARCHAR", "decision": "VARCHAR",
        "decided_by": "VARCHAR", "decided_at": "TIMESTAMP", "reason": "VARCHAR",
        "outcome": "VARCHAR", "outcome_reason": "VARCHAR", "explanation": "VARCHAR",
        "is_new": "BOOLEAN", "is_gone": "BOOLEAN",
        "old_contact": "VARCHAR", "new_contact": "VARCHAR"
    }]'), recursive := true)
),

decisions as (
    select
        j.kind, j.source_file, j.source_row, j.old_key, j.new_key, j.decision, j.decided_by,
        j.decided_at, j.reason, j.outcome,
        coalesce(w.outcome, j.outcome) as outcome_then,
        coalesce(w.explanation, j.explanation) as explanation,
        w.source_file is not null as is_waiting,
        coalesce(w.is_gone, false) as is_gone,
        o.contact_id as old_contact,
        n.contact_id as new_contact
    from identity.merge_journal as j
    left join waiting as w
        on w.kind = j.kind and w.source_file = j.source_file and w.source_row = j.source_row
        and not w.is_new
    left join identity.contact_ids as o on j.kind = 'user' and o.email = j.old_key
    left join identity.contact_ids as n on j.kind = 'user' and n.email = j.new_key
    anti join waiting as r
        on r.kind = j.kind and r.source_file = j.source_file and r.source_row = j.source_row
        and r.is_new
    union all
    select
        kind, source_file, source_row, old_key, new_key, decision, decided_by, decided_at, reason,
        null, outcome, explanation, true, false, old_contact, new_contact
    from waiting
    where is_new
)

select
    kind || '/' || source_file || '/' || source_row as decision_id,
    kind,
    old_key,
    new_key,
    decision,
    decided_by,
    decided_at,
    reason,
    old_contact,
    new_contact,
    explanation,
    case
        when is_gone then outcome || ', its file is gone: lapses with the next run'
        when is_waiting and outcome is null then outcome_then || ', waiting for the next run'
        when is_waiting then outcome || ', ' || outcome_then || ' with the next run'
        else outcome
    end as state,
    is_waiting,
    case
        when decision in ('merge', 'never') and not is_gone and old_key is not null
            and new_key is not null and outcome_then in ('applied', 'pending') then 'Undo'
    end as undo
from decisions
where ($kind is null or kind = $kind)
    and ($decision is null or decision = $decision)
    and ($outcome is null or outcome_then = $outcome)
    and ($by is null or contains(lower(decided_by), $by))
    and ($key is null or contains(lower(old_key), $key) or contains(lower(new_key), $key))
