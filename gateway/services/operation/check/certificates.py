"""Certificates that settings and profiles name, and when they end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from pydantic import BaseModel

from gateway.domain.problems import ConfigurationProblem, KeyPath
from gateway.domain.value import value_object
from gateway.profiles import LoadedProfile
from gateway.settings import Settings

NOTICE = timedelta(days=30)
"""So long before its end somebody is told."""

FIELD = "certificate"
"""Name of the key, in all sections of settings and profiles."""


OPTIONS = "options"
"""What an adapter's own model is called in that of a library's system, whose keys stand in the same section."""


@value_object
class EndingCertificate:
    """One and its end. `place`: where it is named."""

    file: str
    ends: datetime
    place: ConfigurationProblem

    def has_ended(self, now: datetime) -> bool:
        return self.ends <= now


def find_ending_certificates(
    settings: Settings, profiles: Iterable[LoadedProfile], now: datetime
) -> tuple[EndingCertificate, ...]:
    """The earliest end first, each file once. One that can't be read is a problem of whoever uses it."""
    certificates = list_certificate_ends(settings, profiles)
    return tuple(certificate for certificate in certificates if certificate.ends <= now + NOTICE)


def list_certificate_ends(settings: Settings, profiles: Iterable[LoadedProfile]) -> tuple[EndingCertificate, ...]:
    """All, however long they last, as `find_ending_certificates` has them."""
    certificates: dict[Path, EndingCertificate] = {}
    for file, name, place in _list_certificates(settings, profiles):
        ends = _read_end(file) if file not in certificates else None
        if ends is not None:
            certificates[file] = EndingCertificate(name, ends, place)
    return tuple(sorted(certificates.values(), key=lambda certificate: (certificate.ends, certificate.file)))


def describe_ending_certificates(
    settings: Settings, profiles: Iterable[LoadedProfile], now: datetime
) -> Iterator[tuple[ConfigurationProblem, bool]]:
    """Describe certificates as `illgate check` does; and whether each has ended already."""
    for certificate in find_ending_certificates(settings, profiles, now):
        has_ended = certificate.has_ended(now)
        message = f"the certificate {'ended' if has_ended else 'ends'} on {certificate.ends:%Y-%m-%d}"
        place = certificate.place
        yield ConfigurationProblem(place.file, place.line, place.path, message, place.found), has_ended


def _list_certificates(
    settings: Settings, profiles: Iterable[LoadedProfile]
) -> Iterator[tuple[Path, str, ConfigurationProblem]]:
    """List files, as they are named and where."""
    for path, name in _walk_model(settings, ()):
        yield settings.folder / name, name, settings.make_problem(path, "", name)
    for loaded in profiles:
        for section, dialect in loaded.profile.dialects.items():
            for path, name in _walk_model(dialect, (section,)):
                yield settings.folder / name, name, loaded.make_problem(path, "", name)


def _walk_model(value: object, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    """Paths and values of all keys of this name, wherever they are nested."""
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            inner = getattr(value, name)
            if name == FIELD and isinstance(inner, str | Path) and str(inner):
                yield (*path, name), str(inner)
            else:
                yield from _walk_model(inner, path if name == OPTIONS else (*path, name))
    elif isinstance(value, tuple | list):
        for index, inner in enumerate(value):
            yield from _walk_model(inner, (*path, index))


def _read_end(file: Path) -> datetime | None:
    """Read the end of the first certificate in a PEM file; None: it can't be read."""
    try:
        certificates = x509.load_pem_x509_certificates(file.read_bytes())
    except (OSError, ValueError):
        return None
    return certificates[0].not_valid_after_utc if certificates else None
