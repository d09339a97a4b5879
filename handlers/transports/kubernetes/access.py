"""What one context says about reaching and convincing an API server: plain data.

Comparable, so that a changed kubeconfig is noticed; secrets are left out of every repr, so that no log can show them.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclasses.dataclass(frozen=True, slots=True)
class Material:
    """A certificate or a key, as bytes or as a file's absolute path."""

    data: bytes = dataclasses.field(default=b"", repr=False)
    file: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ExecPlugin:
    """An exec credential plugin (client.authentication.k8s.io)."""

    command: str
    args: tuple[str, ...] = dataclasses.field(default=(), repr=False)
    environment: tuple[tuple[str, str], ...] = dataclasses.field(default=(), repr=False)
    api_version: str
    needs_terminal: bool = False
    install_hint: str = ""
    cluster: Mapping[str, Any] | None = dataclasses.field(default=None, repr=False)
    """The kubeconfig's cluster entry, where the plugin asks for it (provideClusterInfo)."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A user entry; paths are absolute."""

    name: str = ""
    token: str = dataclasses.field(default="", repr=False)
    token_file: str = ""
    username: str = dataclasses.field(default="", repr=False)
    password: str = dataclasses.field(default="", repr=False)
    certificate: Material | None = None
    key: Material | None = None
    plugin: ExecPlugin | None = None
    impersonation: tuple[tuple[str, str], ...] = ()
    """Header names and values; a name may occur more than once."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One context, resolved. `server` has a scheme, maybe a path, and no slash at its end."""

    context: str
    namespace: str
    server: str
    authority: Material | None = None
    verify_tls: bool = True
    tls_server_name: str = ""
    proxy_url: str = ""
    user: User = User()

    @property
    def place(self) -> str:
        """How messages name it."""
        return f"context {self.context}" if self.context else "in-cluster"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What is shown to the API server, for as long as it is good. `expires_at` is in seconds since the epoch."""

    authorization: str = dataclasses.field(default="", repr=False)
    certificate: Material | None = None
    key: Material | None = None
    expires_at: float | None = None
