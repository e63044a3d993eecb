-- What the API reads of jobs (tables: projections/sql/schema.sql). A list is read in two steps: the
-- ids that match, in order and behind the cursor; then the rows of those ids. A filter that is not
-- given is null; the gateway's connections plan each query with its values (`force_custom_plan`),
-- so that what is null is not there for the planner.

-- name: checkpoint
select sequence from checkpoint where projection = 'rows'

-- name: active
-- $1 queue's id, $2 status, $3 user, $4 pattern, $5 or these endpoints; cursor: $6 priority,
-- $7 queue, $8 place, $9 job.
select j.id, q.priority, j.queue, j.place
from queues q
cross join lateral (
    select id, queue, place from jobs
    where jobs.queue = q.id and not finished
        and ($2::text is null or status = $2)
        and ($3::text is null or user_name = $3)
        and (
            $4::text is null or search like $4
            or ($5::text[] is not null
                and (source_endpoint = any($5) or destination_endpoint = any($5)))
        )
        and (q.id is distinct from $7::text or (place, id) > ($8::text, $9::text))
    order by place, id
    limit $10
) as j
where ($1::text is null or q.id = $1)
    and ($7::text is null or (-q.priority, q.id) >= (-$6::int, $7::text))
order by q.priority desc, j.queue, j.place, j.id
limit $10

-- name: finished
-- $1 to $5 as above; cursor: $6 finished_at, $7 job.
select id, finished_at from jobs
where finished and not archived
    and ($1::text is null or queue = $1)
    and ($2::text is null or status = $2)
    and ($3::text is null or user_name = $3)
    and (
        $4::text is null or search like $4
        or ($5::text[] is not null and (source_endpoint = any($5) or destination_endpoint = any($5)))
    )
    and ($7::text is null or (finished_at, id) < ($6::timestamptz, $7::text))
order by finished_at desc, id desc
limit $8

-- name: counted
-- How many match, without a search: nobody counts a million rows. $1 queue's id, $2 status,
-- $3 user, $4 finished.
select coalesce(sum(jobs), 0)::bigint from job_counts
where (status in ('done', 'aborted')) = $4
    and ($1::text is null or queue = $1)
    and ($2::text is null or status = $2)
    and ($3::text is null or user_name = $3)

-- name: counted_by_search
-- $1 to $5 as above, $6 finished.
select count(*) from jobs
where finished = $6 and not archived
    and ($1::text is null or queue = $1)
    and ($2::text is null or status = $2)
    and ($3::text is null or user_name = $3)
    and (
        search like $4
        or ($5::text[] is not null and (source_endpoint = any($5) or destination_endpoint = any($5)))
    )

-- name: by_prefix
-- Two are enough to know that the beginning of an id is not enough. $1 from, $2 below, $3 user.
select id from jobs
where id >= $1 and id < $2 and ($3::text is null or user_name = $3)
order by id
limit 2

-- name: rows
-- In the order of the ids. What a run brought stays until the next run's first tick, whatever became
-- of the run; its pace and its tasks count only while it is on.
select
    j.id, j.name, j.kind, j.status, j.listed, j.place, j.size, j.tasks_total, j.tasks_failed,
    j.tasks_onhold, j.tasks_excluded, j.tries, j.error_class, j.error_message, j.created_at, j.started_at, j.finished_at, j.retry_at,
    j.sequence, j.version, j.archived, j.removed, j.size_removed, j.user_name, j.causes, j.queue as queue_id, q.code as queue,
    j.source_endpoint, j.source_volume, j.source_path,
    j.destination_endpoint, j.destination_volume, j.destination_path,
    s.name as source_name, d.name as destination_name, j.compute, j.depends_on,
    j.route, coalesce(r.name, j.relay) as relay,
    case when j.compute is not null then (
        select jsonb_agg(e.name order by e.name)
        from jsonb_each_text(j.lanes) as lane
        join endpoints e on e.id = lane.value
    ) end as lane_names,
    greatest(j.bytes_done, p.bytes_done) as bytes_done,
    greatest(j.tasks_done, case when j.status = 'running' and p.run = j.run then p.tasks_done end)
        as tasks_done,
    case
        when j.status = 'running' and p.run = j.run and p.at > now() - interval '5 seconds'
        then p.bytes_per_second else 0
    end as bytes_per_second,
    case when j.compute is not null and j.status = 'running' then (
        select sum(c.tasks * c.percent / 100) from command_progress c
        where c.job = j.id and j.lanes ? c.run::text
    ) end as partial
from unnest($1::text[]) with ordinality as asked (id, nth)
join jobs j on j.id = asked.id
left join queues q on q.id = j.queue
left join endpoints s on s.id = j.source_endpoint
left join endpoints d on d.id = j.destination_endpoint
left join endpoints r on r.id = j.relay
left join progress p on p.job = j.id and j.status <> 'init'
order by asked.nth

-- name: heads
-- The first jobs in line of these queues. $1 queues, $2 how many of each, one by one.
select j.id
from unnest($1::text[], $2::int[]) as asked (queue, most)
cross join lateral (
    select id from jobs
    where jobs.queue = asked.queue and not finished
        and (status in ('init', 'waiting', 'running') or (status = 'failed' and retry_at is not null))
    order by place, id
    limit asked.most
) as j

-- name: owners
select id, user_name from jobs where id = any($1::text[])

-- name: names
-- What people call the jobs with these ids, of all users or of one.
select id, name from jobs where id = any($1::text[]) and ($2::text is null or user_name = $2)

-- name: totals_of_tasks
-- Done and failed ones are counted in the job's row; those executing are few.
select
    j.name, j.tasks_total, j.tasks_done, j.tasks_failed, j.source_path, j.source_volume,
    j.tasks_onhold, j.tasks_excluded,
    (select count(*) from tasks where job = j.id and status = 'booting') as tasks_booting,
    (select count(*) from tasks where job = j.id and status = 'executing') as tasks_executing
from jobs j where j.id = $1

-- name: tasks
-- $1 job, $2 status, $3 behind this number.
select
    t.number, t.uri, t.kind, t.size, t.status, t.tries, t.started_at, t.took_ms, t.error_class,
    t.error_message, t.hash, c.percent, c.status as said
from tasks t
left join command_progress c on c.job = t.job and c.run = t.run and t.status = 'executing'
where t.job = $1 and t.number > $3 and ($2::text is null or t.status = $2)
order by t.number
limit $4
