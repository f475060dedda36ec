"""Keys allowed after the question mark of a PostgreSQL URL: those that the driver takes, and no more."""

from __future__ import annotations

from collections.abc import Mapping

CACHE_SIZE = "prepared_statement_cache_size"

OF_LIBPQ = frozenset(
    {
        *("sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl"),
        *("ssl_min_protocol_version", "ssl_max_protocol_version", "application_name"),
    }
)
"""Keys that the driver takes as libpq and psql have them; not `sslpassword`, since no secret stands in a URL."""

URL_KEYS = OF_LIBPQ | {CACHE_SIZE, "host", "ssl", "target_session_attrs"}
"""What else libpq knows, the driver doesn't."""

SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")


def check_url_keys(query: Mapping[str, object]) -> None:
    """Raise ValueError naming what can't be in a URL, before the driver is given a parameter that it doesn't have."""
    if unknown := sorted(set(query) - URL_KEYS):
        raise ValueError(f"{', '.join(unknown)} is unknown; allowed after '?' are {', '.join(sorted(URL_KEYS))}")
    if twice := sorted(name for name, value in query.items() if name != "host" and not isinstance(value, str)):
        raise ValueError(f"{', '.join(twice)} is there twice")
    if query.get("sslmode", SSL_MODES[0]) not in SSL_MODES:
        raise ValueError(f"sslmode is one of {', '.join(SSL_MODES)}")
    if not str(query.get(CACHE_SIZE, "0")).isdecimal():
        raise ValueError(f"{CACHE_SIZE} is a number")
