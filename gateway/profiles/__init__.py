"""Integration profiles: profiles/*.yml, checked when read, never when used.

- `loading`: files to profiles, with `extends` and the place of every value
- `checks`: what must fit within a profile, between profiles, and with the settings
- `matching`: which profiles a message may belong to
- `store`: the set in use, with live reload
- `effective`: a profile as it works, and how two differ
- `schema`: JSON Schema for editors
"""

from gateway.profiles.loading import LoadedProfile, Loading, ProfileSet, load_profiles, read_profiles
from gateway.profiles.matching import Candidate, Sender
from gateway.profiles.store import ProfileStore

__all__ = [
    "Candidate",
    "LoadedProfile",
    "Loading",
    "ProfileSet",
    "ProfileStore",
    "Sender",
    "load_profiles",
    "read_profiles",
]
