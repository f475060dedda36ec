"""Changes of an installation's files that are planned first: their copy, what is written, and the way back."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from pathlib import Path

from gateway.configuration.file_replacement import read_bytes, write_beside
from gateway.domain.value import value_object
from gateway.runtime.added_libraries import SECRETS_FOLDER, give_to_owner
from gateway.settings import Settings

COPY_PREFIX = "files-before-upgrade-"
UNDONE_PREFIX = "files-before-undo-"

_OTHER_FILES = "files"
"""The folder of a copy with all but profiles and partners, as they are below the installation's folder."""

_ADDED_FILES = "added.txt"
"""The file of a copy that lists, one a line, what was not there before."""


@value_object
class FileChange:
    """The change of a file. `texts`: what files hold afterwards, None: nothing, they are removed; none: the file
    stays. `model`: a new file has its rights; None: those of `file`."""

    file: Path
    sentence: str
    texts: Mapping[Path, bytes | None] = field(default_factory=dict, repr=False)
    model: Path | None = None


def copy_files(settings: Settings, prefix: str, now: datetime, changes: tuple[FileChange, ...]) -> Path:
    """Copy profiles, partners and all else that changes beside gateway.yml, and return the copy. Raises OSError."""
    copy = settings.folder / f"{prefix}{now:%Y%m%dT%H%M%SZ}"
    copy.mkdir(mode=0o700)
    folders = _name_folders(settings)
    for name, folder in folders.items():
        if folder.is_dir():
            shutil.copytree(folder, copy / name)
    others = {file for change in changes for file in change.texts if file.parent not in folders.values()}
    added = []
    for file in sorted(others):
        name = file.relative_to(settings.folder).as_posix()
        if file.exists():
            (copy / _OTHER_FILES / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, copy / _OTHER_FILES / name)
        else:
            added.append(f"{name}\n")
    if added:
        (copy / _ADDED_FILES).write_text("".join(added), "utf-8")
    return copy


def find_copy(settings: Settings) -> Path | None:
    """Find the newest copy from before an upgrade."""
    return max(settings.folder.glob(f"{COPY_PREFIX}*"), default=None)


def plan_way_back(settings: Settings, copy: Path) -> tuple[FileChange, ...]:
    """Plan how the files become those of the copy."""
    pairs = [
        (folder / name, copy / kept / name)
        for kept, folder in _name_folders(settings).items()
        for name in sorted({file.name for place in (folder, copy / kept) for file in place.glob("*")})
    ]
    others = copy / _OTHER_FILES
    kept_files = [file for file in sorted(others.rglob("*")) if file.is_file()]
    pairs += [(settings.folder / file.relative_to(others), file) for file in kept_files]
    added = copy / _ADDED_FILES
    names = added.read_text("utf-8").splitlines() if added.is_file() else []
    pairs += [(settings.folder / name, others / name) for name in names]
    changes = []
    for file, kept_file in pairs:
        now, then = (read_bytes(each) if not each.is_dir() else None for each in (file, kept_file))
        if now != then:
            sentence = "removed" if then is None else "is there again" if now is None else "as it was"
            changes.append(FileChange(file, sentence, {file: then}, kept_file if then is not None else None))
    return tuple(changes)


def apply_changes(changes: tuple[FileChange, ...]) -> None:
    """Write what is new, then remove what is gone: a daemon that reads in between finds each partner once, since one
    goes before a profile of its name, and keeps libraries as they were while one stands twice. Folders that become
    empty stay. Raises OSError, FileChangedError, FileNotReplaceableError."""
    texts = [(change, file, text) for change in changes for file, text in change.texts.items()]
    for change, file, text in texts:
        if text is not None:
            _make_folder(file.parent)
            model = change.model or change.file
            waiting = write_beside(file, read_bytes(file), text, model if model.exists() else None)
            waiting.replace_file()
            waiting.remove_waiting_file()
    for _, file, text in texts:
        if text is None:
            file.unlink()


def _make_folder(folder: Path) -> None:
    """Make a folder with the rights of the one around it; nobody else may read one of secrets."""
    if folder.exists():
        return
    _make_folder(folder.parent)
    folder.mkdir()
    shutil.copymode(folder.parent, folder)
    if folder.name == SECRETS_FOLDER:
        folder.chmod(0o700)
    give_to_owner(folder, folder.parent)


def _name_folders(settings: Settings) -> Mapping[str, Path]:
    return {"profiles": settings.profiles_folder, "partners": settings.partners_folder}
