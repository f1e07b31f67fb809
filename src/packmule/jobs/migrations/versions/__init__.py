"""One file a step, in the order of their numbers.

A step only adds: tables, indexes, and columns that may be null or have a default of the server's.
So programs of the version before work on while an upgrade is rolled out, may be restarted
meanwhile, and an upgrade is undone by starting them again. What a version no longer uses is removed
by a step of a later one. Such a step names in `needs` the revision that a program must know to work
without it.
"""
