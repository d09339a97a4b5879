"""The components of a devfile: which are containers, and what a command finds in their environment. Pure.

A container that a devfile describes has two variables: PROJECTS_ROOT, where sources are mounted, and PROJECT_SOURCE,
the directory of the first project in it. Must not know: commands.
"""

from __future__ import annotations

import dataclasses
import posixpath
from collections.abc import Iterator, Mapping

from handlers import api
from handlers.devfile.document import Element, shown
from handlers.devfile.model import NotSupported
from handlers.devfile.variables import Elsewhere, Filler, env_pairs

PROJECTS_ROOT, PROJECT_SOURCE = "PROJECTS_ROOT", "PROJECT_SOURCE"
DEFAULT_ROOT = "/projects"
"""Where sources are mounted if the component has no sourceMapping."""

KINDS = ("container", "volume", "kubernetes", "openshift", "image", "plugin", "custom")


@dataclasses.dataclass(frozen=True, slots=True)
class Component:
    """A component; `environment` is what a container gives its commands, as far as the devfile says."""

    element: Element
    kind: str
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    problem: Elsewhere | None = None
    """Why the environment is not known."""


def read(
    elements: list[Element], project: str, filler: Filler, not_supported: list[NotSupported]
) -> dict[str, Component]:
    """The components by name. Raises RemoteCommandError."""
    found: dict[str, Component] = {}
    for element in elements:
        fields = element.fields()
        if "name" not in fields:
            raise element.fault("has no name: a component is named, as in name: tools")
        name = fields["name"].text()
        if name in found:
            line = found[name].element.node.start_mark.line + 1
            raise fields["name"].fault(f"is {shown(name)}, the name of another component, in line {line}")
        kind = the_kind(element, fields, KINDS, "a component", not_supported)
        if kind == "container":
            found[name] = _container(element, fields[kind].fields(), project, filler, not_supported)
        else:
            found[name] = Component(element, kind)
            if kind in KINDS:
                what = f"the component {shown(name)} is of kind {kind}: it is not created or changed"
                not_supported.append(NotSupported(f"{element.path}.{kind}", what))
    return found


def the_kind(
    element: Element,
    fields: Mapping[str, Element],
    kinds: tuple[str, ...],
    what: str,
    not_supported: list[NotSupported],
) -> str:
    """Which of the kinds a part is of; one of a later version is named in `not_supported` and returned as it is."""
    given = [kind for kind in kinds if kind in fields]
    if len(given) > 1:
        raise element.fault(f"is of two kinds, {given[0]} and {given[1]}: {what} is of one")
    if given:
        return given[0]
    unknown = next((key for key in fields if key not in COMMON), None)
    if unknown is None:
        raise element.fault(f"is of no kind: {what} has one of {', '.join(kinds)}")
    part = fields[unknown]
    not_supported.append(NotSupported(part.path, f"{what} of a kind that is not known"))
    return unknown


COMMON = frozenset({"id", "name", "attributes", "commandType", "componentType"})
"""What a part has beside its kind."""


def project_path(projects: list[Element]) -> str:
    """Where the first project is below PROJECTS_ROOT; starter projects are none until somebody has chosen one."""
    if not projects:
        return ""
    fields = projects[0].fields()
    given = fields.get("clonePath") or fields.get("name")
    if given is None:
        raise projects[0].fault("has no name: a project is named, as in name: app")
    path = given.text()
    if path.startswith("/") or ".." in path.split("/"):
        raise given.fault("must be a relative path without ..: it is below PROJECTS_ROOT")
    return path


def _container(
    element: Element, fields: Mapping[str, Element], project: str, filler: Filler, not_supported: list[NotSupported]
) -> Component:
    try:
        root = filler.fill(fields["sourceMapping"]) if "sourceMapping" in fields else DEFAULT_ROOT
        environment = {PROJECTS_ROOT: root, PROJECT_SOURCE: posixpath.join(root, project) if project else root}
        environment |= dict(_variables(fields["env"], filler, not_supported)) if "env" in fields else {}
    except Elsewhere as problem:
        return Component(element, "container", problem=problem)
    return Component(element, "container", environment)


def _variables(env: Element, filler: Filler, not_supported: list[NotSupported]) -> Iterator[tuple[str, str]]:
    for at, name, _, value in env_pairs(env.items(), filler):
        if name in {PROJECTS_ROOT, PROJECT_SOURCE}:
            raise at.fault(f"must not be {name}: that one is made of sourceMapping and the projects")
        if api.check_key(name, ()):
            what = "a variable whose name no shell can set: the container may have it, and it is not set again"
            not_supported.append(NotSupported(at.path, what))
            continue
        yield name, value
