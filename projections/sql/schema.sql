-- The read side's tables. Run with a search_path of the schema to fill and then `public`; every
-- row here is a fold of the log and can be made again from it (`haulage rebuild`), but for
-- the last six, which fold what agents tell besides and are carried over.
--
-- Ids stay ids: names of endpoints and codes of queues are joined when read. `sequence` and
-- `index` are the position of the last event that changed the row. Ids, places and whatever else
-- is compared byte by byte are `collate "C"`.

-- Where each projection stands: `sequence` is the last commit folded, `chain` its chain value,
-- `announced` the last one whose changed rows were announced on the bus.
-- Projections: `rows` (all tables here), `feed` (a lower bound; the truth is in the feed itself).
create table checkpoint (
    projection text primary key,
    sequence bigint not null,
    index int not null default 0,
    chain text not null,
    announced bigint not null default 0
);

-- `user_name`, because a bare `user` in SQL silently means the database's user.
-- `bytes_done` and `tasks_done` count settled (done) tasks; what the screen shows is
-- greatest(jobs.bytes_done, progress.bytes_done): what a run that ended has brought is kept.
-- `size` is without what is excluded. `tries` counts runs started, `since` is when `status` last
-- changed, `executor` the endpoint that executes the run. `finished_at` is set by done, aborted,
-- and failed without another try.
-- `failures` are counted since a person last sent the job on its way, in `causes` by class of
-- failure: {"network": 2}.
-- `version` is the sequence of the last event of the job itself: what its tasks do leaves it.
-- `compute` is what a compute job runs (events.jobs.Compute; its parties are empty), `depends_on`
-- the jobs that it waits for, `adding` whether paths are being added to what was listed, `opened`
-- whether what was found is transferred before the source is `listed` whole.
-- `removed` things of `size_removed` bytes were deleted at the destination (transfer_mode).
-- `lanes` are the lanes that a compute job has now: {run: endpoint}. An `archived` job is in no list.
-- `route` is that of the newest run (events.jobs.Started), `relay` an endpoint; null for a compute job.
-- `search` is casefolded text (projections/job_rows.searchable) for `like '%needle%'`.
create table jobs (
    id text collate "C" primary key,
    kind text not null,
    name text not null,
    user_name text collate "C" not null,
    queue text collate "C" not null,
    place text collate "C" not null,
    source_endpoint text collate "C" not null,
    source_volume text not null,
    source_path text not null,
    destination_endpoint text collate "C" not null,
    destination_volume text not null,
    destination_path text not null,
    status text collate "C" not null,
    listed boolean not null default false,
    run int not null default 0,
    executor text collate "C",
    size bigint not null default 0,
    bytes_done bigint not null default 0,
    tasks_total bigint not null default 0,
    tasks_done bigint not null default 0,
    tasks_failed bigint not null default 0,
    tasks_onhold bigint not null default 0,
    tasks_excluded bigint not null default 0,
    skipped bigint not null default 0,
    tries int not null default 0,
    failures int not null default 0,
    error_class text,
    error_message text,
    created_at timestamptz not null,
    since timestamptz not null,
    run_started_at timestamptz,
    started_at timestamptz,
    finished_at timestamptz,
    retry_at timestamptz,
    search text not null,
    sequence bigint not null,
    index int not null,
    version bigint not null,
    compute jsonb,
    depends_on jsonb not null default '[]',
    adding boolean not null default false,
    causes jsonb not null default '{}',
    lanes jsonb not null default '{}',
    archived boolean not null default false,
    opened boolean not null default false,
    route text,
    relay text collate "C",
    removed bigint not null default 0,
    size_removed bigint not null default 0,
    finished boolean not null generated always as (status in ('done', 'aborted')) stored
) with (fillfactor = 80);

-- Active lists go queue by queue (few, by priority), each by place.
create index jobs_line on jobs (queue, place, id) where not finished;
create index jobs_line_of_status on jobs (status, queue, place, id) where not finished;
create index jobs_line_of_user on jobs (user_name, queue, place, id) where not finished;
-- Finished lists go newest first; the cursor is (finished_at, id).
create index jobs_finished on jobs (finished_at desc, id desc) where finished and not archived;
create index jobs_finished_of_queue on jobs (queue, finished_at desc, id desc)
    where finished and not archived;
