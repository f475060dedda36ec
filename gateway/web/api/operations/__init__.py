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
    *requests.REQUEST_OPERATIONS,
    *files_and_rota.FILE_AND_ROTA_OPERATIONS,
    *partners.PARTNER_OPERATIONS,
    *search.SEARCH_OPERATIONS,
    *openurl.OPENURL_OPERATIONS,
    *desk.STAFF_OPERATIONS,
    *patron.PATRON_OPERATIONS,
    *events.EVENT_OPERATIONS,
    *webhooks.WEBHOOK_OPERATIONS,
)
