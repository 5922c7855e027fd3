"""Delivery: reports into the `/outbound` of an account, or by our own client to a customer's server."""
