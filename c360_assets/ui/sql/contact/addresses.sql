-- One row per account of a person, and per address of theirs that no account has: how it came.
with accounts as (
    select i.user_id, i.email, i.rule, i.merge_path, i.contact_user_id, i.contact_email
    from identity.user_identity as i
    where i.contact_user_id = $user_id
),

-- of several decisions on an address the one in force; a file may repeat it
merges as (
    select
        j.old_key,
        arg_max(struct_pack(
            new_key := j.new_key,
            merge_path := j.merge_path,
            decided_by := j.decided_by,
            decided_at := j.decided_at,
            reason := j.reason,
            source_file := j.source_file,
            source_row := j.source_row
        ), (coalesce(j.decided_at, timestamp '0001-01-01'), j.source_file, j.source_row)) as merge
    from identity.merge_journal as j
    inner join marts.contacts as c on c.email = j.resolved_to
    where c.user_id = $user_id
        and j.kind = 'user' and j.decision = 'merge' and j.outcome = 'applied'
    group by j.old_key
),

found as (
    select a.user_id, a.email, a.rule, m.merge, a.merge_path
    from accounts as a
    left join merges as m on m.old_key = a.email
    union all
    select null, m.old_key, 'address', m.merge, m.merge.merge_path
    from merges as m
    where m.old_key not in (select email from accounts where email is not null)
)

select
    coalesce(f.user_id, 'address ' || f.email) as row_id,
    f.user_id,
    f.email,
    u.user_name,
    u.created_at,
    u.gaggle_id,
    g.gaggle_name,
    case
        when f.user_id = $user_id then 'stands for the person'
        when f.rule = 'same_email' then 'same address as another account'
        when f.rule = 'address' then 'named in a merge, no account has it: ' || f.merge_path
        when f.merge_path is not null then 'merged: ' || f.merge_path
        else 'counts as the person'
    end as how,
    case when f.merge is not null then concat_ws(
        ', ',
        f.merge.decided_by,
        strftime(f.merge.decided_at, '%Y-%m-%d %H:%M'),
        f.merge.reason,
        f.merge.source_file || ' row ' || f.merge.source_row
    ) end as decision,
    f.merge.decided_by as decided_by,
    f.merge.decided_at as decided_at,
    f.merge.reason as reason,
    f.merge.source_file as source_file,
    f.merge.source_row as source_row,
    f.user_id is not distinct from $user_id as is_main
from found as f
left join staging.stg_users as u on u.user_id = f.user_id
left join marts.gaggle_facts as g on g.gaggle_id = u.gaggle_id
