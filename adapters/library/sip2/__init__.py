"""A library's own system that speaks SIP2. README.md says what of it is spoken."""

from __future__ import annotations

from adapters.library.sip2.options import Sip2Options
from adapters.library.sip2.system import WAYS, Sip2Library, open_sip2
from gateway.ports.adapter import LibraryAdapter

__all__ = ["Sip2Library", "Sip2Options", "adapter"]

adapter = LibraryAdapter(
    name="sip2",
    options=Sip2Options,
    open=open_sip2,
    secrets=Sip2Options.named_secrets,
    ways=WAYS,
)
