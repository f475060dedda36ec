"""Values and rules; pure: no I/O and no clock of its own."""
