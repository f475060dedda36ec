"""gateway.yml: the settings of one installation."""

from gateway.settings.loader import load_settings, settings_of_document
from gateway.settings.sections import FILE, HttpSettings, LibrarySettings, Settings, TcpListener, Tls

__all__ = [
    "FILE",
    "HttpSettings",
    "LibrarySettings",
    "Settings",
    "TcpListener",
    "Tls",
    "load_settings",
    "settings_of_document",
]
