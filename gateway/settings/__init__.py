"""gateway.yml: the settings of one installation."""

from gateway.settings.model import (
    FILE,
    HttpSettings,
    LibrarySettings,
    Settings,
    TcpListener,
    Tls,
)
from gateway.settings.reading import load_settings, settings_from

__all__ = [
    "FILE",
    "HttpSettings",
    "LibrarySettings",
    "Settings",
    "TcpListener",
    "Tls",
    "load_settings",
    "settings_from",
]
