"""Delivering a copy: nothing before the sign-off (the state table sees to that); then a link that ends by itself."""

from __future__ import annotations

import secrets
from datetime import timedelta

from gateway.domain.problems import About, Reason, Refused
from gateway.domain.requests.links import CopyLink, sign
from gateway.domain.requests.request import Request
from gateway.services.requests.house import House
from gateway.store.api.secrets import COPY_LINKS, secret


async def link_to(house: House, request: Request, attachment_id: str) -> str:
    """A signed address of one of the request's files. Raises Refused(INVALID_VALUE | NOT_ALLOWED)."""
    if all(one.id != attachment_id for one in request.attachments):
        raise Refused(Reason.INVALID_VALUE, "The request has no such file.", about=About.REQUEST, value=attachment_id)
    if not house.public_url:
        raise Refused(
            Reason.NOT_ALLOWED, "Links can't be made: http.public_url in gateway.yml says nothing.", about=About.SERVICE
        )
    rules = house.policy().copies
    now = house.now()
    key = await house.store.write(lambda c: secret(c, house.symbol, COPY_LINKS, now))
    link = CopyLink(
        library=house.symbol,
        request_id=request.id,
        attachment_id=attachment_id,
        expires=(now + timedelta(days=rules.link_days)).replace(microsecond=0),
        downloads=rules.downloads,
        nonce=secrets.token_urlsafe(9),
    )
    return f"{house.public_url.rstrip('/')}/d/{sign(link, key)}"
