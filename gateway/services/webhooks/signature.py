"""How a receiver knows that a delivery is ours and fresh: `Illgate-Signature: t=UNIX,v1=HEX`.

`v1` is HMAC-SHA-256 with the subscription's secret over `t`, a full stop and the body. A receiver computes it anew,
compares, and refuses what is older than a few minutes.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime

HEADER = "Illgate-Signature"


def signature(secret: str, at: datetime, body: bytes) -> str:
    moment = int(at.timestamp())
    signed = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={signed}"
