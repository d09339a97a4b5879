"""From a user entry to what is shown to the API server: tokens, token files, basic auth, credential plugins.

The Kubernetes client's plugin runner can't be used here: it lets the plugin inherit our stdin (the JSON-RPC stream),
waits for ever, logs what the plugin says, and goes on without credentials when it fails (37.0.2, exec_provider.py).
Order and formats are client-go's (`clientcmd.getUserIdentificationPartialConfig`, `plugin/pkg/client/auth/exec`): a
token wins over basic auth, and a plugin is asked only where neither is given.
Rule: no message holds anything that a plugin printed or a file held.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import datetime as dt
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any, cast

from handlers.errors import ErrorKind, RemoteCommandError
from handlers.transports.kubernetes.access import Access, Credential, ExecPlugin, Material
from handlers.transports.kubernetes.kubeconfig import invalid
from handlers.transports.kubernetes.threads import run_in_daemon_thread

PLUGIN_TIMEOUT_SECONDS = 45.0
"""Cloud plugins take 1 to 5 s; this leaves time for one that opens a browser for a log-in."""

TOKEN_FILE_SECONDS = 60.0
"""A token file is read again after this long, as client-go does: mounted tokens are rotated."""

_MAX_PLUGIN_BYTES = 1 << 20


async def obtain(access: Access, *, plugin_timeout_seconds: float = PLUGIN_TIMEOUT_SECONDS) -> Credential:
    """Get what the context's user shows.

    Raises:
        RemoteCommandError: credentialPluginFailed, or kubeconfigInvalid for a token file that can't be read.
    """
    user = access.user
    authorization, expires_at, plugged = "", None, None
    if user.token_file:
        token = await run_in_daemon_thread(lambda: _read_token(user.token_file, user.token), name="token-file")
        authorization, expires_at = f"Bearer {token}", time.time() + TOKEN_FILE_SECONDS
    elif user.token:
        authorization = f"Bearer {user.token}"
    elif user.username or user.password:
        pair = base64.b64encode(f"{user.username}:{user.password}".encode()).decode()
        authorization = f"Basic {pair}"
    elif user.plugin is not None:
        plugged = await _ask(user.plugin, access, plugin_timeout_seconds)
    if plugged is not None:
        authorization, expires_at = plugged.authorization, plugged.expires_at
    if not (authorization.isascii() and authorization.isprintable()):
        raise invalid(f"The token of user {user.name} has characters that no HTTP header can carry.")
    own = plugged if plugged is not None and plugged.certificate else user
    return Credential(authorization=authorization, certificate=own.certificate, key=own.key, expires_at=expires_at)


def _read_token(file: str, fallback: str) -> str:
    """The file wins over the entry's token as long as it can be read (client-go `cachingTokenSource`)."""
    try:
        token = Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        token = ""
    if token or fallback:
        return token or fallback
    raise invalid(f"The token file {file} is missing, empty or not readable.")


async def _ask(plugin: ExecPlugin, access: Access, timeout_seconds: float) -> Credential:
    name = Path(plugin.command).name
    if plugin.needs_terminal:
        raise _failed(plugin, name, "needs a terminal (interactiveMode: Always), and this server has none", access)
    try:
        async with asyncio.timeout(timeout_seconds):
            info = await run_in_daemon_thread(lambda: _exec_info(plugin, access), name="exec-info")
            code, output = await _run(plugin, info)
    except TimeoutError:
        what = f"did not answer within {timeout_seconds:g} s"
        raise _failed(plugin, name, what, access, retryable=True) from None
    except FileNotFoundError:
        raise _failed(plugin, name, "is not installed (or not in the PATH of this server)", access) from None
    except OSError as error:
        raise _failed(plugin, name, f"could not be run: {error.strerror}", access) from None
    if len(output) > _MAX_PLUGIN_BYTES:
        raise _failed(plugin, name, f"printed more than {_MAX_PLUGIN_BYTES} bytes", access)
    if code != 0:
        how = f"was ended by signal {-code}" if code < 0 else f"failed with exit status {code}"
        raise _failed(plugin, name, how, access)
    return _credential(plugin, name, output, access)


