"""What a probe says is believed only as far as it makes sense, and is bounded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.doctor import facts, lines
from handlers.doctor.facts import Facts, Mount, Quota, Room, Spot
from handlers.doctor.lines import LineReader

NONCE = "0123456789abcdef"


def read(*pieces: bytes) -> list[tuple[str, str]]:
    reader = LineReader(NONCE)
    return [line for piece in pieces for line in reader.feed(piece)]


def said(*told: str) -> Facts:
    found = Facts()
    for line in told:
        key, _, rest = line.partition(" ")
        found.take(key, rest)
    return found


# ---------------------------------------------------------------- lines


def test_lines_with_the_nonce_are_cut_into_a_key_and_the_rest() -> None:
    text = f"welcome to this image\n{NONCE} ready\n{NONCE} place usable own /a b\n\n{NONCE[:-1]} end\n{NONCE} en"
    assert read(text.encode()) == [("ready", ""), ("place", "usable own /a b")]


@given(st.data())
def test_pieces_make_no_difference(data: st.DataObject) -> None:
    text = f"x\n{NONCE} a 1\n{NONCE} {'b' * 5000}\n{NONCE} c ä\n".encode()
    cuts = sorted(data.draw(st.sets(st.integers(1, len(text) - 1), max_size=9)))
    pieces = [text[i:j] for i, j in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert read(*pieces) == read(text) == [("a", "1"), ("c", "ä")]


def test_byte_by_byte_is_the_same_as_whole() -> None:
    text = f"{NONCE} a 1\n{'z' * 9000}\n{NONCE} b 2\n".encode()
    assert read(*(text[i : i + 1] for i in range(len(text)))) == [("a", "1"), ("b", "2")]


def test_of_all_that_comes_only_so_much_is_read() -> None:
    reader = LineReader(NONCE)
    line = f"{NONCE} volume /v\n".encode()
    count = sum(1 for _ in range(1000) for _ in reader.feed(line * 100))
    assert count == lines.MAX_BYTES // len(line)
    assert reader.is_full


def test_bytes_that_are_no_text_do_no_harm() -> None:
    assert read(NONCE.encode() + b" shell \xff\0\x1b[2J\n") == [("shell", "\ufffd\0\x1b[2J")]


# ---------------------------------------------------------------- facts


def test_usual_lines_are_understood() -> None:
    found = said(
        "clock 1700000000",
        "shell /bin/busybox",
        "refused shell read",
        "user 1000 1001",
        "tool dd yes",
        "tool xargs no",
        "kind dd busybox",
        "proc yes",
        "mount overlay ro /",
        "mount tmpfs rw /tmp",
        "place usable own /tmp",
        "memory 1048576 4096 1024",
        "pids max 7 0",
        "init tini",
        "reaping no 3",
        "checked",
        "volume /data",
        "room 10 20 /tmp",
        "end",
    )
    assert found == Facts(  # noqa: S604  # a field, not an argument of a subprocess
        clock=1_700_000_000,
        shell="/bin/busybox",
        refused=("shell", "read"),
        uid=1000,
        gid=1001,
        tools={"dd": True, "xargs": False},
        kinds={"dd": "busybox"},
        proc=True,
        mounts=[Mount("overlay", is_read_only=True, path="/"), Mount("tmpfs", is_read_only=False, path="/tmp")],
        spots=[Spot("usable", True, "/tmp")],
        memory=[Quota(1_048_576, 4096, 1024)],
        pids=[Quota(None, 7)],
        init="tini",
        reaping="no",
        zombies=3,
        volumes=["/data"],
        rooms={"/tmp": Room(10, 20)},
        checked=True,
        ended=True,
    )


@pytest.mark.parametrize(
    "line",
    [
        "", "nonsense", "clock soon", "clock -1", "clock \u0661", "user root root", "tool rm-rf yes", "kind dd evil",
        "mount tmpfs xx /a", "mount tmpfs rw relative", "place great own /tmp", "place usable his /tmp",
        "place usable own",
        "memory 1", "memory x 1", "memory 1 x", "memory 1 2 3 4", "memory -5 1", "pids", "pids 99999999999999999999 1",
        "reaping perhaps", "volume relative", "room 1 x /tmp", "room 1 2 ", "room",
    ],
)  # fmt: skip
def test_a_line_that_makes_no_sense_changes_nothing(line: str) -> None:
    assert said(line) == Facts()


@given(st.lists(st.text(max_size=80), max_size=20), st.sampled_from(sorted(facts._TAKERS)))
def test_no_line_does_harm(rests: list[str], key: str) -> None:
    found = Facts()
    for rest in rests:
        found.take(key, rest)
    texts = [found.shell, found.init, *(found.refused or ()), *found.volumes, *(spot.path for spot in found.spots)]
    assert all(text.isprintable() and len(text) <= 200 for text in texts)


@pytest.mark.parametrize("line", ["mount tmpfs rw /a", "place usable own /a", "memory 1 1", "pids 1 1", "volume /a"])
def test_of_each_kind_only_so_many_are_kept(line: str) -> None:
    found = said(*[line] * 200)
    kept = [found.mounts, found.spots, found.memory, found.pids, found.volumes]
    assert sum(map(len, kept)) == facts.MAX_ENTRIES


def test_rooms_are_bounded_too() -> None:
    assert len(said(*(f"room 1 2 /{i}" for i in range(200))).rooms) == facts.MAX_ENTRIES


def test_a_terminal_is_told_nothing_that_it_would_obey() -> None:
    assert said("init \x1b[31mevil\x07").init == "·[31mevil·"


def test_the_largest_number_of_version_1_is_no_limit() -> None:
    assert said("memory 9223372036854771712 5 1").memory == [Quota(None, 5, 1)]


def test_what_is_left_of_a_quota() -> None:
    assert [Quota(None, 5).left, Quota(10, 4).left, Quota(10, 12).left, Quota(10, 9, 4).left] == [None, 6, 0, 5]


@pytest.mark.parametrize(
    ("path", "mounted"), [("/tmp", "/tmp"), ("/tmp/a", "/tmp"), ("/tmpfoo", "/"), ("/", "/"), ("/data/x", "/data/x")]
)
def test_the_file_system_of_a_directory_is_the_longest_that_leads_there(path: str, mounted: str) -> None:
    found = said("mount a rw /", "mount b rw /data", "mount c rw /tmp", "mount d rw /data/x")
    mount = found.mount_of(path)
    assert mount is not None
    assert mount.path == mounted


def test_of_two_on_the_same_path_the_later_one_is_seen() -> None:
    mount = said("mount rootfs rw /", "mount overlay ro /").mount_of("/")
    assert mount is not None
    assert mount.type == "overlay"
    assert Facts().mount_of("/") is None
