"""All operations, one module a concern."""

from gateway.web.api.operation import AnyOperation
from gateway.web.api.operations import (
    catalogues,
    events,
    lists,
    mails,
    messages,
    partners,
    patrons,
    replays,
    requests,
    staff,
    statistics,
)

ALL: tuple[AnyOperation, ...] = (
    *requests.REQUEST_OPERATIONS,
    *requests.FILE_AND_ROTA_OPERATIONS,
    *lists.LIST_OPERATIONS,
    *messages.MESSAGE_OPERATIONS,
    *mails.MAIL_OPERATIONS,
    *staff.PARTNER_OPERATIONS,
    *partners.PARTNER_WORK_OPERATIONS,
    *catalogues.SEARCH_OPERATIONS,
    *catalogues.OPENURL_OPERATIONS,
    *staff.STAFF_OPERATIONS,
    *statistics.STATISTICS_OPERATIONS,
    *replays.REPLAY_OPERATIONS,
    *patrons.PATRON_OPERATIONS,
    *events.EVENT_OPERATIONS,
    *events.WEBHOOK_OPERATIONS,
)
