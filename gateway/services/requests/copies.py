"""Delivering a copy: nothing before the sign-off (the state table sees to that); then a link that ends by itself."""

from __future__ import annotations

from datetime import timedelta

from gateway.domain.problems import About, Reason, Refused
from gateway.domain.requests.request import Request
from gateway.services.requests.house import House
from gateway.store.api.links import copy_token


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
    expires = (now + timedelta(days=rules.link_days)).replace(microsecond=0)
    token = await house.store.write(
        lambda c: copy_token(c, house.symbol, request.id, attachment_id, expires, rules.downloads, now)
    )
    return f"{house.public_url.rstrip('/')}/d/{token}"
