"""A container as kubectl shows it: the tests' own way in, which shares nothing with the server under test.

Zombies and the shell that looks are left out of every listing: PID 1 of the test pods reaps nothing.
"""

from __future__ import annotations

import dataclasses
import subprocess
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

T = TypeVar("T")

DEADLINE = 15.0
"""Seconds in which what is to go has gone."""

# The stat line of each process, then its arguments with \1 for NUL and \2 for a line break. Only builtins until then.
_PROCESSES = r"""
for p in /proc/[0-9]*; do
  [ "$p" != /proc/$$ ] && read -r s <"$p/stat" || continue
  case ${s##*)} in ' Z'* | ' X'*) continue ;; esac
  printf '%s\n' "$s"
  tr '\0\n' '\1\2' <"$p/cmdline"
  echo
done 2>/dev/null
"""

_ZOMBIES = r"""
for p in /proc/[0-9]*; do
  read -r s <"$p/stat" || continue
  case ${s##*)} in ' Z'*) echo "${p#/proc/}" ;; esac
done 2>/dev/null
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Process:
    """What /proc says of a process; pid and start time together name it for ever."""

    pid: int
    start: int
    parent: int
    session: int
    name: str
    args: tuple[str, ...] = dataclasses.field(compare=False)


class Container:
    """One container of a pod."""

    def __init__(self, kubeconfig: Path, pod: str, name: str) -> None:
        self.pod = pod
        self.name = name
        self._kubectl = [str(kubeconfig.parent / "bin" / "kubectl"), "--kubeconfig", str(kubeconfig)]

    def argv(self, *command: str, stdin: bool = False) -> list[str]:
        """The kubectl call that runs a command here."""
        return [*self._kubectl, "exec", *(["-i"] if stdin else []), self.pod, "-c", self.name, "--", *command]

    def run(self, *command: str, timeout: float = 60) -> str:
        """Run a command and return its stdout; it is in the audit log."""
        return subprocess.run(self.argv(*command), capture_output=True, text=True, check=True, timeout=timeout).stdout

    def shell(self, script: str, timeout: float = 60) -> str:
        """Run a script given on stdin, so that it is in no argument, and return its stdout."""
        command = self.argv("/bin/sh", "-s", stdin=True)
        return subprocess.run(command, input=script, capture_output=True, text=True, check=True, timeout=timeout).stdout

    def processes(self) -> set[Process]:
        """Everything that is alive, PID 1 too."""
        lines = self.run("/bin/sh", "-c", _PROCESSES).splitlines()
        return {_process(stat, args) for stat, args in zip(lines[::2], lines[1::2], strict=True)}

    def report(self, processes: Iterable[Process]) -> str:
        """What each is doing, and with which files, for whoever has to find out why it is still there."""
        look = (
            "tr '\\0\\n' '  ' </proc/{0}/cmdline | cut -c -200; cat /proc/{0}/stat /proc/{0}/wchan; echo; "
            "ls -l /proc/{0}/fd"
        )
        return self.shell("\n".join(f"( {look.format(process.pid)}; echo ) 2>&1" for process in processes))

    def with_standard_streams_only(self, processes: Iterable[Process]) -> set[Process]:
        """Those that have no other file open than 0, 1 and 2. An agent opens more as soon as it has its first line."""
        by_pid = {str(process.pid): process for process in processes}
        if not by_pid:
            return set()
        look = '[ "$(echo $(ls /proc/$pid/fd))" = "0 1 2" ] && echo $pid'
        return {by_pid[pid] for pid in self.shell(f"for pid in {' '.join(by_pid)}; do {look}; done; :").split()}

    def zombies(self) -> int:
        """How many processes have ended and were not waited for."""
        return len(self.run("/bin/sh", "-c", _ZOMBIES).split())

    def agents(self, base: str) -> list[str]:
        """The directories of agents under a base directory."""
        return self.shell(f"ls -A {base}/agents").split()

    def forget(self, base: str, suffix: str) -> None:
        """Kill what is live of the commands whose id ends in the suffix or that have it in an argument, for a test may
        have failed before it stopped them, and remove their records and files."""
        processes = self.processes()
        sessions = {p.session for p in processes if any(suffix in arg for arg in p.args)}
        pids = [str(p.pid) for p in processes if p.session in sessions]
        kill = f"kill -KILL {' '.join(pids)} 2>/dev/null\n" if pids else ""
        self.shell(f"""{kill}for d in {base}/runs/*; do
          id= pid= end=
          read -r id _ <"$d/meta"
          case $id in *{suffix}) ;; *) continue ;; esac
          read -r _ pid _ <"$d/pid"
          read -r end _ <"$d/end"
          [ -z "$pid" ] || [ "$end" ] || kill -KILL "-$pid"
          rm -rf "$d" $(grep -l "^${{d##*/}} " {base}/ids/*)
        done 2>/dev/null
        rm -rf /tmp/*{suffix}""")

    def __str__(self) -> str:
        return f"{self.pod}/{self.name}"


def _process(stat: str, args: str) -> Process:
    pid, _, rest = stat.partition(" (")
    name, _, after = rest.rpartition(") ")
    fields = after.split()
    words = tuple(args.replace("\2", "\n").removesuffix("\1").split("\1")) if args else ()
    return Process(int(pid), int(fields[19]), int(fields[1]), int(fields[3]), name, words)


def eventually(look: Callable[[], T], is_good: Callable[[T], bool], seconds: float = DEADLINE) -> T:
    """Look until it is good or time is up; returns what was seen last, for the test to judge."""
    deadline = time.monotonic() + seconds
    while not is_good(seen := look()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return seen
