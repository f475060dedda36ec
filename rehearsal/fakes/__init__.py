"""Library systems in memory, to rehearse with: each has the rules and the errors of the real one (README.md)."""
