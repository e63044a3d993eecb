-- What the API reads of endpoints, names and the log as a whole, and what the event stream reads of
-- everything. `$1` of a stream's query is the position behind which it reads.

-- name: endpoints
with busy as (
    select endpoint, count(*) as jobs
    from (
        select source_endpoint as endpoint from jobs where status = 'running'
        union all
        select destination_endpoint from jobs
        where status = 'running' and destination_endpoint <> source_endpoint
    ) as sides
    group by endpoint
), computing as (
    select lane.endpoint, count(*) as lanes, count(distinct jobs.id) as jobs
    from jobs, jsonb_each_text(jobs.lanes) as lane (run, endpoint)
    where jobs.status = 'running'
    group by lane.endpoint
)
select
    e.id, e.name, e.kind, e.online, e.volumes, e.full_volumes, e.sequence, e.url, e.relays,
    e.since, e.machine, e.lanes, e.disabled_by, e.disabled_at,
    coalesce(busy.jobs, 0) + coalesce(computing.jobs, 0) as jobs_running,
    coalesce(computing.lanes, 0) as lanes_taken,
    (
        select jsonb_object_agg(r.volume, jsonb_build_array(r.free_bytes, r.total_bytes))
        from rooms r where r.endpoint = e.id
    ) as rooms,
    (
        select jsonb_agg(
            jsonb_build_object('endpoint', p.name, 'reached', found.reached) order by p.name
        )
        from jsonb_to_recordset(e.reach) as found (endpoint text, url text, reached boolean)
        join endpoints p on p.id = found.endpoint and p.url = found.url
    ) as reaches
from endpoints e
left join busy on busy.endpoint = e.id
left join computing on computing.endpoint = e.id
order by e.name, e.id

-- name: names
select id, code as name from queues
union all
select id, name from endpoints

-- name: endpoint_names
select id, name from endpoints

-- name: endpoint_online
select id from endpoints where name = $1 and online

-- name: endpoint_named
select id, online, volumes from endpoints where name = $1

-- name: endpoint_called
-- $1 id or name.
select id from endpoints where id = $1 or name = $1 order by (id = $1) desc limit 1

-- name: files_changed
-- What became of the change of files that was stored at $1 by the command $2.
select o.data from job_log c
join job_log o on o.job is null and o.subject = c.subject and o.sequence >= c.sequence
where c.sequence = $1 and c.cause = $2 and c.type = 'endpoint.files_changing'
    and o.type = 'endpoint.files_changed' and o.data ->> 'change' = c.data ->> 'change'
order by o.sequence limit 1

-- name: jobs_by_status
select status, sum(jobs)::bigint as jobs from job_counts group by status

-- name: row_cut
-- The sequence of the ($2+1)th job changed since $1: where a page of changes has to end.
select sequence from jobs
where sequence > $1 and ($3::text is null or id = $3) and ($4::text is null or user_name = $4)
order by sequence offset $2 limit 1

-- name: event_cut
select l.sequence from job_log l
where l.sequence > $1 and ($3::text is null or l.job = $3)
    and ($4::text is null or exists (select from jobs j where j.id = l.job and j.user_name = $4))
order by l.sequence, l.index offset $2 limit 1

-- name: changed_jobs
-- $1 from behind, $2 up to, $3 job, $4 user.
select id from jobs
where sequence > $1 and sequence <= $2
    and ($3::text is null or id = $3) and ($4::text is null or user_name = $4)
order by sequence, index

-- name: events
select l.sequence, l.index, l.job, l.subject, l.at, l.actor, l.cause, l.type, l.data, j.user_name
from job_log l
left join jobs j on j.id = l.job
where l.sequence > $1 and l.sequence <= $2
    and ($3::text is null or l.job = $3) and ($4::text is null or j.user_name = $4)
order by l.sequence, l.index
