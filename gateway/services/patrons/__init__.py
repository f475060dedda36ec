"""What patrons are told, see and can do themselves, and what is held about them."""
