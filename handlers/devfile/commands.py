"""The commands of a devfile: what each runs, in which container, with which environment. Pure.

What the rules of devfiles forbid (https://devfile.io/docs/2.3.0/devfile-validation-rules) is an error with its line
and column. What they permit and nothing here does is named in `not_supported`, never dropped. With a parent, what this
file lacks may be in the parent, which is not read; then it is no error, and what depends on it has no definition.
Must not know: where the file is, how anything is run.
"""

from __future__ import annotations

import dataclasses
import graphlib
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from handlers import api
from handlers.devfile import components, document
from handlers.devfile.document import Element, shown
from handlers.devfile.model import CompositeCommand, Devfile, ExecCommand, Group, GroupKind, NotSupported
from handlers.devfile.variables import Elsewhere, Filler, env_pairs, expand

if TYPE_CHECKING:
    from handlers.devfile.components import Component
    from handlers.errors import RemoteCommandError

MAX_PARTS = 1000
"""Commands, components, and commands that a composite runs in all."""

_VERSION = re.compile(r"2\.\d{1,9}\.\d{1,9}(?:[-+][0-9A-Za-z.+-]{1,64})?\Z")
_KINDS = ("exec", "composite", "apply", "vscodeTask", "vscodeLaunch", "custom")
_TOP = frozenset(
    {
        "schemaVersion", "metadata", "attributes", "variables", "parent", "components", "commands", "events",
        "projects", "starterProjects", "dependentProjects",
    }
)  # fmt: skip
_EXEC = frozenset({"label", "component", "commandLine", "workingDir", "env", "group", "hotReloadCapable", "attributes"})
_COMPOSITE = frozenset({"label", "commands", "parallel", "group", "attributes"})


def read(text: str, name: str = "devfile") -> Devfile:
    """Read a devfile, in YAML or JSON.

    Args:
        text: its content, at most `document.MAX_BYTES` of UTF-8.
        name: what errors call it.

    Raises:
        RemoteCommandError: devfileInvalid, with the first thing that is wrong.
    """
    return _Reader(document.parse(text, name)).devfile()


@dataclasses.dataclass(frozen=True, slots=True)
class _Entry:
    """A command as it stands in the file."""

    element: Element
    id: str
    kind: str
    fields: Mapping[str, Element]
    """Of the kind."""


