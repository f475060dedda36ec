"""The messages and structures of NCIP 2.02, LookupVersion, what version 1 has beside them, and OCLC's RenewAllItem.

`INITIATIONS` and `RESPONSES` find a message's type by its element name, `response_to` the answer to a message.
"""

from __future__ import annotations

from adapters.ncip.messages.circulation_services import *  # noqa: F403 - one vocabulary, in chapters
from adapters.ncip.messages.declaration import *  # noqa: F403
from adapters.ncip.messages.declaration import Structure
from adapters.ncip.messages.envelope import *  # noqa: F403
from adapters.ncip.messages.envelope import Initiation, MandatableInitiation, Notification, Response
from adapters.ncip.messages.item_services import *  # noqa: F403
from adapters.ncip.messages.items import *  # noqa: F403
from adapters.ncip.messages.notifications import *  # noqa: F403
from adapters.ncip.messages.unsupported import BARE_RESPONSES, UNSUPPORTED_INITIATIONS
from adapters.ncip.messages.user_services import *  # noqa: F403
from adapters.ncip.messages.users import *  # noqa: F403

_ABSTRACT = (Structure, Initiation, MandatableInitiation, Notification, Response)
_DECLARED: dict[str, type[Structure]] = {
    name: cls
    for name, cls in globals().items()
    if isinstance(cls, type) and issubclass(cls, Structure) and cls not in _ABSTRACT
}
INITIATIONS: dict[str, type[Initiation]] = {
    **{name: cls for name, cls in _DECLARED.items() if issubclass(cls, Initiation)},
    **UNSUPPORTED_INITIATIONS,
}
RESPONSES: dict[str, type[Response]] = {
    **{name: cls for name, cls in _DECLARED.items() if issubclass(cls, Response)},
    **BARE_RESPONSES,
}


def response_to(initiation: type[Initiation]) -> type[Response]:
    """LookupUser -> LookupUserResponse."""
    return RESPONSES[f"{initiation.__name__}Response"]


def structure_types() -> dict[str, type[Structure]]:
    """Name -> type, of all messages and of the structures in them."""
    return {**_DECLARED, **INITIATIONS, **RESPONSES}
