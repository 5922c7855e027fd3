"""All writes to students' tables, by subject."""

from pratique.students.actions.memberships import mark_group_stale, mark_lapsed_stale, mark_stale

__all__ = ["mark_group_stale", "mark_lapsed_stale", "mark_stale"]
