"""All operations, one module a concern."""

from gateway.web.api.operation import AnyOperation
from gateway.web.api.operations import (
    desk,
    events,
    files_and_rota,
    openurl,
    partners,
    patron,
    requests,
    search,
    webhooks,
)

ALL: tuple[AnyOperation, ...] = (
    *requests.OPERATIONS,
    *files_and_rota.OPERATIONS,
    *partners.OPERATIONS,
    *search.OPERATIONS,
    *openurl.OPERATIONS,
    *desk.OPERATIONS,
    *patron.OPERATIONS,
    *events.OPERATIONS,
    *webhooks.OPERATIONS,
)
