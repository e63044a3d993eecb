-- Where the time of a job went (tables: projections/sql/schema.sql).

-- name: timing
-- $1 job. It moves from its first start to its end, or to now while it runs.
select
    t.listing_ms, t.saved, t.reading_ms, t.network_ms, t.limited_ms, t.writing_ms, t.verifying_ms,
    coalesce(s.name, j.source_endpoint) as source,
    coalesce(d.name, j.destination_endpoint) as destination,
    greatest(0, coalesce(extract(epoch from
        coalesce(j.finished_at, case when j.status = 'running' then now() else j.since end)
            - j.started_at
    ), 0))::double precision as moving_s
from timings t
join jobs j on j.id = t.job
left join endpoints s on s.id = j.source_endpoint
left join endpoints d on d.id = j.destination_endpoint
where t.job = $1
