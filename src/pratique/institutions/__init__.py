"""The tenant and how it divides its students: packages, requirement groups, terms, trackers."""
