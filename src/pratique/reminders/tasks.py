"""Worker entries: one call each."""
