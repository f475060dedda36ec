"""Which files may be uploaded: those that are told by their content. A library's rules say which of them it takes."""

from __future__ import annotations

from gateway.domain.requests.file_types import FileType, type_of

MEDIA_TYPES = tuple(one.value for one in FileType)


def fits(media_type: str, content: bytes) -> bool:
    found = type_of(content)
    return found is not None and found.value == media_type
