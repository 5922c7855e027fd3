"""Which workers live and which jobs are orphans, in SQL: `worker` acts on it, `status` and `doctor` read it.

Separate from `worker` so that commands which start nothing need not load Django. Only the constants of this
file are put into its texts.
"""
# ruff: noqa: S608

STALLED_SECONDS = 20
LOCK_CLASS = 0x50524151  # "PRAQ": the first half of our advisory locks; the second is the worker's number

# Workers whose session holds the lock of their number, and whose event loop still turns.
LIVING = f"""
    select w.id from procrastinate_workers w
    join pg_locks l on l.locktype = 'advisory' and l.granted and l.classid = {LOCK_CLASS}
        and l.objsubid = 2 and l.objid = (w.id % 2147483648)::oid
        and l.database = (select oid from pg_database where datname = current_database())
    where w.last_heartbeat > now() - interval '{STALLED_SECONDS} seconds'
"""
LIVING_WORKERS = f"select count(*) from ({LIVING}) living"
ORPHANED_JOBS = f"""
    select count(*) from procrastinate_jobs where status = 'doing'
    and (worker_id is null or worker_id not in ({LIVING}))
"""
# `queueing_lock` goes: an equal job may wait already, and two waiting ones of one key are refused.
RESCUE = f"""
    with orphan as (
        update procrastinate_jobs set queueing_lock = null where id in (
            select id from procrastinate_jobs where status = 'doing'
            and (worker_id is null or worker_id not in ({LIVING}))
            for update skip locked
        ) returning id, attempts
    )
    select id, attempts from orphan
"""
