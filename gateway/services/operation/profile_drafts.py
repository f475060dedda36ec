"""Drafts of profiles: what somebody wants a profile's file to say, checked against the files as they are, as a reload
checks them. Nothing is written here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import field
from itertools import count
from pathlib import Path

from gateway.adapter_registry import AdapterRegistry
from gateway.configuration import file_replacement
from gateway.configuration.text_difference import DifferenceLine, compare_texts
from gateway.configuration.written_secrets import has_written_secret
from gateway.configuration.yaml_document import display_path, parse_yaml
from gateway.domain.problems import ConfigurationError, ConfigurationProblem
from gateway.domain.value import value_object
from gateway.policies import read_policies
from gateway.profiles import LoadedProfile, ProfileLoadResult, ProfileStore, read_profiles
from gateway.profiles.effective import format_yaml
from gateway.profiles.loader import read_profiles_with_draft
from gateway.services.letters.localization import mark_text
from gateway.settings import Settings

MAX_TEXT_BYTES = 200_000
"""Of a profile that is changed at its page."""

NAME_PATTERN = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")

SECRET_PROBLEM = "a secret is written here: write env:NAME or file:PATH instead"


WRITTEN_SECRET = mark_text(
    "A secret is written in the file, so its text is neither shown nor edited here. Edit the file itself and write "
    "env:NAME or file:PATH in the place of the secret."
)


@value_object
class ProfileFile:
    """A profile's file as pages may show it. `text`: empty where a secret is written in it; `obstacle`: a sentence that
    says why it can't be changed here, to be translated; empty: it can."""

    name: str
    text: str
    is_there: bool
    obstacle: str = ""


@value_object
class ProfileDraft:
    """`text`: what somebody wants the file to say; `base`: the file as it was shown to them, empty for a new one."""

    name: str
    text: str = field(repr=False)
    base: str = field(repr=False)


@value_object(kw_only=True)
class DraftCheck:
    """The findings on a draft, and the file as it was then. `problems` keep it from being saved; those of its examples
    don't. `loaded` None: it is no profile. `changed_meanwhile`: from what the draft began with to the file as it is
    now; `own_changes`: from the same to the draft; `difference`: from the file as it is now to the draft. `libraries`:
    symbols of all that it concerns."""

    draft: ProfileDraft
    current: ProfileFile
    problems: tuple[ConfigurationProblem, ...]
    example_problems: tuple[ConfigurationProblem, ...] = ()
    loaded: LoadedProfile | None = field(default=None, repr=False)
    difference: tuple[DifferenceLine, ...]
    changed_meanwhile: tuple[DifferenceLine, ...]
    own_changes: tuple[DifferenceLine, ...]
    libraries: frozenset[str] = frozenset()
    before: bytes | None = field(default=None, repr=False)
    after: bytes = field(default=b"", repr=False)

    @property
    def can_be_saved(self) -> bool:
        return not (self.problems or self.changed_meanwhile or self.current.obstacle) and bool(self.difference)


class ProfileDraftChecks:
    """Reads files, and so belongs into a thread."""

    def __init__(self, settings: Settings, adapters: AdapterRegistry, profiles: ProfileStore) -> None:
        self._settings = settings
        self._adapters = adapters
        self._profiles = profiles

    # --- files -------------------------------------------------------------------------------------------

    def find_file(self, name: str) -> Path:
        """Find the file that an edit changes: not that of a directory's entry, which each pull writes anew."""
        loaded_profile = self._profiles.current.loaded.get(name)
        if loaded_profile is None or loaded_profile.is_generated:
            return self._profiles.name_file(name)
        is_pulled = self._settings.is_of_directory(str(loaded_profile.file))
        return self._profiles.name_file(name) if is_pulled else loaded_profile.file

    def describe_file(self, name: str) -> ProfileFile:
        file = self.find_file(name)
        if any(entry.own_of and entry.profile.name == name for entry in self._profiles.current.loaded.values()):
            return ProfileFile(
                name, "", is_there=True, obstacle=mark_text("A library has this file in its own folder.")
            )
        try:
            content = file_replacement.read_bytes(file)
        except OSError:
            return ProfileFile(name, "", is_there=True, obstacle=mark_text("The file cannot be read."))
        text = decode_text(content) if content is not None else ""
        if text is not None and has_written_secret(text):
            return ProfileFile(name, "", is_there=True, obstacle=WRITTEN_SECRET)
        return ProfileFile(name, text or "", content is not None, self._find_obstacle(name, file, content, text))

    def _find_obstacle(self, name: str, file: Path, content: bytes | None, text: str | None) -> str:
        if not self._settings.staff.edit_profiles:
            return mark_text("Editing profiles here is disabled. Set staff.edit_profiles in gateway.yml to enable it.")
        if NAME_PATTERN.fullmatch(name) is None:
            return mark_text("The name of a profile may contain lower-case letters, digits and . _ - only.")
        if file.is_symlink():
            return mark_text("The file is a link. Edit the file that it points to.")
        if text is None:
            return mark_text("The file is not UTF-8 text.")
        if content is not None and len(content) > MAX_TEXT_BYTES:
            return mark_text("The file is too large to be edited here.")
        if not os.access(file.parent, os.W_OK):
            return mark_text("The gateway has no write permission for the profiles folder.")
        return ""

    # --- checks ------------------------------------------------------------------------------------------

    def check_draft(self, draft: ProfileDraft) -> DraftCheck:
        current, file = self.describe_file(draft.name), self.find_file(draft.name)
        content = file_replacement.read_bytes(file)
        text = _end_last_line(draft.text)
        name = display_path(file)
        before = read_profiles(self._profiles.folder, self._adapters, self._settings)
        after = read_profiles_with_draft(self._profiles.folder, file, text, self._adapters, self._settings)
        problems = _list_new_problems(before.problems, after.problems, name)
        if not problems:
            problems = self._check_policies(before, after)
        if not problems and has_written_secret(text):
            problems = (ConfigurationProblem(name, 0, (), SECRET_PROBLEM),)
        loaded = after.profiles.loaded.get(draft.name)
        base = _end_last_line(draft.base)
        shown = _end_last_line(current.text)
        return DraftCheck(
            draft=ProfileDraft(draft.name, text, base),
            current=current,
            problems=problems if problems or loaded is not None else _report_wrong_parent(name),
            loaded=loaded,
            difference=compare_texts(shown, text),
            changed_meanwhile=compare_texts(base, shown),
            own_changes=compare_texts(base, text),
            libraries=self._find_libraries(draft.name, after),
            before=content,
            after=_encode_text(text, content),
        )

    def _check_policies(self, before: ProfileLoadResult, after: ProfileLoadResult) -> tuple[ConfigurationProblem, ...]:
        """Rules for requests name profiles, too."""
        problems = set(read_policies(self._settings, before.profiles).problems)
        return tuple(fault for fault in read_policies(self._settings, after.profiles).problems if fault not in problems)

    def _find_libraries(self, name: str, after: ProfileLoadResult) -> frozenset[str]:
        """Find the libraries of the profile, of those that extend it, now and then, and of those that it would
        extend."""
        every = frozenset(library.symbol for library in self._settings.libraries)
        owners = set[str]()
        for loaded in (self._profiles.current.loaded, after.profiles.loaded):
            for loaded_profile in loaded.values():
                if name in _list_extended(loaded_profile, loaded):
                    owners |= loaded_profile.libraries or every
        if name in after.profiles.loaded:
            parents = _list_extended(after.profiles.loaded[name], after.profiles.loaded)
            for base in parents:
                owners |= after.profiles.loaded[base].libraries if base in after.profiles.loaded else frozenset()
        return frozenset(owners) or every


