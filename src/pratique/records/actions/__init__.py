"""All writes of records, by subject: evidence, drafts, files."""

from pratique.records.actions.evidence import add_evidence

__all__ = ["add_evidence"]
