"""Which addresses count as one."""

from __future__ import annotations

import pytest

from gateway.domain.network_addresses import address_block, list_wider_blocks


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


@pytest.mark.parametrize(
    ("address", "blocks"),
    [
        ("2001:db8:1:2ff:3::4", ("2001:db8:1:200::/56", "2001:db8:1::/48")),
        ("::ffff:192.0.2.1", ()),
        ("192.0.2.1", ()),
        ("unix:", ()),
    ],
)
def test_the_networks_around_an_address(address: str, blocks: tuple[str, ...]) -> None:
    assert list_wider_blocks(address) == blocks
