"""A client for the partner API, without Django: what an integrator takes away (contracts/partner-api.md)."""
