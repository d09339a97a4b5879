"""Getting in: the agent's text and settings arrive whole in every shell, and what follows the line is left alone."""

from __future__ import annotations

import importlib.resources

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.agent import bootstrap
from handlers.agent.channel import agent_text
from tests.unit.handlers.shells import every_shell, run
from tests.unit.handlers.strategies import NASTY, texts

few = settings(max_examples=10)
locales = st.sampled_from(["C", "C.UTF-8"])

SHOW = """for v in "$RC_NONCE" "$RC_OWNER" "$RC_DIR" "$RC_SH" "$RC_WATCHDOG"; do
# a comment
  command printf '%s\\0' "$v"
done
exec cat"""
"""An agent that tells its settings and then what else came on stdin."""


def settings_of(shell: str, line: bytes, after: bytes = b"", locale: str = "C") -> tuple[list[str], bytes]:
    done = run(shell, *bootstrap.ARGV[1:], stdin=line + after, locale=locale)
    assert (done.returncode, done.stderr) == (0, b"")
    *words, rest = done.stdout.split(b"\0", 5)
    return [word.decode() for word in words], rest


# ---- strip


def agent_source() -> str:
    return importlib.resources.files("handlers.agent").joinpath("agent.sh").read_text("ascii")


@every_shell
def test_stripped_agent_is_a_script_that_the_shell_accepts(shell: str) -> None:
    done = run(shell, "-n", stdin=agent_text().encode())
    assert (done.returncode, done.stderr) == (0, b"")


def test_stripped_agent_has_no_comments_indentation_or_empty_lines() -> None:
    lines = agent_text().split("\n")
    assert [line for line in lines if not line or line.startswith("#") or line != line.strip()] == []


def test_strip_leaves_every_line_of_code() -> None:
    code = [line.strip() for line in agent_source().splitlines() if line.strip() and line.strip()[0] != "#"]
    assert bootstrap.strip(agent_source()).split("\n") == code


def test_strip_of_what_is_stripped_changes_nothing() -> None:
    assert bootstrap.strip(agent_text()) == agent_text()


def test_strip_of_nothing_is_nothing() -> None:
    text = "\n  # only a comment\n\n"
    assert bootstrap.strip(text) == ""


# ---- encode


@every_shell
@few
@given(st.lists(texts(max_size=80), min_size=1, max_size=20), locales)
def test_encoded_text_is_decoded_by_printf(shell: str, values: list[str], locale: str) -> None:
    values = [*values, NASTY, "\\", "\\\\n", "\\c rest", "'0", "\n7", agent_text()]
    encoded = [bootstrap.encode(value) for value in values]
    assert not any("\n" in text or "'" in text for text in encoded)
    script = "\n".join(f"printf '%b' '{text}'; printf '\\0'" for text in encoded)
    done = run(shell, "-c", script, locale=locale)
    assert done.stderr == b""
    assert [word.decode() for word in done.stdout.split(b"\0")[:-1]] == values


# ---- bootstrap_line


@every_shell
@few
@given(texts(exclude="\n"), texts(exclude="\n"), st.integers(0, 10**6), locales)
def test_settings_arrive_as_they_were_given(shell: str, owner: str, directory: str, seconds: int, locale: str) -> None:
    line = bootstrap.bootstrap_line(
        SHOW, nonce="n0nce", owner=owner, directory=directory, watchdog_seconds=seconds, shell=NASTY.replace("\n", "")
    )
    assert line.count(b"\n") == 1
    words, rest = settings_of(shell, line, locale=locale)
    assert words == ["n0nce", owner, directory, NASTY.replace("\n", ""), str(seconds)]
    assert rest == b""


@every_shell
def test_directory_may_hold_newlines(shell: str) -> None:
    # api.check_directory lets it through, and the agent would otherwise work in another directory.
    directory = "/tmp/new\nline\n"
    line = bootstrap.bootstrap_line(SHOW, nonce="n", owner="o", directory=directory, watchdog_seconds=1)
    assert line.count(b"\n") == 1
    assert settings_of(shell, line)[0][2] == directory


@every_shell
def test_settings_that_were_not_given_have_their_defaults(shell: str) -> None:
    line = bootstrap.bootstrap_line(SHOW, nonce="n0nce", owner="me", watchdog_seconds=30)
    assert settings_of(shell, line)[0] == ["n0nce", "me", "", "/bin/sh", "30"]


@every_shell
def test_what_follows_the_line_is_left_on_stdin(shell: str) -> None:
    after = b"ping 1\n\0\xff" + b"x" * 100_000
    line = bootstrap.bootstrap_line(SHOW, nonce="n", owner="o", watchdog_seconds=1)
    assert settings_of(shell, line, after)[1] == after


@every_shell
def test_real_agent_arrives_whole(shell: str) -> None:
    text = "printf '%s' \"$RC_AGENT\"\nexit\n" + agent_text()
    done = run(
        shell, *bootstrap.ARGV[1:], stdin=bootstrap.bootstrap_line(text, nonce="n", owner="o", watchdog_seconds=1)
    )
    assert done.stdout.decode() == text


def test_setting_that_no_shell_can_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="NUL"):
        bootstrap.bootstrap_line("", nonce="n", owner="o", directory="/\0", watchdog_seconds=1)


def test_argv_is_the_same_for_everybody() -> None:
    assert bootstrap.ARGV == ("/bin/sh", "-c", 'IFS= read -r l; eval "$l"')
