"""gateway.yml: the settings of one installation."""

from gateway.settings.library_documents import LIBRARIES, LIBRARY_FILE
from gateway.settings.loader import (
    find_adapter_names,
    load_settings,
    read_settings_file,
    settings_of_document,
)
from gateway.settings.sections import FILE, HttpSettings, LibrarySettings, Settings, TcpListener, Tls

__all__ = [
    "FILE",
    "LIBRARIES",
    "LIBRARY_FILE",
    "HttpSettings",
    "LibrarySettings",
    "Settings",
    "TcpListener",
    "Tls",
    "find_adapter_names",
    "load_settings",
    "read_settings_file",
    "settings_of_document",
]
