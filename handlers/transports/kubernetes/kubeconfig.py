"""A kubeconfig as kubectl reads it: which files, how they are merged, what one context says.

The Kubernetes client's own loader differs where it matters (37.0.2): of several files the last `current-context` wins
instead of the first, `tokenFile` is read once and with its newline, impersonation is ignored, an empty file is a
traceback, key data stays in temporary files until exit, and no field says whether a proxy variable applies.
Source: client-go `clientcmd` (loader.go, client_config.go) and the kubeconfig (v1) reference.
Must not know: HTTP. Blocks on files, so it is called in a thread. No message holds a value of a credential.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from handlers.errors import ErrorKind, RemoteCommandError
from handlers.transports.kubernetes.access import Access, ExecPlugin, Material, User

_MAX_FILE_BYTES = 16 << 20
_SHOWN_CONTEXTS = 10
_REMOVED_PROVIDERS = ("gcp", "azure")

Entry = Mapping[str, Any]
"""A mapping out of a YAML file: its values can be anything until they are checked."""


def invalid(message: str, *, remedy: str | None = None) -> RemoteCommandError:
    """The error of everything that a person must mend in the kubeconfig."""
    return RemoteCommandError(ErrorKind.KUBECONFIG_INVALID, message, remedy=remedy)


def config_paths(kubeconfig: str, environ: Mapping[str, str]) -> tuple[Path, ...]:
    """The files to merge, in order: the one given, else those of $KUBECONFIG, else ~/.kube/config."""
    if kubeconfig:
        return (Path(kubeconfig).expanduser(),)
    listed = environ.get("KUBECONFIG", "").split(os.pathsep)
    paths = tuple(Path(part).expanduser() for part in dict.fromkeys(listed) if part)
    return paths or (Path("~/.kube/config").expanduser(),)


def load_access(kubeconfig: str, context: str, environ: Mapping[str, str]) -> Access | None:
    """Read the files and pick a context (the current one, if it is empty); None means: use the in-cluster account.

    Raises:
        RemoteCommandError: kubeconfigInvalid; the message names the file and what is wrong with it.
    """
    merged = _load(kubeconfig, context, environ)
    return None if merged is None else merged.access(context)


def load_contexts(kubeconfig: str, environ: Mapping[str, str]) -> tuple[list[tuple[str, str]], str]:
    """Names and namespaces of all contexts, and the name of the current one; none with the in-cluster account.

    Raises:
        RemoteCommandError: kubeconfigInvalid, as above.
    """
    merged = _load(kubeconfig, "", environ)
    return ([], "") if merged is None else (merged.contexts(), merged.current)


def _load(kubeconfig: str, context: str, environ: Mapping[str, str]) -> Merged | None:
    """All files as one; None if there are none and the in-cluster account is to be used."""
    paths = config_paths(kubeconfig, environ)
    merged = Merged()
    for path in paths:
        text = _read(path, required=bool(kubeconfig))
        if text is not None:
            merged.add(path, _parse(path, text))
    in_cluster = bool(environ.get("KUBERNETES_SERVICE_HOST") and environ.get("KUBERNETES_SERVICE_PORT"))
    if merged.empty and in_cluster and not (kubeconfig or context):
        return None
    if not merged.files:
        files = ", ".join(map(str, paths))
        raise invalid(f"There is no kubeconfig at {files}. Name one in target.kubeconfig, or set KUBECONFIG.")
    return merged


def _read(path: Path, *, required: bool) -> str | None:
    """The text of a file; None if it is missing and may be: a $KUBECONFIG list may name files yet to be written."""
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        if required:
            raise invalid(f"There is no kubeconfig at {path}.") from None
        return None
    except OSError as error:
        raise invalid(f"The kubeconfig {path} can't be read: {error.strerror}.") from None
    if len(data) > _MAX_FILE_BYTES:
        raise invalid(f"The kubeconfig {path} is larger than {_MAX_FILE_BYTES >> 20} MiB.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise invalid(f"The kubeconfig {path} is not UTF-8 text.") from None


def _parse(path: Path, text: str) -> Entry:
    import yaml  # noqa: PLC0415  # a server that never meets Kubernetes doesn't pay for it

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # 10 times faster, where libyaml is there
    try:
        document = yaml.load(text, Loader=loader)  # noqa: S506  # both are safe loaders
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark is not None else ""
        # The error itself would quote the line, which may be a token's.
        raise invalid(f"The kubeconfig {path} is not valid YAML{where}.") from None
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise invalid(f"The kubeconfig {path} must hold a mapping (clusters, contexts, users).")
    return document


class Merged:
    """Several kubeconfig files as one: the first file to set a value wins; entries are never mixed."""

    def __init__(self) -> None:
        self.files = 0
        self.current = ""
        """The name of the current context, which may be missing."""
        self._entries: dict[str, dict[str, tuple[Path, Entry]]] = {"cluster": {}, "context": {}, "user": {}}

    @property
    def empty(self) -> bool:
        """Whether no file had an entry of any kind."""
        return not any(self._entries.values())

    def add(self, path: Path, document: Entry) -> None:
        """Take one file's entries; relative paths in them are relative to that file."""
        self.files += 1
        self.current = self.current or _text(document, "current-context", str(path))
        for kind, entries in self._entries.items():
            listed = document.get(f"{kind}s") or []
            if not isinstance(listed, list):
                raise invalid(f"In the kubeconfig {path}, {kind}s must be a list.")
            seen: set[str] = set()
            for item in listed:
                name = _text(item, "name", f"{kind}s of {path}") if isinstance(item, dict) else ""
                if not name:
                    raise invalid(f"In the kubeconfig {path}, an entry of {kind}s has no name.")
                if name in seen:
                    raise invalid(f"In the kubeconfig {path}, {kind}s has two entries named {name}.")
                seen.add(name)
                body = item.get(kind) or {}
                if not isinstance(body, dict):
                    raise invalid(f"In the kubeconfig {path}, {kind} {name} must be a mapping.")
                entries.setdefault(name, (path, body))

    def contexts(self) -> list[tuple[str, str]]:
        """Name and namespace of each, as they stand there."""
        found = self._entries["context"].items()
        return [(name, _text(entry, "namespace", f"context {name}")) for name, (_, entry) in found]

    def access(self, context: str) -> Access:
        """What a context says; the current one if it is empty."""
        names = list(self._entries["context"])
        shown = ", ".join(names[:_SHOWN_CONTEXTS]) + (", …" if len(names) > _SHOWN_CONTEXTS else "")
        known = f"contexts there: {shown}" if names else "it has no contexts"
        chosen = context or self.current
        if not chosen:
            raise invalid(f"The kubeconfig has no current context, and none was given; {known}.")
        if chosen not in self._entries["context"]:
            raise invalid(f"There is no context {chosen} in the kubeconfig; {known}.")
        _, entry = self._entries["context"][chosen]
        place = f"context {chosen}"
        cluster_name, user_name = _text(entry, "cluster", place), _text(entry, "user", place)
        if cluster_name not in self._entries["cluster"]:
            raise invalid(f"The context {chosen} names cluster {cluster_name!r}, which the kubeconfig doesn't have.")
        cluster_path, cluster = self._entries["cluster"][cluster_name]
        user = User()
        if user_name:
            if user_name not in self._entries["user"]:
                raise invalid(f"The context {chosen} names user {user_name!r}, which the kubeconfig doesn't have.")
            user = _user(user_name, *self._entries["user"][user_name], cluster=cluster)
        return _access(chosen, _text(entry, "namespace", place), cluster_name, cluster_path, cluster, user=user)


