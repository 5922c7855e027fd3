"""Reminders: who is told that a date is near, and what follows when it passed."""
