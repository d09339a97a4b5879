"""The files that are generated from the contract and from the life of a run: what is in each, as text.

`python -m rpc_server.documents` writes them. Pure. Must not know: files, how a transcript was recorded.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rpc_server import openrpc
from rpc_server.documents import lifecycle, markdown, typescript

TRANSCRIPTS = "docs/transcripts"
"""The directory of recorded conversations, one a method."""


def transcript_name(method: str) -> str:
    """The name of the file with the conversation of a method."""
    return method.replace("/", "-") + ".json"


def render(transcripts: Mapping[str, Any]) -> dict[str, str]:
    """Every generated file by its path in the project, given the transcripts by method."""
    document = openrpc.document()
    return {
        "docs/lifecycle.md": lifecycle.render(),
        "docs/openrpc.json": json_text(document),
        "docs/protocol.md": markdown.render(document, transcripts, transcript_name),
        "editor-extension/src/protocol.ts": typescript.render(document),
    }


def json_text(value: Mapping[str, Any]) -> str:
    """JSON for people, with the first member on the first line: it says that the file is generated."""
    return json.dumps(value, indent=2, ensure_ascii=False).replace("{\n  ", "{ ", 1) + "\n"
