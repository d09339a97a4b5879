"""From what aiohttp, OpenSSL or the system says to why an API server can't be reached, in a person's words."""

from __future__ import annotations

import errno
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp

from handlers.errors import ErrorKind, RemoteCommandError
from handlers.transports.kubernetes.kubeconfig import invalid

if TYPE_CHECKING:
    from handlers.transports.kubernetes.access import Access


def unreachable(error: BaseException, access: Access, proxy: str) -> RemoteCommandError:
    """Explain a failure below HTTP; hosts and ports are named, user names and passwords in URLs are not."""
    server = f"The API server {_address(access.server)} ({access.place})"
    certificate = _certificate_problem(error)
    if certificate is not None:
        return RemoteCommandError(
            ErrorKind.UNREACHABLE,
            f"{server} shows a certificate that can't be trusted: {certificate}.",
            remedy="Check certificate-authority, tls-server-name and server of the cluster in the kubeconfig.",
        )
    if isinstance(error, aiohttp.InvalidURL):
        return invalid(f"The server address or proxy-url of {access.place} is not a valid URL.")
    if isinstance(error, aiohttp.WSServerHandshakeError):
        return RemoteCommandError(
            ErrorKind.NOT_SUPPORTED,
            f"{server} does not open a WebSocket for exec (HTTP {error.status}); a proxy on the way may not let it.",
            http_status=error.status,
        )
    if proxy and isinstance(error, aiohttp.ClientHttpProxyError | aiohttp.ClientProxyConnectionError):
        return _proxy_problem(error, access, proxy)
    if isinstance(error, ssl.SSLError):
        what = f"{server} and this machine could not agree on TLS: {_cause(error)}."
        return RemoteCommandError(
            ErrorKind.UNREACHABLE, what, remedy="Check that server begins with the right one of https:// and http://."
        )
    return RemoteCommandError(
        ErrorKind.UNREACHABLE,
        f"{server} can't be reached: {_cause(error)}.",
        retryable=True,
        remedy="Check that the cluster is up, and that this machine gets there (network, VPN, proxy).",
    )


def _proxy_problem(
    error: aiohttp.ClientHttpProxyError | aiohttp.ClientProxyConnectionError, access: Access, proxy: str
) -> RemoteCommandError:
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        what = f"The proxy {_address(proxy)} for {access.place} can't be reached: {_cause(error)}."
        return RemoteCommandError(ErrorKind.UNREACHABLE, what, retryable=True)
    return RemoteCommandError(
        ErrorKind.UNREACHABLE,
        f"The proxy {_address(proxy)} refuses to connect to {_address(access.server)} (HTTP {error.status}).",
        remedy="Check proxy-url in the kubeconfig, HTTPS_PROXY and NO_PROXY.",
        retryable=error.status >= 500,
        http_status=error.status,
    )


def _certificate_problem(error: BaseException) -> str | None:
    inner = getattr(error, "certificate_error", error)
    if isinstance(inner, ssl.SSLCertVerificationError):
        return inner.verify_message or "verification failed"
    if isinstance(inner, ssl.CertificateError):
        return str(inner)
    return None


def _cause(error: BaseException) -> str:
    """A few words; the libraries' own texts repeat addresses and show internals."""
    inner = getattr(error, "os_error", error)
    if isinstance(inner, ssl.SSLError):
        return (inner.reason or "handshake failed").replace("_", " ").lower()
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name can't be resolved"
    if isinstance(inner, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "it closed the connection before it answered"
    if isinstance(inner, OSError) and inner.errno:
        return _errno_words(inner.errno)
    return type(error).__name__


def _errno_words(number: int) -> str:
    """The usual words for a system error."""
    known = {
        errno.ECONNREFUSED: "connection refused",
        errno.EHOSTUNREACH: "no route to it",
        errno.ENETUNREACH: "the network is unreachable",
        errno.ECONNRESET: "it reset the connection",
    }
    return known.get(number, errno.errorcode.get(number, f"error {number}"))


def _address(url: str) -> str:
    """Host and port of a URL."""
    return urlsplit(url).netloc.rpartition("@")[2]
