"""What is shown to the API server; plugins are real scripts."""

from __future__ import annotations

import asyncio
import json
import os
import time
from typing import TYPE_CHECKING, Any

import pytest

from handlers.errors import ErrorKind, RemoteCommandError
from handlers.transports.kubernetes.access import Access, Credential, ExecPlugin, Material, User
from handlers.transports.kubernetes.credentials import obtain

if TYPE_CHECKING:
    from pathlib import Path

API = "client.authentication.k8s.io/v1"


def access(**user: Any) -> Access:
    return Access(context="dev", namespace="default", server="https://api", user=User(name="u", **user))


def plugin(directory: Path, script: str, **options: Any) -> Access:
    path = directory / "get-token"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return access(plugin=ExecPlugin(command=str(path), api_version=API, **options))


def answer(**status: Any) -> str:
    document = {"apiVersion": API, "kind": "ExecCredential", "status": status}
    return f"cat <<'END'\n{json.dumps(document)}\nEND"


async def failed(of: Access, *, seconds: float = 10) -> RemoteCommandError:
    with pytest.raises(RemoteCommandError) as caught:
        await obtain(of, plugin_timeout_seconds=seconds)
    assert "hidden" not in caught.value.message + (caught.value.remedy or "")
    return caught.value


@pytest.mark.parametrize(
    ("user", "authorization"),
    [
        ({}, ""),
        ({"token": "t"}, "Bearer t"),
        ({"username": "u", "password": "p"}, "Basic dTpw"),
        ({"token": "t", "username": "u"}, "Bearer t"),
    ],
)
async def test_static_credentials(user: dict[str, str], authorization: str) -> None:
    assert await obtain(access(**user)) == Credential(authorization=authorization)


async def test_certificates_are_passed_on() -> None:
    certificate, key = Material(file="/c"), Material(data=b"k")
    assert await obtain(access(certificate=certificate, key=key)) == Credential(certificate=certificate, key=key)


