"""What every stage stands on and no stage is about: clock, ids, tenancy, audit, queue, logging, the database.

Nothing here knows a word of the domain; domain packages import this one, never the other way round.
"""
