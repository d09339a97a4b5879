"""A fake Kubernetes API server: pods as JSON, exec over WebSockets with real local processes, refusals word for word.

Its answers were copied from a real one (1.34.2, kubelet, containerd); the contract suite runs over both.
`async with FakeApiServer() as server:` listens on a free port of 127.0.0.1; `server.kubeconfig(directory)` writes a
kubeconfig with contexts `admin` (may do all), `view` (get and list pods only), `nobody` (a token nobody knows).
"""

from __future__ import annotations

import json
import ssl
from pathlib import Path
from typing import Any, Self

import yaml
from aiohttp import web

from tests.fakes import lists
from tests.fakes.kubelet import Session

V4, V5 = "v4.channel.k8s.io", "v5.channel.k8s.io"
TLS = Path(__file__).with_name("tls")
"""Test certificates, good until 2120: ca.pem; server.pem for localhost, api.test and 127.0.0.1; client.pem for the user
`certified`. The latter two hold their keys as well; they protect nothing."""

ALL = frozenset({"*"})
VIEW = frozenset({"get pods", "list pods"})


def workload(kind: str, **labels: str) -> dict[str, Any]:
    """A deployment or the like, of the pods with such labels."""
    return {"kind": kind, "metadata": {}, "spec": {"selector": {"matchLabels": labels}}}


def pod(
    name: str, *, uid: str = "uid-1", namespace: str = "default", labels: dict[str, str] | None = None, **status: Any
) -> dict[str, Any]:
    """A pod with the containers `main` (the default one) and `side`, running unless `status` says otherwise."""
    states = {"main": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}, "side": {"running": {}}}
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {"name": name, "namespace": namespace, "uid": uid, "labels": labels or {"app": name}},
        "spec": {"containers": [{"name": "main"}, {"name": "side"}]},
        "status": {
            "phase": "Running",
            "containerStatuses": [
                {"name": container, "state": state, "containerID": f"containerd://{uid}-{container}"}
                for container, state in states.items()
            ],
            **status,
        },
    }


