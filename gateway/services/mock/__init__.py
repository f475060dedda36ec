"""Partners that are played: `MockPartner` answers and speaks as scenarios in YAML say (docs/rehearsing.md)."""
