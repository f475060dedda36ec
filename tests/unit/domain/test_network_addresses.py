"""Which addresses count as one."""

from __future__ import annotations

import pytest

from gateway.domain.network_addresses import address_block


@pytest.mark.parametrize(
    ("address", "block"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unix:", "unix:"),
    ],
)
def test_whose_tries_are_counted_together(address: str, block: str) -> None:
    assert address_block(address) == block
