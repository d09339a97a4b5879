from __future__ import annotations

from rpc_cli.prefix import MAX_LINE_BYTES, Prefixer


def test_whole_lines_get_the_name_whatever_the_pieces() -> None:
    lines = Prefixer("web", 5)
    shown = b"".join(lines.feed(piece) for piece in (b"a", b"b\n", b"\nc\nd"))
    assert shown == b"web   | ab\nweb   | \nweb   | c\n"
    assert lines.end() == b"web   | d\n"
    assert lines.end() == b""


def test_a_line_without_an_end_is_cut() -> None:
    lines = Prefixer("web", 3)
    shown = lines.feed(b"x" * (2 * MAX_LINE_BYTES + 1))
    assert shown == 2 * (b"web | " + b"x" * MAX_LINE_BYTES + b"\n")
    assert lines.end() == b"web | x\n"
