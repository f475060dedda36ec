"""Profiles of partners that lend and borrow by mail, and understand each other without people."""

from __future__ import annotations

from typing import Any

PEER: dict[str, Any] = {
    "extends": "bldss",
    "partner": {
        "roles": ["supplier", "requester"],
        "workflow": {
            "borrowing": {"tell_received": True, "tell_returned": True, "expects_check_in": True},
            "lending": {"renewals": 1},
        },
    },
    "artemail": {
        "customers": [{"code": "99-9999", "password": "file:password"}],
        "delivery": {"loans": "postal"},
        "actions": {"codes": {"received": ["RECEIVED"], "returned": ["RETURNED"], "message": ["MESSAGE"]}},
        "replies": {
            "codes": {
                "loan-shipped": {"code": "SHIPPED LOAN*{due}", "kind": "shipped"},
                "copy-ready": {"code": "COPY READY {link}", "kind": "copy-delivered"},
                "checked-in": {"code": "CHECKED IN", "kind": "checked-in"},
                "message": {"code": "MESSAGE", "kind": "message"},
            }
        },
    },
}
TAGGED: dict[str, Any] = {"extends": "relais-gsm", "partner": {"workflow": {"lending": {"renewals": 1}}}}
