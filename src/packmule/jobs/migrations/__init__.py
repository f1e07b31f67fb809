"""The steps that bring the tables of an older Packmule to this one's, run at every start.

Owns each step once it has been released: a step is never changed, another follows it. A new one is
made by `alembic.command.revision`, numbered by hand (`0002`), beside its change in `schema.py`.
"""
