"""Use cases; they orchestrate domain, ports and store."""
