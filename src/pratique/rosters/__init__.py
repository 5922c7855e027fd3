"""Rosters: a school's file of students in, each row answered.

bytes -> `csvfile` cells -> `rows` RosterRow or errors -> `plan` intents -> `actions` stored, all at once.
"""
