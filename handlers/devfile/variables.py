"""Text of a devfile with its variables filled in: `{{name}}` of the devfile, `$NAME` of the container. Pure.

A devfile has its variables at its top, and they are used in values, not in names, references and enumerations
(https://devfile.io/docs/2.3.0/defining-variables). An undefined one is an error here, and a warning elsewhere: a
command with a hole in it would run. Of the container's variables only those are known that the devfile gives.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from handlers.devfile.document import MAX_EXPANDED, Element

_REFERENCE = re.compile(r"\{\{([^{}]{0,128})\}\}")
"""The bound keeps a line of a million braces from being searched again from each of them."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}\Z")
_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))")


class Elsewhere(Exception):  # noqa: N818  # it is no error: the devfile is right
    """This file alone does not tell a value: `element` is where, and the message says what is missing."""

    def __init__(self, element: Element, what: str) -> None:
        super().__init__(what)
        self.element = element


class Filler:
    """Fills variables in, within a bound on all that comes out.

    Args:
        variables: those of the devfile.
        has_parent: whether there may be others that are not in this file.
    """

    def __init__(self, variables: Mapping[str, str], *, has_parent: bool) -> None:
        self._variables = variables
        self._has_parent = has_parent
        self._room = MAX_EXPANDED

    def fill(self, element: Element) -> str:
        """A text with its `{{name}}`s replaced; values are not looked at again.

        Raises:
            RemoteCommandError: it is no text, or names what is not there.
            Elsewhere: the parent may define it.
        """
        text = element.text()
        parts: list[str] = []
        end = 0
        for match in _REFERENCE.finditer(text):
            parts += text[end : match.start()], self._value(match[1].strip(), element)
            end = match.end()
            self.take(len(parts[-1]), element)
        parts.append(text[end:])
        self.take(len(text), element)
        return "".join(parts)

    def take(self, size: int, element: Element) -> None:
        """Count what comes out. Raises RemoteCommandError when it is too much."""
        self._room -= size
        if self._room < 0:
            raise element.fault(f"is too much: variables make more than {MAX_EXPANDED >> 20} MiB of this file")

    def _value(self, name: str, element: Element) -> str:
        value = self._variables.get(name)
        if value is not None:
            return value
        what = f'the variable "{name}"' if _NAME.match(name) else "a variable {{…}}"
        if self._has_parent:
            raise Elsewhere(element, f"it uses {what}, which is not defined in this file")
        raise element.fault(f"uses {what}, which is not defined: define it under variables")


def expand(text: str, element: Element, known: Mapping[str, str], filler: Filler) -> str:
    """A text with its `$NAME`s and `${NAME}`s replaced, as a shell would. Raises Elsewhere for an unknown one."""
    parts: list[str] = []
    end = 0
    for match in _VARIABLE.finditer(text):
        name = match[1] or match[2]
        if name not in known:
            shown = name if len(name) <= 63 else "with a long name"
            raise Elsewhere(element, f"it uses the variable {shown}, which only the container knows")
        parts += text[end : match.start()], known[name]
        end = match.end()
        filler.take(len(parts[-1]), element)
    return "".join([*parts, text[end:]])


def env_pairs(elements: Iterable[Element], filler: Filler) -> list[tuple[Element, str, Element, str]]:
    """The `env` of a component or command: of each variable its name and its value, and where they stand."""
    found = []
    for element in elements:
        fields = element.fields()
        for key in ("name", "value"):
            if key not in fields:
                raise element.fault(f"has no {key}: an environment variable has a name and a value")
        name, value = fields["name"], fields["value"]
        found.append((name, filler.fill(name), value, filler.fill(value)))
    return found
