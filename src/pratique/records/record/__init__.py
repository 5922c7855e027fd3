"""A student's whole record, to take away: as JSON for programs (`json`), as PDF for people (`pdf`).

Both are made of `records.queries.record_of`; neither holds a key of our tables. Standing is `compliance`'s and
comes in from the caller. What the JSON holds: docs/reference/record-json.md.
"""
