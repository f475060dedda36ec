"""Ports to a protocol for `illgate mock`, `send` and `conformance`."""