def _access(context: str, namespace: str, name: str, path: Path, cluster: Entry, *, user: User) -> Access:
    place = f"cluster {name}"
    server = _text(cluster, "server", place).rstrip("/")
    if not server:
        raise invalid(f"The {place} of context {context} has no server address.")
    authority = _material(cluster, "certificate-authority", place, path)
    if "://" not in server:  # as client-go's DefaultServerURL: TLS settings make it https
        server = ("https://" if authority or user.certificate else "http://") + server
    if not server.startswith(("https://", "http://")):
        raise invalid(f"The server address of {place} must begin with https:// or http://.")
    return Access(
        context=context,
        namespace=namespace or "default",
        server=server,
        authority=authority,
        verify_tls=not _flag(cluster, "insecure-skip-tls-verify", place),
        tls_server_name=_text(cluster, "tls-server-name", place),
        proxy_url=_text(cluster, "proxy-url", place),
        user=user,
    )


def _user(name: str, path: Path, entry: Entry, *, cluster: Entry) -> User:
    place = f"user {name}"
    token, provider = _text(entry, "token", place), _mapping(entry, "auth-provider", place)
    if provider and not token:
        kind = _text(provider, "name", place)
        if kind in _REMOVED_PROVIDERS:
            raise invalid(
                f"The {place} uses the auth provider {kind}, which kubectl 1.26 removed.",
                remedy="Recreate the entry with your cloud's tool: it then uses an exec credential plugin.",
            )
        # kubectl refreshes and writes it back; a refresh here would use up a refresh token that kubectl still needs.
        token = _text(_mapping(provider, "config", place), "id-token", place)
    token_file = _text(entry, "tokenFile", place)
    return User(
        name=name,
        token=token,
        token_file=str(path.parent.absolute() / Path(token_file).expanduser()) if token_file else "",
        username=_text(entry, "username", place),
        password=_text(entry, "password", place),
        certificate=_material(entry, "client-certificate", place, path),
        key=_material(entry, "client-key", place, path),
        plugin=_plugin(entry, place, path, cluster),
        impersonation=_impersonation(entry, place),
    )


