"""What the fleet's queue asks of Procrastinate's tables, named; it is never written here.

Owns reading the columns that Procrastinate documents with its models (`ProcrastinateJob`,
`ProcrastinateWorker`: https://procrastinate.readthedocs.io/en/stable/howto/django/models.html).
Every write goes through its `JobManager`. All times are the database's own, so that the clocks of
the workers' machines need not agree.
"""

from __future__ import annotations

from sqlalchemy import ARRAY, Text, bindparam, text

NOW = text("SELECT now()")

WAITING = text("""
    SELECT id, priority, scheduled_at, args FROM procrastinate_jobs
    WHERE queueing_lock = :subject AND status = 'todo'
    FOR UPDATE
""")

# What one worker could begin now: how many it will get is decided when it fetches.
DUE = text("""
    SELECT kind.name, due.id
    FROM unnest(:kinds) AS kind (name) CROSS JOIN LATERAL (
        SELECT job.id FROM procrastinate_jobs AS job
        WHERE job.queue_name = kind.name AND job.status = 'todo' AND job.scheduled_at <= now()
          AND NOT EXISTS (
            SELECT 1 FROM procrastinate_jobs AS other
            WHERE other.lock = job.lock AND other.status = 'doing')
        ORDER BY job.priority DESC, job.id
        LIMIT :most
    ) AS due
""").bindparams(bindparam("kinds", type_=ARRAY(Text)))

# Seconds from now.
NEXT_DUE = text("""
    SELECT extract(epoch FROM min(scheduled_at) - now())::float8 FROM procrastinate_jobs
    WHERE status = 'todo' AND scheduled_at > now() AND queue_name = ANY(:kinds)
""").bindparams(bindparam("kinds", type_=ARRAY(Text)))

# Whoever no longer holds a task, for it was taken over, finds nothing.
HOLD = text("""
    SELECT priority FROM procrastinate_jobs
    WHERE id = :id AND status = 'doing' AND worker_id = :worker
    FOR UPDATE
""")

# One of several who find the same dead worker's task gets it; the others pass on.
HOLD_STALLED = text("""
    SELECT priority FROM procrastinate_jobs
    WHERE id = :id AND status = 'doing' AND worker_id IS NOT DISTINCT FROM :worker
    FOR UPDATE SKIP LOCKED
""")

OLDEST_DUE = text("""
    SELECT extract(epoch FROM now() - min(scheduled_at))::float8 FROM procrastinate_jobs
    WHERE status = 'todo' AND scheduled_at <= now()
""")

IS_KNOWN = text("SELECT EXISTS (SELECT 1 FROM procrastinate_workers WHERE id = :worker)")

LAST_SIGN = text("""
    SELECT extract(epoch FROM now() - max(last_heartbeat))::float8 FROM procrastinate_workers
""")
