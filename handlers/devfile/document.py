"""A devfile's text to a tree in which every part knows where it stands. Pure.

The text is anybody's, so what it may cost is bounded while it is read: its size, its nodes, how deep they are nested,
and how large it is with all aliases expanded. Nodes are composed and never constructed, so a tag makes no object.
Merge keys are resolved, keys are text and unique. JSON is read too, for it is YAML but for its tabs.
Must not know: what a devfile has to hold.
"""

from __future__ import annotations

import dataclasses

import yaml

from handlers.errors import ErrorKind, RemoteCommandError

MAX_BYTES = 1 << 20
"""Of a file; those of the public registry have 1 to 20 KiB."""

MAX_NODES = 20_000
"""Keys, values and collections, also those that merge keys bring. A node costs 25 µs, so this is half a second."""

MAX_DEPTH = 64
"""Of nesting, through aliases too."""

MAX_EXPANDED = 4 << 20
"""Characters and nodes with all aliases and variables expanded."""

_PREFIX = "tag:yaml.org,2002:"
_MERGE = _PREFIX + "merge"
_SCALARS = ("str", "int", "float", "bool", "null", "timestamp", "merge", "value")
_TAGS = {_PREFIX + name for name in (*_SCALARS, "seq", "map")}
_TRUE = {"true", "yes", "on"}  # of YAML 1.1, as the resolver knows them

Pair = tuple[yaml.ScalarNode, yaml.Node]


def fault(mark: yaml.Mark | None, message: str, name: str = "devfile") -> RemoteCommandError:
    """The error that the devfile is wrong at a place. Lines and columns count from 1, columns in characters."""
    if mark is None:
        return RemoteCommandError(ErrorKind.DEVFILE_INVALID, f"{name}: {message}.")
    line, column = mark.line + 1, mark.column + 1
    where = f"{mark.name}, line {line}, column {column}"
    return RemoteCommandError(ErrorKind.DEVFILE_INVALID, f"{where}: {message}.", line=line, column=column)


def shown(text: str) -> str:
    """A name out of a devfile for a message: on one line, bounded."""
    cut = text if len(text) <= 63 else text[:60] + "…"
    return '"' + "".join(c if c.isprintable() else "·" for c in cut) + '"'


@dataclasses.dataclass(frozen=True, slots=True)
class Element:
    """A part of the document and its path, as in commands[2].exec."""

    node: yaml.Node
    path: str = ""

    def fault(self, message: str) -> RemoteCommandError:
        """The error that this part is wrong; the message goes on after its path."""
        return fault(self.node.start_mark, f"{self.path or 'the document'} {message}")

    def fields(self) -> dict[str, Element]:
        """The values of a mapping by their keys, without those that are null. Raises RemoteCommandError."""
        if not isinstance(self.node, yaml.MappingNode):
            raise self.fault(f"must be a mapping (lines of key: value), and is {self._kind()}")
        prefix = f"{self.path}." if self.path else ""
        found = {key.value: Element(value, prefix + printable(key.value)) for key, value in self.node.value}
        return {key: element for key, element in found.items() if not element.is_null()}

    def items(self) -> list[Element]:
        """The items of a list. Raises RemoteCommandError."""
        if not isinstance(self.node, yaml.SequenceNode):
            raise self.fault(f"must be a list, and is {self._kind()}")
        return [Element(item, f"{self.path}[{i}]") for i, item in enumerate(self.node.value)]

    def text(self, *, numbers: bool = False) -> str:
        """A text, or with `numbers` also a number as it is written. Raises RemoteCommandError."""
        kind = self._kind()
        if kind == "text" or (numbers and kind == "a number"):
            text: str = self.node.value
            # JSON writes a character beyond U+FFFF as two surrogates.
            return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
        quotes = ": put it in quotes" if isinstance(self.node, yaml.ScalarNode) and kind != "null" else ""
        raise self.fault(f"must be text, and is {kind}{quotes}")

    def flag(self) -> bool:
        """A boolean. Raises RemoteCommandError."""
        if self._kind() != "a boolean":
            raise self.fault(f"must be true or false, and is {self._kind()}")
        return str(self.node.value).lower() in _TRUE

    def is_null(self) -> bool:
        """Whether there is a key with nothing behind it."""
        return self._kind() == "null"

    def _kind(self) -> str:
        if isinstance(self.node, yaml.MappingNode):
            return "a mapping"
        if isinstance(self.node, yaml.SequenceNode):
            return "a list"
        names = {"int": "a number", "float": "a number", "bool": "a boolean", "null": "null", "timestamp": "a date"}
        return names.get(self.node.tag.removeprefix(_PREFIX), "text")


def printable(key: str) -> str:
    """A key as a part of a path."""
    return key if key.isascii() and key.isprintable() and " " not in key and len(key) <= 63 else shown(key)


