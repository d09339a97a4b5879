"""Devfiles in the shape of those of public registries, and what may be wrong with one: each error says where."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest

from handlers.devfile import commands, files
from handlers.devfile.document import MAX_BYTES
from handlers.devfile.model import CompositeCommand, ExecCommand
from handlers.errors import ErrorKind, RemoteCommandError

NODE = """\
schemaVersion: 2.2.2
metadata:
  name: nodejs
  version: 2.2.1
  tags: [Node.js, Express]
variables:
  port: '3000'
starterProjects:
  - {name: starter, git: {remotes: {origin: 'https://example.invalid/starter.git'}}}
components:
  - name: runtime
    container:
      image: registry.example.invalid/nodejs-16:latest
      args: ['tail', '-f', '/dev/null']
      memoryLimit: 1024Mi
      mountSources: true
      env:
        - {name: DEBUG_PORT, value: '5858'}
      endpoints:
        - {name: http-node, targetPort: 3000}
commands:
  - id: install
    exec:
      component: runtime
      commandLine: npm install
      workingDir: ${PROJECT_SOURCE}
      group: {kind: build, isDefault: true}
  - id: run
    exec:
      component: runtime
      commandLine: npm start -- --port {{ port }}
      workingDir: ${PROJECT_SOURCE}
      hotReloadCapable: true
      group: {kind: run, isDefault: true}
  - id: all
    composite: {commands: [install, run], parallel: false, group: {kind: run}}
"""

QUARKUS = """\
schemaVersion: 2.2.0
metadata: {name: java-quarkus}
parent: {id: java, registryUrl: 'https://example.invalid'}
projects:
  - {name: community, clonePath: src/community, git: {remotes: {origin: 'https://example.invalid/c.git'}}}
components:
  - name: tools
    container: {image: any, sourceMapping: /work, volumeMounts: [{name: m2, path: /home/user/.m2}]}
  - name: m2
    volume: {size: 3Gi}
  - name: deploy
    kubernetes: {uri: deploy.yaml}
commands:
  - id: package
    exec:
      component: tools
      commandLine: mvn -Dmaven.repo.local=$HOME/.m2 package
      workingDir: $PROJECTS_ROOT/src
      env: [{name: OUT, value: '${PROJECT_SOURCE}/target'}]
  - id: ship
    apply: {component: deploy}
  - id: everything
    composite: {commands: [package, ship], parallel: true}
events:
  postStart: [package]
"""


def read(text: str) -> dict[str, ExecCommand | CompositeCommand]:
    return {command.id: command for command in commands.read(text).commands}


def definition(text: str, name: str) -> tuple[str | None, str, dict[str, str]]:
    found = read(text)[name]
    assert isinstance(found, ExecCommand) and found.definition is not None
    return found.definition.cmd_line, found.definition.working_dir, dict(found.definition.env_vars)


def test_a_stack_of_the_registry() -> None:
    found = commands.read(NODE)
    assert (found.schema_version, found.name, found.not_supported) == ("2.2.2", "nodejs", ())
    cmd_line, directory, environment = definition(NODE, "run")
    assert (cmd_line, directory) == ("npm start -- --port 3000", "/projects")
    assert environment == {"PROJECTS_ROOT": "/projects", "PROJECT_SOURCE": "/projects", "DEBUG_PORT": "5858"}
    run = read(NODE)["run"]
    assert isinstance(run, ExecCommand) and run.group is not None
    assert (run.group.kind, run.group.is_default, run.hot_reload_capable, run.component) == (
        "run", True, True, "runtime",
    )  # fmt: skip
    composite = read(NODE)["all"]
    assert isinstance(composite, CompositeCommand)
    assert (composite.commands, composite.parallel) == (("install", "run"), False)


STACKS = {
    "go": ({"build", "run", "debug"}, "build run debug", set()),
    "python": ({"pip-install-requirements", "run-app", "debug-py"}, "pip-install-requirements run-app", set()),
    "java-springboot": ({"build", "run", "debug", "build-and-run"}, "build run debug", {"components[1].volume"}),
    "php-laravel": (
        {"install", "set-environment", "key-gen", "laravel-composite", "artisan-serve"},
        "laravel-composite artisan-serve",
        set(),
    ),
    "dotnet60": (
        {"build", "run", "deploy"},
        "build run deploy",
        {"components[1].image", "components[2].kubernetes", "commands[2].apply", "commands[3].apply"},
    ),
}
"""Devfiles in the shape of a registry's: all commands, the defaults of their groups in order, what has no effect."""


