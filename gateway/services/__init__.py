"""Use cases: one a module; they orchestrate domain, ports and store."""
