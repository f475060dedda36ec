"""What users, partners and operators meet of the gateway, held still word for word; the files are in tests/golden."""
