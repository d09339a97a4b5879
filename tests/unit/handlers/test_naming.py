"""Label selectors and workloads: what is one, and what a mistake is told as."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.naming import check_selector, check_workload, quoted, read_workload

SELECTORS = [
    "app=web", "app==web", "app!=web", "app", "!app", "! app", "app=", " app = web , tier != db ",
    "app.kubernetes.io/name=web", "env in (dev,test)", "env notin (a)", "env in (,)", "env  in( a , b )", "n>5",
    "n < 3", "a in ()", "a_b.C-d=x_Y.z-1", "a,b,!c", "in in (in)", "notin",
]  # fmt: skip

MISTAKES = {
    "app==web,=x": 10, "a b": 1, ",": 1, "a,": 3, "a,,b": 3, "=x": 1, "a=b=c": 1, "a in": 1, "a in b": 1, "a in (b": 1,
    "a in ()x": 1, "n < -3": 1, "-a": 1, "a-": 1, "a/b/c=d": 1, "é=x": 1, "a=" + "x" * 64: 1, "a>b": 1,
    "!!a": 1, "a=(b)": 1,
}  # fmt: skip


@pytest.mark.parametrize("text", SELECTORS)
def test_a_selector_is_let_through(text: str) -> None:
    assert check_selector(text, ()) == []


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_is_quoted_with_its_place(text: str) -> None:
    (violation,) = check_selector(text, ("selector",))
    assert violation.path == ("selector",)
    assert f"{quoted(text)}, from character {MISTAKES[text]} on" in violation.message


def test_a_long_selector_is_not_quoted_whole() -> None:
    (violation,) = check_selector("a=b=" + "\x1b" * 4000, ())
    assert violation.message.isprintable() and len(violation.message) < 300


@given(st.text("ab=!,()<> in.-/_5", max_size=30))
def test_what_is_refused_is_refused_in_place(text: str) -> None:
    found = check_selector(text, ())
    assert len(found) <= 1
    if not found:  # each part of a right one is right by itself, as long as no set was cut
        assert "(" in text or all(check_selector(part, ()) == [] for part in text.split(","))


@pytest.mark.parametrize(
    ("text", "meant"),
    {
        "deployment/api": ("deployment", "api"), "deploy/api": ("deployment", "api"),
        "sts/db-0": ("statefulset", "db-0"),
        "ds/a": ("daemonset", "a"), "rs/a.b": ("replicaset", "a.b"), "jobs/a": ("job", "a"), "po/a": ("pod", "a"),
        "deployment": None, "deploy/": None, "/api": None, "deploy/A": None, "deploy/a/b": None, "deploy/..": None,
        "secret/a": None, "": None,
    }.items(),
)  # fmt: skip
def test_a_workload_is_kind_and_name(text: str, meant: tuple[str, str] | None) -> None:
    assert read_workload(text) == meant
    assert bool(check_workload(text, ())) == (meant is None)
