from __future__ import annotations

from typing import NoReturn

import pytest

from rpc_server import messages
from rpc_server.session import REFUSED, ClientState, Session


def no_handler() -> NoReturn:
    raise AssertionError


async def nobody(_: object) -> None:
    """Hears notifications."""


def session(state: ClientState = ClientState.CREATED) -> tuple[Session, list[int]]:
    watched: list[int] = []
    return Session(no_handler, watched.append, "1", nobody, state=state), watched


@pytest.mark.parametrize(
    ("state", "taken", "refused"),
    [
        (ClientState.CREATED, ["initialize", "shutdown", "remotecmd/start"], []),
        (ClientState.INITIALIZED, ["shutdown", "remotecmd/start"], ["initialize"]),
        (ClientState.SHUT_DOWN, [], ["initialize", "shutdown", "remotecmd/start", "nope"]),
    ],
)
def test_which_state_takes_which_request(state: ClientState, taken: list[str], refused: list[str]) -> None:
    subject, _ = session(state)
    assert [subject.refusal(method) for method in taken] == [None] * len(taken)
    assert all(subject.refusal(method) for method in refused)


def test_every_state_has_a_rule() -> None:
    assert REFUSED.keys() == set(ClientState)


def test_initialize_agrees_on_what_is_given() -> None:
    subject, watched = session()
    subject.initialize(
        messages.InitializeParams(
            process_id=7, trace="verbose", capabilities=messages.ClientCapabilities(output_encoding="base64")
        )
    )
    assert (subject.state, subject.output_encoding, subject.trace) == (ClientState.INITIALIZED, "base64", "verbose")
    assert watched == [7]


def test_initialize_leaves_the_rest_as_it_was() -> None:
    subject, watched = session()
    subject.initialize(messages.InitializeParams(capabilities=messages.ClientCapabilities()))
    assert (subject.output_encoding, subject.trace, watched) == ("utf8", "off", [])


def test_shutdown_is_final() -> None:
    subject, _ = session()
    subject.shut_down()
    assert subject.state is ClientState.SHUT_DOWN
