"""The texts that stand in the source beside what they describe: docstrings under attributes and enumeration members.

Python drops them when it compiles, so the source is read again, once per module. Must not know: what they are used for.
"""

from __future__ import annotations

import ast
import functools
import inspect
import itertools
import sys
from collections.abc import Mapping


def of_class(cls: type) -> str:
    """The docstring of a class, in one line."""
    return _one_line(ast.get_docstring(_node(cls)) or "")


def of_attributes(cls: type) -> Mapping[str, str]:
    """The docstrings under the attributes or members of a class, each in one line, by Python name."""
    found = {}
    body = _node(cls).body
    for node, following in itertools.pairwise(body):
        name = _assigned(node)
        match following:
            case ast.Expr(value=ast.Constant(value=str(text))) if name is not None:
                found[name] = _one_line(text)
    return found


def _assigned(node: ast.stmt) -> str | None:
    match node:
        case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
            return name
    return None


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _node(cls: type) -> ast.ClassDef:
    return _classes(cls.__module__)[cls.__name__]


@functools.cache
def _classes(module: str) -> Mapping[str, ast.ClassDef]:
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
