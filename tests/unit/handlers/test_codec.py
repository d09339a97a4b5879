"""The words between server and agent: quoting in real shells, decoders cut anywhere, facts that are not believed."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.agent import codec
from handlers.agent.codec import (
    CHUNK_BYTES,
    MAX_BODY_BYTES,
    MAX_LINE_BYTES,
    Hello,
    NoticeDecoder,
    ProtocolError,
    Refused,
    Reply,
    ReplyDecoder,
    Snapshot,
    StreamFacts,
)
from tests.unit.handlers.shells import SHOW, every_shell, launch, run, shown, spec_values, words_of
from tests.unit.handlers.strategies import NASTY, cuts, texts, ways_to_cut

few = settings(max_examples=10)
"""Each example is a process of its own, with many values."""

values = st.lists(texts(), min_size=1, max_size=20)

LOOP = """rc_nl='
'
say() { printf '%s\\0' "$@"; }
whole=
put() { whole=$whole$2; }
while IFS= read -r l; do eval "$l"; done
"""
"""The agent's request loop in small."""


# ---- quoting


@every_shell
@few
@given(values)
def test_request_carries_any_words_in_one_line(shell: str, words: list[str]) -> None:
    line = codec.request_line("say", *words, NASTY, 7)
    assert line.count(b"\n") == 1
    assert words_of(shell, LOOP, stdin=line) == [*words, NASTY, "7"]


@every_shell
def test_request_without_words(shell: str) -> None:
    assert codec.request_line("ping") == b"ping\n"
    assert words_of(shell, LOOP + 'ping() { printf "ok\\0"; }\nping', stdin=b"") == ["ok"]


def test_request_refuses_a_nul() -> None:
    with pytest.raises(ValueError, match="NUL"):
        codec.request_line("say", "a\0b")


@every_shell
def test_pieces_of_a_long_text_come_together(shell: str) -> None:
    text = (NASTY * 400 + "\n")[: CHUNK_BYTES + 5]
    lines = [codec.request_line("put", 1, piece) for piece in codec.chunks(text)]
    assert len(lines) > 1
    assert words_of(shell, LOOP + "printf '%s\\0' \"$whole\"", stdin=b"".join(lines)) == [text]


@every_shell
@few
@given(values, st.sampled_from(["C", "C.UTF-8"]))
def test_quoted_values_stand_in_a_file(shell: str, words: list[str], locale: str) -> None:
    quoted = " ".join(map(codec.quote_in_file, [*words, NASTY]))
    assert words_of(shell, f"printf '%s\\0' {quoted}", locale=locale) == [*words, NASTY]


@settings(max_examples=30)
@given(st.text(max_size=50), st.integers(1, 3000))
def test_chunks_are_the_text_in_bounded_pieces(text: str, times: int) -> None:
    whole = (text * times)[: 2 * CHUNK_BYTES + 1]
    pieces = list(codec.chunks(whole))
    assert "".join(pieces) == whole
    assert all(0 < len(piece.encode("utf-8", "surrogatepass")) <= CHUNK_BYTES for piece in pieces)


def test_run_key_is_a_directory_name_that_says_nothing() -> None:
    key = codec.run_key("web")
    assert key == codec.run_key("web") != codec.run_key("Web")
    assert len(key) == 24
    assert key.isalnum()


# ---- spec_text, in the agent's own launcher

keys = st.from_regex(r"MY_[A-Za-z0-9_]{0,8}", fullmatch=True)


OF_THE_SHELL = {"SHLVL", "_"}
"""What an exec by bash (which lowers SHLVL) or mksh (which sets _) adds when it is too late to undo."""


@every_shell
@few
@given(values, st.dictionaries(keys, texts(), max_size=8))
def test_command_gets_its_arguments_and_variables(shell: str, words: list[str], variables: dict[str, str]) -> None:
    spec = codec.spec_text(spec_values([*words, NASTY]), working_dir="", env_vars=list(variables.items()))
    environment, arguments = shown(launch(shell, spec))
    assert arguments == [*words, NASTY]
    assert {key: environment[key] for key in environment.keys() - OF_THE_SHELL} == {
        "PATH": "/usr/bin:/bin",
        **variables,
    }


