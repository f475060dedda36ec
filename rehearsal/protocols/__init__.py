"""Rehearsals of each protocol: entry points of the group `illgate.rehearsals`."""
