from __future__ import annotations

import pytest

from rpc_cli import plan
from rpc_server import messages, results


def runs(name: str) -> results.DevfileCommand:
    definition = messages.Definition(id=name, cmd_line=f"echo {name}")
    return results.DevfileCommand(id=name, kind="exec", component="tools", definition=definition)


def of(name: str, *commands: str, parallel: bool = False) -> results.DevfileCommand:
    return results.DevfileCommand(id=name, kind="composite", parallel=parallel, commands=commands)


LEFT_OUT = results.DevfileNotSupported(path="commands[9].apply", what='the command "image" is of kind apply')
FOUND = results.DevfileResult(
    schema_version="2.2.2",
    commands=(
        runs("compile"), runs("lint"), of("build", "compile", "lint"), of("all", "build", "lint", parallel=True),
        of("alone", "build", parallel=True), of("none"), of("broken", "compile", "image"),
        results.DevfileCommand(id="hole", kind="exec", component="tools"),
    ),
    not_supported=(LEFT_OUT,),
)  # fmt: skip


def names(name: str) -> list[str]:
    return [step.definition.id for step in plan.steps(plan.make(FOUND, name))]


def test_composites_come_down_to_their_steps() -> None:
    assert names("compile") == ["compile"]
    assert names("build") == ["compile", "lint"]
    assert names("all") == ["compile", "lint", "lint"]
    assert names("none") == []


@pytest.mark.parametrize(("name", "parallel"), [("compile", False), ("build", False), ("all", True), ("alone", False)])
def test_lines_need_names_only_when_commands_run_at_once(name: str, *, parallel: bool) -> None:
    assert plan.has_parallel(plan.make(FOUND, name)) is parallel


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("compiel", 'there is no command "compiel" in the devfile; did you mean "compile"?'),
        ("zzz", "there are: compile, lint"),
        ("broken", "commands[9].apply"),
        ("hole", 'the command "hole" can\'t be run'),
    ],
)
def test_what_can_not_be_run_is_refused_before_anything_is(name: str, said: str) -> None:
    with pytest.raises(plan.PlanError) as error:
        plan.make(FOUND, name)
    assert said in str(error.value)