@every_shell
def test_later_variable_of_the_same_name_counts(shell: str) -> None:
    spec = codec.spec_text(SHOW, working_dir="", env_vars=[("A", "1"), ("A", "2")])
    assert shown(launch(shell, spec))[0]["A"] == "2"


NAMES = {
    "names that the launcher uses": ["rc__d", "rc__run", "rc__at", "rc__big", "rc__why", "rc_nl", "rc_up", "RC_BASE"],
    "names that rc_find uses": ["rc__busybox", "rc__program", "rc__rest"],
    "names that a shell reads": ["IFS", "CDPATH", "ENV", "BASH_ENV", "PS4", "HOME", "PWD", "OLDPWD", "OPTARG", "REPLY"],
    "names of libraries": ["LANG", "TZ", "TERM", "POSIXLY_CORRECT"],
}


@every_shell
@pytest.mark.parametrize("which", NAMES)
def test_variable_may_have_any_name(shell: str, which: str) -> None:
    variables = {name: f"{name} of the user" for name in NAMES[which]}
    show = ("dash", *SHOW[1:])  # looked for on the PATH
    environment, _ = shown(launch(shell, codec.spec_text(show, working_dir="", env_vars=list(variables.items()))))
    assert {name: environment.get(name) for name in variables} == variables


@every_shell
@pytest.mark.parametrize("name", ["UID", "EUID", "PPID", "GROUPS", "RANDOM", "SECONDS", "LINENO", "OPTIND"])
def test_variable_may_have_a_name_that_is_the_shells_own(shell: str, name: str) -> None:
    # UID is what people pass for `docker run -u`; in bash, /bin/sh on Red Hat, it is read-only.
    spec = codec.spec_text(SHOW, working_dir="", env_vars=[(name, "1000")])
    assert shown(launch(shell, spec))[0].get(name) == "1000"


@every_shell
def test_unknown_locale_leaves_stderr_to_the_command(shell: str) -> None:
    spec = codec.spec_text(SHOW, working_dir="", env_vars=[("LC_ALL", "xx_YY.UTF-8")])
    launched = launch(shell, spec)
    assert launched.stderr == b""
    assert shown(launched)[0]["LC_ALL"] == "xx_YY.UTF-8"


@every_shell
@pytest.mark.parametrize("program", ["env", "printf", "echo", "stat", "watch", "kill"])
def test_program_is_found_on_the_path_of_the_definition(shell: str, program: str, tmp_path: Path) -> None:
    # Not a builtin of the shell, nor a function of the agent: mksh's exec runs both.
    (tmp_path / program).write_text("#!/bin/sh\necho mine\n")
    (tmp_path / program).chmod(0o755)
    spec = codec.spec_text([program], working_dir="", env_vars=[("PATH", f"{tmp_path}:/usr/bin:/bin")])
    assert launch(shell, spec).stdout == b"mine\n"


@every_shell
@pytest.mark.parametrize("program", ["-c", "-l", "--"])
def test_program_that_looks_like_an_option_is_looked_for(shell: str, program: str) -> None:
    launched = launch(shell, codec.spec_text([program, "/bin/echo", "ran"], working_dir="", env_vars=[]))
    assert (launched.stdout, launched.reason) == (b"", "executableNotFound")


FAILURES = {
    "executableNotFound": {"argv": ["/nonexistent/program"], "working_dir": ""},
    "executableNotFound on the path": {"argv": ["no-such-program"], "working_dir": ""},
    "permissionDenied": {"argv": ["/etc/passwd"], "working_dir": ""},
    "workingDirNotFound": {"argv": ["/bin/true"], "working_dir": "/nonexistent"},
    "workingDirNotFound, relative": {"argv": ["/bin/true"], "working_dir": "nonexistent"},
    "workingDirNotADirectory": {"argv": ["/bin/true"], "working_dir": "/etc/passwd"},
    "argumentListTooLong": {"argv": ["/bin/true", *["x" * 131_000] * 40], "working_dir": ""},
}


@every_shell
@pytest.mark.parametrize("name", FAILURES)
def test_command_that_cannot_start_leaves_its_reason(shell: str, name: str) -> None:
    spec = codec.spec_text(**FAILURES[name], env_vars=[])  # type: ignore[arg-type]  # a table's fields
    assert launch(shell, spec).reason == name.split(",", maxsplit=1)[0].split(maxsplit=1)[0]