create index jobs_finished_of_status on jobs (status, finished_at desc, id desc)
    where finished and not archived;
create index jobs_finished_of_user on jobs (user_name, finished_at desc, id desc)
    where finished and not archived;
create index jobs_running on jobs (source_endpoint, destination_endpoint)
    where status = 'running';
create index jobs_sequence on jobs (sequence);

-- How many jobs there are, kept up by the projector so that nobody counts a million rows.
create table job_counts (
    queue text collate "C" not null,
    status text collate "C" not null,
    user_name text collate "C" not null,
    kind text collate "C" not null,
    jobs bigint not null,
    primary key (queue, status, user_name, kind)
) with (fillfactor = 70);

-- `kind`: file, folder, link, frame. `status`: queued, booting, executing, done, failed, onhold,
-- excluded. `run` is of the last try while the row shows it: not after a retry, a hand, or an end of
-- the run in the middle of it. `measured` (events.tasks.Measured) is null where nothing was.
create table tasks (
    job text collate "C" not null,
    number int not null,
    uri text not null,
    kind text not null,
    size bigint not null,
    status text collate "C" not null,
    tries int not null default 0,
    started_at timestamptz,
    took_ms bigint,
    error_class text,
    error_message text,
    hash text,
    run int,
    mtime_ns bigint,
    measured jsonb,
    sequence bigint not null,
    index int not null,
    primary key (job, number)
) with (fillfactor = 80);

create index tasks_unsettled on tasks (job, status, number)
    where status in ('booting', 'executing', 'failed', 'onhold');

-- Tries of tasks that their rows do not show any more; `attempt` counts from 1 in its task.
-- `outcome`: done, failed or interrupted, by `cause`. `bytes` is null where nobody counted.
create table attempts (
    job text collate "C" not null,
    number int not null,
    attempt int not null,
    run int not null,
    outcome text collate "C" not null,
    started_at timestamptz,
    took_ms bigint,
    bytes bigint,
    cause text,
    error_class text,
    error_message text,
    measured jsonb,
    primary key (job, number, attempt)
);

-- Where the time of a job's tries went, added up in milliseconds; `saved` are bytes.
create table timings (
    job text collate "C" primary key,
    sequence bigint not null,
    index int not null,
    listing_ms bigint not null,
    saved bigint not null,
    reading_ms bigint not null,
    network_ms bigint not null,
    limited_ms bigint not null,
    writing_ms bigint not null,
    verifying_ms bigint not null
) with (fillfactor = 70);

-- Executions: of a transfer, or of a bucket of a compute job; the last four are of its process.
create table runs (
    job text collate "C" not null,
    run int not null,
    endpoint text collate "C" not null,
    started_at timestamptz not null,
    exit_code bigint,
    took_ms bigint,
    cpu_ms bigint,
    peak_memory_bytes bigint,
    sequence bigint not null,
    index int not null,
    primary key (job, run)
);

-- `status`: waiting (enabled), paused or deleted.
create table queues (
    id text collate "C" primary key,
    code text not null,
    priority int not null,
    description text not null,
    is_default boolean not null,
    status text not null default 'waiting',
    is_compute_default boolean not null default false,
    metadata jsonb not null default '{}',
    sequence bigint not null,
    index int not null
);

-- `volumes`: [{"code": "projects", "online": true}, ...]; `since`: when `online` last changed.
-- `machine` (events.endpoints.Machine) is null where no commands may run; `lanes` is the endpoint's
-- own setting, null where that of the workspace holds; `full_volumes`: those without room. `relays` is
-- how many connections it joins; `reach` what it found of others: [events.endpoints.Dialled].
-- `disabled_at` is null while it may be used.
create table endpoints (
    id text collate "C" primary key,
    name text not null,
    kind text not null,
    online boolean not null default false,
    session text not null default '',
    url text not null default '',
    volumes jsonb not null default '[]',
    since timestamptz not null,
    offline_cause text,
    machine jsonb,
    lanes int,
    full_volumes jsonb not null default '[]',
    relays int not null default 0,
    reach jsonb not null default '[]',
    disabled_by text not null default '',
    disabled_at timestamptz,
    sequence bigint not null,
    index int not null
);

