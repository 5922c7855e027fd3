"""What students hand in (doses, titers, documents, forms, exemptions) and what reviewers decided about it."""