async def _run(plugin: ExecPlugin, info: str) -> tuple[int, bytes]:
    """Run it without a terminal and in a group of its own, so that a wrapper script's children end with it."""
    starting = asyncio.create_task(_start(plugin, info), name="start-plugin")
    try:
        process = await asyncio.shield(starting)
    except asyncio.CancelledError:  # asyncio itself would leave its pipe open, and children of the plugin
        with contextlib.suppress(OSError):
            await _kill(await starting)
        raise
    stdout = cast("asyncio.StreamReader", process.stdout)  # it is a pipe
    try:
        output = b""
        while len(output) <= _MAX_PLUGIN_BYTES and (data := await stdout.read(65536)):
            output += data
        if len(output) > _MAX_PLUGIN_BYTES:
            return await _kill(process), output
        return await process.wait(), output
    except BaseException:
        await _kill(process)
        raise


async def _start(plugin: ExecPlugin, info: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        plugin.command,
        *plugin.args,
        env={**os.environ, **dict(plugin.environment), "KUBERNETES_EXEC_INFO": info},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=sys.platform != "win32",
    )


async def _kill(process: asyncio.subprocess.Process) -> int:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    transport = process._transport  # type: ignore[attr-defined]  # noqa: SLF001  # asyncio has no other way
    transport.close()  # a grandchild outside the group may hold the pipe: it is not waited for
    return await process.wait()


def _exec_info(plugin: ExecPlugin, access: Access) -> str:
    """What KUBERNETES_EXEC_INFO holds: `ExecCredential` with a spec."""
    spec: dict[str, Any] = {"interactive": False}
    if plugin.cluster is not None:
        cluster = {key: value for key, value in plugin.cluster.items() if key != "extensions"}
        for extension in plugin.cluster.get("extensions") or ():
            if isinstance(extension, dict) and extension.get("name") == "client.authentication.k8s.io/exec":
                cluster["config"] = extension.get("extension")
        authority = cluster.pop("certificate-authority", None)
        if authority and access.authority is not None and access.authority.file:
            with contextlib.suppress(OSError):
                data = Path(access.authority.file).read_bytes()
                cluster["certificate-authority-data"] = base64.b64encode(data).decode()
        spec["cluster"] = cluster
    return json.dumps({"apiVersion": plugin.api_version, "kind": "ExecCredential", "spec": spec}, default=str)


def _credential(plugin: ExecPlugin, name: str, output: bytes, access: Access) -> Credential:
    try:
        answer = json.loads(output)
    except (ValueError, RecursionError):
        answer = None
    status = answer.get("status") if isinstance(answer, dict) else None
    if not isinstance(answer, dict) or not isinstance(status, dict):
        raise _failed(plugin, name, "printed something that is not an ExecCredential with a status", access)
    if answer.get("apiVersion") != plugin.api_version:
        raise _failed(plugin, name, f"answered in another apiVersion than {plugin.api_version}", access)
    token, certificate, key = (
        value if isinstance(value := status.get(field), str) else ""
        for field in ("token", "clientCertificateData", "clientKeyData")
    )
    if bool(certificate) != bool(key):
        raise _failed(plugin, name, "gave only one of client certificate and key", access)
    if not token and not certificate:
        raise _failed(plugin, name, "gave neither a token nor a client certificate", access)
    return Credential(
        authorization=f"Bearer {token}" if token else "",
        certificate=Material(data=certificate.encode()) if certificate else None,
        key=Material(data=key.encode()) if key else None,
        expires_at=_seconds(status.get("expirationTimestamp")),
    )


def _seconds(timestamp: Any) -> float | None:
    """RFC 3339 to seconds since the epoch; None (good until refused) for anything else."""
    if not isinstance(timestamp, str):
        return None
    try:
        moment = dt.datetime.fromisoformat(timestamp)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    return moment.timestamp()


def _failed(plugin: ExecPlugin, name: str, what: str, access: Access, *, retryable: bool = False) -> RemoteCommandError:
    """Says which plugin and how; its arguments, environment and output may hold secrets and are never shown."""
    hint = " ".join(plugin.install_hint.split())[:300]
    option = f"--context {access.context} " if access.context else ""
    return RemoteCommandError(
        ErrorKind.CREDENTIAL_PLUGIN_FAILED,
        f"The credential plugin {name} of user {access.user.name} {what}.",
        retryable=retryable,
        remedy=hint or f"Run `kubectl {option}get pods` in a terminal: it shows what the plugin has to say.",
    )
