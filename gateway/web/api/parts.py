"""What operations work with, and the limits they keep."""

from __future__ import annotations

from gateway.domain.clock import Clock
from gateway.domain.frozen import frozen_by_name
from gateway.services.api_keys import ApiKeys
from gateway.services.webhooks.subscriptions import Webhooks
from gateway.store.engine import Store
from gateway.web.api.events import Streams
from gateway.web.api.service import Services


@frozen_by_name
class Limits:
    """Bytes, levels, seconds. `answers_kept_hours`: how long a repeated POST gets the stored answer."""

    body_bytes: int = 200_000
    attachment_bytes: int = 50_000_000
    depth: int = 20
    idle_seconds: float = 10.0
    body_seconds: float = 30.0
    answers_kept_hours: int = 24


@frozen_by_name
class Parts:
    services: Services
    store: Store
    clock: Clock
    keys: ApiKeys
    webhooks: Webhooks
    streams: Streams
    limits: Limits = Limits()
