-- What the API reads of the log of a job, queue, endpoint or person, or of all of the workspace.
-- All that one command caused was stored in one commit, together with what it did itself.

-- name: lines
-- Filled in: > and asc for the oldest first, < and desc for the newest.
-- $1 job, $2 subjects that are no jobs, $3 actors, $4 they are people, $5 types, $6 cause, $7 from and
-- $8 to this sequence, $9 of jobs of this user; cursor: $10 sequence, $11 index.
select l.sequence, l.index, l.job, l.subject, l.at, l.actor, l.cause, l.type, l.data
from job_log l
where ($1::text is null or l.job = $1)
    and ($2::text[] is null or (l.job is null and l.subject = any($2)))
    and ($3::text[] is null or l.actor = any($3))
    and (not $4::boolean or (l.actor <> 'scheduler' and l.actor not like 'endpoint/%'))
    and ($5::text[] is null or l.type = any($5))
    and ($6::text is null or l.cause = $6)
    and l.sequence >= $7::bigint and l.sequence <= $8::bigint
    and ($9::text is null or exists (select from jobs j where j.id = l.job and j.user_name = $9))
    and ($10::bigint is null or (l.sequence, l.index) {beyond} ($10, $11::int))
order by l.sequence {order}, l.index {order}
limit $12

-- name: commands
-- The first and the last commit of a person's command. $1 its id.
select min(sequence) as first, max(sequence) as last from job_log
where cause = $1 and actor <> 'scheduler' and actor not like 'endpoint/%'

-- name: heads
-- What each of these lines came from: the first event of the same commit and cause, where that is
-- another. $1 sequences, $2 indexes, $3 causes.
select h.sequence, h.index, h.job, h.subject, h.at, h.actor, h.cause, h.type, h.data, j.user_name
from unnest($1::bigint[], $2::int[], $3::text[]) as l (sequence, index, cause)
cross join lateral (
    select * from job_log
    where job_log.sequence = l.sequence and job_log.cause = l.cause and job_log.index < l.index
    order by job_log.index limit 1
) as h
left join jobs j on j.id = h.job
group by h.sequence, h.index, h.job, h.subject, h.at, h.actor, h.cause, h.type, h.data, j.user_name

-- name: moment
-- When the first commit from $1 on was stored.
select at from job_log where sequence >= $1 order by sequence, index limit 1

-- name: subjects_of_endpoint
-- It, and every pair that it is one of. $1 its id.
select 'endpoint/' || $1::text as subject
union
select subject from job_log
where job is null and subject like 'pair/%' and strpos(subject, '/' || $1::text) > 0
