"""The gateway as its operators see it: checks, nodes, profiles and their history, loads in the network."""
