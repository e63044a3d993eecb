-- What a manifest is made of (tables: projections/sql/schema.sql).

-- name: job
-- $1 job.
select
    j.id, j.name, j.compute is not null as computes, j.status, j.user_name, j.tries, j.created_at,
    j.finished_at, j.tasks_done, j.bytes_done, j.sequence, j.index,
    j.source_endpoint, j.source_volume, j.source_path, s.name as source_name,
    j.destination_endpoint, j.destination_volume, j.destination_path, d.name as destination_name
from jobs j
left join endpoints s on s.id = j.source_endpoint
left join endpoints d on d.id = j.destination_endpoint
where j.id = $1

-- name: done
-- $1 job, $2 behind this number.
select number, uri, kind, size, hash, mtime_ns, started_at, took_ms from tasks
where job = $1 and number > $2 and status = 'done'
order by number
limit $3
