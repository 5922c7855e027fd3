"""All writes to reminders' tables, by subject."""
