"""The life of real commands, in whatever order a client asks: what is seen of a run is a path through the table.

`tests/unit/handlers/test_transitions.py` does the same with facts that are made up, many more of them.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from handlers.api import State
from handlers.transitions import LIVE, reachable

if TYPE_CHECKING:
    from pathlib import Path

    from tests.rpc.client import Client

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="the local target is Linux only")]

TIMEOUT = 40.0
IDS = st.sampled_from(["a", "b"])
COMMANDS: dict[str, dict[str, Any]] = {
    "succeeds": {"cmdLine": "echo done"},
    "fails": {"cmdLine": "exit 3"},
    "stays": {"cmdLine": "exec sleep 1000"},
    "ends when it is told": {"cmdLine": "trap 'exit 0' TERM; while :; do sleep 1000 & wait; done"},
    "is deaf": {"cmdLine": "trap '' TERM; while :; do sleep 0.05; done"},
    "can't start": {"args": ["/no/such/program"]},
    "has nowhere to start": {"cmdLine": "true", "workingDir": "/no/such/directory"},
}


class Lives(RuleBasedStateMachine):
    """One client. Requests wait for their reply, so each reply tells of what is later than any before it."""

    client: Client
    directory: Path
    examples = 0

    def __init__(self) -> None:
        super().__init__()
        type(self).examples += 1
        self.base = {"target": {"kind": "local"}, "pidDirectory": str(self.directory / str(self.examples))}
        self.answered: dict[str, State] = {}
        self.told: dict[str, State] = {}
        self.newest: dict[str, State] = {}

    # -- what is seen --------------------------------------------------------------------------------------------------

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        reply = self.client.request(f"remotecmd/{method}", params, TIMEOUT)
        for message in self.client.others:
            if message["method"] == "remotecmd/statusChanged":
                self.note(self.told, message["params"]["process"])
        self.client.others.clear()
        body = reply.get("result") or reply.get("error", {}).get("data") or {}
        if "process" in body:
            self.note(self.answered, body["process"])
        return reply

    def note(self, seen: dict[str, State], process: dict[str, Any]) -> None:
        now = State(process["state"])
        if now is not State.ABSENT:
            before = seen.get(process["runId"])
            assert before is None or now in reachable(before), f"it was {before} and is {now}"
            seen[process["runId"]] = now
        if seen is self.answered:
            self.newest[process["id"]] = now

    # -- what is asked -------------------------------------------------------------------------------------------------

    @rule(id=IDS, command=st.sampled_from(sorted(COMMANDS)), if_exists=st.sampled_from(["attach", "fail", "replace"]))
    def start(self, id: str, command: str, if_exists: str) -> None:
        definition = {"id": id, **COMMANDS[command], "pidDirectory": self.base["pidDirectory"]}
        reply = self.ask(
            "start", target=self.base["target"], definition=definition, ifExists=if_exists, gracePeriodSeconds=0.2
        )
        failure = reply.get("error", {}).get("data", {}).get("kind")
        assert failure in {None, "commandConflict", "startFailed"}, reply
        if failure == "startFailed":
            assert self.newest[id] is State.START_FAILED

    @rule(id=IDS, grace=st.sampled_from([0, 0.2]), signal=st.sampled_from(["TERM", "INT", "KILL"]))
    def stop(self, id: str, grace: float, signal: str) -> None:
        was = self.newest.get(id, State.ABSENT)
        reply = self.ask("stop", **self.base, id=id, gracePeriodSeconds=grace, signal=signal)
        self.expect(reply, was)
        if was is not State.ABSENT:
            self.ask("wait", **self.base, id=id)
            assert self.newest[id] not in LIVE

    @rule(id=IDS, signal=st.sampled_from(["USR1", "CONT", "TERM", "KILL"]))
    def signal(self, id: str, signal: str) -> None:
        was = self.newest.get(id, State.ABSENT)
        self.expect(self.ask("signal", **self.base, id=id, signal=signal), was)

    @rule(id=IDS)
    def remove(self, id: str) -> None:
        was = self.newest.get(id, State.ABSENT)
        reply = self.ask("remove", **self.base, id=id)
        if "result" in reply:
            self.newest[id] = State.ABSENT
        else:
            assert reply["error"]["data"]["kind"] == ("commandNotFound" if was is State.ABSENT else "commandConflict")

    @rule(id=IDS)
    def status(self, id: str) -> None:
        was = self.newest.get(id, State.ABSENT)
        self.ask("status", **self.base, id=id)
        assert (self.newest[id] is State.ABSENT) == (was is State.ABSENT)

    def expect(self, reply: dict[str, Any], was: State) -> None:
        """What is there is dealt with, what is not is not found."""
        if was is State.ABSENT:
            assert reply["error"]["data"]["kind"] == "commandNotFound"
        else:
            assert "result" in reply, reply

    def teardown(self) -> None:
        for name in [name for name, state in self.newest.items() if state is not State.ABSENT]:
            self.stop(name, 0, "KILL")
            self.remove(name)
            self.status(name)


@pytest.mark.timeout(300)
def test_what_is_seen_of_a_run_is_a_path_through_the_table(client: Client, tmp_path: Path) -> None:
    machine = type("LivesHere", (Lives,), {"client": client, "directory": tmp_path})
    quiet = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
    run_state_machine_as_test(
        machine, settings=settings(max_examples=15, stateful_step_count=12, deadline=None, suppress_health_check=quiet)
    )
