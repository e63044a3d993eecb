-- What the API reads of queues (tables: projections/sql/schema.sql). A deleted queue has a row for
-- as long as the log speaks of it, but is in no list.

-- name: queues
-- $1 with those deleted behind this position; null: without any.
select
    q.id, q.code, q.priority, q.description, q.is_default, q.is_compute_default, q.metadata,
    q.status, q.sequence,
    coalesce(sum(c.jobs) filter (where c.status in ('init', 'waiting')), 0)::bigint as jobs_waiting,
    coalesce(sum(c.jobs) filter (where c.status = 'running'), 0)::bigint as jobs_running
from queues q
left join job_counts c on c.queue = q.id
where q.status <> 'deleted' or q.sequence > $1::bigint
group by q.id
order by q.priority desc, q.id

-- name: ever_called
-- The queue with this id or code, also a deleted one: the one that is there, else the last.
select id from queues where id = $1 or code = $1
order by (id = $1) desc, (status <> 'deleted') desc, sequence desc
limit 1

-- name: jobs_went_to
-- The code of the queue that took over the jobs of a deleted one. $1 sequence, $2 cause.
select q.code from job_log l
join queues q on q.id = l.data ->> 'to'
where l.sequence = $1 and l.cause = $2 and l.type = 'queue.deleted'
limit 1
