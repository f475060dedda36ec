"""Three gateways of one process, each with its own store and library, and everything that can go wrong between them."""
