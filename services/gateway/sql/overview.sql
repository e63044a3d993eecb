-- What the API reads of the workspace as a whole. $1 from, $2 to before.

-- name: ended
select status, count(*) as jobs from jobs
where finished and not archived and finished_at >= $1 and finished_at < $2
group by status

-- name: failed
select count(*) from jobs where status = 'failed' and since >= $1 and since < $2

-- name: failures
select error_class, jobs, id, name, error_message, since from (
    select
        error_class, id, name, error_message, since,
        count(*) over (partition by error_class) as jobs,
        row_number() over (partition by error_class order by since desc, id) as number
    from jobs where status = 'failed'
) as failed
where number = 1
order by jobs desc, since desc

-- name: flows
-- $3 step in seconds, $4 how fine throughput is kept.
select
    source, destination, date_bin(make_interval(secs => $3::int), bucket, 'epoch') as at,
    sum(bytes)::bigint as bytes
from pair_throughput
where step = any($4::int[]) and bucket >= $1 and bucket < $2
group by source, destination, at

-- name: running
select source_endpoint as source, destination_endpoint as destination, count(*) as jobs
from jobs
where status = 'running' and compute is null
group by source_endpoint, destination_endpoint