-- Every event, one row. `subject`: job/<id>, queue/<id>, endpoint/<id>, pair/<id>/<id> or workspace;
-- `job` is null when it is about something else. `data` is the event without its longest lists (entries and
-- hashes of tasks): those are in `tasks`, the feed and the log.
create table job_log (
    sequence bigint not null,
    index int not null,
    job text collate "C",
    subject text collate "C" not null,
    at timestamptz not null,
    actor text not null,
    cause text not null,
    type text collate "C" not null,
    data jsonb not null,
    primary key (sequence, index)
);

create index job_log_of_job on job_log (job, sequence, index) where job is not null;
create index job_log_of_others on job_log (subject, sequence, index) where job is null;
-- What people did, by who and by command; what they caused lies in the same commits.
create index job_log_of_people on job_log (actor, sequence, index)
    where actor <> 'scheduler' and actor not like 'endpoint/%';
create index job_log_of_commands on job_log (cause)
    where actor <> 'scheduler' and actor not like 'endpoint/%';

-- The newest tick of a job's run, four times a second at most.
create table progress (
    job text collate "C" primary key,
    run int not null,
    bytes_done bigint not null,
    bytes_per_second double precision not null,
    tasks_done bigint not null,
    at timestamptz not null
) with (fillfactor = 50);

-- What the commands in lanes say of themselves: run by run, 0 to 100 percent, in words.
create table command_progress (
    job text collate "C" not null,
    run int not null,
    tasks bigint not null,
    percent double precision not null,
    status text not null,
    at timestamptz not null,
    primary key (job, run)
) with (fillfactor = 70);

-- What is left of volumes, as their agents say.
create table rooms (
    endpoint text collate "C" not null,
    volume text not null,
    free_bytes bigint not null,
    total_bytes bigint not null,
    at timestamptz not null,
    primary key (endpoint, volume)
) with (fillfactor = 70);

-- Bytes that a job moved in the `step` seconds from `bucket`, for the graphs; steps get longer as
-- they get older (projections/throughput.py).
create table throughput (
    job text collate "C" not null,
    bucket timestamptz not null,
    step int not null,
    bytes bigint not null,
    primary key (job, bucket, step)
) with (fillfactor = 70);

create index throughput_by_age on throughput (step, bucket);

-- The same of all jobs from one endpoint to another: of an endpoint it is the sum of its pairs.
create table pair_throughput (
    source text collate "C" not null,
    destination text collate "C" not null,
    bucket timestamptz not null,
    step int not null,
    bytes bigint not null,
    primary key (source, destination, bucket, step)
) with (fillfactor = 70);

create index pair_throughput_by_age on pair_throughput (step, bucket);
create index pair_throughput_to on pair_throughput (destination, bucket);

-- How many bytes of a run are in the two above, so that no tick counts twice, and since when.
create table counted (
    job text collate "C" not null,
    run int not null,
    bytes bigint not null,
    at timestamptz not null,
    primary key (job, run)
) with (fillfactor = 50);

-- Substring search by trigrams where the extension is to be had; without it `like` still works.
do $$
declare
    home text;
begin
    begin
        create extension if not exists pg_trgm with schema public;
    exception when insufficient_privilege or undefined_file or feature_not_supported then
        raise notice 'pg_trgm is not available: searches read every row';
    end;
    select n.nspname into home
    from pg_extension e join pg_namespace n on n.oid = e.extnamespace
    where e.extname = 'pg_trgm';
    if home is not null then
        execute format('create index jobs_search on jobs using gin (search %I.gin_trgm_ops)', home);
    end if;
end $$;
