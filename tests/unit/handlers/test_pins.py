from __future__ import annotations

from handlers.api import KubernetesTarget, LocalTarget, ResolvedTarget
from handlers.pins import MAX_PINS, Pins

BY_LABEL = KubernetesTarget(selector="app=web")
BY_WORKLOAD = KubernetesTarget(workload="deployment/web")
HERE = ResolvedTarget(kind="kubernetes", pod_name="web-1", pod_uid="u")
THERE = ResolvedTarget(kind="kubernetes", pod_name="web-2", pod_uid="v")


def test_a_command_is_found_where_it_was() -> None:
    pins = Pins()
    pins.keep(BY_LABEL, "", "a", HERE)
    pins.keep(BY_WORKLOAD, "/b", "a", THERE)
    assert pins.of(BY_LABEL, "", "a") == HERE
    assert pins.of(BY_WORKLOAD, "/b", "a") == THERE
    assert [pins.of(BY_LABEL, "", "b"), pins.of(BY_LABEL, "/b", "a"), pins.of(BY_WORKLOAD, "", "a")] == [None] * 3
    pins.keep(BY_LABEL, "", "a", THERE)
    assert pins.of(BY_LABEL, "", "a") == THERE
    pins.drop(BY_LABEL, "", "a")
    pins.drop(BY_LABEL, "", "a")
    assert pins.of(BY_LABEL, "", "a") is None


def test_a_target_whose_words_say_where_needs_none() -> None:
    pins = Pins()
    for target in (LocalTarget(), KubernetesTarget(pod_name="web-1")):
        pins.keep(target, "", "a", HERE)
        assert pins.of(target, "", "a") is None


def test_there_are_not_more_than_so_many() -> None:
    pins = Pins()
    for i in range(MAX_PINS + 1):
        pins.keep(BY_LABEL, "", f"a{i}", HERE)
    assert pins.of(BY_LABEL, "", "a0") is None
    assert pins.of(BY_LABEL, "", "a1") == HERE
