"""Rules for single wire values, attached to field types with `typing.Annotated`.

A check is a function of (value, path) that returns violations, as those of `handlers.api` do; `rpc_server.schema` says
which pattern it stands for. `Bounds` and `OneOf` are data, so that a schema can be made from them. Messages say what is
permitted and never repeat the value, but for a selector.
Must not know: JSON-RPC, cattrs, the wire classes.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable

import attrs

from handlers import api, naming

Check = Callable[[str, tuple[str | int, ...]], list[api.Violation]]
"""Says what is wrong with a text; nothing when it is right."""

KUBERNETES_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\Z")
"""DNS subdomain of RFC 1123, https://kubernetes.io/docs/concepts/overview/working-with-objects/names/"""


@attrs.frozen(kw_only=True)
class Bounds:
    """Limits of a number, inclusive, unless the minimum is `exclusive`."""

    minimum: float
    maximum: float
    exclusive: bool = False

    def check(self, value: float) -> str | None:
        """Say what is permitted when `value` is not. Infinity is above every maximum."""
        if self.minimum <= value <= self.maximum and not (self.exclusive and value == self.minimum):
            return None
        word = "greater than" if self.exclusive else "at least"
        return f"must be {word} {self.minimum:.16g} and at most {self.maximum:.16g}"


@attrs.frozen
class OneOf:
    """The values of an enumeration of the domain, whose docstrings say what each means.

    Of one that `grows` a later version may have more: who reads it does not refuse what it does not know.
    """

    values: type[enum.StrEnum]
    grows: bool = attrs.field(default=False, kw_only=True)

    def check(self, value: str) -> str | None:
        """Say what is permitted when `value` is not."""
        if self.grows or value in {member.value for member in self.values}:
            return None
        return "must be one of " + ", ".join(f'"{member.value}"' for member in self.values)


def check_argument(value: str, path: tuple[str | int, ...]) -> list[api.Violation]:
    """One argument of a program."""
    return api.check_text(value, path, limit=api.MAX_ARGUMENT_BYTES)


def check_plain_text(value: str, path: tuple[str | int, ...]) -> list[api.Violation]:
    """A name or path that ends in a system call: not empty, no NUL."""
    if not value:
        return [api.Violation(path, "must not be empty: leave it out")]
    return api.check_text(value, path, limit=4095)


def check_input(value: str, path: tuple[str | int, ...]) -> list[api.Violation]:
    """Text for a command's stdin: anything that UTF-8 can carry, NUL too."""
    return api.check_text(value.replace("\0", ""), path)


def check_kubernetes_name(value: str, path: tuple[str | int, ...]) -> list[api.Violation]:
    """The name of a pod, container or namespace."""
    if KUBERNETES_NAME.match(value):
        return []
    return [api.Violation(path, "must be a Kubernetes name: at most 253 of a-z 0-9 - . with a-z 0-9 at both ends")]


def check_kubernetes_name_or_empty(value: str, path: tuple[str | int, ...]) -> list[api.Violation]:
    """A name that may be empty, which means the default."""
    return check_kubernetes_name(value, path) if value else []


def check_optional_text(value: str, path: tuple[str | int, ...]) -> list[api.Violation]:
    """A name or path that may be empty, which means the default."""
    return check_plain_text(value, path) if value else []


def check_selector(value: str, path: tuple[str | int, ...]) -> list[api.Violation]:
    """A label selector. It is quoted where it is wrong: of a long one, only so can the mistake be found."""
    return check_plain_text(value, path) or naming.check_selector(value, path)


def check_workload(value: str, path: tuple[str | int, ...]) -> list[api.Violation]:
    """KIND/NAME."""
    return check_plain_text(value, path) or naming.check_workload(value, path)


def check_signal(value: str, path: tuple[str | int, ...]) -> list[api.Violation]:
    """A signal by name, with or without SIG."""
    if value.removeprefix("SIG") in api.SIGNALS:
        return []
    return [api.Violation(path, f"must be one of {', '.join(api.SIGNALS)}, with or without SIG before it")]
