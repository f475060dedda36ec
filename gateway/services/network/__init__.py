"""The network: what its members report about the load of suppliers."""
