"""rpc.discover over the wire, and that nobody else waits for it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.rpc.client import ROOT, Client


@pytest.mark.covers("rpc.discover")
def test_discover_answers_with_the_document_of_the_docs(client: Client) -> None:
    kept = json.loads((ROOT / "docs" / "openrpc.json").read_text(encoding="utf-8"))
    assert client.result("rpc.discover") == kept
    assert client.result("rpc.discover", {}) == kept, "the second is the same"


def test_initialize_lists_it(client: Client) -> None:
    document = client.result("rpc.discover")
    capabilities = client.result("initialize", {})["capabilities"]
    assert capabilities["methods"] == [method["name"] for method in document["methods"]]
    assert "rpc.discover" in capabilities["methods"]


def test_discover_takes_no_params(client: Client) -> None:
    error = client.error("rpc.discover", {"x": 1})
    assert (error["code"], [field["path"] for field in error["data"]]) == (-32602, ["x"])


def test_the_server_starts_without_what_makes_the_document() -> None:
    code = "import sys, rpc_server.server; print(*(name for name in sys.modules if name.startswith('rpc_server.')))"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    assert "rpc_server.methods" in loaded
    assert loaded.isdisjoint({"rpc_server.openrpc", "rpc_server.schema", "rpc_server.docstrings"})