class _Reader:
    """Reads one document."""

    def __init__(self, root: Element) -> None:
        self._fields = root.fields()
        self._version = _version(root, self._fields)
        self._not_supported: list[NotSupported] = []
        self._has_parent = "parent" in self._fields or any(
            "plugin" in component.fields() for component in self._items("components")
        )
        variables = self._fields["variables"].fields() if "variables" in self._fields else {}
        values = {name: value.text(numbers=True) for name, value in variables.items()}
        self._filler = Filler(values, has_parent=self._has_parent)

    def devfile(self) -> Devfile:
        self._name_others()
        project = components.project_path(self._items("projects"))
        self._components = components.read(self._items("components"), project, self._filler, self._not_supported)
        self._entries = self._read_entries()
        commands = [command for entry in self._entries.values() if (command := self._command(entry)) is not None]
        self._check_composites([command for command in commands if isinstance(command, CompositeCommand)])
        _check_defaults(self._entries, commands)
        metadata = self._fields["metadata"].fields() if "metadata" in self._fields else {}
        return Devfile(
            schema_version=self._version,
            name=metadata["name"].text() if "name" in metadata else None,
            commands=tuple(commands),
            not_supported=tuple(self._not_supported),
        )

    def _items(self, key: str) -> list[Element]:
        found = self._fields[key].items() if key in self._fields else []
        if len(found) > MAX_PARTS:
            raise self._fields[key].fault(f"are more than {MAX_PARTS}, and no devfile has so many")
        return found

    # -- what has no effect --------------------------------------------------------------------------------------------

    def _leave_out(self, element: Element, what: str) -> None:
        self._not_supported.append(NotSupported(element.path, what))

    def _name_others(self) -> None:
        self._name_unknown(self._fields, _TOP)
        if "parent" in self._fields:
            what = "the parent is not read: what it defines is missing here, so write it into this file"
            self._leave_out(self._fields["parent"], what)
        events = self._fields["events"].fields() if "events" in self._fields else {}
        for event in events.values():
            names = ", ".join(shown(item.text()) for item in event.items()[:10])
            self._leave_out(event, f"nothing is run at events: run {names or 'its commands'} when it is time")

    def _name_unknown(self, fields: Mapping[str, Element], known: frozenset[str]) -> None:
        for key, element in fields.items():
            if key not in known:
                self._leave_out(element, "no field that is known: it has no effect here")

    # -- commands ------------------------------------------------------------------------------------------------------

    def _read_entries(self) -> dict[str, _Entry]:
        found: dict[str, _Entry] = {}
        for element in self._items("commands"):
            fields = element.fields()
            if "id" not in fields:
                raise element.fault("has no id: a command has one, as in id: build")
            name = fields["id"].text()
            if api.check_id(name, ()):
                raise fields["id"].fault("must be at most 63 lower-case letters, digits and hyphens, as in build-image")
            if name in found:
                line = found[name].element.node.start_mark.line + 1
                raise fields["id"].fault(f"is {shown(name)}, the id of another command, in line {line}")
            kind = components.the_kind(element, fields, _KINDS, "a command", self._not_supported)
            found[name] = _Entry(element, name, kind, fields[kind].fields() if kind in _KINDS else {})
        return found

    def _command(self, entry: _Entry) -> ExecCommand | CompositeCommand | None:
        match entry.kind:
            case "exec":
                return self._exec(entry)
            case "composite":
                return self._composite(entry)
            case kind if kind in _KINDS:
                part = Element(entry.element.node, f"{entry.element.path}.{kind}")
                self._leave_out(
                    part, f"the command {shown(entry.id)} is of kind {kind}, and only exec and composite run"
                )
        return None

    def _exec(self, entry: _Entry) -> ExecCommand:
        fields = entry.fields
        self._name_unknown(fields, _EXEC)
        for key in ("component", "commandLine"):
            if key not in fields:
                raise entry.element.fault(f"has no exec.{key}: a command runs a commandLine in a component")
        group = self._group(fields)
        definition = None
        try:
            definition = self._definition(entry, self._component(fields["component"]))
        except Elsewhere as problem:
            self._leave_out(problem.element, f"the command {shown(entry.id)} can't be run: {problem}")
        return ExecCommand(
            id=entry.id,
            group=group,
            component=fields["component"].text(),
            hot_reload_capable=fields["hotReloadCapable"].flag() if "hotReloadCapable" in fields else None,
            definition=definition,
        )

    def _component(self, element: Element) -> Component:
        """The container that is named. Raises RemoteCommandError, and Elsewhere if it is not in this file."""
        name = element.text()
        component = self._components.get(name)
        if component is None or (self._has_parent and component.kind != "container"):
            if self._has_parent:
                raise Elsewhere(element, f"its component {shown(name)} is not a container of this file")
            raise element.fault(f"names {shown(name)}, and there is no such component: add a container of that name")
        if component.kind != "container":
            raise element.fault(f"names {shown(name)}, which is of kind {component.kind}: commands run in containers")
        if component.problem is not None:
            raise Elsewhere(component.problem.element, str(component.problem))
        return component

    def _definition(self, entry: _Entry, component: Component) -> api.Definition:
        fields, filler = entry.fields, self._filler
        places: dict[tuple[str | int, ...], Element] = {("cmd_line",): fields["commandLine"]}
        environment = dict(component.environment)
        for at, name, where, value in env_pairs(fields["env"].items() if "env" in fields else [], filler):
            if api.check_key(name, ()):
                raise Elsewhere(at, "no shell can set a variable of that name")
            environment[name] = expand(value, where, environment, filler)
        working_dir = ""
        if (at_dir := fields.get("workingDir")) is not None:
            working_dir = expand(filler.fill(at_dir), at_dir, environment, filler)
            places["working_dir",] = at_dir
        filler.take(sum(len(key) + len(value) for key, value in environment.items()), entry.element)
        definition = api.Definition(
            id=entry.id,
            cmd_line=filler.fill(fields["commandLine"]),
            working_dir=working_dir,
            env_vars=tuple(environment.items()),
        )
        for violation in api.check_definition(definition):
            raise places.get(violation.path, entry.element).fault(_without_dot(violation))
        return definition

    def _group(self, fields: Mapping[str, Element]) -> Group | None:
        if "group" not in fields:
            return None
        group = fields["group"].fields()
        self._name_unknown(group, frozenset({"kind", "isDefault"}))
        if "kind" not in group:
            raise fields["group"].fault(f"has no kind: it is one of {', '.join(GroupKind)}")
        if (kind := group["kind"].text()) not in set(GroupKind):
            raise group["kind"].fault(f"must be one of {', '.join(GroupKind)}")
        return Group(GroupKind(kind), group["isDefault"].flag() if "isDefault" in group else False)

    # -- composites ----------------------------------------------------------------------------------------------------

    def _composite(self, entry: _Entry) -> CompositeCommand:
        fields = entry.fields
        self._name_unknown(fields, _COMPOSITE)
        return CompositeCommand(
            id=entry.id,
            group=self._group(fields),
            parallel=fields["parallel"].flag() if "parallel" in fields else False,
            commands=tuple(member.text() for member in _members(entry)),
        )

    def _check_composites(self, composites: list[CompositeCommand]) -> None:
        """Say that a member is missing, that composites run one another, or that there is no end of them."""
        for composite in composites:
            for member, name in zip(_members(self._entries[composite.id]), composite.commands, strict=True):
                found = self._entries.get(name)
                if found is None and not self._has_parent:
                    raise member.fault(f"names {shown(name)}, and there is no such command: add it, or leave it out")
                if found is None or found.kind not in {"exec", "composite"}:
                    what = "not in this file" if found is None else f"of kind {found.kind}"
                    self._leave_out(member, f"the command {shown(name)} is {what}, and {shown(composite.id)} needs it")
        sorter = graphlib.TopologicalSorter({composite.id: composite.commands for composite in composites})
        try:
            order = list(sorter.static_order())
        except graphlib.CycleError as error:
            raise self._circle(error.args[1][::-1]) from None
        members = {composite.id: composite.commands for composite in composites}
        runs: dict[str, int] = {}
        depth: dict[str, int] = {}
        for name in order:
            runs[name] = sum(runs[member] for member in members[name]) if name in members else 1
            depth[name] = 1 + max((depth[member] for member in members.get(name, ())), default=0)
            if depth[name] > document.MAX_DEPTH:
                raise self._entries[name].element.fault(
                    f"runs commands of commands more than {document.MAX_DEPTH} deep"
                )
            if runs[name] > MAX_PARTS:
                raise self._entries[name].element.fault(f"would run more than {MAX_PARTS} commands")

    def _circle(self, names: list[str]) -> RemoteCommandError:
        """The error that each of these commands runs the next one, and the last is the first again."""
        element = next(member for member in _members(self._entries[names[0]]) if member.text() == names[1])
        told = " → ".join(shown(name) for name in (names if len(names) < 10 else [*names[:4], "…", *names[-4:]]))
        return element.fault(f"makes commands run themselves ({told}): leave it out")


def _version(root: Element, fields: Mapping[str, Element]) -> str:
    if "schemaVersion" not in fields:
        old = ": this is a devfile of version 1, convert it" if "apiVersion" in fields else ""
        raise root.fault(f"has no schemaVersion{old}: it is needed, as in schemaVersion: 2.2.2")
    version = fields["schemaVersion"].text(numbers=True)
    if not _VERSION.match(version):
        raise fields["schemaVersion"].fault("must be a version 2.x.y, as in 2.2.2: no other is supported")
    return version


def _members(entry: _Entry) -> list[Element]:
    return entry.fields["commands"].items() if "commands" in entry.fields else []


def _check_defaults(entries: Mapping[str, _Entry], commands: list[ExecCommand | CompositeCommand]) -> None:
    first: dict[GroupKind, str] = {}
    for command in commands:
        if command.group is None or not command.group.is_default:
            continue
        other = first.setdefault(command.group.kind, command.id)
        if other != command.id:
            place = entries[command.id].fields["group"]
            raise place.fault(f"makes a second default command of kind {command.group.kind}, after {shown(other)}")


def _without_dot(violation: api.Violation) -> str:
    return violation.message.rstrip(".")
