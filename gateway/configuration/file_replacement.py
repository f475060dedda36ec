"""A file gets another text as a whole: whoever reads it meets the old one or the new one, also after a crash."""

from __future__ import annotations

import os
import stat
import tempfile
from dataclasses import field
from pathlib import Path

from gateway.domain.value import value_object


class FileChangedError(Exception):
    """The file isn't as it was read."""


class FileNotReplaceableError(Exception):
    """The file is a link to another one, or belongs to another user of the system and would not any more."""


@value_object
class WaitingText:
    """A text on the disk beside its file, and not in use yet. `before`: what the file holds, None: it isn't there."""

    file: Path
    waiting: Path
    before: bytes | None = field(repr=False)

    def replace_file(self) -> None:
        """Replace the file; raises FileChangedError, OSError; then the file is as it was."""
        if read_bytes(self.file) != self.before:
            raise FileChangedError
        if self.before is None:
            try:
                os.link(self.waiting, self.file)
            except FileExistsError as error:
                raise FileChangedError from error
        else:
            os.replace(self.waiting, self.file)
        _sync_folder(self.file.parent)

    def remove_waiting_file(self) -> None:
        """Remove what stays of it, but for what has replaced the file."""
        self.waiting.unlink(missing_ok=True)


def write_beside(file: Path, before: bytes | None, after: bytes, model: Path | None = None) -> WaitingText:
    """Owner, group and mode are those of the file, of a new one as its folder has them, unless `model` is a file whose
    rights it gets. Raises FileChangedError, FileNotReplaceableError, OSError; then nothing was written."""
    if file.is_symlink():
        raise FileNotReplaceableError
    if read_bytes(file) != before:
        raise FileChangedError
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    waiting = WaitingText(file, Path(name), before)
    try:
        with os.fdopen(handle, "wb") as stream:
            model = model or (file if before is not None else file.parent)
            _copy_rights(model, stream.fileno(), is_new=before is None)
            stream.write(after)
            stream.flush()
            os.fsync(stream.fileno())
    except BaseException:
        waiting.remove_waiting_file()
        raise
    return waiting


def read_bytes(file: Path) -> bytes | None:
    """None: there is no such file. Raises OSError."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None


def _copy_rights(model: Path, handle: int, *, is_new: bool) -> None:
    """Copy the rights; raises FileNotReplaceableError."""
    wanted, made = model.stat(), os.fstat(handle)
    try:
        if (wanted.st_uid, wanted.st_gid) != (made.st_uid, made.st_gid):
            os.fchown(handle, wanted.st_uid, wanted.st_gid)
    except PermissionError as error:
        if not is_new:
            raise FileNotReplaceableError from error
    os.fchmod(handle, wanted.st_mode & (0o666 if stat.S_ISDIR(wanted.st_mode) else 0o7777))


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