@pytest.mark.parametrize("stack", STACKS)
def test_stacks_of_other_languages(stack: str) -> None:
    ids, defaults, without_effect = STACKS[stack]
    found = commands.read((Path(__file__).parent / "devfiles" / f"{stack}.yaml").read_text())
    assert found.name == stack
    assert {command.id for command in found.commands} == ids
    is_default = [command.id for command in found.commands if command.group is not None and command.group.is_default]
    assert is_default == defaults.split()
    assert without_effect <= {part.path for part in found.not_supported}
    for command in found.commands:
        if isinstance(command, ExecCommand):
            assert command.definition is not None
            assert command.definition.working_dir == "/projects"
            assert ("PROJECT_SOURCE", "/projects") in command.definition.env_vars


def test_what_a_command_says_is_passed_on_as_it_is() -> None:
    text = (Path(__file__).parent / "devfiles" / "go.yaml").read_text()
    cmd_line, _, environment = definition(text, "debug")
    assert cmd_line is not None
    assert "--listen=127.0.0.1:${DEBUG_PORT}" in cmd_line  # for the shell, which knows it
    assert cmd_line.startswith("GOPATH=") and cmd_line.count("\\\n") == 2
    assert environment["DEBUG_PORT"] == "5858"
    assert definition(text, "build")[2]["GOCACHE"] == "/projects/.cache"


def test_places_of_sources_and_parts_that_have_no_effect() -> None:
    found = commands.read(QUARKUS)
    cmd_line, directory, environment = definition(QUARKUS, "package")
    assert cmd_line == "mvn -Dmaven.repo.local=$HOME/.m2 package"
    assert directory == "/work/src"
    assert environment["PROJECT_SOURCE"] == "/work/src/community"
    assert environment["OUT"] == "/work/src/community/target"
    told = {part.path for part in found.not_supported}
    assert {
        "parent",
        "components[1].volume",
        "components[2].kubernetes",
        "commands[1].apply",
        "events.postStart",
    } <= told
    assert "commands[2].composite.commands[1]" in told


def test_json_is_read_too() -> None:
    fields = {
        "schemaVersion": "2.0.0",
        "components": [{"name": "a", "container": {"image": "b"}}],
        "commands": [{"id": "x", "exec": {"component": "a", "commandLine": "true"}}],
    }
    assert list(read(json.dumps(fields, indent="\t"))) == ["x"]


