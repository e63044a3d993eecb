-- The projector's queries. Columns stand in the order of the fields of the row's struct
-- (projections/*_rows.py); a test compares them.

-- name: create_schema
-- One at a time: of two that create a schema at once "if not exists", PostgreSQL fails one.
select pg_advisory_xact_lock(hashtext('haulage schemas'), 0);
create schema if not exists "{schema}"

-- name: has_tables
select to_regclass('checkpoint') is not null

-- name: fingerprint
select obj_description(to_regnamespace(current_schema()), 'pg_namespace')

-- name: take_turn
-- One writer at a time, in whichever process: this before anything else names a table, so that a
-- schema swapped in meanwhile is found by its name.
select pg_advisory_xact_lock(hashtext('haulage'), hashtext(current_schema()))

-- name: try_rebuild
select pg_try_advisory_lock(hashtext('haulage rebuild'), 0)

-- name: columns_of_both
select string_agg(quote_ident(one.column_name), ', ' order by one.column_name)
from information_schema.columns as one
join information_schema.columns as other using (table_name, column_name)
where one.table_schema = $1 and other.table_schema = $2 and table_name = $3

-- name: start_checkpoint
insert into checkpoint (projection, sequence, chain) values ('rows', 0, $1)
on conflict (projection) do nothing

-- name: checkpoint
select sequence, chain, announced from checkpoint where projection = 'rows'

-- name: checkpoint_for_update
select sequence, chain, announced from checkpoint where projection = 'rows' for update

-- name: move_checkpoint
update checkpoint set sequence = $1, chain = $2, announced = greatest(announced, $3)
where projection = 'rows'

-- name: changed_jobs
select id from jobs where sequence > $1 order by id

-- name: changed_endpoints
select id from endpoints where sequence > $1 order by id

-- name: all_queues
select id from queues order by id

-- name: load_jobs
select
    id, kind, name, user_name, queue, place, source_endpoint, source_volume, source_path,
    destination_endpoint, destination_volume, destination_path, search, created_at, since,
    sequence, index, status, listed, run, executor, size, bytes_done, tasks_total, tasks_done,
    tasks_failed, skipped, tries, failures, error_class, error_message, run_started_at,
    started_at, finished_at, retry_at, version, tasks_onhold, tasks_excluded, compute,
    depends_on, adding, causes, lanes, archived, opened, route, relay, removed,
    size_removed
from jobs where id = any($1::text[])

-- name: save_jobs
insert into jobs (
    id, kind, name, user_name, queue, place, source_endpoint, source_volume, source_path,
    destination_endpoint, destination_volume, destination_path, search, created_at, since,
    sequence, index, status, listed, run, executor, size, bytes_done, tasks_total, tasks_done,
    tasks_failed, skipped, tries, failures, error_class, error_message, run_started_at,
    started_at, finished_at, retry_at, version, tasks_onhold, tasks_excluded, compute,
    depends_on, adding, causes, lanes, archived, opened, route, relay, removed,
    size_removed
)
select * from unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
    $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[],
    $14::timestamptz[], $15::timestamptz[], $16::bigint[], $17::int[], $18::text[],
    $19::boolean[], $20::int[], $21::text[], $22::bigint[], $23::bigint[], $24::bigint[],
    $25::bigint[], $26::bigint[], $27::bigint[], $28::int[], $29::int[], $30::text[],
    $31::text[], $32::timestamptz[], $33::timestamptz[], $34::timestamptz[], $35::timestamptz[],
    $36::bigint[], $37::bigint[], $38::bigint[], $39::jsonb[], $40::jsonb[], $41::boolean[],
    $42::jsonb[], $43::jsonb[], $44::boolean[], $45::boolean[], $46::text[], $47::text[],
    $48::bigint[], $49::bigint[]
)
on conflict (id) do update set
    kind = excluded.kind, name = excluded.name, user_name = excluded.user_name,
    queue = excluded.queue, place = excluded.place, source_endpoint = excluded.source_endpoint,
    source_volume = excluded.source_volume, source_path = excluded.source_path,
    destination_endpoint = excluded.destination_endpoint,
    destination_volume = excluded.destination_volume,
    destination_path = excluded.destination_path, search = excluded.search,
    created_at = excluded.created_at, since = excluded.since, sequence = excluded.sequence,
    index = excluded.index, status = excluded.status, listed = excluded.listed,
    run = excluded.run, executor = excluded.executor, size = excluded.size,
    bytes_done = excluded.bytes_done, tasks_total = excluded.tasks_total,
    tasks_done = excluded.tasks_done, tasks_failed = excluded.tasks_failed,
    skipped = excluded.skipped, tries = excluded.tries, failures = excluded.failures,
    error_class = excluded.error_class, error_message = excluded.error_message,
    run_started_at = excluded.run_started_at, started_at = excluded.started_at,
    finished_at = excluded.finished_at, retry_at = excluded.retry_at,
    version = excluded.version, tasks_onhold = excluded.tasks_onhold,
    tasks_excluded = excluded.tasks_excluded, compute = excluded.compute,
    depends_on = excluded.depends_on, adding = excluded.adding,
    causes = excluded.causes, lanes = excluded.lanes, archived = excluded.archived,
    opened = excluded.opened, route = excluded.route, relay = excluded.relay,
    removed = excluded.removed, size_removed = excluded.size_removed
where (jobs.sequence, jobs.index) < (excluded.sequence, excluded.index)

-- name: load_queues
select
    id, code, priority, description, is_default, sequence, index, status,
    is_compute_default, metadata
from queues where id = any($1::text[])

-- name: save_queues
insert into queues (
    id, code, priority, description, is_default, sequence, index, status,
    is_compute_default, metadata
)
select * from unnest(
    $1::text[], $2::text[], $3::int[], $4::text[], $5::boolean[], $6::bigint[], $7::int[],
    $8::text[], $9::boolean[], $10::jsonb[]
)
on conflict (id) do update set
    code = excluded.code, priority = excluded.priority, description = excluded.description,
    is_default = excluded.is_default, sequence = excluded.sequence, index = excluded.index,
    status = excluded.status, is_compute_default = excluded.is_compute_default,
    metadata = excluded.metadata
where (queues.sequence, queues.index) < (excluded.sequence, excluded.index)

-- name: load_endpoints
select
    id, name, kind, since, sequence, index, online, session, url, volumes, offline_cause,
    machine, lanes, full_volumes, relays, reach, disabled_by, disabled_at
from endpoints where id = any($1::text[])

-- name: save_endpoints
insert into endpoints (
    id, name, kind, since, sequence, index, online, session, url, volumes, offline_cause,
    machine, lanes, full_volumes, relays, reach, disabled_by, disabled_at
)
select * from unnest(
    $1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::bigint[], $6::int[],
    $7::boolean[], $8::text[], $9::text[], $10::jsonb[], $11::text[], $12::jsonb[],
    $13::int[], $14::jsonb[], $15::int[], $16::jsonb[], $17::text[], $18::timestamptz[]
)
on conflict (id) do update set
    name = excluded.name, kind = excluded.kind, since = excluded.since,
    sequence = excluded.sequence, index = excluded.index, online = excluded.online,
    session = excluded.session, url = excluded.url, volumes = excluded.volumes,
    offline_cause = excluded.offline_cause, machine = excluded.machine,
    lanes = excluded.lanes, full_volumes = excluded.full_volumes, relays = excluded.relays,
    reach = excluded.reach, disabled_by = excluded.disabled_by,
    disabled_at = excluded.disabled_at
where (endpoints.sequence, endpoints.index) < (excluded.sequence, excluded.index)

-- name: save_rooms
-- Of volumes that the endpoint has; what it says of others is left out.
insert into rooms (endpoint, volume, free_bytes, total_bytes, at)
select told.endpoint, told.volume, told.free_bytes, told.total_bytes, now()
from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[])
    as told (endpoint, volume, free_bytes, total_bytes)
join endpoints e on e.id = told.endpoint
    and e.volumes @> jsonb_build_array(jsonb_build_object('code', told.volume))
on conflict (endpoint, volume) do update set
    free_bytes = excluded.free_bytes, total_bytes = excluded.total_bytes, at = excluded.at

-- name: load_tasks
-- `offset 0` keeps each span a search of its own in the primary key.
select
    t.job, t.number, t.uri, t.kind, t.size, t.sequence, t.index, t.status, t.tries,
    t.started_at, t.took_ms, t.error_class, t.error_message, t.hash, t.run, t.mtime_ns,
    t.measured
from unnest($1::text[], $2::int[], $3::int[]) as span (job, first, last)
cross join lateral (
    select * from tasks
    where tasks.job = span.job and tasks.number between span.first and span.last
    offset 0
) as t

-- name: save_tasks
insert into tasks (
    job, number, uri, kind, size, sequence, index, status, tries, started_at, took_ms,
    error_class, error_message, hash, run, mtime_ns, measured
)
select * from unnest(
    $1::text[], $2::int[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::int[],
    $8::text[], $9::int[], $10::timestamptz[], $11::bigint[], $12::text[], $13::text[],
    $14::text[], $15::int[], $16::bigint[], $17::jsonb[]
)
on conflict (job, number) do update set
    uri = excluded.uri, kind = excluded.kind, size = excluded.size,
    sequence = excluded.sequence, index = excluded.index, status = excluded.status,
    tries = excluded.tries, started_at = excluded.started_at, took_ms = excluded.took_ms,
    error_class = excluded.error_class, error_message = excluded.error_message,
    hash = excluded.hash, run = excluded.run, mtime_ns = excluded.mtime_ns,
    measured = excluded.measured
where (tasks.sequence, tasks.index) < (excluded.sequence, excluded.index)

-- name: clear_tasks
delete from tasks where job = any($1::text[])

-- name: clear_attempts
delete from attempts where job = any($1::text[])

-- name: keep_interrupted
-- What attempt_rows.over keeps of tries that the end of a run cut short; before `stop_tasks`.
insert into attempts (
    job, number, attempt, run, outcome, started_at, took_ms, cause, error_class, error_message
)
select
    t.job, t.number, t.tries, t.run, 'interrupted', t.started_at,
    floor(extract(epoch from ended.at - t.started_at) * 1000)::bigint,
    ended.cause, ended.error_class, ended.error_message
from unnest(
    $1::text[], $2::bigint[], $3::int[], $4::timestamptz[], $5::text[], $6::text[], $7::text[]
) as ended (job, sequence, index, at, cause, error_class, error_message)
join tasks t on t.job = ended.job and t.status = 'executing' and t.run is not null
    and (t.sequence, t.index) < (ended.sequence, ended.index)

-- name: stop_tasks
update tasks set status = 'queued', run = null, sequence = ended.sequence, index = ended.index
from unnest($1::text[], $2::bigint[], $3::int[]) as ended (job, sequence, index)
where tasks.job = ended.job and tasks.status in ('booting', 'executing')
    and (tasks.sequence, tasks.index) < (ended.sequence, ended.index)

-- name: load_runs
select
    r.job, r.run, r.endpoint, r.started_at, r.sequence, r.index, r.exit_code, r.took_ms, r.cpu_ms,
    r.peak_memory_bytes
from unnest($1::text[], $2::int[]) as asked (job, run)
join runs r using (job, run)

-- name: save_runs
insert into runs (
    job, run, endpoint, started_at, sequence, index, exit_code, took_ms, cpu_ms, peak_memory_bytes
)
select * from unnest(
    $1::text[], $2::int[], $3::text[], $4::timestamptz[], $5::bigint[], $6::int[], $7::bigint[],
    $8::bigint[], $9::bigint[], $10::bigint[]
)
on conflict (job, run) do update set
    endpoint = excluded.endpoint, started_at = excluded.started_at, sequence = excluded.sequence,
    index = excluded.index, exit_code = excluded.exit_code, took_ms = excluded.took_ms,
    cpu_ms = excluded.cpu_ms, peak_memory_bytes = excluded.peak_memory_bytes
where (runs.sequence, runs.index) < (excluded.sequence, excluded.index)

-- name: load_timings
select
    job, sequence, index, listing_ms, saved, reading_ms, network_ms, limited_ms, writing_ms,
    verifying_ms
from timings where job = any($1::text[])

-- name: save_timings
insert into timings (
    job, sequence, index, listing_ms, saved, reading_ms, network_ms, limited_ms, writing_ms,
    verifying_ms
)
select * from unnest(
    $1::text[], $2::bigint[], $3::int[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
    $8::bigint[], $9::bigint[], $10::bigint[]
)
on conflict (job) do update set
    sequence = excluded.sequence, index = excluded.index, listing_ms = excluded.listing_ms,
    saved = excluded.saved, reading_ms = excluded.reading_ms,
    network_ms = excluded.network_ms, limited_ms = excluded.limited_ms,
    writing_ms = excluded.writing_ms, verifying_ms = excluded.verifying_ms
where (timings.sequence, timings.index) < (excluded.sequence, excluded.index)

-- name: add_counts
insert into job_counts (queue, status, user_name, kind, jobs)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[])
on conflict (queue, status, user_name, kind) do update set jobs = job_counts.jobs + excluded.jobs

-- name: drop_empty_counts
delete from job_counts where jobs = 0

-- name: forget_progress
-- A job that is done starts from nothing if it is ever tried again, and so does one listed anew.
with commands as (delete from command_progress where job = any($1::text[]))
delete from progress where job = any($1::text[])

-- name: save_progress
-- Ticks of a run that is over, or from another than who executes it, are left out.
insert into progress (job, run, bytes_done, bytes_per_second, tasks_done, at)
select t.job, t.run, t.bytes_done, t.bytes_per_second, t.tasks_done, now()
from unnest(
    $1::text[], $2::text[], $3::int[], $4::bigint[], $5::double precision[], $6::bigint[]
) as t (endpoint, job, run, bytes_done, bytes_per_second, tasks_done)
join jobs on jobs.id = t.job and jobs.run = t.run and jobs.status = 'running'
    and jobs.executor = t.endpoint
on conflict (job) do update set
    run = excluded.run, bytes_done = excluded.bytes_done,
    bytes_per_second = excluded.bytes_per_second, tasks_done = excluded.tasks_done,
    at = excluded.at
returning job, run, bytes_done, bytes_per_second, tasks_done

-- name: save_throughput
-- What runs moved since their tick before ($4 is all that they moved, $5 the step of the buckets,
-- in seconds), spread over the time since then, an hour at most: the projector may have been away.
-- A tick given again or out of order adds nothing; that of a run which is over counts.
with tick as (
    select
        t.job, t.run, t.bytes, jobs.source_endpoint, jobs.destination_endpoint,
        t.bytes - coalesce(c.bytes, 0) as more,
        greatest(least(coalesce(c.at, r.started_at), now()), now() - interval '1 hour') as since
    from unnest($1::text[], $2::text[], $3::int[], $4::bigint[]) as t (endpoint, job, run, bytes)
    join runs r on r.job = t.job and r.run = t.run and r.endpoint = t.endpoint
    join jobs on jobs.id = t.job
    left join counted c on c.job = t.job and c.run = t.run
    where t.bytes >= coalesce(c.bytes, 0)
), noted as (
    insert into counted (job, run, bytes, at) select job, run, bytes, now() from tick
    on conflict (job, run) do update set bytes = excluded.bytes, at = excluded.at
), edges as (
    select
        tick.*, bucket,
        extract(epoch from bucket - since) / extract(epoch from now() - since) as from_share,
        extract(epoch from bucket + width - since) / extract(epoch from now() - since) as to_share,
        bucket + width > now() as is_last
    from tick
    cross join make_interval(secs => $5::int) as width
    cross join generate_series(date_bin(width, since, 'epoch'), now(), width) as bucket
    where more > 0 and since < now()
    union all
    select tick.*, date_bin(make_interval(secs => $5::int), now(), 'epoch'), 0, 1, true
    from tick where more > 0 and since >= now()
), spread as (
    select
        job, source_endpoint, destination_endpoint, bucket,
        (case when is_last then more else round(more * to_share) end
            - round(more * greatest(from_share, 0)))::bigint as bytes
    from edges
), of_jobs as (
    insert into throughput (job, bucket, step, bytes)
    select job, bucket, $5, sum(bytes) from spread group by job, bucket having sum(bytes) > 0
    on conflict (job, bucket, step) do update set bytes = throughput.bytes + excluded.bytes
)
insert into pair_throughput (source, destination, bucket, step, bytes)
select source_endpoint, destination_endpoint, bucket, $5, sum(bytes) from spread
group by source_endpoint, destination_endpoint, bucket having sum(bytes) > 0
on conflict (source, destination, bucket, step) do update set
    bytes = pair_throughput.bytes + excluded.bytes

-- name: thin_jobs
-- Buckets of step $1 before $3 become ones of step $2, some of them; how many did.
with old as (
    delete from throughput where ctid = any(array(
        select ctid from throughput where step = $1 and bucket < $3 order by bucket limit $4
    ))
    returning job, bucket, bytes
), coarser as (
    insert into throughput (job, bucket, step, bytes)
    select job, date_bin(make_interval(secs => $2), bucket, 'epoch') as wider, $2, sum(bytes)
    from old group by job, wider
    on conflict (job, bucket, step) do update set bytes = throughput.bytes + excluded.bytes
)
select count(*) from old

-- name: thin_pairs
-- As `thin_jobs`.
with old as (
    delete from pair_throughput where ctid = any(array(
        select ctid from pair_throughput where step = $1 and bucket < $3 order by bucket limit $4
    ))
    returning source, destination, bucket, bytes
), coarser as (
    insert into pair_throughput (source, destination, bucket, step, bytes)
    select
        source, destination, date_bin(make_interval(secs => $2), bucket, 'epoch') as wider, $2,
        sum(bytes)
    from old group by source, destination, wider
    on conflict (source, destination, bucket, step) do update set
        bytes = pair_throughput.bytes + excluded.bytes
)
select count(*) from old

-- name: forget_jobs
-- Buckets of step $1 before $2, some of them; how many.
with old as (
    delete from throughput where ctid = any(array(
        select ctid from throughput where step = $1 and bucket < $2 order by bucket limit $3
    ))
    returning 1
)
select count(*) from old

-- name: forget_pairs
with old as (
    delete from pair_throughput where ctid = any(array(
        select ctid from pair_throughput where step = $1 and bucket < $2 order by bucket limit $3
    ))
    returning 1
)
select count(*) from old

-- name: keep_days
-- The workspace's `finished_keep_days` as somebody set it last; null where it is not set.
select (data -> 'values' ->> 'finished_keep_days')::int from job_log
where job is null and subject = 'workspace' and type = 'workspace.settings_changed'
    and (data -> 'values' ? 'finished_keep_days' or data -> 'unset' ? 'finished_keep_days')
order by sequence desc, index desc
limit 1

-- name: forget_counted
-- Of runs whose ticks are not in their stream any more.
delete from counted where at < now() - interval '1 day'

-- name: save_command_progress
-- As `save_progress`, of the commands that are in lanes, run by run; then how far each job is by
-- them, in tasks.
with tick as (
    select t.* from unnest(
        $1::text[], $2::text[], $3::int[], $4::bigint[], $5::double precision[], $6::text[]
    ) as t (endpoint, job, run, tasks, percent, status)
    join jobs on jobs.id = t.job and jobs.lanes ->> t.run::text = t.endpoint
), saved as (
    insert into command_progress (job, run, tasks, percent, status, at)
    select job, run, tasks, percent, status, now() from tick
    on conflict (job, run) do update set
        tasks = excluded.tasks, percent = excluded.percent, status = excluded.status,
        at = excluded.at
    returning job, run, tasks, percent
), known as (
    select c.job, c.run, c.tasks, c.percent from command_progress c
    where c.job in (select job from saved) and (c.job, c.run) not in (select job, run from saved)
    union all
    select * from saved
)
select jobs.id as job, jobs.run, jobs.tasks_done, sum(known.tasks * known.percent / 100) as partial
from known
join jobs on jobs.id = known.job and jobs.lanes ? known.run::text
group by jobs.id

-- name: forget_command_progress
delete from command_progress as c
using unnest($1::text[], $2::int[]) as ended (job, run)
where c.job = ended.job and c.run = ended.run

-- name: count_settled
select
    count(*) as tasks, coalesce(sum(size), 0)::bigint as size,
    coalesce(sum(size) filter (where status <> 'excluded'), 0)::bigint as size_counted,
    count(*) filter (where status = 'done') as done,
    count(*) filter (where status = 'failed') as failed,
    count(*) filter (where status = 'onhold') as onhold,
    count(*) filter (where status = 'excluded') as excluded
from unnest($2::int[], $3::int[]) as span (first, last)
cross join lateral (
    select status, size from tasks
    where job = $1 and number between span.first and span.last offset 0
) as t

-- name: keep_tries
-- What attempt_rows.over keeps of tries that a hand takes the place of; before `put_tasks`.
insert into attempts (
    job, number, attempt, run, outcome, started_at, took_ms, bytes, cause, error_class,
    error_message, measured
)
select
    t.job, t.number, t.tries, t.run,
    case when t.status = 'executing' then 'interrupted' else t.status end,
    t.started_at,
    case
        when t.status = 'executing'
        then floor(extract(epoch from $6::timestamptz - t.started_at) * 1000)::bigint
        else t.took_ms
    end,
    case
        when t.status = 'done' and t.kind <> 'frame'
        then greatest(0, t.size - coalesce((t.measured ->> 'saved')::bigint, 0))
        when t.status <> 'executing' then (t.measured ->> 'bytes')::bigint
    end,
    case when t.status = 'executing' then 'by_hand' end,
    t.error_class, t.error_message, t.measured
from unnest($2::int[], $3::int[]) as span (first, last)
join tasks t on t.job = $1 and t.number between span.first and span.last
    and t.run is not null and (t.sequence, t.index) < ($4::bigint, $5::int)

-- name: put_tasks
-- What task_rows.project does with a hand, for as many tasks as nobody wants in memory.
update tasks set
    status = $6, error_class = $7, error_message = $8, started_at = null, took_ms = null,
    hash = null, run = null, measured = null, sequence = $4, index = $5
from unnest($2::int[], $3::int[]) as span (first, last)
where tasks.job = $1 and tasks.number between span.first and span.last
    and (tasks.sequence, tasks.index) < ($4::bigint, $5::int)

-- name: range_tasks
-- What task_rows.project makes of a `Ranged`, for as many frames as nobody wants in memory.
-- $1 job, $2 first number, $3 to $5 the stretches, $6 sequence, $7 index.
insert into tasks (job, number, uri, kind, size, status, sequence, index)
select
    $1, $2 - 1 + row_number() over (order by span.nth, frame), frame::text, 'frame', 0, 'queued',
    $6::bigint, $7::int
from unnest($3::int[], $4::int[], $5::int[]) with ordinality as span (first, last, step, nth)
cross join lateral generate_series(span.first, span.last, span.step) as frame
on conflict (job, number) do nothing
