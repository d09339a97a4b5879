from __future__ import annotations

import subprocess
import sys

import pytest

from rpc_cli.main import server_words


@pytest.mark.parametrize(
    "words, for_server",
    [
        ([], []),
        (["--stdio"], ["--stdio"]),
        (["--log-level", "debug"], ["--log-level", "debug"]),
        (["--log-level=debug", "--log-file", "x"], ["--log-level=debug", "--log-file", "x"]),
        (["--log-file"], ["--log-file"]),
        (["--version"], ["--version"]),
        (["--nonsense"], ["--nonsense"]),
        (["serve"], []),
        (["serve", "--stdio"], ["--stdio"]),
        (["--log-level", "debug", "serve", "--stdio"], ["--log-level", "debug", "--stdio"]),
    ],
    ids=" ".join,
)
def test_options_alone_are_for_the_server(words: list[str], for_server: list[str]) -> None:
    assert server_words(words) == for_server


@pytest.mark.parametrize(
    "words",
    [["ps"], ["ps", "local"], ["--help"], ["--stdio", "-h"], ["--log-level", "debug", "ps"], ["--json", "ps"], ["x"]],
    ids=" ".join,
)
def test_a_subcommand_is_for_the_client(words: list[str]) -> None:
    assert server_words(words) is None


@pytest.mark.slow
def test_the_server_starts_without_anything_of_the_client() -> None:
    """Nothing may be imported before stdout is taken over."""
    code = "import sys, rpc_cli.main; print([m for m in sys.modules if m.split('.')[0] in ('click', 'rich', 'attrs')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
