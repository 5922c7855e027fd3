"""The partner API, the secure token link, and the integrators' documentation (contracts/partner-api.md)."""
