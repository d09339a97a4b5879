"""Order across streams and cuts between characters: what may be believed of a journal, and that no byte is lost."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.api import Stream
from handlers.output import MAX_CHUNK_BYTES, READ_BYTES, CharacterCutter, Journal, Slice, incomplete_tail, rest
from tests.unit.handlers.strategies import cuts, split, ways_to_cut

OUT, ERR = Stream.STDOUT, Stream.STDERR
START = {OUT: 0, ERR: 0}


def journal(text: bytes) -> Journal:
    result = Journal()
    result.feed(text)
    return result


def plan(of: Journal, stdout: int, stderr: int, *, position: dict[Stream, int] = START) -> list[Slice]:
    """What is delivered of a journal that has no more, when all can be."""
    limit = {OUT: stdout, ERR: stderr}
    slices, _ = of.plan(position, limit, limit)
    return slices + rest(slices, position, limit)


# ---- Journal


def test_slices_come_in_the_order_of_the_journal() -> None:
    written = journal(b"1.0 o 5\n1.5 e 3\n2.0 o 9\n")
    assert plan(written, 9, 3) == [Slice(OUT, 0, 5, 1.0), Slice(ERR, 0, 3, 1.5), Slice(OUT, 5, 9, 2.0)]


def test_slice_begins_at_the_position() -> None:
    assert plan(journal(b"1.0 o 5\n2.0 o 9\n"), 9, 0, position={OUT: 3, ERR: 0}) == [
        Slice(OUT, 3, 5, 1.0),
        Slice(OUT, 5, 9, 2.0),
    ]


def test_slice_ends_where_the_window_does() -> None:
    assert plan(journal(b"1.0 o 50\n1.1 e 4\n"), 9, 2) == [Slice(OUT, 0, 9, 1.0), Slice(ERR, 0, 2, 1.1)]


def test_bytes_without_an_entry_come_last_and_have_no_time() -> None:
    assert plan(journal(b"1.0 e 2\n"), 4, 3) == [
        Slice(ERR, 0, 2, 1.0),
        Slice(OUT, 0, 4, None),
        Slice(ERR, 2, 3, None),
    ]


def test_empty_window_has_no_slices() -> None:
    assert plan(journal(b"1.0 e 2\n"), 0, 0) == []


def test_plan_leaves_position_and_journal_as_they_are() -> None:
    written = journal(b"1.0 o 5\n")
    position = dict(START)
    assert plan(written, 5, 0, position=position) == plan(written, 5, 0, position=position)
    assert position == START


UNREADABLE = {
    "empty": b"\n",
    "too few words": b"1.0 o\n",
    "too many words": b"1.0 o 5 6\n",
    "unknown stream": b"1.0 x 5\n",
    "time that is no number": b"now o 5\n",
    "size that is no number": b"1.0 o five\n",
    "bytes that are no text": b"\xff\xfe \xff \xff\n",
}


@pytest.mark.parametrize("line", UNREADABLE.values(), ids=list(UNREADABLE))
def test_line_that_cannot_be_read_is_passed_over(line: bytes) -> None:
    written = journal(line + b"1.0 o 5\n" + line)
    assert plan(written, 5, 0) == [Slice(OUT, 0, 5, 1.0)]
    assert written.offset == len(line) * 2 + 8


@pytest.mark.parametrize("time", [b"nan", b"inf", b"-inf", b"1e308"])
def test_time_that_no_clock_shows_is_not_believed(time: bytes) -> None:
    # lifecycle.wall_time would raise on it, and end the following of the run.
    assert [piece.at for piece in plan(journal(time + b" o 5\n"), 5, 0)] == [None]


def test_line_counts_once_it_is_whole() -> None:
    written = journal(b"1.0 o 5")
    assert plan(written, 5, 0) == [Slice(OUT, 0, 5, None)]
    written.feed(b"0\n")
    assert plan(written, 50, 0) == [Slice(OUT, 0, 50, 1.0)]
    assert written.offset == 9


def test_endless_line_is_not_kept() -> None:
    written = journal(b"x" * 100_000)
    written.feed(b"x" * 100_000)
    assert len(written._rest) <= 257  # white-box: the bound has no other sign
    assert written.offset == 200_000


def test_overlong_line_is_passed_over_wherever_it_is_cut() -> None:
    line = b"junk" + b" " * 300 + b"1.0 o 5"
    for pieces in ([line + b"\n"], [line, b"\n"]):
        written = Journal()
        for piece in pieces:
            written.feed(piece)
        assert plan(written, 5, 0) == [Slice(OUT, 0, 5, None)]


def test_drop_before_forgets_what_was_delivered() -> None:
    written = journal(b"1.0 o 5\n1.5 e 3\n2.0 o 9\n")
    written.drop_before({OUT: 5, ERR: 3})
    assert plan(written, 9, 3) == [Slice(OUT, 0, 9, 2.0), Slice(ERR, 0, 3, None)]
    written.drop_before({OUT: 9, ERR: 3})
    assert plan(written, 9, 3) == [Slice(OUT, 0, 9, None), Slice(ERR, 0, 3, None)]


def test_drop_before_keeps_what_comes_after_something_undelivered() -> None:
    written = journal(b"1.0 o 5\n1.5 e 3\n")
    written.drop_before({OUT: 4, ERR: 3})
    assert plan(written, 5, 3, position={OUT: 4, ERR: 0}) == [Slice(OUT, 4, 5, 1.0), Slice(ERR, 0, 3, 1.5)]


def test_plan_ends_where_a_stream_can_not_go_on_now() -> None:
    # What was written after that comes after that, also when it could be had now.
    written = journal(b"1.0 o 50\n1.5 e 3\n2.0 o 90\n")
    assert written.plan(START, {OUT: 40, ERR: 3}, {OUT: 90, ERR: 3}) == ([Slice(OUT, 0, 40, 1.0)], True)
    assert written.plan({OUT: 40, ERR: 0}, {OUT: 70, ERR: 3}, {OUT: 90, ERR: 3}) == (
        [Slice(OUT, 40, 50, 1.0), Slice(ERR, 0, 3, 1.5), Slice(OUT, 50, 70, 2.0)],
        True,
    )


def test_plan_of_a_stream_at_its_gap_is_empty() -> None:
    written = journal(b"1.0 o 50\n1.5 e 3\n")
    assert written.plan({OUT: 7, ERR: 0}, {OUT: 7, ERR: 3}, {OUT: 50, ERR: 3}) == ([], True)


def test_plan_asks_for_more_of_the_journal() -> None:
    written = journal(b"1.0 o 5\n")
    assert written.plan(START, {OUT: 5, ERR: 3}, {OUT: 5, ERR: 3}) == ([Slice(OUT, 0, 5, 1.0)], False)


def test_bytes_whose_entry_was_forgotten_have_no_time() -> None:
    size = 3 * READ_BYTES
    assert plan(journal(b"7.0 o %d\n" % size), size, 0) == [
        Slice(OUT, 0, 2 * READ_BYTES, None),
        Slice(OUT, 2 * READ_BYTES, size, 7.0),
    ]


def test_mark_says_how_far_a_stream_was_and_not_when_that_was_read() -> None:
    written = journal(b"5.0 O 9\n5.0 E 4\n6.0 e 7\n")
    assert plan(written, 9, 7) == [Slice(OUT, 0, 9, None), Slice(ERR, 0, 4, None), Slice(ERR, 4, 7, 6.0)]


def test_take_before_tells_how_far_the_streams_were() -> None:
    written = journal(b"5.0 O 9\n5.0 E 4\n6.0 e 7\n7.0 o 12\n8.0 e 8\n")
    assert written.take_before(5.0) == ({}, True)
    assert written.take_before(7.0) == ({OUT: 9, ERR: 7}, True)
    assert written.take_before(9.0) == ({OUT: 12, ERR: 8}, False)


def test_another_file_begins_at_its_beginning() -> None:
    written = journal(b"1.0 o 5\n2.0 o")
    written.turn_to(1)
    assert (written.file, written.offset) == (1, 0)
    written.feed(b"3.0 o 9\n")
    assert plan(written, 9, 0) == [Slice(OUT, 0, 5, 1.0), Slice(OUT, 5, 9, 3.0)]


entries = st.lists(
    st.tuples(st.integers(0, 9), st.sampled_from([b"o", b"e"]), st.integers(0, 40)).map(
        lambda entry: b"%d.25 %s %d\n" % entry
    )
    | st.binary(max_size=12).map(lambda junk: junk + b"\n"),
    max_size=20,
)
sizes = st.integers(0, 50)


@given(entries, cuts, sizes, sizes)
def test_journal_reads_the_same_however_it_is_cut(lines: list[bytes], places: list[int], out: int, err: int) -> None:
    text = b"".join(lines)
    plans = []
    for pieces in ways_to_cut(text, places):
        written = Journal()
        for piece in pieces:
            written.feed(piece)
        assert written.offset == len(text)
        plans.append(plan(written, out, err))
    assert plans[0] == plans[1] == plans[2]


@given(entries, st.tuples(sizes, sizes), st.tuples(sizes, sizes))
def test_slices_cover_the_window_exactly_once(
    lines: list[bytes], position: tuple[int, int], length: tuple[int, int]
) -> None:
    at = dict(zip((OUT, ERR), position, strict=True))
    until = {stream: at[stream] + more for stream, more in zip((OUT, ERR), length, strict=True)}
    for piece in plan(journal(b"".join(lines)), until[OUT], until[ERR], position=at):
        assert piece.start == at[piece.stream]
        assert piece.end > piece.start
        at[piece.stream] = piece.end
    assert at == until


@given(st.lists(st.tuples(st.sampled_from([OUT, ERR]), st.integers(1, 9)), max_size=20), st.tuples(sizes, sizes))
def test_slices_are_in_the_order_of_writing(writes: list[tuple[Stream, int]], position: tuple[int, int]) -> None:
    size = dict(START)
    text = b""
    for time, (stream, count) in enumerate(writes):
        size[stream] += count
        text += b"%d.00 %s %d\n" % (time, b"o" if stream is OUT else b"e", size[stream])
    at = {stream: min(size[stream], p) for stream, p in zip((OUT, ERR), position, strict=True)}
    times = [piece.at for piece in plan(journal(text), size[OUT], size[ERR], position=at)]
    assert None not in times
    assert times == sorted(times)  # type: ignore[type-var]  # no None, as was just shown


# ---- CharacterCutter


def cut_all(pieces: list[bytes], offset: int = 0) -> list[tuple[int, bytes]]:
    cutter = CharacterCutter(offset)
    found = [chunk for piece in pieces for chunk in cutter.feed(piece)]
    found += cutter.feed(b"", final=True)
    assert cutter.offset == offset + sum(map(len, pieces))
    return found


def assert_contiguous(chunks: list[tuple[int, bytes]], offset: int) -> None:
    for at, data in chunks:
        assert at == offset
        assert 0 < len(data) <= MAX_CHUNK_BYTES
        offset += len(data)


@given(st.text(max_size=60), cuts, st.integers(0, 2**40))
def test_text_is_cut_between_characters(text: str, places: list[int], offset: int) -> None:
    data = text.encode()
    for pieces in ways_to_cut(data, places):
        chunks = cut_all(pieces, offset)
        assert "".join(chunk.decode() for _, chunk in chunks) == text
        assert_contiguous(chunks, offset)


@given(
    st.binary(max_size=60) | st.lists(st.sampled_from([b"\xf0\x9f", b"\xe2", b"\x82", b"a", b"\xff"])).map(b"".join),
    cuts,
)
def test_no_byte_is_lost_whatever_it_is(data: bytes, places: list[int]) -> None:
    for pieces in ways_to_cut(data, places):
        chunks = cut_all(pieces)
        assert b"".join(chunk for _, chunk in chunks) == data
        assert_contiguous(chunks, 0)


@pytest.mark.parametrize("character", ["a", "é", "漢", "😀"])
@pytest.mark.parametrize("shift", range(4))
@pytest.mark.parametrize("final", [False, True])
def test_long_text_is_cut_below_the_limit(character: str, shift: int, final: bool) -> None:
    text = "a" * shift + character * (MAX_CHUNK_BYTES * 5 // 2 // len(character.encode()))
    chunks = list(CharacterCutter(0).feed(text.encode(), final=final))
    assert "".join(chunk.decode() for _, chunk in chunks) == text
    assert_contiguous(chunks, 0)
    assert len(chunks) == 3


@pytest.mark.parametrize("length", [MAX_CHUNK_BYTES - 1, MAX_CHUNK_BYTES, MAX_CHUNK_BYTES + 1, 2 * MAX_CHUNK_BYTES])
def test_text_about_as_long_as_a_chunk_is_whole(length: int) -> None:
    chunks = cut_all([b"a" * length])
    assert_contiguous(chunks, 0)
    assert sum(len(chunk) for _, chunk in chunks) == length


def test_character_that_the_limit_would_cut_goes_into_the_next_chunk() -> None:
    data = b"a" * (MAX_CHUNK_BYTES - 1) + "é".encode()
    assert [len(chunk) for _, chunk in cut_all([data])] == [MAX_CHUNK_BYTES - 1, 2]


def test_beginning_of_a_character_waits_for_the_rest() -> None:
    cutter = CharacterCutter(7)
    assert list(cutter.feed(b"ab\xf0\x9f")) == [(7, b"ab")]
    assert cutter.offset == 9
    assert list(cutter.feed(b"\x98")) == []
    assert list(cutter.feed(b"\x80c")) == [(9, "😀c".encode())]


def test_final_gives_out_what_was_held() -> None:
    cutter = CharacterCutter(0)
    assert list(cutter.feed(b"\xe2\x82")) == []
    assert list(cutter.feed(b"", final=True)) == [(0, b"\xe2\x82")]
    assert list(cutter.feed(b"", final=True)) == []


def test_skip_gives_out_what_was_held_and_goes_on_behind_the_gap() -> None:
    cutter = CharacterCutter(0)
    assert list(cutter.feed(b"a\xe2\x82")) == [(0, b"a")]
    assert list(cutter.skip_to(100)) == [(1, b"\xe2\x82")]
    assert list(cutter.feed(b"b")) == [(100, b"b")]


def test_skip_with_nothing_held_gives_nothing() -> None:
    cutter = CharacterCutter(0)
    assert list(cutter.skip_to(100)) == []
    assert cutter.offset == 100


BEGINNINGS = {
    chr(number).encode()[:length]
    for number in range(0x80, 0x110000, 64)  # 64 neighbours differ in their last byte only
    if not 0xD800 <= number < 0xE000
    for length in range(1, len(chr(number).encode()))
}
"""Everything that becomes a character by some bytes more."""

FOLLOWING = (b"", b"\x80", b"\x8f", b"\x90", b"\x9f", b"\xa0", b"\xbf", b"A", b"\xc3", b"\xff")


@pytest.mark.parametrize("lead", range(256), ids="{:02x}".format)
def test_tail_is_what_may_become_a_character(lead: int) -> None:
    for following in itertools.product(FOLLOWING, repeat=2):
        data = b"aa" + bytes([lead]) + b"".join(following)
        held = [length for length in range(1, 4) if data[-length:] in BEGINNINGS]
        assert (data, incomplete_tail(data)) == (data, max(held, default=0))


@pytest.mark.parametrize(("data", "length"), [(b"", 0), (b"\x80", 0), (b"\x80\x80\x80\x80", 0), (b"\xc3", 1)])
def test_tail_of_little_data(data: bytes, length: int) -> None:
    assert incomplete_tail(data) == length


def test_split_is_what_these_tests_take_it_for() -> None:
    assert split(b"abc", [1, 1, 9]) == [b"a", b"", b"bc"]
