"""Library systems that aren't there: they keep their state in memory and answer as the real ones do."""
