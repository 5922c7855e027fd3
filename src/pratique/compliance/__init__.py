"""Verdicts: each student's standing on each requirement, stored, and the append-only list of what changed."""
