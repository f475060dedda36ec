"""Pages of staff at /staff."""
