"""What the file of one library may name: secrets and files of its own. The office may name any.

Whoever writes a library's file could else have another library's secret, or the gateway's own, sent to an address of
its choice.
"""

from __future__ import annotations

import os.path
from collections.abc import Iterator

from gateway.configuration.named_resources import iter_resources
from gateway.domain.problems import ConfigurationProblem, KeyPath
from gateway.settings.library_documents import LIBRARIES
from gateway.settings.sections import LibrarySettings, Settings


def check_ownership(settings: Settings) -> Iterator[ConfigurationProblem]:
    """Check libraries that have a folder: each value of their own file that names a secret or a file."""
    names: dict[str, LibrarySettings] = {}
    for index, library in enumerate(settings.libraries):
        if not library.folder:
            continue
        begin = f"{library.environment_name}_"
        for other, owner in names.items():
            if begin.startswith(other) or other.startswith(begin):
                message = f"names of variables would begin as those of library {owner.symbol} do ({other}…)"
                yield settings.make_problem((LIBRARIES, index, "short"), message, library.short_name)
        names[begin] = library
        for resource in iter_resources(library):
            path = _find_path_in_document(index, resource.path)
            yield from _check_resource(settings, library, path, resource.reference)
        for number, pattern in enumerate(library.secrets):
            yield from _check_resource(settings, library, (LIBRARIES, index, "secrets", number), pattern)


def _find_path_in_document(index: int, path: KeyPath) -> KeyPath:
    """A system's options are beside its type in the file."""
    return (LIBRARIES, index, *(part for part in path if part != "options"))


def _check_resource(
    settings: Settings, library: LibrarySettings, path: KeyPath, reference: str
) -> Iterator[ConfigurationProblem]:
    """`reference`: also a pattern with * at its end."""
    if settings.document.find_position(path).is_default:
        return  # the office's
    kind, _, name = reference.partition(":")
    if kind == "env":
        is_own = name.startswith(f"{library.environment_name}_")
    else:
        folder = os.path.realpath(settings.folder / library.folder)
        fixed = name.rpartition("/")[0] if name.endswith("*") else name  # `lib01*` is lib012, too
        is_own = f"{os.path.realpath(settings.folder / fixed)}{os.sep}".startswith(f"{folder}{os.sep}")
    if not is_own:
        message = "the file of a library may name its own secrets and files alone"
        yield settings.make_problem(path, message, reference, library.own_resources)
