"""Findings about what an image brings along: its shell, its tools, /proc, its user. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers import explain
from handlers.agent.codec import Refused
from handlers.checkup import Check, Finding, Level
from handlers.doctor.facts import NEEDED, USEFUL
from handlers.errors import ErrorKind

if TYPE_CHECKING:
    from handlers.doctor.facts import Facts
    from handlers.doctor.visit import Visit

IMAGE = "Use an image with coreutils, util-linux and findutils, or with busybox."


def shell(visit: Visit) -> Finding | None:
    """Whether there is a shell that can run the agent."""
    failure = visit.failure
    if failure is not None and failure.kind is ErrorKind.SHELL_MISSING:
        remedy = failure.remedy or "Use an image whose /bin/sh is dash, busybox ash, bash or mksh."
        return Finding(Check.SHELL, Level.ERROR, failure.message, remedy)
    if visit.facts is None or visit.target is None:
        return None
    refused = visit.facts.refused
    if refused is not None and refused[0] == "shell":
        error = explain.refusal(Refused(*refused), visit.target, directory_given=False)
        return Finding(Check.SHELL, Level.ERROR, error.message, error.remedy)
    return Finding(Check.SHELL, Level.OK, f"/bin/sh is {visit.facts.shell or 'unknown'}, and can run the agent.")


def tools(visit: Visit) -> Finding | None:
    """Whether the tools are there, and whose they are."""
    facts = visit.facts
    if facts is None or not facts.tools:
        return None
    missing = [name for name in NEEDED if not facts.tools.get(name)]
    if missing:
        detail = f"There is no {', '.join(missing)}, and supervising a command needs {_them(missing)}."
        return Finding(Check.TOOLS, Level.ERROR, detail, IMAGE)
    detail = f"All {len(NEEDED)} that are needed are there: {kinds(facts)}."
    lost = [f"{name} ({USEFUL[name]})" for name in USEFUL if not facts.tools.get(name)]
    if lost:
        return Finding(Check.TOOLS, Level.INFO, f"{detail} Done without: {', '.join(lost)}.", IMAGE)
    return Finding(Check.TOOLS, Level.OK, detail)


def _them(missing: list[str]) -> str:
    return "it" if len(missing) == 1 else "them"


def kinds(facts: Facts) -> str:
    """Whose the tools are: in a word if they are all of one kind."""
    found = set(facts.kinds.values())
    if len(found) == 1:
        return found.pop()
    return ", ".join(f"{name} of {kind}" for name, kind in facts.kinds.items()) or "of unknown kind"


def proc(visit: Visit) -> Finding | None:
    """Whether processes can be seen."""
    facts = visit.facts
    if facts is None or facts.proc is None:
        return None
    if not facts.proc or (facts.refused is not None and facts.refused[0] == "proc"):
        detail = "There is no readable /proc, and supervising a command needs it."
        return Finding(
            Check.PROC, Level.ERROR, detail, "Have /proc mounted in the container, as runtimes do by default."
        )
    return Finding(Check.PROC, Level.OK, "/proc can be read.")


def user(visit: Visit) -> Finding | None:
    """Whose rights commands have."""
    facts = visit.facts
    if facts is None or facts.uid is None:
        return None
    who = f"uid {facts.uid}" if facts.gid is None else f"uid {facts.uid}, gid {facts.gid}"
    if facts.uid == 0:
        return Finding(Check.USER, Level.OK, f"Commands run as root ({who}).")
    detail = f"Commands run as {who}, not as root: they change only files and signal only processes of that user."
    if visit.target is None or visit.target.kind != "kubernetes":
        return Finding(Check.USER, Level.INFO, detail)
    remedy = (
        "If a command needs to write to a volume, set securityContext.fsGroup of the pod; if it needs more, runAsUser "
        "of the container."
    )
    return Finding(Check.USER, Level.INFO, detail, remedy)
