"""Secrets from where they are: the environment, or a file; and an environment that has none."""

from __future__ import annotations

import os
from pathlib import Path

from gateway.domain.problems import ConfigurationError, ConfigurationProblem
from gateway.domain.secret_reference import REQUIREMENT, is_secret_reference

MAX_BYTES = 65_536

_INHERITED = frozenset(
    {
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT"),
        *("LD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV", "FONTCONFIG_FILE", "FONTCONFIG_PATH", "XDG_CACHE_HOME"),
        *("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_DATA_DIRS", "XDG_RUNTIME_DIR"),
    }
)
"""Variables that programs which we start may need to run at all, with those that begin with LC_."""


def make_child_environment() -> dict[str, str]:
    """The environment of a program that reads what strangers send, such as a virus scanner. Any variable may hold a
    secret (`env:NAME`), so only those go along that are known to hold none."""
    return {name: value for name, value in os.environ.items() if name in _INHERITED or name.startswith("LC_")}


def resolve_secret(reference: str, folder: Path | None = None) -> str:
    """The secret; a file's ends of lines at its end are not part of it. Relative paths start at `folder`, or else
    at the current folder. Raises ConfigurationError, which never holds the secret, when it isn't there or is empty.
    """
    kind, _, name = reference.partition(":")
    if not is_secret_reference(reference):
        raise ConfigurationError([ConfigurationProblem("", 0, (), f"a secret {REQUIREMENT}")])
    secret = os.environ.get(name, "") if kind == "env" else _read_secret_file(reference, (folder or Path()) / name)
    if not secret:
        what = "the environment has no such variable, or it is empty" if kind == "env" else "the file is empty"
        raise ConfigurationError([ConfigurationProblem("", 0, (), f"no secret at {reference}: {what}")])
    return secret


def _read_secret_file(reference: str, file: Path) -> str:
    try:
        with file.open("rb") as stream:
            body = stream.read(MAX_BYTES + 1)
        text = body.decode()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigurationError([ConfigurationProblem("", 0, (), f"no secret at {reference}: {reason}")]) from error
    except UnicodeDecodeError:
        raise ConfigurationError(
            [ConfigurationProblem("", 0, (), f"no secret at {reference}: not UTF-8 text")]
        ) from None
    if len(body) > MAX_BYTES:
        raise ConfigurationError(
            [ConfigurationProblem("", 0, (), f"no secret at {reference}: larger than {MAX_BYTES:,} bytes")]
        )
    return text.rstrip("\r\n")
