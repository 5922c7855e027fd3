"""All writes to partners' tables, by subject."""
