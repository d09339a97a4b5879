"""How the agent gets into a container: one constant argv and one line on stdin.

The argv lands in API audit logs, so it is the same for everybody. Its shell reads exactly one line; that line sets what
differs between agents and evaluates the agent's text. Nothing more may be sent before the hello: a shell reads a script
from stdin in blocks and would swallow requests. Pure: the text is passed in by `handlers.agent.channel`.
"""

from __future__ import annotations

from handlers.agent.codec import quote

ARGV = ("/bin/sh", "-c", 'IFS= read -r l; eval "$l"')
"""`read` takes a byte at a time, so it leaves what follows the line."""


def strip(text: str) -> str:
    """Drop comments, indentation and empty lines: they would cost time in `read` and memory in every environment.

    The agent keeps to what this needs: a comment has a line to itself or follows two spaces, no text in quotes begins a
    line with `#` or with a space that counts.
    """
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("#"))


def encode(text: str) -> str:
    r"""Put a text on one line for `printf %b` in single quotes.

    Backslash, quote and newline become \0ooo, always with three digits: what follows may be a digit.
    """
    return text.replace("\\", "\\0134").replace("'", "\\0047").replace("\n", "\\n")


def bootstrap_line(
    text: str,
    *,
    nonce: str,
    owner: str,
    directory: str = "",
    watchdog_seconds: int,
    lease_seconds: int = 60,
    spool_kib: int = 1 << 20,
    shell: str = "/bin/sh",
) -> bytes:
    """The line that turns the exec's shell into an agent.

    Args:
        text: the agent, as `strip` leaves it.
        nonce: begins every line that this agent writes.
        owner: the same for all agents of one server and channel, so that a new one can end its predecessors.
        directory: base directory asked for, or empty.
        watchdog_seconds: the agent ends itself when no request was served for this long.
        lease_seconds: runs that are to stop when their server is gone do so when it has not pinged for this long.
        spool_kib: output kept in the container, of all runs.
        shell: what supervisors run in; only tests choose another.
    """
    settings = {
        "RC_NONCE": nonce,
        "RC_OWNER": owner,
        "RC_DIR": directory,
        "RC_SH": shell,
        "RC_WATCHDOG": str(watchdog_seconds),
        "RC_LEASE": str(lease_seconds),
        "RC_SPOOL": str(spool_kib),
    }
    words = " ".join(f"{key}={quote(value)}" for key, value in settings.items())
    newline = "rc_nl=$(printf '\\n.'); rc_nl=${rc_nl%.}; "
    return f"{newline}{words} RC_AGENT=$(printf '%b' '{encode(text)}'); eval \"$RC_AGENT\"\n".encode()
