-- Instants that are kept, so that any other is a short replay away. All of it can be made again from
-- the log.

-- name: install
-- One at a time: of two that create a schema at once "if not exists", PostgreSQL fails one.
select pg_advisory_xact_lock(hashtext('haulage schemas'), 0);
create schema if not exists history;
create table if not exists history.instants (
    epoch text not null,
    sequence bigint not null,
    at timestamptz not null,
    chain text not null,
    form text not null,
    body bytea not null,
    primary key (epoch, sequence)
);
alter table history.instants alter column body set storage external;

-- name: forget_others
-- What another version kept, or what is of another log. $1 epoch, $2 form.
delete from history.instants where epoch <> $1 or form <> $2

-- name: newest
select sequence, chain from history.instants where epoch = $1 and form = $2
order by sequence desc limit 1

-- name: all
select sequence from history.instants where epoch = $1 and form = $2

-- name: nearest
-- $1 epoch, $2 form, $3 not behind this sequence.
select sequence, chain, body from history.instants
where epoch = $1 and form = $2 and sequence <= $3
order by sequence desc limit 1

-- name: around
-- The kept instants between which a time lies. $1 epoch, $2 form, $3 time.
select
    (select max(sequence) from history.instants where epoch = $1 and form = $2 and at <= $3) as low,
    (select min(sequence) from history.instants where epoch = $1 and form = $2 and at > $3) as high

-- name: keep
insert into history.instants (epoch, sequence, at, chain, form, body)
values ($1, $2, $3, $4, $5, $6)
on conflict (epoch, sequence) do update set at = excluded.at, chain = excluded.chain,
    form = excluded.form, body = excluded.body

-- name: rows_are_at
select sequence from haulage.checkpoint where projection = 'rows'

-- name: commits_of_job
-- $1 job, $2 up to.
select distinct sequence from haulage.job_log where job = $1 and sequence <= $2 order by sequence
