"""Records the conversations of docs/transcripts anew: `make transcripts`."""

from __future__ import annotations

import tempfile
from pathlib import Path

from rpc_server.documents import TRANSCRIPTS, transcript_name
from rpc_server.documents.markdown import WIDTH, pretty
from rpc_server.methods import METHODS
from tests.rpc.client import ROOT, Client
from tests.rpc.conversation import Conversation
from tests.rpc.scenarios import SCENARIOS

GENERATED = "by `make transcripts` from a real server; what differs from run to run is a name in <>; do not edit"


def play(method: str, directory: Path) -> Conversation:
    """Play the scenario of a method with a server of its own."""
    with Client() as client:
        talk = Conversation(client, str(directory))
        SCENARIOS[method](talk)
        talk.end()
    return talk


def text_of(method: str, talk: Conversation) -> str:
    """A transcript as its file holds it, with what it is on the first line."""
    transcript = {"x-generated": GENERATED, "method": method, "messages": talk.messages()}
    return pretty(transcript, WIDTH).replace("{\n  ", "{ ", 1) + "\n"


def main() -> None:
    """Record everything, then write every transcript, and remove those of methods that are gone."""
    texts = {}
    for method in METHODS:
        with tempfile.TemporaryDirectory() as base:
            texts[transcript_name(method)] = text_of(method, play(method, Path(base)))
    directory = ROOT / TRANSCRIPTS
    directory.mkdir(exist_ok=True)
    for path in directory.glob("*.json"):
        if path.name not in texts:
            path.unlink()
    for name, text in texts.items():
        (directory / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