def test_environment_that_fills_the_limit_is_told_apart_from_a_small_one() -> None:
    big = codec.spec_text(["x"], working_dir="", env_vars=[("A", "x" * CHUNK_BYTES)])
    small = codec.spec_text(["x"], working_dir="", env_vars=[("A", "x")])
    assert len(big.splitlines()) == len(small.splitlines()) + 1


DIRECTORIES = ["-", "--", "-P", "a b", "new\nline\n", "$HOME'\"\\", "é", "~", "deep/../down"]


@every_shell
@pytest.mark.parametrize("is_relative", [True, False], ids=["relative", "absolute"])
@pytest.mark.parametrize("name", DIRECTORIES, ids=repr)
def test_command_runs_in_its_directory(shell: str, name: str, is_relative: bool, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / name).mkdir(parents=True)
    spec = codec.spec_text(
        ["/bin/readlink", "-n", "/proc/self/cwd"],
        working_dir=name if is_relative else str(tmp_path / name),
        env_vars=[],
    )
    launched = launch(shell, spec, cwd=str(tmp_path) if is_relative else "/")
    assert (launched.reason, launched.stdout.decode()) == (None, str((tmp_path / name).resolve()))


@every_shell
def test_command_without_a_directory_runs_where_the_agent_came_in(shell: str, tmp_path: Path) -> None:
    spec = codec.spec_text(["/bin/readlink", "-n", "/proc/self/cwd"], working_dir="", env_vars=[])
    assert launch(shell, spec, cwd=str(tmp_path)).stdout.decode() == str(tmp_path)


@every_shell
@pytest.mark.parametrize("working_dir", ["", "usr"], ids=["none", "relative"])
def test_command_does_not_run_elsewhere_if_the_first_directory_is_gone(shell: str, working_dir: str) -> None:
    spec = codec.spec_text(["/bin/echo", "ran"], working_dir=working_dir, env_vars=[])
    launched = launch(shell, spec, cwd="/nonexistent")
    assert (launched.stdout, launched.reason) == (b"", "workingDirNotFound")


@every_shell
def test_absolute_directory_does_not_need_the_first_one(shell: str) -> None:
    spec = codec.spec_text(["/bin/readlink", "-n", "/proc/self/cwd"], working_dir="/usr", env_vars=[])
    assert launch(shell, spec, cwd="/nonexistent").stdout == b"/usr"


# ---- replies

HELLO = b"n0nce hello 1 42 1000 12.5 pid:[4026531836]/b00t\n"


def decode(pieces: list[bytes]) -> tuple[list[Hello | Refused | Reply], str]:
    """What came, and what was wrong at last."""
    decoder = ReplyDecoder("n0nce")
    found: list[Hello | Refused | Reply] = []
    try:
        for piece in pieces:
            found += decoder.feed(piece)
    except ProtocolError as error:
        return found, str(error)
    return found, ""


def events(data: bytes) -> list[Hello | Refused | Reply]:
    found, complaint = decode([data])
    assert complaint == ""
    return found


def test_greeting_is_read() -> None:
    assert events(HELLO) == [Hello(42, 1000, 12.5, "pid:[4026531836]/b00t")]


