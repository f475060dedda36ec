"""Find secrets that are written in a YAML file, where only references to secrets are allowed.

Its keys say what is a secret. What YAML can't read, and comments, are looked through line by line; there a key of a
secret without a reference behind it is enough.
"""

from __future__ import annotations

import itertools
import re

from gateway.configuration.yaml_document import parse_yaml
from gateway.domain.problems import ConfigurationError, KeyPath
from gateway.domain.secret_reference import PASSWORD_IN_URL, is_secret_reference

_LAST_WORDS = frozenset({"secret", "password", "key", "token", "pin"})
_WHOLE_KEYS = frozenset({"agency_authentication", "encryption_keys", "open"})
_KEYS_WITHIN = frozenset({("account", "code")})
_KEY = re.compile(r"""(?<![\w-])(?P<key>[\w-]{1,64})["']?[ \t]*:""")
_KEY_WITHOUT_SPACE = re.compile(r"(?P<key>[\w-]{1,64}):\S")
"""`password:Кот` is no key and value for YAML."""
_ACCOUNT = re.compile(r"""(?<![\w-])account["']?[ \t]*:""", re.IGNORECASE)
_COMMENT = re.compile(r"#[^\r\n]*")
_LINE = re.compile(r"[^\r\n]+")


def is_secret_path(path: KeyPath) -> bool:
    """Return whether a value is not shown, even where something else than a secret's name stands there by mistake."""
    keys = ["", *(part for part in path if isinstance(part, str))]
    return any(_is_secret_key(outer, key) for outer, key in itertools.pairwise(keys))


def _is_secret_key(outer: str, key: str) -> bool:
    plain = key.casefold().replace("-", "_")
    return plain in _WHOLE_KEYS or plain.rpartition("_")[2] in _LAST_WORDS or (outer.casefold(), plain) in _KEYS_WITHIN


def has_written_secret(text: str) -> bool:
    """Return whether the text of a file may hold a secret, in a value, a comment, or what isn't YAML."""
    text = text.removeprefix("\ufeff")
    outer = "account" if _ACCOUNT.search(text) else ""  # around a comment it stands on another line
    if PASSWORD_IN_URL.search(text) or any(_is_secret_line(each[0], outer, False) for each in _COMMENT.finditer(text)):
        return True
    try:
        data = parse_yaml(text, "").data
    except ConfigurationError:
        return any(_is_secret_line(each[0], "account", True) for each in _LINE.finditer(text))
    return _is_secret_value(data, "", False)


def _is_secret_value(value: object, key: str, is_secret: bool) -> bool:
    """`key`: whose value it is; `is_secret`: whether a key around it is a secret's."""
    match value:
        case dict():
            return any(
                _is_secret_value(inner, name, is_secret or _is_secret_key(key, name)) for name, inner in value.items()
            )
        case list():
            return any(_is_secret_value(inner, key, is_secret) for inner in value)
        case str():
            if is_secret:
                return bool(value) and not is_secret_reference(value)
            has_key = _KEY_WITHOUT_SPACE.match(value) is not None and _is_secret_line(value, key, False)
            return has_key or PASSWORD_IN_URL.search(value) is not None  # in the text `\/` may hide it
    return is_secret and isinstance(value, int | float) and not isinstance(value, bool)


def _is_secret_line(line: str, outer: str, is_open: bool) -> bool:
    """Return whether it has the key of a secret without a reference. `outer`: the key that may be around it; `is_open`:
    the value may stand on other lines."""
    for match in _KEY.finditer(line):
        if _is_secret_key(outer, match["key"]):
            value = line[match.end() :].strip().strip("\"'")
            if (value or is_open) and not value.startswith(("env:", "file:")):
                return True
    return False
