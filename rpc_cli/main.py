"""Where `remotecmd` begins: is this the server, or somebody at a terminal?

An editor that starts `remotecmd` must get a server that begins at once, with nothing imported before that could write
to stdout; so this module imports nothing, and decides by the words alone. Must not know: any subcommand but serve.
"""

from __future__ import annotations

import os
import sys

COMPLETE_VARIABLE = "_REMOTECMD_COMPLETE"
"""Set by the scripts of `remotecmd completion` when a shell asks for words; then there are no words of our own."""

WITH_VALUE = frozenset({"--log-file", "--log-level"})
"""Options of the server whose value is the next word."""

HINT = "remotecmd: this is the server, and it reads JSON-RPC from this terminal. `remotecmd --help` has the commands.\n"


def server_words(words: list[str]) -> list[str] | None:
    """What to tell the server, or None when it is not the server that is asked for.

    It is for `serve`, and for options without a subcommand, so that every way to start the server goes on to work.
    """
    i = 0
    while i < len(words) and words[i].startswith("-"):
        if words[i] in {"-h", "--help"}:
            return None
        i += 2 if words[i] in WITH_VALUE else 1
    if i >= len(words):
        return words
    return [*words[:i], *words[i + 1 :]] if words[i] == "serve" else None


def main(argv: list[str] | None = None) -> int:
    """Run what was asked for and return its exit code."""
    words = sys.argv[1:] if argv is None else argv
    for_server = None if COMPLETE_VARIABLE in os.environ else server_words(words)
    if for_server is None:
        from rpc_cli import app  # noqa: PLC0415  # the server needs nothing of it

        return app.run(words)
    from rpc_server import cli  # noqa: PLC0415  # the terminal client needs nothing of it

    if not words and sys.stdin is not None and sys.stdin.isatty():
        sys.stderr.write(HINT)
    return cli.main(for_server)
