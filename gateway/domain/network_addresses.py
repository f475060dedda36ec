"""Addresses of those who speak to us, as they are counted."""

from __future__ import annotations

import ipaddress


def address_block(address: str) -> str:
    """Under what is counted whoever has this address: who has an address of IPv6 has all of its /64, and
    `::ffff:192.0.2.1` is one of IPv4. What is no address stays as it is."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else str(found)


def is_this_machine(host: str) -> bool:
    """By name or address, as a URL has it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
