"""The demo's other side: a page that plays the school's own student portal, which signs its students in to Pratique.

It stands for a system that is not ours. So it has its own list of students and its own look, knows nothing of the
database, and reaches Pratique as any school does: over HTTP, as a partner. English only, as the school's system is.
"""
