"""Addresses of those who speak to us, as they are counted."""

from __future__ import annotations

import ipaddress


def address_block(address: str) -> str:
    """Return the block under which whoever has this address is counted: who has an address of IPv6 has all of its /64,
    and `::ffff:192.0.2.1` is one of IPv4. What is no address stays as it is."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else str(parsed)


WIDER_PREFIXES = (56, 48)
"""What a connection of a household and of an organisation gets of IPv6 (RIPE-690): 256 and 65,536 times a /64."""


def list_wider_blocks(address: str) -> tuple[str, ...]:
    """The networks around `address_block`, one for each of WIDER_PREFIXES; none of an address of IPv4."""
    block = address_block(address)
    if ":" not in block:
        return ()
    try:
        network = ipaddress.IPv6Network(block)
    except ValueError:
        return ()
    return tuple(str(network.supernet(new_prefix=prefix)) for prefix in WIDER_PREFIXES)


def is_this_machine(host: str) -> bool:
    """Return whether a host, by name or address as a URL has it, is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
