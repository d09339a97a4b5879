"""Which proxy a request to the API server goes through, as kubectl decides it. Pure.

Source: Go's `golang.org/x/net/http/httpproxy` (`http.ProxyFromEnvironment`) with apimachinery's CIDR matching.
Python's own rules differ: no CIDR in NO_PROXY, ALL_PROXY counts, and aiohttp looks for `WSS_PROXY` for a WebSocket.
"""

from __future__ import annotations

import contextlib
import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping


def proxy_for(server: str, proxy_url: str, environ: Mapping[str, str]) -> str:
    """The proxy's URL, or "" for none. The kubeconfig's `proxy-url` wins over the environment, even over NO_PROXY."""
    if proxy_url:
        return proxy_url
    parts = urlsplit(server)
    name = "HTTPS_PROXY" if parts.scheme == "https" else "HTTP_PROXY"
    proxy = environ.get(name) or environ.get(name.lower()) or ""
    no_proxy = environ.get("NO_PROXY") or environ.get("no_proxy") or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if not proxy or _goes_direct(parts.hostname or "", port, no_proxy):
        return ""
    return proxy if "://" in proxy else f"http://{proxy}"


def _goes_direct(host: str, port: int, no_proxy: str) -> bool:
    address = None
    with contextlib.suppress(ValueError):
        address = ipaddress.ip_address(host)
    if host == "localhost" or (address is not None and address.is_loopback):
        return True
    return any(
        _matches(entry.strip().lower(), host.lower(), address, port) for entry in no_proxy.split(",") if entry.strip()
    )


def _matches(entry: str, host: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address | None, port: int) -> bool:
    if entry == "*":
        return True
    name, colon, digits = entry.rpartition(":")
    if colon and digits.isdigit() and (":" not in name or name.endswith("]")):
        if int(digits) != port:
            return False
        entry = name
    entry = entry.strip("[]")
    if address is not None:
        with contextlib.suppress(ValueError):  # a single address is a network too; a name is neither
            return address in ipaddress.ip_network(entry, strict=False)
        return False
    bare = entry.removeprefix("*").removeprefix(".")
    return host.endswith(f".{bare}") or (host == bare and not entry.startswith((".", "*")))