class FakeApiServer:
    """Tests change its public attributes while it runs."""

    def __init__(self, *, protocols: tuple[str, ...] = (V5, V4), tls: bool = False) -> None:
        self.protocols = protocols
        self.pods = {("default", "app"): pod("app"), ("default", "web-5c4b"): pod("web-5c4b", uid="uid-2")}
        self.namespaces = {"default", "empty"}
        self.workloads: dict[tuple[str, str, str], dict[str, Any]] = {
            ("deployments", "default", "app"): workload("Deployment", app="app")
        }
        """By resource, namespace and name."""
        self.lists_expire = False
        """Whether a list can't be continued from its own snapshot."""
        self.tokens = {"admin-token": ("admin", ALL), "view-token": ("viewer", VIEW)}
        """Bearer tokens (or whole Authorization values): user and permissions, as "verb resource"."""
        self.close_frame = True
        """Whether a close frame follows the status; a real server sometimes just closes."""
        self.close_code = 0
        """A code to close the next execs with, before anything runs."""
        self.greeting: bytes | str = b""
        """A message to begin execs with."""
        self.lingers = False
        """Whether the connection stays open after the status."""
        self.refusals: list[tuple[int, bytes]] = []
        """Answers to give to the next requests instead of the right ones, first to last."""
        self.exec_answer: tuple[int, bytes] | None = None
        """An answer to every exec instead of the upgrade."""
        self.check_protocols = True
        """Whether an exec without a known subprotocol is refused; else it is upgraded with none."""
        self.exec_urls: list[str] = []
        """What an audit log would hold: path and query of every exec asked for."""
        self.has_reviews = True
        """Whether access reviews are answered."""
        self.reviews: list[dict[str, str]] = []
        """What access reviews asked for."""
        self.execs_without_create = False
        """Whether `get` is enough for an exec, as before 1.35."""
        self.requests: list[web.BaseRequest] = []
        self._tls = tls
        self._sessions: set[Session] = set()
        self._open: dict[Session, web.Request] = {}
        self._runner: web.AppRunner | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[self._guard])
        namespace = "/api/v1/namespaces/{namespace}"
        for path in lists.DISCOVERY:
            app.router.add_get(path, self._discover)
        app.router.add_get("/api/v1/namespaces", self._list_namespaces)
        app.router.add_get("/apis/{group}/v1/namespaces/{namespace}/{resource}/{workload}", self._get_workload)
        app.router.add_get(namespace, self._get_namespace)
        app.router.add_post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", self._review)
        app.router.add_get(f"{namespace}/pods", self._list_pods)
        app.router.add_get(f"{namespace}/pods/{{pod}}", self._get_pod)
        app.router.add_get(f"{namespace}/pods/{{pod}}/exec", self._exec)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        await self.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def listen(self) -> None:
        """Accept connections, on the same port as before if there was one."""
        assert self._runner is not None
        context = None
        if self._tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(TLS / "server.pem")
            context.load_verify_locations(TLS / "ca.pem")
            context.verify_mode = ssl.CERT_OPTIONAL
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=context)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def refuse_connections(self) -> None:
        """Stop listening, until `listen`; open connections stay."""
        assert self._runner is not None
        for site in list(self._runner.sites):
            await site.stop()

    async def stop(self) -> None:
        """Cut everything and kill what still runs."""
        self.cut()
        for session in list(self._sessions):
            await session.end()
        if self._runner is not None:
            await self._runner.cleanup()

    def cut(self) -> None:
        """Break every exec connection at once, without a word; their processes stay, as under containerd."""
        for request in list(self._open.values()):
            if request.transport is not None:
                request.transport.abort()

    @property
    def open_execs(self) -> int:
        """How many exec connections there are."""
        return len(self._open)

    def kubeconfig(self, directory: Path, *, context: str = "admin", **cluster: Any) -> Path:
        """Write a kubeconfig; `cluster` adds to the cluster entry."""
        authority = {"certificate-authority": str(TLS / "ca.pem")} if self._tls else {}
        users = {"admin": "admin-token", "view": "view-token", "nobody": "unknown-token"}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": context,
            "clusters": [{"name": "fake", "cluster": {"server": self.url, **authority, **cluster}}],
            "users": [{"name": user, "user": {"token": token}} for user, token in users.items()],
            "contexts": [{"name": user, "context": {"cluster": "fake", "user": user}} for user in users],
        }
        path = directory / "kubeconfig"
        path.write_text(yaml.safe_dump(document))
        return path

    def kubeconfig_for(self, directory: Path, user: dict[str, Any], **cluster: Any) -> Path:
        """Write a kubeconfig with one context, `own`, whose user entry is the one given."""
        path = self.kubeconfig(directory, **cluster)
        document = yaml.safe_load(path.read_text())
        document["users"].append({"name": "own", "user": user})
        document["contexts"].append({"name": "own", "context": {"cluster": "fake", "user": "own"}})
        document["current-context"] = "own"
        path.write_text(yaml.safe_dump(document))
        return path

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.requests.append(request)
        if request.path.endswith("/exec"):
            self.exec_urls.append(request.path_qs)
        if self.refusals:
            status, body = self.refusals.pop(0)
            return web.Response(status=status, body=body, content_type="application/json")
        try:
            response: web.StreamResponse = await handler(request)
        except web.HTTPNotFound:
            return _refusal(404, "the server could not find the requested resource", "NotFound")
        return response

    def _refuse(self, request: web.Request, verb: str, resource: str) -> web.Response | None:
        user, permissions = self._who(request)
        if user is None:
            return _refusal(401, "Unauthorized", "Unauthorized")
        if "*" in permissions or f"{verb} {resource}" in permissions:
            return None
        name, namespace = request.match_info.get("pod", ""), request.match_info.get("namespace")
        scope = "at the cluster scope" if namespace is None else f'in the namespace "{namespace}"'
        message = (
            f'{resource.partition("/")[0]} "{name}" is forbidden: User "{user}" cannot {verb} resource "{resource}" '
            f'in API group "" {scope}'
        )
        return _refusal(403, message, "Forbidden")

    def _who(self, request: web.Request) -> tuple[str | None, frozenset[str]]:
        shown = request.headers.get("Authorization", "")
        found = self.tokens.get(shown.removeprefix("Bearer ")) or self.tokens.get(shown)
        if found is not None:
            return found
        certificate = request.get_extra_info("peercert") or {}
        names = [value for part in certificate.get("subject", ()) for key, value in part if key == "commonName"]
        return (names[0], ALL) if names else (None, frozenset())

    async def _review(self, request: web.Request) -> web.Response:
        user, permissions = self._who(request)
        if user is None:
            return _refusal(401, "Unauthorized", "Unauthorized")
        if not self.has_reviews:
            raise web.HTTPNotFound
        asked = (await request.json())["spec"]["resourceAttributes"]
        resource = "/".join(asked[key] for key in ("resource", "subresource") if key in asked)
        self.reviews.append(asked)
        allowed = bool({"*", f"{asked['verb']} {resource}"} & permissions)
        review = {"kind": "SelfSubjectAccessReview", "status": {"allowed": allowed}}
        return web.json_response(review, status=201)

    async def _get_namespace(self, request: web.Request) -> web.Response:
        name = request.match_info["namespace"]
        if refused := self._refuse(request, "get", "namespaces"):
            return refused
        if name not in self.namespaces:
            return _refusal(404, f'namespaces "{name}" not found', "NotFound", name=name, kind="namespaces")
        return web.json_response({"kind": "Namespace", "metadata": {"name": name}})

    async def _list_pods(self, request: web.Request) -> web.Response:
        if refused := self._refuse(request, "list", "pods"):
            return refused
        labels, fields = request.query.get("labelSelector", ""), request.query.get("fieldSelector", "")
        items = [
            item
            for (namespace, _), item in self.pods.items()
            if namespace == request.match_info["namespace"]
            and lists.matches(item["metadata"].get("labels", {}), labels)
            and lists.matches_fields(item, fields)
        ]
        return self._page(request, "Pod", items)

    async def _list_namespaces(self, request: web.Request) -> web.Response:
        if refused := self._refuse(request, "list", "namespaces"):
            return refused
        return self._page(request, "Namespace", [{"metadata": {"name": name}} for name in self.namespaces])

    def _page(self, request: web.Request, kind: str, items: list[dict[str, Any]]) -> web.Response:
        limit, token = int(request.query.get("limit", 0)), request.query.get("continue", "")
        try:
            listing = lists.page(items, limit, token, "7", expired=self.lists_expire)
        except lists.RefusedError as error:
            return _refusal(error.status, error.message, error.reason, error.metadata)
        return web.json_response(lists.represented(listing, kind, request.headers.get("Accept", "")))

    async def _discover(self, request: web.Request) -> web.Response:
        return web.json_response(lists.DISCOVERY[request.path])

    async def _get_workload(self, request: web.Request) -> web.Response:
        resource, namespace, name = (request.match_info[key] for key in ("resource", "namespace", "workload"))
        if refused := self._refuse(request, "get", resource):
            return refused
        found = self.workloads.get((resource, namespace, name))
        if found is None or request.match_info["group"] != ("batch" if resource == "jobs" else "apps"):
            return _refusal(404, f'{resource} "{name}" not found', "NotFound", name=name, kind=resource)
        return web.json_response(found)

    async def _get_pod(self, request: web.Request) -> web.Response:
        if refused := self._refuse(request, "get", "pods"):
            return refused
        return web.json_response(found) if (found := self._find(request)) else _no_pod(request)

    def _find(self, request: web.Request) -> dict[str, Any] | None:
        return self.pods.get((request.match_info["namespace"], request.match_info["pod"]))

    async def _exec(self, request: web.Request) -> web.StreamResponse:
        for verb in ("get",) if self.execs_without_create else ("get", "create"):
            if refused := self._refuse(request, verb, "pods/exec"):
                return refused
        found = self._find(request)
        if found is None:
            return _no_pod(request)
        container = request.query.get("container", "")
        if container not in {item["name"] for item in found["spec"]["containers"]}:
            message = f"container {container} is not valid for pod {request.match_info['pod']}"
            return _refusal(400, message, "BadRequest")
        offered = {part.strip() for part in request.headers.get("Sec-WebSocket-Protocol", "").split(",")}
        if self.exec_answer is not None:
            return web.Response(status=self.exec_answer[0], body=self.exec_answer[1])
        if self.check_protocols and not offered & set(self.protocols):
            return web.Response(status=403)  # as the real one does, without a word
        return await self._run(request)

    async def _run(self, request: web.Request) -> web.StreamResponse:
        websocket = web.WebSocketResponse(protocols=self.protocols, timeout=0.5, max_msg_size=0)
        await websocket.prepare(request)
        session = Session(websocket, request.query.getall("command"))
        self._sessions.add(session)
        self._open[session] = request
        try:
            await self._converse(websocket, session)
        finally:
            del self._open[session]
        return websocket

    async def _converse(self, websocket: web.WebSocketResponse, session: Session) -> None:
        if isinstance(self.greeting, str):
            await websocket.send_str(self.greeting)
        elif self.greeting:
            await websocket.send_bytes(self.greeting)
        if self.close_code:
            await websocket.close(code=self.close_code)
            return
        await session.run()
        if self.lingers:
            async for _ in websocket:
                pass
        elif self.close_frame:
            await websocket.close()
        elif session in self._open and (transport := self._open[session].transport) is not None:
            transport.close()


def _no_pod(request: web.Request) -> web.Response:
    name = request.match_info["pod"]
    return _refusal(404, f'pods "{name}" not found', "NotFound", name=name, kind="pods")


def _refusal(
    status: int, message: str, reason: str, metadata: dict[str, str] | None = None, **details: str
) -> web.Response:
    body: dict[str, Any] = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": metadata or {},
        "status": "Failure",
        "message": message,
    }
    body |= {"reason": reason, "code": status} | ({"details": details} if details else {})
    return web.Response(status=status, text=json.dumps(body) + "\n", content_type="application/json")
