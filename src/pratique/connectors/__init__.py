"""The outside world, one folder each. Connectors know a protocol and nothing of the domain."""
