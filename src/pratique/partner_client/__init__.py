"""A client for the partner API, without Django: what an integrator takes away (contracts/partner-api.md).

`client` is what an integrator calls; `protocol` what stands on the wire, which the server uses too. Needs `httpx`,
`joserfc` and `cryptography`.
"""
