"""Settings, addresses and entry points: the only place that wires the parts together."""
