"""The command `remotecmd`: options, then the server on stdin and stdout.

stdout is taken over before anything of third parties is imported, so nothing here imports them at the top.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import sys

from rpc_server import logs, stdio

USAGE_ERROR = 2
"""What argparse exits with."""


def version() -> str:
    """The installed version, or a placeholder in a tree that is not installed."""
    try:
        return importlib.metadata.version("remotecmd")
    except importlib.metadata.PackageNotFoundError:
        return "0+unknown"


def parser() -> argparse.ArgumentParser:
    """What the command line may say."""
    result = argparse.ArgumentParser(
        prog="remotecmd",
        description="JSON-RPC server on stdin and stdout that starts, watches and stops commands in containers.",
        allow_abbrev=False,
    )
    result.add_argument("--stdio", action="store_true", help="talk on stdin and stdout (the default, and the only way)")
    result.add_argument("--log-file", metavar="PATH", help="append logs to this file instead of writing them to stderr")
    result.add_argument("--log-level", choices=logs.LEVELS, default="warning", help="what to log (default: warning)")
    result.add_argument("--version", action="version", version=f"%(prog)s {version()}")
    return result


def main(argv: list[str] | None = None) -> int:
    """Run the server and return its exit code."""
    options = parser().parse_args(argv)
    try:
        descriptors = stdio.take_over()
        log = logs.configure(options.log_level, options.log_file)
    except OSError as error:
        sys.stderr.write(f"remotecmd: {error}\n")
        return USAGE_ERROR

    from rpc_server import server  # noqa: PLC0415  # imports third parties, which may write to stdout

    code = server.run(descriptors, version())
    log.settle(timeout=0.1)
    return code
