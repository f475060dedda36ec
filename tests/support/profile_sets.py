"""Profiles in use that were read from no file."""

from __future__ import annotations

from pathlib import Path

from gateway.configuration.yaml_document import YamlDocument
from gateway.domain.profile import Profile
from gateway.profiles import LoadedProfile, ProfileSet


def make_profile_set(*profiles: Profile) -> ProfileSet:
    return ProfileSet(
        {profile.name: LoadedProfile(profile, YamlDocument(profile.name), Path(profile.name)) for profile in profiles}
    )
