"""The service account of the pod that we run in, as an `Access`: what kubectl uses when there is no kubeconfig."""

from __future__ import annotations

from pathlib import Path

from kubernetes.aio.client import Configuration
from kubernetes.aio.config import incluster_config
from kubernetes.aio.config.config_exception import ConfigException

from handlers.transports.kubernetes.access import Access, Material, User
from handlers.transports.kubernetes.kubeconfig import invalid


def in_cluster_access() -> Access:
    """Read the mounted service account; blocks on files.

    Raises:
        RemoteCommandError: kubeconfigInvalid, if the pod has no usable service account.
    """
    configuration = Configuration()
    token_file = incluster_config.SERVICE_TOKEN_FILENAME
    try:
        incluster_config.load_incluster_config(  # type: ignore[no-untyped-call]  # the package is untyped
            configuration, try_refresh_token=False
        )
    except (ConfigException, OSError) as error:
        raise invalid(
            f"There is no kubeconfig, and the service account of this pod can't be used: {error}",
            remedy="Name a kubeconfig, or let the pod mount its service account token.",
        ) from error
    try:
        namespace = Path(token_file).with_name("namespace").read_text(encoding="utf-8").strip()
    except OSError:
        namespace = ""
    return Access(
        context="",
        namespace=namespace or "default",
        server=configuration.host,
        authority=Material(file=configuration.ssl_ca_cert or ""),
        user=User(name="service account", token_file=token_file),
    )
