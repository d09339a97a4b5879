"""One API server through one context: an aiohttp session shared by REST and every exec WebSocket.

The Kubernetes client gives the TLS set-up and REST (`ApiClient`; not `CoreV1Api`, whose import costs another 0.6 s for
three GETs). The session is ours, because its defaults are wrong here: `trust_env` adds ~/.netrc passwords and ignores
HTTPS_PROXY for WebSockets, 100 connections would be all channels there can be, and a refused upgrade loses its body.
Importing this module costs 0.5 s: it is imported in a thread. No exception of aiohttp or kubernetes leaves it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import ssl
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

import aiohttp
import kubernetes.aio.client
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from handlers.errors import ErrorKind, RemoteCommandError
from handlers.transports.kubernetes import frames, paths
from handlers.transports.kubernetes.kubeconfig import invalid
from handlers.transports.kubernetes.proxy import proxy_for
from handlers.transports.kubernetes.refusals import MAX_BODY_BYTES, Refused, Request, explain, fresh_token
from handlers.transports.kubernetes.stream import CLOSE_SECONDS, KubernetesStream
from handlers.transports.kubernetes.threads import run_in_daemon_thread
from handlers.transports.kubernetes.unreachable import unreachable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from handlers.api import ResolvedTarget
    from handlers.transports.kubernetes.access import Access, Credential, Material
    from handlers.transports.kubernetes.paths import Query

CONNECT_SECONDS = 10.0
REQUEST_SECONDS = 15.0
"""Whole REST requests, and an exec up to the upgrade: an API server answers either within one second or not at all."""

MAX_MESSAGE_BYTES = 4 << 20
"""Servers send at most 32 KiB and a byte in one message; one above this bound ends the stream."""

MAX_JSON_BYTES = 32 << 20
USER_AGENT = "remotecmd"

_JSON = "application/json"
_PARTIAL = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
"""Names only: the metadata of 500 pods instead of all their specs; old servers send the specs."""


class Connection:
    """A session with an API server; created by `connect`."""

    def __init__(self, access: Access, credential: Credential, api: Any, proxy: str) -> None:
        self.access = access
        self.credential = credential
        self._proxy = proxy
        self._streams: set[KubernetesStream] = set()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=api.rest_client.ssl_context, limit=0, resolver=_DaemonResolver()),
            headers=list(access.user.impersonation),  # a header may occur more than once: Impersonate-Group
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            middlewares=(_raise_refusals,),
        )
        # Any: kubernetes' classes are generated, their types are not meant for checking.
        self._api: Any = api
        self._api.rest_client.pool_manager = self._session

    @property
    def busy(self) -> bool:
        """Whether a stream is open."""
        return bool(self._streams)

    def renew(self, credential: Credential) -> None:
        """Show another token from now on; open streams stay as they are."""
        self.credential = credential

    async def get_pod(self, namespace: str, name: str) -> dict[str, Any]:
        """One pod, as decoded JSON."""
        return await self._get(paths.pod(namespace, name), self._request("get", "pods", name, namespace))

    async def get_workload(self, kind: str, namespace: str, name: str) -> dict[str, Any]:
        """A deployment, statefulset, daemonset, replicaset or job, as decoded JSON."""
        request = self._request("get", f"{kind}s", name, namespace)
        return await self._get(paths.workload(kind, namespace, name), request)

    async def get_namespace(self, namespace: str) -> dict[str, Any]:
        """One namespace, as decoded JSON."""
        return await self._get(paths.namespace(namespace), self._request("get", "namespaces", namespace, ""))

    async def list_pods(self, namespace: str, query: Query, *, names_only: bool = False) -> dict[str, Any]:
        """A page of pods, as decoded JSON."""
        request = self._request("list", "pods", "", namespace)
        return await self._list(paths.pods(namespace), request, query, _PARTIAL if names_only else _JSON)

    async def list_namespaces(self, query: Query) -> dict[str, Any]:
        """The names of a page of namespaces, as decoded JSON."""
        return await self._list(paths.NAMESPACES, self._request("list", "namespaces", "", ""), query, _PARTIAL)

    async def create_review(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """An access review, answered: decoded JSON in and out."""
        with self._translated(self._request("create", "selfsubjectaccessreviews", "", "")):
            answer = await self._fetch(paths.REVIEWS, _JSON, body)
        return self._decoded(answer)

    async def exec(self, target: ResolvedTarget, argv: Sequence[str], *, tty: bool) -> KubernetesStream:
        """Open an exec WebSocket; returns once the API server has upgraded it."""
        request = self._request("exec into", "pods", target.pod_name, target.namespace)
        url = self._exec_url(target, argv, tty=tty)
        with self._translated(request):
            async with asyncio.timeout(REQUEST_SECONDS):
                websocket = await self._session.ws_connect(
                    url,
                    protocols=frames.SUBPROTOCOLS,
                    headers=self._headers(),
                    proxy=self._proxy or None,
                    server_hostname=self.access.tls_server_name or None,
                    timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_SECONDS),
                    max_msg_size=MAX_MESSAGE_BYTES,
                    compress=0,
                )
            stream = KubernetesStream(websocket, self._streams.discard)
        if not stream.protocol:
            await stream.close()
            message = f"What answers for {self.access.place} speaks none of {', '.join(frames.SUBPROTOCOLS)}."
            raise RemoteCommandError(ErrorKind.NOT_SUPPORTED, message)
        self._streams.add(stream)
        return stream

    async def close(self) -> None:
        """Drop every stream and the session."""
        await asyncio.gather(*(stream.close() for stream in list(self._streams)))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._session.close()

    def _exec_url(self, target: ResolvedTarget, argv: Sequence[str], *, tty: bool) -> URL:
        """The https form: aiohttp looks up proxies and TLS by it, and a WebSocket begins as a GET anyway."""
        query = [("command", argument) for argument in argv]
        query += [("container", target.container_name), ("stdin", "true"), ("stdout", "true")]
        query += [("tty", "true")] if tty else [("stderr", "true")]  # a TTY has only one output
        path = f"{paths.pod(target.namespace, target.pod_name)}/exec"
        return URL(f"{self.access.server}{path}?{urlencode(query, quote_via=quote)}", encoded=True)

    async def _get(self, path: str, request: Request) -> dict[str, Any]:
        with self._translated(request):
            body = await self._fetch(path, _JSON)
        return self._decoded(body)

    async def _list(self, path: str, request: Request, query: Query, accept: str) -> dict[str, Any]:
        """A page. One whose list is too old to be continued goes on in a newer one: a picker needs no snapshot."""
        given = {key: value for key, value in query.items() if value}
        with self._translated(request):
            try:
                body = await self._fetch(f"{path}?{urlencode(given)}", accept)
            except Refused as refused:
                if not (token := fresh_token(refused)):
                    raise
                body = await self._fetch(f"{path}?{urlencode({**given, 'continue': token})}", accept)
        return self._decoded(body)

    async def _fetch(self, path: str, accept: str, body: Mapping[str, Any] | None = None) -> bytes:
        """GET, or POST where there is something to send."""
        verb = "GET" if body is None else "POST"
        async with asyncio.timeout(REQUEST_SECONDS):
            headers = {**self._headers(), "Accept": accept}
            response = await self._api.call_api(verb, self.access.server + path, header_params=headers, body=body)
            return await _read(response.response)

    def _decoded(self, body: bytes) -> dict[str, Any]:
        if len(body) > MAX_JSON_BYTES:
            message = f"An answer of the API server of {self.access.place} is larger than {MAX_JSON_BYTES >> 20} MiB."
            raise RemoteCommandError(ErrorKind.NOT_SUPPORTED, message, remedy="Ask for fewer at once, with limit.")
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            message = f"What answers at the server address of {self.access.place} is not a Kubernetes API server."
            raise RemoteCommandError(ErrorKind.UNREACHABLE, message, remedy="Check the cluster's server.")
        return answer

    def _headers(self) -> dict[str, str]:
        headers = {"User-Agent": USER_AGENT}
        if self.credential.authorization:
            headers["Authorization"] = self.credential.authorization
        return headers

    def _request(self, verb: str, resource: str, name: str, namespace: str) -> Request:
        return Request(verb, resource, name, namespace, self.access.place, self.access.user.name)

    @contextlib.contextmanager
    def _translated(self, request: Request) -> Iterator[None]:
        try:
            yield
        except Refused as refused:
            raise explain(refused.status, refused.body, request) from None
        # AssertionError: aiohttp is sure that a connection outlives the headers of its upgrade.
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError, AssertionError) as error:
            raise unreachable(error, self.access, self._proxy) from error


async def connect(access: Access, credential: Credential, environ: Mapping[str, str] = os.environ) -> Connection:
    """Set up TLS (in a thread: reading the system's authorities takes 40 ms) and a session; sends nothing yet.

    Raises:
        RemoteCommandError: kubeconfigInvalid, for certificates that can't be used.
    """
    proxy = proxy_for(access.server, access.proxy_url, environ)
    if proxy and urlsplit(proxy).scheme not in ("http", "https"):
        message = f"The proxy for {access.place} is of a kind ({urlsplit(proxy).scheme}) that is not supported."
        raise RemoteCommandError(ErrorKind.NOT_SUPPORTED, message, remedy="Use an http:// or https:// proxy.")
    api = await run_in_daemon_thread(lambda: _api_client(access, credential), name="kubernetes-tls")
    return Connection(access, credential, api, proxy)


def _api_client(access: Access, credential: Credential) -> Any:
    configuration = kubernetes.aio.client.Configuration(host=access.server)
    configuration.proxy = proxy_for(access.server, access.proxy_url, os.environ) or None
    configuration.tls_server_name = access.tls_server_name or None
    configuration.verify_ssl = access.verify_tls
    # Python 3.13 refuses authorities without key identifiers; Go, and so kubectl, takes them.
    configuration.disable_strict_ssl_verification = True
    if access.authority is not None and access.verify_tls:
        data = _bytes_of(access.authority, "certificate authority", access)
        configuration.ca_cert_data = data.decode("ascii", "ignore")
    try:
        api = kubernetes.aio.client.ApiClient(configuration=configuration)
    except (ssl.SSLError, ValueError) as error:
        raise invalid(f"The certificate authority of {access.place} is not a PEM certificate.") from error
    if credential.certificate is not None:
        _load_certificate(api.rest_client.ssl_context, credential.certificate, credential.key, access)
    return api


def _load_certificate(
    context: ssl.SSLContext, certificate: Material, private_key: Material | None, access: Access
) -> None:
    """Load a client certificate; OpenSSL reads files only, so they exist for as long as that takes."""
    chain = _bytes_of(certificate, "client certificate", access)
    key = _bytes_of(private_key, "client key", access) if private_key is not None else b""
    if b"ENCRYPTED" in key:  # OpenSSL would ask for the passphrase on the terminal
        raise invalid(f"The client key of {access.place} is encrypted; kubectl can't use such a key either.")
    with tempfile.TemporaryDirectory(prefix="remotecmd-") as directory:  # mode 0700
        file = Path(directory, "pair.pem")
        file.write_bytes(chain + b"\n" + key)
        try:
            context.load_cert_chain(file)
        except (ssl.SSLError, ValueError) as error:
            message = f"The client certificate and key of {access.place} can't be used: not PEM, or not a pair."
            raise invalid(message) from error


def _bytes_of(material: Material, what: str, access: Access) -> bytes:
    if not material.file:
        return material.data
    try:
        return Path(material.file).read_bytes()
    except OSError as error:
        raise invalid(f"The {what} of {access.place}, {material.file}, can't be read: {error.strerror}.") from None


async def _raise_refusals(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep a refusal's body: aiohttp throws it away when a WebSocket is not upgraded."""
    response = await handler(request)
    if response.status < 400:
        return response
    try:
        body = await response.content.read(MAX_BODY_BYTES)
    except (aiohttp.ClientError, OSError):
        body = b""
    finally:
        response.close()
    raise Refused(response.status, body)


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The body; of one that is too long, more than MAX_JSON_BYTES."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_JSON_BYTES:
            response.close()
            break
    return bytes(body)


class _DaemonResolver(AbstractResolver):
    """Name look-ups in daemon threads: a name server that doesn't answer must not hold up the server's exit."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Look a host up, as aiohttp's own resolver does."""
        found = await run_in_daemon_thread(
            lambda: socket.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM), name="kubernetes-dns"
        )
        numeric = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        return [
            ResolveResult(hostname=host, host=str(address[0]), port=port, family=family, proto=proto, flags=numeric)
            for family, _, proto, _, address in found
        ]

    async def close(self) -> None:
        """Nothing is kept."""
