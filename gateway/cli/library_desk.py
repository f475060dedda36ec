"""The desk of an open library, for the commands of library systems: the requests of its items and patrons follow."""

from __future__ import annotations

from gateway.cli.installation import Installation
from gateway.ports.adapter import OpenLibrary
from gateway.runtime.assembly import make_open_library
from gateway.runtime.library_contexts import build_library_contexts
from gateway.services.exchange.circulation_link import DeskLink
from gateway.services.letters.renderer import make_letter_renderer


def open_desk(installation: Installation, opened: OpenLibrary) -> DeskLink:
    """Open the desk; raises ConfigurationError."""
    settings, context = installation.settings, opened.context
    library = make_open_library(settings.find_library(context.library), opened.system)
    profiles, policies = installation.profiles.profiles, installation.policies.policies
    contexts = build_library_contexts(
        settings, context.store, installation.clock, {library.symbol: library}, lambda: profiles, policies.for_library
    )
    return DeskLink(contexts[library.symbol], make_letter_renderer(settings))