HEAD = "schemaVersion: 2.2.2\ncomponents:\n  - {name: c, container: {image: i}}\n  - {name: v, volume: {}}\ncommands:\n"
DEFAULT = "'true', group: {kind: run, isDefault: true}"
EXEC = "  - {id: NAME, exec: {component: c, commandLine: 'true'}}\n"
WRONG = {
    "no YAML": ("a: [1\nb: }", 2, "this is not YAML"),
    "a binary file": ("a: \x00", 1, "binary"),
    "no version": ("commands: []\n", 1, "schemaVersion"),
    "version 1": ("apiVersion: 1.0.0\n", 1, "version 1, convert it"),
    "version 3": ("schemaVersion: 3.0.0\n", 1, "2.x.y"),
    "an id twice": (HEAD + EXEC + EXEC, 7, "another command, in line 6"),
    "a key twice": ("schemaVersion: 2.0.0\nschemaVersion: 2.1.0\n", 2, "first in line 1"),
    "a key that is no text": ("schemaVersion: 2.0.0\n1: x\n", 2, "put it in quotes"),
    "a component that is not there": (HEAD + EXEC.replace("component: c", "component: d"), 6, 'names "d"'),
    "a component that is no container": (HEAD + EXEC.replace("component: c", "component: v"), 6, "kind volume"),
    "no commandLine": (HEAD + "  - {id: x, exec: {component: c}}\n", 6, "exec.commandLine"),
    "a variable that is not defined": (HEAD + EXEC.replace("'true'", "'{{nope}}'"), 6, '"nope"'),
    "a member that is not there": (HEAD + "  - {id: x, composite: {commands: [y]}}\n", 6, 'names "y"'),
    "a circle": (
        HEAD + "  - {id: x, composite: {commands: [y]}}\n  - {id: y, composite: {commands: [x]}}\n",
        6, "run themselves",
    ),
    "two defaults": (
        HEAD + "".join(EXEC.replace("'true'", DEFAULT).replace("NAME", name) for name in "ab"), 7, "second default",
    ),
    "a group of no kind": (HEAD + EXEC.replace("'true'", "'true', group: {kind: zip}"), 6, "must be one of"),
    "a tag": ("schemaVersion: !!python/object:os.system 2.0.0\n", 1, "tag"),
    "a list for a mapping": ("- schemaVersion: 2.0.0\n", 1, "must be a mapping"),
    "an escape of no character": ('schemaVersion: 2.0.0\na: "\\UFFFFFFFF"\n', 2, "no character"),
    "composites too deep": (
        HEAD + EXEC.replace("NAME", "c0")
        + "".join(f"  - {{id: c{i}, composite: {{commands: [c{i - 1}]}}}}\n" for i in range(1, 900)),
        70, "more than 64 deep",
    ),
    "an alias within itself": ("schemaVersion: 2.0.0\na: &x [*x]\n", 2, "within what it stands for"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_with_its_place(name: str) -> None:
    text, line, said = WRONG[name]
    with pytest.raises(RemoteCommandError) as error:
        commands.read(text)
    assert error.value.kind is ErrorKind.DEVFILE_INVALID
    assert said in error.value.message
    if name != "a binary file":
        assert (error.value.line, error.value.column is not None) == (line, True)
        assert f"line {line}, column {error.value.column}" in error.value.message


def bomb(levels: int) -> str:
    rows = ["schemaVersion: 2.0.0", "a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, levels)]
    return "\n".join(rows)


def merges(count: int) -> str:
    rows = ["schemaVersion: 2.0.0", "m0: &m0 {" + ", ".join(f"k{i}: v" for i in range(500)) + "}"]
    return "\n".join([*rows, *(f"m{i}: {{<<: *m0}}" for i in range(1, count))])


@pytest.mark.parametrize(
    "text", [bomb(9), merges(1000), "[" * 5000, "a: " + "{{" * 300_000, "- " * 100_000, "x" * (MAX_BYTES + 1)],
    ids=["aliases", "merge keys", "depth", "braces", "nesting", "size"],
)  # fmt: skip
def test_what_is_made_to_explode_is_refused_within_bounds(text: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(RemoteCommandError) as error:
            commands.read(text)
        assert error.value.kind is ErrorKind.DEVFILE_INVALID
        assert tracemalloc.get_traced_memory()[1] < 100 << 20
    finally:
        tracemalloc.stop()


def test_a_file_is_found_and_bounded(tmp_path: Path) -> None:
    with pytest.raises(RemoteCommandError, match=r"no devfile\.yaml or \.devfile\.yaml"):
        files.read(str(tmp_path))
    (tmp_path / ".devfile.yaml").write_text(NODE)
    assert files.read(str(tmp_path)) == (str(tmp_path / ".devfile.yaml"), NODE)
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(50 << 20)
    with pytest.raises(RemoteCommandError, match="larger than 1 MiB"):
        files.read(str(large))
    (tmp_path / "binary").write_bytes(b"a: b\n\xff")
    with pytest.raises(RemoteCommandError, match="in line 2"):
        files.read(str(tmp_path / "binary"))
