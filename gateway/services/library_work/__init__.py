"""What requests need done with items in the library's own system, at the desk and by the outbox, and what it means for
them when the library has done something."""
