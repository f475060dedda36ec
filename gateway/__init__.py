"""illgate: an interlibrary-loan gateway. This package knows requests, loans and partners, and no wire format."""

SETTINGS_FILE = "gateway.yml"
"""Name of an installation's settings. It stands here since the command's help says it, which loads no settings."""
