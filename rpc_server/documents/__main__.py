"""Writes the generated documents, or says which are stale; to be called in the project's directory."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from rpc_server.documents import TRANSCRIPTS, render, transcript_name
from rpc_server.methods import METHODS


def main(argv: list[str] | None = None) -> int:
    """Return the exit code: 1 when `--check` finds something stale."""
    parser = argparse.ArgumentParser(prog="python -m rpc_server.documents", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file is not what it should be")
    options = parser.parse_args(argv)
    recorded = {method: Path(TRANSCRIPTS, transcript_name(method)) for method in METHODS}
    transcripts = {
        method: json.loads(path.read_text(encoding="utf-8")) for method, path in recorded.items() if path.exists()
    }
    stale = {
        Path(name): text
        for name, text in render(transcripts).items()
        if not Path(name).exists() or Path(name).read_text(encoding="utf-8") != text
    }
    for path, text in stale.items():
        if options.check:
            sys.stderr.write(f"{path} is stale: run `make generate`\n")
        else:
            path.write_text(text, encoding="utf-8")
    return 1 if options.check and stale else 0


if __name__ == "__main__":
    raise SystemExit(main())
