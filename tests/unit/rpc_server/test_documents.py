from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from handlers.errors import ErrorKind
from rpc_server.codes import Code
from rpc_server.documents import __main__ as entry
from rpc_server.documents import markdown, render, transcript_name, typescript
from rpc_server.methods import METHODS
from rpc_server.notifications import NOTIFICATIONS, PUSHED

ROOT = Path(__file__).parents[3]
FILES = ("docs/lifecycle.md", "docs/openrpc.json", "docs/protocol.md", "editor-extension/src/protocol.ts")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what the generator reads and writes, as the current directory."""
    shutil.copytree(ROOT / "docs" / "transcripts", tmp_path / "docs" / "transcripts")
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_files_of_this_project_are_fresh(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(["--check"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("name", FILES)
def test_a_stale_file_is_named_and_made_anew(project: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    fresh = (project / name).read_text(encoding="utf-8")
    (project / name).write_text(fresh + "\n", encoding="utf-8")
    assert entry.main(["--check"]) == 1
    assert capsys.readouterr().err == f"{name} is stale: run `make generate`\n"
    assert entry.main([]) == 0
    assert (project / name).read_text(encoding="utf-8") == fresh


def test_a_missing_file_is_stale(project: Path) -> None:
    (project / FILES[0]).unlink()
    assert entry.main(["--check"]) == 1


def test_another_transcript_makes_the_protocol_stale(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = project / "docs" / "transcripts" / transcript_name("shutdown")
    path.write_text(json.dumps({"messages": []}), encoding="utf-8")
    assert entry.main(["--check"]) == 1
    assert capsys.readouterr().err.startswith("docs/protocol.md is stale")


@pytest.mark.parametrize("name", FILES)
def test_the_first_line_says_that_the_file_is_generated(name: str) -> None:
    first = render({})[name].splitlines()[0]
    assert "enerated" in first
    assert "make generate" in first


@pytest.mark.slow
def test_the_files_are_the_same_whatever_the_order_of_sets() -> None:
    code = "from rpc_server.documents import render; import sys; sys.stdout.write(repr(render({})))"
    texts = {
        subprocess.run([sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, cwd=ROOT, capture_output=True,
                       check=True).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(texts) == 1


NAMES = [*METHODS, *NOTIFICATIONS, *PUSHED]


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_in_the_page_and_in_the_types(name: str) -> None:
    texts = render({})
    assert f"\n### {name}\n" in texts["docs/protocol.md"]
    key = name if name.isidentifier() else f'"{name}"'
    assert f"\n  readonly {key}: " in texts["editor-extension/src/protocol.ts"]


@pytest.mark.parametrize("value", [*ErrorKind, *(str(code.value) for code in Code)])
def test_every_kind_and_code_is_in_the_page(value: str) -> None:
    page = render({})["docs/protocol.md"]
    assert f"\n| `{value}` | " in page or f"\n| {value} | " in page


# -- Markdown ---------------------------------------------------------------------------------------------------------

PRETTY = {
    "fits": ({"a": [1, None]}, 20, '{"a": [1, null]}'),
    "broken where it has to be": ({"a": 1, "b": [1, 2]}, 12, '{\n  "a": 1,\n  "b": [\n    1,\n    2\n  ]\n}'),
    "its parts fit": ({"a": {"b": 1}, "c": []}, 16, '{\n  "a": {"b": 1},\n  "c": []\n}'),
    "nothing to break": ("é" * 20, 10, '"' + "é" * 20 + '"'),
}


@pytest.mark.parametrize(("value", "width", "expected"), PRETTY.values(), ids=PRETTY.keys())
def test_pretty(value: Any, width: int, expected: str) -> None:
    text = markdown.pretty(value, width)
    assert text == expected
    assert json.loads(text) == value


def test_an_example_shows_who_said_what() -> None:
    messages = [
        {"client": {"jsonrpc": "2.0", "id": 1, "method": "m", "params": {"a": 1}}},
        {"server": {"jsonrpc": "2.0", "id": 1, "result": None}},
        {"client": {"jsonrpc": "2.0", "id": "x", "method": "m"}},
        {"server": {"jsonrpc": "2.0", "id": "x", "error": {"code": 5}}},
        {"server": {"jsonrpc": "2.0", "method": "n", "params": {}}},
    ]
    assert markdown.example(messages).splitlines() == [
        "```",
        '→ 1 m {"a": 1}',
        "← 1 null",
        "→ x m",
        '← x error {"code": 5}',
        "← n {}",
        "```",
    ]


# -- TypeScript -------------------------------------------------------------------------------------------------------

TYPES: dict[str, tuple[dict[str, Any], str]] = {
    "text": ({"type": "string", "pattern": "^a$"}, "string"),
    "number": ({"type": "integer"}, "number"),
    "null": ({"type": "null"}, "null"),
    "reference": ({"$ref": "#/components/schemas/Target"}, "Target"),
    "array": ({"type": "array", "items": {"type": "integer"}}, "readonly number[]"),
    "values": ({"enum": ["a", "b"]}, '"a" | "b"'),
    "described values": ({"oneOf": [{"const": "a", "description": "A."}]}, '"a"'),
    "one of several": ({"oneOf": [{"enum": ["start"]}, {"$ref": "#/x/FromOffsets"}]}, '"start" | FromOffsets'),
    "rule across fields": ({"type": "object", "oneOf": [{"required": ["a"]}]}, "Readonly<Record<string, unknown>>"),
    "no fields": ({"type": "object", "additionalProperties": False}, "Readonly<Record<string, never>>"),
}


@pytest.mark.parametrize(("schema", "expected"), TYPES.values(), ids=TYPES.keys())
def test_type_of(schema: dict[str, Any], expected: str) -> None:
    assert typescript.type_of(schema) == expected


def test_no_line_of_code_is_longer_than_prettier_wants() -> None:
    lines = render({})["editor-extension/src/protocol.ts"].splitlines()
    assert [line for line in lines if len(line) > typescript.WIDTH and "*" not in line] == []
