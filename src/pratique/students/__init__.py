"""Students, the packages they are on, and the mark that says their standing must be worked out again."""
