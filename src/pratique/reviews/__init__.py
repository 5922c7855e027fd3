"""From sending to deciding: the review queue, claims, decisions, the library of reasons, messages, pace.

`records` keeps the evidence and the submissions; here is what happens to them and what follows: standing is judged
again in the same transaction, and the student is told.
"""