def _plugin(entry: Entry, place: str, path: Path, cluster: Entry) -> ExecPlugin | None:
    plugin = _mapping(entry, "exec", place)
    if not plugin:
        return None
    place = f"exec of {place}"
    command = _text(plugin, "command", place)
    if not command:
        raise invalid(f"The {place} has no command.")
    if os.sep in command:  # only names without a separator are looked up in PATH (ResolveLocalPaths)
        command = str(path.parent.absolute() / command)
    environment = []
    for item in _list(plugin, "env", place):
        if not isinstance(item, dict):
            raise invalid(f"The env of the {place} must be a list of name and value.")
        environment.append((_text(item, "name", place), _text(item, "value", place)))
    args = _list(plugin, "args", place)
    if not all(isinstance(arg, str) for arg in args):
        raise invalid(f"The args of the {place} must be texts.")
    return ExecPlugin(
        command=command,
        args=tuple(args),
        environment=tuple(environment),
        api_version=_text(plugin, "apiVersion", place) or "client.authentication.k8s.io/v1beta1",
        needs_terminal=_text(plugin, "interactiveMode", place) == "Always",
        install_hint=_text(plugin, "installHint", place),
        cluster=dict(cluster) if _flag(plugin, "provideClusterInfo", place) else None,
    )


def _impersonation(entry: Entry, place: str) -> tuple[tuple[str, str], ...]:
    """The headers for `as`, `as-uid`, `as-groups`, `as-user-extra` (client-go transport/round_trippers.go)."""
    headers = []
    for key, header in (("as", "Impersonate-User"), ("as-uid", "Impersonate-Uid")):
        if value := _text(entry, key, place):
            headers.append((header, value))
    headers += [("Impersonate-Group", str(group)) for group in _list(entry, "as-groups", place)]
    for key, values in _mapping(entry, "as-user-extra", place).items():
        header = "Impersonate-Extra-" + _header_part(str(key))
        headers += [(header, str(value)) for value in (values if isinstance(values, list) else [values])]
    for _, value in headers:
        if "\r" in value or "\n" in value:
            raise invalid(f"An impersonation value of {place} has a line break.")
    return tuple(headers)


def _header_part(key: str) -> str:
    """Percent-encode what is not allowed in a header's name (client-go `headerKeyEscape`)."""
    allowed = "!#$&'*+-.^_`|~"
    return "".join(c if (c.isalnum() and c.isascii()) or c in allowed else _percent(c) for c in key)


def _percent(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode())


def _material(entry: Entry, key: str, place: str, path: Path) -> Material | None:
    """A certificate or key: data wins over a file."""
    if data := _text(entry, f"{key}-data", place):
        try:
            return Material(data=base64.b64decode(data, validate=False))
        except binascii.Error:
            raise invalid(f"The {key}-data of {place} is not base64.") from None
    if file := _text(entry, key, place):
        return Material(file=str(path.parent.absolute() / Path(file).expanduser()))
    return None


def _text(entry: Entry, key: str, place: str) -> str:
    value = entry.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise invalid(f"In the kubeconfig, {key} of {place} must be text (quote it).")
    return value


def _flag(entry: Entry, key: str, place: str) -> bool:
    value = entry.get(key)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise invalid(f"In the kubeconfig, {key} of {place} must be true or false.")


def _list(entry: Entry, key: str, place: str) -> Sequence[Any]:
    value = entry.get(key)
    if value is None or isinstance(value, list):
        return value or []
    raise invalid(f"In the kubeconfig, {key} of {place} must be a list.")


def _mapping(entry: Entry, key: str, place: str) -> Entry:
    value = entry.get(key)
    if value is None or isinstance(value, dict):
        return value or {}
    raise invalid(f"In the kubeconfig, {key} of {place} must be a mapping.")