REFUSALS = {
    "tool": (b"n0nce refused tool mkfifo\n", Refused("tool", "mkfifo")),
    "proc": (b"n0nce refused proc\n", Refused("proc", "")),
    "storage": (b"n0nce refused storage \n", Refused("storage", "")),
    "several words": (b"n0nce refused storage a b\n", Refused("storage", "a b")),
    "bytes that are no ASCII": (b"n0nce refused tool \xff\n", Refused("tool", "\ufffd")),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusal_is_read(name: str) -> None:
    line, refused = REFUSALS[name]
    assert events(line) == [refused]


def test_what_a_login_shell_prints_before_the_greeting_is_passed_over() -> None:
    assert events(b"Welcome!\n\nother hello 1 2 3 4 5\nn0nce\nn0nce x\n" + HELLO) == events(HELLO)


def test_reply_has_words_and_raw_bytes() -> None:
    assert events(HELLO + b"n0nce 7 4 ok a\n\n\0\xff\nn0nce 8 0 error gone\nn0nce 9 1\nx")[1:] == [
        Reply(7, ("ok", "a"), b"\n\0\xff\n"),
        Reply(8, ("error", "gone"), b""),
        Reply(9, (), b"x"),
    ]


def test_reply_waits_for_its_last_byte() -> None:
    decoder = ReplyDecoder("n0nce")
    assert len(list(decoder.feed(HELLO + b"n0nce 1 3 ok\nab"))) == 1
    assert list(decoder.feed(b"")) == []
    assert list(decoder.feed(b"c")) == [Reply(1, ("ok",), b"abc")]


def test_body_may_look_like_a_header() -> None:
    body = b"n0nce 1 0 ok\n"
    assert events(HELLO + b"n0nce 1 %d ok\n" % len(body) + body)[1:] == [Reply(1, ("ok",), body)]


BROKEN = {
    "unknown greeting": (b"n0nce hi there\n", "greeting"),
    "another version": (b"n0nce hello 2 42 1000 12.5 ns\n", "greeting"),
    "hello without a pid": (b"n0nce hello 1 x 1000 12.5 ns\n", "header"),
    "hello without a namespace": (b"n0nce hello 1 42 1000 12.5\n", "header"),
    "hello with no time": (b"n0nce hello 1 42 1000 now ns\n", "header"),
    "no nonce": (HELLO + b"other 1 0 ok\n", "nonce"),
    "empty line": (HELLO + b"\n", "nonce"),
    "too short": (HELLO + b"n0nce 1\n", "nonce"),
    "id that is no number": (HELLO + b"n0nce x 0 ok\n", "header"),
    "length that is no number": (HELLO + b"n0nce 1 x ok\n", "header"),
    "negative length": (HELLO + b"n0nce 1 -1 ok\n", "length"),
    "length beyond belief": (HELLO + b"n0nce 1 %d ok\n" % (MAX_BODY_BYTES + 1), "length"),
    "endless number": (HELLO + b"n0nce 1 " + b"9" * 5000 + b" ok\n", "header"),
    "endless header": (HELLO + b"n0nce 1 0 " + b"x" * MAX_LINE_BYTES, "too long"),
    "endless noise": (b"x" * (MAX_LINE_BYTES + 1), "too long"),
    "endless line": (b"x" * (MAX_LINE_BYTES + 1) + b"\n" + HELLO, "too long"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_stdout_that_does_not_keep_to_the_format_is_refused(name: str) -> None:
    data, part = BROKEN[name]
    for pieces in ([data], [data[:60], data[60:]]):
        assert part in decode(pieces)[1]


@pytest.mark.parametrize("uptime", [b"nan", b"inf", b"-1", b"1e308"])
def test_hello_with_a_clock_that_cannot_be_is_refused(uptime: bytes) -> None:
    assert decode([b"n0nce hello 1 42 1000 " + uptime + b" ns\n"])[0] == []


def test_longest_body_is_believed() -> None:
    assert events(HELLO + b"n0nce 1 %d ok\n" % MAX_BODY_BYTES)[1:] == []


replies = st.builds(
    Reply,
    st.integers(0, 10**6),
    st.lists(st.text("abc:./-0", min_size=1, max_size=5), max_size=4).map(tuple),
    st.binary(max_size=40) | st.just(b"\nn0nce 1 2 ok\n"),
)


def written(reply: Reply) -> bytes:
    header = " ".join(["n0nce", str(reply.request_id), str(len(reply.body)), *reply.words])
    return header.encode() + b"\n" + reply.body


noise = st.sampled_from([b"", b"Welcome to this container\n", b"\xff\n\n"])


@given(noise, st.lists(replies, max_size=6), st.sampled_from([b"", b"junk\n", b"n0nce 1"]), cuts)
def test_replies_are_read_the_same_however_they_are_cut(
    before: bytes, sent: list[Reply], after: bytes, places: list[int]
) -> None:
    data = before + HELLO + b"".join(map(written, sent)) + after
    for pieces in ways_to_cut(data, places):
        found, complaint = decode(pieces)
        assert found[1:] == sent
        assert bool(complaint) == (after == b"junk\n")


@given(st.binary(max_size=80), cuts)
def test_any_bytes_are_read_the_same_however_they_are_cut(data: bytes, places: list[int]) -> None:
    whole, by_byte, at_places = (decode(pieces) for pieces in ways_to_cut(HELLO + data, places))
    assert whole == by_byte == at_places


# ---- snapshots and notices

SNAP = (
    "dir key 3 web run hash 0 1700000000000 100.25 sleep%201 42 4711 101.50 G 143 105.75 - TERM 105.00 request "
    "64 70 104.50 E 0 60 0 0 - - - -"
)
FACTS = Snapshot(
    path="dir",
    key="key",
    generation=3,
    command_id="web",
    run_id="run",
    spec_hash="hash",
    merged=False,
    takes_input=False,
    epoch_ms=1_700_000_000_000,
    made_at=100.25,
    title="sleep 1",
    pid=42,
    started_at=101.5,
    life="G",
    code=143,
    ended_at=105.75,
    why="-",
    stop_signal="TERM",
    stop_reason="request",
    stdout=StreamFacts(64, 70, 104.5, ended=True, full=False, last=(0, 60)),
    stderr=StreamFacts(0, 0, None, ended=False, full=False, last=None),
)
PLACES = [
    "path", "key", "generation", "id", "run", "hash", "merged", "epoch", "made", "title", "pid", "start", "started",
    "life", "code", "ended", "why", "signal", "at", "reason",
    "o.segment", "o.size", "o.at", "o.flag", "o.start", "o.end",
    "e.segment", "e.size", "e.at", "e.flag", "e.start", "e.end",
]  # fmt: skip


def snap(**words: str) -> bytes:
    """The line with other words at some places."""
    line = SNAP.split()
    for place, word in words.items():
        line[PLACES.index(place.replace("_", "."))] = word
    return " ".join(line).encode()


def test_snapshot_is_read() -> None:
    assert codec.read_snapshot(SNAP.encode()) == FACTS


TITLES = {
    "words": ("npm run dev", "npm%20run%20dev"),
    "punctuation": ("a=$(b); c|d \"e\" 'f'", "a=$(b);%20c|d%20\"e\"%20'f'"),
    "what echo and the decoder take for their own": ("100% \\n", "100%25%20%5Cn"),
    "lines": ("a\nb", "a%0Ab"),
    "not ascii": ("é", "%C3%A9"),
}


@pytest.mark.parametrize("name", TITLES)
def test_title_is_one_word(name: str) -> None:
    text, word = TITLES[name]
    assert codec.title_word(text) == word
    assert codec.read_title(word) == text.replace("\n", " ")


@given(st.text(min_size=1))
def test_title_of_any_text_is_one_short_word_that_begins_as_the_text(text: str) -> None:
    text = text.encode("utf-8", "ignore").decode()
    word = codec.title_word(text)
    assert len(word) <= codec.MAX_TITLE_BYTES
    assert word.isascii()
    assert set("\\ \n\t\0").isdisjoint(word)
    whole = "".join(character if character.isprintable() else " " for character in text)
    read = codec.read_title(word)
    assert read == whole or (read.endswith("…") and whole.startswith(read[:-1]))


def test_snapshot_of_a_claim_is_read() -> None:
    line = b"dir key 1 web run hash 1 0 100.25 sleep%201 - - - - - - - - - - 0 0 - - - - 0 0 - F - -"
    assert codec.read_snapshot(line) == dataclasses.replace(
        FACTS,
        generation=1,
        merged=True,
        takes_input=False,
        epoch_ms=0,
        pid=None,
        started_at=None,
        life="-",
        code=None,
        ended_at=None,
        stop_signal=None,
        stop_reason=None,
        stdout=StreamFacts(0, 0, None, ended=False, full=False),
        stderr=StreamFacts(0, 0, None, ended=False, full=True),
    )


NUMBERS = [
    "generation",
    "epoch",
    "made",
    "pid",
    "started",
    "code",
    "ended",
    "o_segment",
    "o_size",
    "o_at",
    "o_start",
    "o_end",
]


@pytest.mark.parametrize("place", NUMBERS)
def test_snapshot_with_a_word_for_a_number_is_none(place: str) -> None:
    assert codec.read_snapshot(snap(**{place: "x"})) is None


@pytest.mark.parametrize("place", ["generation", "epoch", "pid", "code", "o_segment", "o_size", "o_start", "o_end"])
@pytest.mark.parametrize("number", [str(2**63), "9" * 400, "9" * 5000, "-9223372036854775809"])
def test_snapshot_with_a_number_that_nothing_counts_is_none(place: str, number: str) -> None:
    assert codec.read_snapshot(snap(**{place: number})) is None


@pytest.mark.parametrize("place", ["id", "run", "hash", "why"])
@pytest.mark.parametrize("text", ["a\x1b[2J", "a\x07", "a\x7f", "a\0", "a\x1fb"])
def test_snapshot_with_what_a_terminal_obeys_is_none(place: str, text: str) -> None:
    assert codec.read_snapshot(snap(**{place: text})) is None


@pytest.mark.parametrize("place", ["generation", "epoch", "made", "o_segment", "o_size", "o_end"])
def test_snapshot_without_a_number_that_is_always_there_is_none(place: str) -> None:
    assert codec.read_snapshot(snap(**{place: "-"})) is None


@pytest.mark.parametrize("line", [b"", b"\n", SNAP.encode() + b" more", SNAP.encode().rpartition(b" ")[0], b"\xff" * 9])
def test_line_that_is_no_snapshot_is_none(line: bytes) -> None:
    assert codec.read_snapshot(line) is None


@pytest.mark.parametrize("place", ["made", "started", "ended", "o_at", "e_at"])
@pytest.mark.parametrize("time", ["nan", "inf", "-inf", "1e308"])
def test_snapshot_with_a_time_that_no_clock_shows_is_none(place: str, time: str) -> None:
    # lifecycle.wall_time would raise on it: what a container writes must never do that.
    assert codec.read_snapshot(snap(**{place: time})) is None


@given(st.binary(max_size=300) | st.lists(st.sampled_from(["-", "0", "7", "x", "1.5"]), min_size=32, max_size=32).map(
    lambda words: " ".join(words).encode()
))  # fmt: skip
def test_any_line_is_read_as_facts_or_not_at_all(line: bytes) -> None:
    found = codec.read_snapshot(line)
    assert found is None or math.isfinite(found.made_at)


def notices(pieces: list[bytes]) -> list[Snapshot]:
    decoder = NoticeDecoder("n0nce")
    return [snapshot for piece in pieces for snapshot in decoder.feed(piece)]


NOTICE = b"n0nce run " + SNAP.encode() + b"\n"


def test_notice_is_read() -> None:
    assert notices([NOTICE]) == [FACTS]


DROPPED = {
    "complaint of a shell": b"sh: 1: cannot create x: Directory nonexistent\n",
    "empty": b"\n",
    "another nonce": b"other run " + SNAP.encode() + b"\n",
    "nonce inside": b"x " + NOTICE,
    "another word": b"n0nce ran " + SNAP.encode() + b"\n",
    "broken facts": b"n0nce run " + snap(pid="x") + b"\n",
    "no end of line yet": NOTICE[:-1],
}


@pytest.mark.parametrize("name", DROPPED)
def test_what_is_no_notice_is_dropped(name: str) -> None:
    assert notices([DROPPED[name]]) == []


def test_endless_line_is_not_kept() -> None:
    decoder = NoticeDecoder("n0nce")
    for _ in range(4):
        assert list(decoder.feed(b"x" * MAX_LINE_BYTES)) == []
    assert len(decoder._rest) <= MAX_LINE_BYTES + 1  # white-box: the bound has no other sign
    assert list(decoder.feed(b"\n" + NOTICE)) == [FACTS]


def test_end_of_an_overlong_line_is_no_notice_wherever_it_is_cut() -> None:
    padded = NOTICE[:-1].replace(b"run ", b"run " + b" " * (MAX_LINE_BYTES - len(NOTICE) + 1), 1)
    line = b"x" * 100 + padded
    assert notices([line + b"\n"]) == notices([line, b"\n"]) == []


lines = st.lists(
    st.sampled_from([NOTICE, NOTICE.replace(b" 3 ", b" 4 ", 1), *DROPPED.values()]) | st.binary(max_size=20)
)


@given(lines, cuts)
def test_notices_are_read_the_same_however_they_are_cut(stderr: list[bytes], places: list[int]) -> None:
    whole, by_byte, at_places = (notices(pieces) for pieces in ways_to_cut(b"".join(stderr), places))
    assert whole == by_byte == at_places


def test_shells_here_are_what_these_tests_take_them_for() -> None:
    assert run("dash", "-c", "echo $0").stdout == b"sh\n"