async def test_token_file_wins_is_stripped_and_expires(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("  from-file\n")
    found = await obtain(access(token="t", token_file=str(file)))
    assert found.authorization == "Bearer from-file"
    assert found.expires_at is not None and 0 < found.expires_at - time.time() <= 60


async def test_token_stands_in_for_a_missing_file() -> None:
    assert (await obtain(access(token="t", token_file="/nowhere"))).authorization == "Bearer t"


@pytest.mark.parametrize("content", [None, "", "\n", b"\xff"])
async def test_no_token_at_all(tmp_path: Path, content: Any) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    error = await failed(access(token_file=str(file)))
    assert error.kind is ErrorKind.KUBECONFIG_INVALID and str(file) in error.message


@pytest.mark.parametrize("token", ["a\nb", "a\rb", "é"])
async def test_a_token_that_no_header_can_carry(token: str) -> None:
    assert (await failed(access(token=token))).kind is ErrorKind.KUBECONFIG_INVALID


async def test_plugin_gives_a_token(tmp_path: Path) -> None:
    found = await obtain(plugin(tmp_path, answer(token="t", expirationTimestamp="2031-01-01T00:00:00Z")))
    assert (found.authorization, found.expires_at) == ("Bearer t", 1924992000.0)


@pytest.mark.parametrize(
    ("stamp", "seconds"), [("2031-01-01T00:00:00", 1924992000.0), ("soon", None), (7, None), (None, None)]
)
async def test_odd_expiry(tmp_path: Path, stamp: Any, seconds: float | None) -> None:
    assert (await obtain(plugin(tmp_path, answer(token="t", expirationTimestamp=stamp)))).expires_at == seconds


async def test_plugin_gives_a_certificate(tmp_path: Path) -> None:
    found = await obtain(plugin(tmp_path, answer(clientCertificateData="C", clientKeyData="K")))
    assert found == Credential(certificate=Material(data=b"C"), key=Material(data=b"K"))


async def test_plugin_sees_what_kubectl_would_tell_it(tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    authority.write_text("PEM")
    extension = {"name": "client.authentication.k8s.io/exec", "extension": {"audience": "x"}}
    cluster = {"server": "https://api", "certificate-authority": "ca.pem", "extensions": [extension, "odd"]}
    script = f'printf %s "$KUBERNETES_EXEC_INFO" > {tmp_path}/info; echo "$1 $MORE" > {tmp_path}/seen\n'
    found = plugin(tmp_path, script + answer(token="t"), args=("one",), environment=(("MORE", "two"),), cluster=cluster)
    reach = Access(
        context="dev", namespace="d", server="https://api", authority=Material(file=str(authority)), user=found.user
    )
    await obtain(reach)
    assert (tmp_path / "seen").read_text() == "one two\n"
    assert json.loads((tmp_path / "info").read_text()) == {
        "apiVersion": API,
        "kind": "ExecCredential",
        "spec": {
            "interactive": False,
            "cluster": {"server": "https://api", "certificate-authority-data": "UEVN", "config": {"audience": "x"}},
        },
    }


async def test_plugin_can_not_read_our_stdin(tmp_path: Path) -> None:
    script = f"wc -c > {tmp_path}/count; test ! -t 0 || exit 1\n"
    await obtain(plugin(tmp_path, script + answer(token="t")))
    assert (tmp_path / "count").read_text().strip() == "0"


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo hidden; echo hidden >&2; exit 3", "get-token of user u failed with exit status 3"),
        ("echo hidden", "not an ExecCredential"),
        ("echo '[]'", "not an ExecCredential"),
        ('echo \'{"status": {"token": "hidden"}}\'', "another apiVersion"),
        (answer(), "neither a token nor a client certificate"),
        (answer(token=["hidden"]), "neither a token nor a client certificate"),
        (answer(clientCertificateData="hidden"), "only one of client certificate and key"),
        ("head -c 2000000 /dev/zero", "printed more than 1048576 bytes"),
        ("kill -KILL $$", "was ended by signal 9"),
    ],
)
async def test_a_failing_plugin_is_named_and_nothing_more(tmp_path: Path, script: str, words: str) -> None:
    error = await failed(plugin(tmp_path, script, environment=(("SECRET", "hidden"),)))
    assert error.kind is ErrorKind.CREDENTIAL_PLUGIN_FAILED
    assert words in error.message and str(tmp_path) not in error.message
    assert error.remedy is not None and "--context dev" in error.remedy


async def test_missing_plugin_shows_its_hint() -> None:
    missing = ExecPlugin(command="no-such-plugin", api_version=API, install_hint="Install it\nfrom example.org")
    error = await failed(access(plugin=missing))
    assert "no-such-plugin of user u is not installed" in error.message
    assert error.remedy == "Install it from example.org"


async def test_plugin_that_can_not_be_run(tmp_path: Path) -> None:
    file = tmp_path / "plain"
    file.write_text("x")
    error = await failed(access(plugin=ExecPlugin(command=str(file), api_version=API)))
    assert "could not be run: Permission denied" in error.message


async def test_plugin_that_needs_a_terminal() -> None:
    error = await failed(access(plugin=ExecPlugin(command="x", api_version=API, needs_terminal=True)))
    assert "needs a terminal" in error.message


async def test_hanging_plugin_is_ended_with_its_children(tmp_path: Path) -> None:
    error = await failed(plugin(tmp_path, f"sleep 600 & echo $! > {tmp_path}/pid; wait"), seconds=0.5)
    assert error.retryable and "did not answer within 0.5 s" in error.message
    await _until_gone(int((tmp_path / "pid").read_text()))


async def test_cancelling_ends_the_plugin(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "started")
    task = asyncio.create_task(obtain(plugin(tmp_path, f"echo $$ > {tmp_path}/started; sleep 600")), name="obtain")
    pid = int(await asyncio.to_thread((tmp_path / "started").read_text))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await _until_gone(pid)


async def _until_gone(pid: int) -> None:
    async with asyncio.timeout(5):
        while _alive(pid):  # noqa: ASYNC110  # the end of a process that is not ours can only be looked for
            await asyncio.sleep(0.01)


def _alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123  # a zombie that nobody reaps counts as gone
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
