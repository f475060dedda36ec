"""Integration profiles and partners: profiles/*.yml, partners/*.yml, checked when read, never when used.

- `profile_set`: the profiles in use, by library, with live reload
- `loader`: files to profiles, with `extends` and the place of every value; JSON Schema for editors
- `partner_versions`: a partner's file for each library that it is for
- `groups`: groups.yml, its terms, and libraries that are partners of each other
- `shipped`: the profiles of the package, which live for nobody
- `checks`: what must fit within a profile, between profiles, and with the settings
- `matching`: which profiles a message may belong to
- `effective`: a profile as it works, and how two differ
"""

from gateway.profiles.loader import (
    ProfileLoadResult,
    load_profiles,
    read_profiles,
    read_profiles_with_fallback,
)
from gateway.profiles.matching import MessageSender, ProfileCandidate
from gateway.profiles.profile_set import LibraryPartners, LoadedProfile, ProfileSet, ProfileStore

__all__ = [
    "LibraryPartners",
    "LoadedProfile",
    "MessageSender",
    "ProfileCandidate",
    "ProfileLoadResult",
    "ProfileSet",
    "ProfileStore",
    "load_profiles",
    "read_profiles",
    "read_profiles_with_fallback",
]
