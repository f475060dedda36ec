"""All operations, one module a concern."""

from gateway.web.api.operation import AnyOperation
from gateway.web.api.operations import desk, events, files_and_rota, partners, patron, requests, webhooks

ALL: tuple[AnyOperation, ...] = (
    *requests.OPERATIONS,
    *files_and_rota.OPERATIONS,
    *partners.OPERATIONS,
    *desk.OPERATIONS,
    *patron.OPERATIONS,
    *events.OPERATIONS,
    *webhooks.OPERATIONS,
)
