-- What the API reads of the tries of a task (tables: projections/sql/schema.sql).

-- name: task_exists
-- $1 job, $2 number.
select exists (select from tasks where job = $1 and number = $2)

-- name: attempts
-- The tries that are over, then the last one, which the task's own row shows. $1 job, $2 number,
-- $3 behind this try, $4 limit.
select
    tried.*, e.name as endpoint_name, r.endpoint, r.exit_code, r.peak_memory_bytes, r.cpu_ms
from (
    select
        attempt, run, outcome, started_at, took_ms, bytes, cause, error_class, error_message,
        measured
    from attempts where job = $1 and number = $2
    union all
    select
        tries, run, status, started_at, took_ms,
        case
            when status = 'done' and kind <> 'frame'
            then greatest(0, size - coalesce((measured ->> 'saved')::bigint, 0))
            else (measured ->> 'bytes')::bigint
        end,
        null, error_class, error_message, measured
    from tasks where job = $1 and number = $2 and run is not null
) as tried
left join runs r on r.job = $1 and r.run = tried.run
left join endpoints e on e.id = r.endpoint
where tried.attempt > $3
order by tried.attempt
limit $4

-- name: one_try
-- A try of a task and where it ran; of one that was not tried, its status. $1 job, $2 number,
-- $3 which try, null for the last.
select
    t.status, tried.attempt, tried.run, tried.outcome, r.endpoint, e.name as endpoint_name,
    j.compute is not null as computes
from tasks t
join jobs j on j.id = t.job
left join lateral (
    select attempt, run, outcome from attempts a
    where a.job = t.job and a.number = t.number and ($3::int is null or attempt = $3)
    union all
    select t.tries, t.run, t.status where t.run is not null and ($3 is null or t.tries = $3)
    order by attempt desc
    limit 1
) as tried on true
left join runs r on r.job = t.job and r.run = tried.run
left join endpoints e on e.id = r.endpoint
where t.job = $1 and t.number = $2
