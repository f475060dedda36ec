"""illgate: an interlibrary-loan gateway. This package knows requests, loans and partners, and no wire format."""
