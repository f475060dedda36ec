"""What `illgate mock`, `send` and `conformance` need of a protocol."""
