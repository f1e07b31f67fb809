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

_DUE = """
    SELECT queues.number, queues.name AS queue, due.id, due.priority,
           extract(epoch FROM due.scheduled_at)::float8 AS due_at
    FROM queues LEFT JOIN LATERAL (
        SELECT job.id, job.priority, job.scheduled_at FROM procrastinate_jobs AS job
        WHERE job.queue_name = queues.name AND job.status = 'todo' AND job.scheduled_at <= now()
          AND split_part(queues.name, ':', 1) = ANY(:kinds)
          AND NOT EXISTS (
            SELECT 1 FROM procrastinate_jobs AS other
            WHERE other.lock = job.lock AND other.status = 'doing')
        ORDER BY job.priority DESC, job.id
        LIMIT :most
    ) AS due ON true
    WHERE queues.name IS NOT NULL
"""
_KINDS = bindparam("kinds", type_=ARRAY(Text))

# What waits and is due, and whose subject nobody has in hand: of each queue the first ones. However
# many wait, the index leads from one queue to the next, from the one that is named on, so many of
# them; one in which nothing is due comes without a task.
DUE = text(f"""
    WITH RECURSIVE queues (number, name) AS (
        SELECT 1, min(queue_name) FROM procrastinate_jobs WHERE queue_name >= :first
        UNION ALL
        SELECT number + 1,
               (SELECT min(queue_name) FROM procrastinate_jobs WHERE queue_name > queues.name)
        FROM queues WHERE queues.name IS NOT NULL AND queues.number < :queues
    ){_DUE}
""").bindparams(_KINDS)  # noqa: S608 - both halves are ours

# The same of the queues that are no client's: there is one for each kind.
DUE_OF_NOBODY = text(f"""
    WITH queues (number, name) AS (SELECT 1, unnest(:kinds)){_DUE}
""").bindparams(_KINDS)

IN_WORK = text("""
    SELECT queue_name AS queue, count(*) AS number FROM procrastinate_jobs
    WHERE status = 'doing' AND worker_id IS NOT NULL GROUP BY queue_name
""")

# Seconds from now.
NEXT_DUE = text("""
    SELECT extract(epoch FROM min(scheduled_at) - now())::float8 FROM procrastinate_jobs
    WHERE status = 'todo' AND scheduled_at > now()
      AND split_part(queue_name, ':', 1) = ANY(:kinds)
""").bindparams(bindparam("kinds", type_=ARRAY(Text)))

# Whoever no longer holds a task, for it was taken over, finds nothing.
HOLD = text("""
    SELECT priority, args FROM procrastinate_jobs
    WHERE id = :id AND status = 'doing' AND worker_id = :worker
      AND coalesce(args->>'lease', 'row-' || id) = :lease
    FOR UPDATE
""")

# One of several who find the same dead worker's task gets it; the others pass on.
HOLD_STALLED = text("""
    SELECT priority, args FROM procrastinate_jobs
    WHERE id = :id AND status = 'doing' AND worker_id IS NOT DISTINCT FROM :worker
    FOR UPDATE SKIP LOCKED
""")

# What was put in in the future, by the database's clock: it was set back since.
AHEAD = text("""
    SELECT id, queue_name AS queue, priority, args,
           extract(epoch FROM scheduled_at)::float8 AS due_at
    FROM procrastinate_jobs
    WHERE status = 'todo' AND (args->>'at')::float8 > extract(epoch FROM now()) + 1
    ORDER BY id LIMIT 500
    FOR UPDATE SKIP LOCKED
""")

WORKERS_AHEAD = text("""
    SELECT id FROM procrastinate_workers WHERE last_heartbeat > now() + interval '1 second'
""")

# No index leads to a subject of whatever kind: this walks over the queue, and is for people only.
OF_KEY = text("""
    SELECT split_part(queue_name, ':', 1), extract(epoch FROM scheduled_at - now())::float8,
           (args->>'tries')::int, status = 'doing'
    FROM procrastinate_jobs
    WHERE args->>'key' = :key AND status IN ('todo', 'doing')
    ORDER BY id
""")

# Each of the two columns has an index for these states.
OF_SUBJECTS = text("""
    SELECT queueing_lock FROM procrastinate_jobs
    WHERE status = 'todo' AND queueing_lock = ANY(:subjects)
    UNION ALL
    SELECT lock FROM procrastinate_jobs WHERE status = 'doing' AND lock = ANY(:subjects)
""").bindparams(bindparam("subjects", type_=ARRAY(Text)))

OLDEST_DUE = text("""
    SELECT extract(epoch FROM now() - min(scheduled_at))::float8 FROM procrastinate_jobs
    WHERE status = 'todo' AND scheduled_at <= now()
""")

HAS_STRAYS = text("""
    SELECT EXISTS (SELECT 1 FROM procrastinate_jobs WHERE status NOT IN ('todo', 'doing'))
""")

SIGNS = text("""
    SELECT extract(epoch FROM now() - last_heartbeat)::float8 FROM procrastinate_workers
""")

LAST_SIGN = text("""
    SELECT extract(epoch FROM now() - max(last_heartbeat))::float8 FROM procrastinate_workers
""")
