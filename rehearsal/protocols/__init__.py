"""How each protocol is rehearsed: entry points of the group `illgate.rehearsals`."""
