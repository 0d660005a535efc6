"""Which addresses of a network may be connected to for a URL that somebody else wrote.

A list of URLs is foreign input: without this check it could make a worker ask the cloud's metadata service or a
machine of the local network. The address that a socket is opened to is checked, not the name in the URL: a name may
be resolved to another address a moment later.
"""

from __future__ import annotations

import ipaddress
import socket

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class PrivateAddress(OSError):
    """An address that is not of the public internet; always of one text, or several would be joined into an OSError."""

    def __init__(self) -> None:
        super().__init__("the address is not of the public internet")


def is_public(text: str) -> bool:
    """Whether an address is of the public internet.

    Private, loopback, link-local, carrier-grade NAT, multicast, reserved and unspecified ones are not, nor IPv6
    addresses that stand for such an IPv4 one.
    """
    address = ipaddress.ip_address(text)
    hidden = _hidden_ipv4(address)
    if hidden is not None:
        return is_public(str(hidden))
    site_local = isinstance(address, ipaddress.IPv6Address) and address.is_site_local
    return address.is_global and not (address.is_multicast or address.is_reserved or site_local)


def _hidden_ipv4(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 one leads to: mapped, 6to4 or through a NAT64."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def public_socket(info: tuple[int, int, int, str, tuple[str | int, ...]]) -> socket.socket:
    """A socket for one address, as the HTTP client asks for it right before it connects.

    Raises:
        PrivateAddress: it may not be connected to.
    """
    family, kind, protocol, _, place = info
    if not is_public(str(place[0])):
        raise PrivateAddress
    return socket.socket(family, kind, protocol)
