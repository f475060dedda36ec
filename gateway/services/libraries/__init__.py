"""The libraries of the gateway, each with all that can be done for it."""
