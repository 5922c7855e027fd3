"""The chain that makes a change of the audit trail visible (docs/decisions/0015-audit-chain.md).

`encoding` says what is hashed, `rows` reads it, `actions` seals what was appended, `verify` recomputes it all.
"""