def too_large(name: str) -> RemoteCommandError:
    """The error that a file is no devfile by its size."""
    return fault(None, f"it is larger than {MAX_BYTES >> 20} MiB, and no devfile is: name another file", name)


def parse(text: str, name: str) -> Element:
    """Read a document. `name` is what errors call it. Raises RemoteCommandError."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise too_large(name)
    root = _compose(text, name)
    if root is None:
        raise fault(None, "it is empty; a devfile begins with its version, as in schemaVersion: 2.2.2", name)
    return Element(root)


def _compose(text: str, name: str) -> yaml.Node | None:
    loader = None
    try:
        loader = _Composer(text, name)
        return loader.get_single_node()
    except (ValueError, OverflowError):  # of chr(), where PyYAML turns an escape as in "\\UFFFFFFFF" into a character
        mark = None if loader is None else loader.get_mark()
        raise fault(mark, "this escape stands for no character: the last one is \\U0010FFFF", name) from None
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        mark = yaml.Mark(name, error.position, before.count("\n"), error.position - before.rfind("\n") - 1, "", 0)
        raise fault(mark, "here is a character that text does not have: it may be a binary file") from None
    except yaml.MarkedYAMLError as error:
        if isinstance(error, yaml.scanner.ScannerError) and "\t" in text and text.lstrip().startswith("{"):
            return _compose(text.replace("\t", " "), name)  # in JSON a tab is white space, and in YAML never
        problem = (error.problem or error.context or "it can't be read")[:120]
        raise fault(error.problem_mark or error.context_mark, f"this is not YAML: {problem}", name) from None


class _Composer(yaml.SafeLoader):
    """PyYAML's composer, within bounds. A node is complete before it is measured, and its parts were measured then."""

    def __init__(self, text: str, name: str) -> None:
        super().__init__(text)
        self.name = name  # marks have it
        self._depth = 0
        self._count = 0
        self._measured: dict[int, tuple[int, int]] = {}
        """By id of a complete node: characters and nodes in it with all aliases expanded, and how deep it is."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """As PyYAML, and raises RemoteCommandError when there is too much."""
        mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]  # the stubs lack it
        if self.check_event(yaml.AliasEvent):
            node = super().compose_node(parent, index)
            if id(node) not in self._measured:
                raise fault(mark, "this alias stands within what it stands for: write it out")
            return node
        self._take(1, mark)
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _too_deep(mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        if node is not None:
            self._complete(node)
        return node

    def _take(self, nodes: int, mark: yaml.Mark) -> None:
        self._count += nodes
        if self._count > MAX_NODES:
            raise fault(mark, f"up to here there are more than {MAX_NODES} keys and values, and no devfile has so many")

    def _complete(self, node: yaml.Node) -> None:
        mark = node.start_mark
        if node.tag not in _TAGS:
            raise fault(mark, "here is a tag (!…), and a devfile has none: leave it out")
        parts: list[yaml.Node] = []
        size = 1
        if isinstance(node, yaml.MappingNode):
            self._flatten(node)
            parts = [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            parts = node.value
        else:
            size += len(node.value)
        measured = [self._measured[id(part)] for part in parts]
        size += sum(part for part, _ in measured)
        depth = 1 + max((part for _, part in measured), default=0)
        if size > MAX_EXPANDED:
            raise fault(mark, "with its aliases expanded this is larger than any devfile: use fewer of them")
        if depth > MAX_DEPTH:
            raise _too_deep(mark)
        self._measured[id(node)] = size, depth

    def _flatten(self, node: yaml.MappingNode) -> None:
        """Resolve merge keys (https://yaml.org/type/merge.html), and let no key be there twice."""
        own: dict[str, Pair] = {}
        merged: dict[str, Pair] = {}
        for key, value in node.value:
            if key.tag == _MERGE:
                for source in _sources(value):
                    self._take(len(source.value), key.start_mark)
                    for pair in source.value:
                        merged.setdefault(pair[0].value, pair)
                continue
            if not isinstance(key, yaml.ScalarNode) or key.tag != _PREFIX + "str":
                raise fault(key.start_mark, "this key is not text: put it in quotes")
            if (first := own.get(key.value)) is not None:
                line = first[0].start_mark.line + 1
                raise fault(key.start_mark, f"the key {shown(key.value)} is here twice, first in line {line}")
            own[key.value] = key, value
        node.value = list({**merged, **own}.values())


def _sources(value: yaml.Node) -> list[yaml.MappingNode]:
    """The mappings that a merge key names; of two that have a key the first one counts."""
    found: list[yaml.MappingNode] = []
    for node in value.value if isinstance(value, yaml.SequenceNode) else [value]:
        if not isinstance(node, yaml.MappingNode):
            raise fault(node.start_mark, "a merge key (<<) takes a mapping or a list of them: name one by an alias")
        found.append(node)
    return found


def _too_deep(mark: yaml.Mark) -> RemoteCommandError:
    return fault(mark, f"this is nested more than {MAX_DEPTH} deep, and no devfile is")
