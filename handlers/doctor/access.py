"""Findings about the way to a container: the target itself, rights, the exec protocol, delays, clocks. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers.api import KubernetesTarget
from handlers.checkup import Check, Finding, Level
from handlers.doctor.words import milliseconds, plural, seconds
from handlers.errors import ErrorKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from handlers.checkup import Right, Rights
    from handlers.doctor.visit import Visit

SLOW_SECONDS = 0.25
"""A round trip that people notice when they type or wait for output."""

SKEW_SECONDS = 2.0
"""A clock that is off by less troubles nobody; it is only told in whole seconds."""


def target(visit: Visit) -> Finding | None:
    """Which container it is; nothing if the user may not even look."""
    failure = visit.failure
    if failure is not None and failure.kind is ErrorKind.TARGET_NOT_RUNNING:
        return Finding(Check.TARGET, Level.ERROR, failure.message, failure.remedy or "Start it, then ask again.")
    if visit.target is None:
        return None
    if not visit.target.container_name:
        return Finding(Check.TARGET, Level.OK, "This machine.")
    found = visit.target
    context = f", context {found.context}" if found.context else ""
    where = f"container {found.container_name} of pod {found.pod_name} (namespace {found.namespace}{context})"
    return Finding(Check.TARGET, Level.OK, f"It is {where}, and it runs.")


def permissions(visit: Visit) -> Finding | None:
    """Which rights are missing, and the rule that gives them."""
    if not isinstance(visit.asked, KubernetesTarget):
        return None
    failure = visit.failure if visit.failure is not None and visit.failure.kind is ErrorKind.FORBIDDEN else None
    missing = () if visit.rights is None else visit.rights.missing
    needed = tuple(right for right in missing if right.is_needed)
    if visit.rights is not None and needed:
        return _needed_missing(visit.rights, needed, works=visit.is_open)
    if failure is not None:
        return Finding(Check.PERMISSIONS, Level.ERROR, failure.message, failure.remedy)
    if visit.rights is None:
        return Finding(Check.PERMISSIONS, Level.INFO, "They can't be asked for there; what was needed was permitted.")
    if missing:
        detail = (
            f"All that commands need is permitted in {visit.rights.place}. Missing: {_verbs(missing)}; without it pods "
            "can't be listed or found by labels, only named."
        )
        return Finding(Check.PERMISSIONS, Level.INFO, detail, _rule(visit.rights, missing))
    detail = f"All that commands need is permitted in {visit.rights.place}: {_verbs(visit.rights.held)}."
    return Finding(Check.PERMISSIONS, Level.OK, detail)


def _needed_missing(rights: Rights, needed: tuple[Right, ...], *, works: bool) -> Finding:
    detail = f"Missing in {rights.place}: {_verbs(needed)}."
    if not works:
        return Finding(Check.PERMISSIONS, Level.ERROR, detail, _rule(rights, needed))
    detail += " This API server lets commands run all the same; others, and later versions, will not."
    return Finding(Check.PERMISSIONS, Level.WARNING, detail, _rule(rights, needed))


def _grouped(rights: Iterable[Right]) -> dict[tuple[str, str], list[str]]:
    """Verbs by group and resource."""
    found: dict[tuple[str, str], list[str]] = {}
    for right in rights:
        found.setdefault((right.group, right.resource), []).append(right.verb)
    return found


def _verbs(rights: Iterable[Right]) -> str:
    return "; ".join(f"{' and '.join(verbs)} on {resource}" for (_, resource), verbs in _grouped(rights).items())


def _rule(rights: Rights, missing: Iterable[Right]) -> str:
    """What to add to a Role, as YAML. Names of objects are left out: a pod's next one has another name."""
    lines = [
        f'- {{apiGroups: ["{group}"], resources: [{resource}], verbs: [{", ".join(verbs)}]}}'
        for (group, resource), verbs in _grouped(missing).items()
    ]
    return "\n".join([f"Have these rules added to a Role of yours in {rights.place}:", "rules:", *lines])


def web_socket(visit: Visit) -> Finding | None:
    """The version of the exec protocol."""
    if not visit.protocol:
        return None
    detail = f"The API server speaks {visit.protocol}."
    if visit.protocol.startswith("v5."):
        return Finding(Check.WEB_SOCKET, Level.OK, detail)
    detail += " An exec's stdin can't be closed by itself in it, so an agent leaves only with its connection."
    return Finding(Check.WEB_SOCKET, Level.INFO, detail, "Kubernetes 1.30 and later speak v5.channel.k8s.io.")


def round_trip(visit: Visit) -> Finding | None:
    """How long an exec takes, and a message on it."""
    if visit.exec_seconds is None or visit.round_trip_seconds is None:
        return None
    took = milliseconds(visit.round_trip_seconds)
    detail = f"An exec takes {milliseconds(visit.exec_seconds)} to open, a message on it {took} there and back."
    if visit.round_trip_seconds < SLOW_SECONDS:
        return Finding(Check.ROUND_TRIP, Level.OK, detail)
    detail += " Output comes late, and nothing is lost."
    remedy = "Run the server nearer to the cluster, or see what slows the way: a VPN, a proxy, a busy node."
    return Finding(Check.ROUND_TRIP, Level.WARNING, detail, remedy)


def clock(visit: Visit) -> Finding | None:
    """How far the clocks are apart. The container's is told in whole seconds, so it is anywhere within one."""
    if visit.facts is None or visit.clock_at is None:
        return None
    if visit.facts.clock is None:
        return Finding(Check.CLOCK, Level.INFO, "The container's clock is not known: it has no date that tells it.")
    earliest, latest = visit.facts.clock - visit.clock_at, visit.facts.clock + 1 - visit.clock_at
    skew = earliest if earliest > 0 else min(latest, 0.0)
    if abs(skew) < SKEW_SECONDS:
        return Finding(
            Check.CLOCK, Level.OK, f"It is less than {plural(int(SKEW_SECONDS), 'second')} off the clock here."
        )
    how = f"{seconds(abs(skew))} {'ahead of' if skew > 0 else 'behind'}"
    detail = (
        f"It is {how} the clock here. Times that remotecmd tells are by the clock here, those that commands print not."
    )
    return Finding(Check.CLOCK, Level.WARNING, detail, "Have the clocks of the node and of this machine set by NTP.")