def _list_extended(loaded_profile: LoadedProfile, loaded: dict[str, LoadedProfile]) -> list[str]:
    """Its own name and those of all that it extends."""
    names, parent = [loaded_profile.profile.name], loaded_profile.profile.extends
    while parent is not None and parent not in names:
        names.append(parent)
        parent = loaded[parent].profile.extends if parent in loaded else None
    return names


def _list_new_problems(
    before: Iterable[ConfigurationProblem], after: Iterable[ConfigurationProblem], file: str
) -> tuple[ConfigurationProblem, ...]:
    """List what is wrong in the file, and elsewhere what wasn't before."""
    problems = set(before)
    return tuple(problem for problem in after if problem.file == file or problem not in problems)


def _report_wrong_parent(file: str) -> tuple[ConfigurationProblem, ...]:
    return (ConfigurationProblem(file, 0, (), "it extends a profile in which something is wrong"),)


def _end_last_line(text: str) -> str:
    """Return a text as the browser sent it, with plain line ends and a last one."""
    text = text.replace("\r\n", "\n")
    return text if not text or text.endswith("\n") else f"{text}\n"


def decode_text(content: bytes) -> str | None:
    """Decode a text with plain line ends; None: it is no text."""
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        return None


def _encode_text(text: str, before: bytes | None) -> bytes:
    """Encode a text with the line ends and the byte order mark that the file has."""
    if before is not None and b"\r\n" in before:
        text = text.replace("\n", "\r\n")
    return text.encode("utf-8-sig" if before is not None and before.startswith(b"\xef\xbb\xbf") else "utf-8")


# --- examples ----------------------------------------------------------------------------------------------

_EXAMPLES_HEADING = re.compile(r"^examples:[ \t]*(?:#.*)?\n", re.MULTILINE)


class ExampleNotAddedError(Exception):
    """The file is not YAML, or its examples are written in a way to which nothing can be added."""


def add_example(text: str, service: str, send: str, understood: Mapping[str, str]) -> str:
    """Add an example before those that are there: it is decoded only, so the others find the library unchanged. Its
    name is that of the service, with a number. Raises ExampleNotAddedError."""
    try:
        document = parse_yaml(text, "")
    except ConfigurationError as error:
        raise ExampleNotAddedError from error
    examples = document.data.get("examples")
    listed = examples if isinstance(examples, list) else []
    named = {example.get("name") for example in listed if isinstance(example, dict)}
    name = next(name for number in count(1) if (name := f"{service} {number}") not in named)
    block = format_yaml({"examples": [{"name": name, "send": send, "understood": dict(understood)}]})
    if "examples" not in document.data:
        return f"{text.rstrip()}\n\n{block}"
    heading, first = _EXAMPLES_HEADING.search(text), document.places.get(("examples", 0))
    if heading is None:
        raise ExampleNotAddedError
    line = text.splitlines()[first.line - 1] if first is not None else "  -"
    indent = " " * (len(line) - len(line.lstrip(" ")))
    lines = (f"{indent}{added[2:]}" if added else "" for added in block.splitlines()[1:])
    return text[: heading.end()] + "".join(f"{added}\n" for added in lines) + "\n" + text[heading.end() :]
