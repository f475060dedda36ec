"""The patrons' side of requests: what they see and can do themselves, and what is held about them."""
