"""Pages for patrons at /openurl: what the library can do for a citation, and the way to a sent request."""
