"""Every statement of the embedded engine, named; one text serves SQLite and PostgreSQL.

Owns the SQL over the table `tasks`, which the job store's migrations make; leaves when to run which
to `queue.py`. A task waits while `leased_by` is null. Of one kind and key at most one waits and at
most one is leased: two unique indexes hold that.
"""

from __future__ import annotations

from sqlalchemy import bindparam, text

# The one that waits already is pulled forward where the new one is sooner or weightier.
DEFER = text("""
    INSERT INTO tasks (kind, key, client, priority, due_at, tries, written_at)
    VALUES (:kind, :key, :client, :priority, :due_at, 0, :now)
    ON CONFLICT (kind, key) WHERE leased_by IS NULL DO UPDATE SET
        due_at = CASE WHEN excluded.due_at < tasks.due_at
                 THEN excluded.due_at ELSE tasks.due_at END,
        priority = CASE WHEN excluded.priority > tasks.priority
                   THEN excluded.priority ELSE tasks.priority END,
        written_at = excluded.written_at
""")

# What waits and is due, and whose subject nobody has in hand: of each client and priority the
# longest due. However many wait, the index leads from one client and priority to the next, from
# the one that is named on, so many of them; one of which nothing is due comes without a task.
FIND_DUE = text("""
    WITH RECURSIVE
    groups (number, client, priority) AS (
        SELECT 1, one.client, one.priority FROM tasks AS one
        WHERE one.id = (
            SELECT tasks.id FROM tasks
            WHERE tasks.kind = :kind AND tasks.leased_by IS NULL
              AND (tasks.client, tasks.priority) >= (:client, :priority)
            ORDER BY tasks.client, tasks.priority LIMIT 1)
        UNION ALL
        SELECT groups.number + 1, one.client, one.priority
        FROM groups JOIN tasks AS one ON one.id = (
            SELECT tasks.id FROM tasks
            WHERE tasks.kind = :kind AND tasks.leased_by IS NULL
              AND (tasks.client, tasks.priority) > (groups.client, groups.priority)
            ORDER BY tasks.client, tasks.priority LIMIT 1)
        WHERE groups.number < :groups
    )
    SELECT groups.number, groups.client, groups.priority, tasks.id, tasks.due_at
    FROM groups LEFT JOIN tasks ON tasks.id IN (
        SELECT due.id FROM tasks AS due
        WHERE due.kind = :kind AND due.leased_by IS NULL AND due.client = groups.client
          AND due.priority = groups.priority AND due.due_at <= :now
          AND NOT EXISTS (
              SELECT 1 FROM tasks AS other
              WHERE other.kind = due.kind AND other.key = due.key AND other.leased_by IS NOT NULL)
        ORDER BY due.due_at, due.id
        LIMIT :most)
""")

LEASED = text("""
    SELECT id, kind, client, lease_expires_at FROM tasks
    WHERE leased_by IS NOT NULL
""")

# Checks the lease again: another worker may have been quicker.
LEASE = text("""
    UPDATE tasks
    SET leased_by = :worker, lease_token = :token, lease_expires_at = :until, tries = tries + 1,
        written_at = :now
    WHERE id = :id AND (lease_expires_at IS NULL OR lease_expires_at <= :expired_by)
    RETURNING id, kind, key, tries, client, lease_token
""")

# A worker that lost a task may hold it again, or even run it twice: only the token of a lease says
# which of its runs still counts. The worker's name is checked too, because a worker of an earlier
# version takes a task over without changing the token.
RENEW = text("""
    UPDATE tasks SET lease_expires_at = :until, written_at = :now
    WHERE leased_by = :worker AND lease_token IN :mine
    RETURNING lease_token
""").bindparams(bindparam("mine", expanding=True))

FINISH = text("""
    DELETE FROM tasks WHERE id = :id AND leased_by = :worker AND lease_token = :token
""")

# Back among those that wait; unless its subject waits there already.
RETURN_TASK = text("""
    UPDATE tasks
    SET leased_by = NULL, lease_token = NULL, lease_expires_at = NULL, due_at = :due_at,
        tries = :tries, written_at = :now
    WHERE id = :id AND leased_by = :worker AND lease_token = :token AND NOT EXISTS (
        SELECT 1 FROM tasks AS other
        WHERE other.kind = tasks.kind AND other.key = tasks.key AND other.leased_by IS NULL)
""")

PULL_FORWARD = text("""
    UPDATE tasks SET due_at = :due_at, written_at = :now
    WHERE kind = :kind AND key = :key AND leased_by IS NULL AND due_at > :due_at
""")

OTHER_WORKERS = text("""
    SELECT leased_by FROM tasks
    WHERE leased_by IS NOT NULL AND leased_by <> :worker AND lease_expires_at > :now
""")

FREE_LEASES = text("""
    UPDATE tasks SET lease_expires_at = :now, written_at = :now WHERE leased_by = :worker
""")

# What was written in the future: the clock was set back since. From now on, what is left of it is
# no more than what it was written with.
IS_AHEAD = text("SELECT 1 FROM tasks WHERE written_at > :now + 1 LIMIT 1")

PUT_BACK = text("""
    UPDATE tasks
    SET due_at = CASE WHEN due_at > written_at THEN due_at - written_at ELSE 0 END + :now,
        lease_expires_at = lease_expires_at - written_at + :now,
        written_at = :now
    WHERE written_at > :now + 1
""")

# Of whatever kind: to look once in vain is cheaper than to ask for each kind.
NEXT_DUE = text("SELECT min(due_at) FROM tasks WHERE due_at > :now AND leased_by IS NULL")

# Of this worker's own leases too: it knows nothing of one whose commit came through although it
# reported an error.
NEXT_EXPIRY = text("""
    SELECT min(lease_expires_at) FROM tasks
    WHERE lease_expires_at > :now AND leased_by IS NOT NULL
""")

OF_KEY = text("""
    SELECT kind, due_at, tries, leased_by FROM tasks WHERE key = :key ORDER BY id
""")

OF_KIND_AND_KEYS = text("""
    SELECT key FROM tasks WHERE kind = :kind AND key IN :keys AND leased_by IS NULL
    UNION ALL
    SELECT key FROM tasks WHERE kind = :kind AND key IN :keys AND leased_by IS NOT NULL
""").bindparams(bindparam("keys", expanding=True))

OLDEST_DUE = text("SELECT min(due_at) FROM tasks WHERE due_at <= :now AND leased_by IS NULL")

OLDEST_EXPIRY = text("""
    SELECT min(lease_expires_at) FROM tasks
    WHERE lease_expires_at <= :now AND leased_by IS NOT NULL
""")
