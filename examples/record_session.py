"""Records a session with the real `remotecmd` on a terminal, and puts it into the README; run by `make session`.

    python examples/record_session.py [TARGET] [README]     TARGET as remotecmd takes it; default: local

Keys are pressed when the screen shows what they are for, so nothing depends on the time that things take.
"""

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

PROGRAM = str(Path(sys.executable).parent / "remotecmd")
COLUMNS = 100
SECONDS = 60
BEGIN, END = "<!-- recorded by make session -->\n```console\n", "```\n"
CTRL_C = b"\x03"

SERVE = "echo listening on 8080; while :; do sleep 1; echo GET /; done"
IDS = ("greet", "web", "tests")


def steps(target):
    """Each: the words as a person types them, and which keys to press when what is shown."""
    return [
        (f"remotecmd run --id greet {target} -- 'echo hello from $(uname); exit 3'; echo $?", []),
        (f"remotecmd run -d --id web {target} -- '{SERVE}'", []),
        (f"remotecmd ps {target}", []),
        (f"remotecmd logs -f web@{target}", [(r"(GET /\s+){3}", CTRL_C)]),
        (f"remotecmd stop web@{target}", []),
        (f"remotecmd run --id tests {target} -- 'echo 1 of 90; exec sleep 1000'", [("1 of 90", CTRL_C)]),
        (f"remotecmd ps {target}", []),
        (f"remotecmd logs nosuch@{target}; echo $?", []),
    ]


def play(line, keys):
    """What the terminal shows for one line."""
    pid, master = pty.fork()
    if pid == 0:
        # The outer shell keeps out of the way of Ctrl-C, as the one at a prompt does.
        os.execv("/bin/sh", ["sh", "-c", f"trap : INT; {line}"])  # noqa: S606  # a shell is what it starts
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
    shown, keys, end = b"", list(keys), time.monotonic() + SECONDS
    while time.monotonic() < end:
        if not select.select([master], [], [], 1)[0]:
            continue
        with contextlib.suppress(OSError):  # EIO: whoever had it open is gone
            if data := os.read(master, 65536):
                shown += data
                if keys and re.search(keys[0][0], shown.decode(errors="replace")):
                    os.write(master, keys.pop(0)[1])
                continue
        break
    else:
        sys.exit(f"record_session: {line!r} did not end; it shows {shown!r}")
    os.waitpid(pid, 0)
    os.close(master)
    return re.sub(r"\s*\n", "\n", shown.decode().replace("\r\n", "\n"))


def clean(target):
    for name in IDS:
        for words in (["stop", "-t", "0"], ["rm"]):
            subprocess.run([PROGRAM, *words, f"{name}@{target}"], check=False, capture_output=True)


def main():
    target = sys.argv[1] if len(sys.argv) > 1 else "local"
    readme = Path(sys.argv[2]) if len(sys.argv) > 2 else None
    os.environ |= {"PATH": f"{Path(PROGRAM).parent}:{os.environ['PATH']}", "NO_COLOR": "1", "TERM": "xterm-256color"}
    clean(target)
    try:
        session = "".join(f"$ {line}\n{play(line, keys)}" for line, keys in steps(target))
    finally:
        clean(target)
    print(session, end="")
    if readme is not None:
        text = readme.read_text(encoding="utf-8")
        before, rest = text.split(BEGIN, 1)
        readme.write_text(f"{before}{BEGIN}{session}{END}{rest.split(END, 1)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
