-- What the API reads of the history of throughput (tables: projections/sql/schema.sql). $2 from,
-- $3 to before, $4 step in seconds.

-- name: job
-- $1 job.
select created_at, started_at, finished_at from jobs where id = $1

-- name: endpoint
-- $1 id or name.
select id from endpoints where id = $1 or name = $1 order by (id = $1) desc limit 1

-- name: of_job
-- $1 job.
select date_bin(make_interval(secs => $4::int), bucket, 'epoch') as at, sum(bytes)::bigint as bytes
from throughput
where job = $1 and bucket >= $2 and bucket < $3
group by at

-- name: sent
-- $1 endpoint.
select date_bin(make_interval(secs => $4::int), bucket, 'epoch') as at, sum(bytes)::bigint as bytes
from pair_throughput
where source = $1 and bucket >= $2 and bucket < $3
group by at

-- name: received
-- $1 endpoint.
select date_bin(make_interval(secs => $4::int), bucket, 'epoch') as at, sum(bytes)::bigint as bytes
from pair_throughput
where destination = $1 and bucket >= $2 and bucket < $3
group by at

-- name: of_pair
-- $1 source, $5 destination.
select date_bin(make_interval(secs => $4::int), bucket, 'epoch') as at, sum(bytes)::bigint as bytes
from pair_throughput
where source = $1 and destination = $5 and bucket >= $2 and bucket < $3
group by at
