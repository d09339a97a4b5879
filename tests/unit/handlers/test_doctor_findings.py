"""Each thing that can be found, from facts: its level, and what it says is to be done."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from handlers.api import KubernetesTarget, LocalTarget, ResolvedTarget
from handlers.checkup import Check, Finding, Level, Mode, Right, Rights
from handlers.doctor import words
from handlers.doctor.facts import NEEDED, USEFUL, Facts, Mount, Quota, Room, Spot
from handlers.doctor.findings import report
from handlers.doctor.visit import TOLD, Visit
from handlers.errors import ErrorKind, RemoteCommandError

POD = ResolvedTarget(kind="kubernetes", context="dev", namespace="shop", pod_name="api", container_name="main")
PLACE = "namespace shop (context dev)"
GET_POD = Right("get", "pods", is_needed=True, name="api")
LIST = Right("list", "pods", is_needed=False)
GET = Right("get", "pods/exec", is_needed=True, name="api")
CREATE = Right("create", "pods/exec", is_needed=True, name="api")
ALL = (GET_POD, LIST, GET, CREATE)


def good(**changed: Any) -> Facts:
    """A container in which all is as it should be."""
    usual: dict[str, Any] = {
        "clock": 1000,
        "shell": "/bin/dash",
        "uid": 0,
        "gid": 0,
        "tools": dict.fromkeys((*NEEDED, *USEFUL), True),
        "kinds": {"dd": "busybox", "xargs": "busybox", "setsid": "busybox"},
        "proc": True,
        "mounts": [Mount("overlay", False, "/")],
        "spots": [Spot("usable", False, "/tmp"), Spot("usable", False, "/var/tmp")],
        "memory": [Quota(None, 1)],
        "pids": [Quota(None, 1)],
        "init": "tini",
        "reaping": "yes",
        "rooms": {"/tmp": Room(1 << 20, 2 << 20)},
        "checked": True,
        "ended": True,
    }
    return Facts(**{**usual, **changed})


def missing(*rights: Right) -> Rights:
    return Rights(PLACE, tuple(right for right in ALL if right not in rights), rights)


def pod(facts: Facts | None = None, **changed: Any) -> Visit:
    usual: dict[str, Any] = {
        "asked": KubernetesTarget(pod_name="api"),
        "target": POD,
        "rights": missing(),
        "is_open": True,
        "protocol": "v5.channel.k8s.io",
        "exec_seconds": 0.05,
        "round_trip_seconds": 0.002,
        "clock_at": 1000.5,
        "facts": facts or good(),
    }
    return Visit(**{**usual, **changed})


def local(facts: Facts | None = None) -> Visit:
    here = ResolvedTarget(kind="local")
    seen: dict[str, Any] = {"exec_seconds": 0.01, "round_trip_seconds": 0.001, "clock_at": 1000, "is_open": True}
    return Visit(LocalTarget(), here, facts=facts or good(), **seen)


def failed(kind: ErrorKind, message: str = "what happened", remedy: str | None = None, **changed: Any) -> Visit:
    """A visit that ended with a failure before anything was seen in the container."""
    unseen: dict[str, Any] = {"exec_seconds": None, "round_trip_seconds": None, "clock_at": None, "protocol": ""}
    failure = RemoteCommandError(kind, message, remedy=remedy)
    visit = pod(failure=failure, **{**unseen, "is_open": False, **changed})
    visit.facts = None
    return visit


def one(visit: Visit, check: Check) -> Finding:
    [found] = [finding for finding in report(visit).findings if finding.check is check]
    return found


def has(finding: Finding, level: Level, *parts: str, remedy: str | None = None) -> None:
    assert finding.level is level, finding
    for part in parts:
        assert part in finding.detail
    if remedy is None:
        assert finding.remedy is None
    else:
        assert finding.remedy is not None
        assert remedy in finding.remedy


# ---------------------------------------------------------------- the whole


def test_all_is_well_in_a_plain_pod() -> None:
    found = report(pod())
    assert found.mode is Mode.SUPERVISED
    assert [finding.check for finding in found.findings] == list(Check)
    levels = {finding.check: finding.level for finding in found.findings}
    assert levels.pop(Check.COSTS) is Level.INFO
    assert set(levels.values()) == {Level.OK}


def test_this_machine_has_no_rights_and_no_web_socket() -> None:
    found = report(local())
    assert found.mode is Mode.SUPERVISED
    assert {*Check} - {finding.check for finding in found.findings} == {Check.PERMISSIONS, Check.WEB_SOCKET}


def test_every_warning_and_error_has_a_remedy() -> None:
    bad = good(
        refused=("shell", "read"), tools={"mkdir": True, "rm": True}, proc=False, spots=[Spot("denied", False, "/tmp")],
        mounts=[Mount("overlay", True, "/")], uid=5, memory=[Quota(1 << 20, 1 << 20)], pids=[Quota(20, 15)],
        reaping="no", clock=5,
    )  # fmt: skip
    findings = report(pod(bad, rights=missing(CREATE), round_trip_seconds=2.0, protocol="v4.channel.k8s.io")).findings
    assert {finding.level for finding in findings} > {Level.WARNING, Level.ERROR}
    for finding in findings:
        if finding.level in {Level.WARNING, Level.ERROR}:
            assert finding.remedy, finding


def test_what_is_wrong_is_named_as_the_reason_of_the_mode() -> None:
    found = report(pod(good(proc=False, spots=[Spot("denied", False, "/tmp")])))
    assert found.mode is Mode.REFUSED
    has(found.findings[-1], Level.ERROR, "because of proc, storage.", remedy="remedies")


def test_a_warning_does_not_refuse() -> None:
    assert report(pod(round_trip_seconds=1.0)).mode is Mode.SUPERVISED


# ---------------------------------------------------------------- the way there


def test_the_container_is_named() -> None:
    has(one(pod(), Check.TARGET), Level.OK, "container main of pod api (namespace shop, context dev)")
    in_cluster = pod(target=dataclasses.replace(POD, context=""))
    has(one(in_cluster, Check.TARGET), Level.OK, "(namespace shop)")


def test_a_container_that_does_not_run_is_a_finding() -> None:
    visit = failed(ErrorKind.TARGET_NOT_RUNNING, "It is not running.", "Look at its events.", target=None)
    has(one(visit, Check.TARGET), Level.ERROR, "It is not running.", remedy="Look at its events.")
    assert report(visit).target is None
    has(one(failed(ErrorKind.TARGET_NOT_RUNNING), Check.TARGET), Level.ERROR, remedy="Start it")


def test_rights_that_are_there_are_told() -> None:
    has(one(pod(), Check.PERMISSIONS), Level.OK, "get and list on pods; get and create on pods/exec")


def test_a_missing_right_is_named_with_the_rule_that_gives_it() -> None:
    visit = failed(ErrorKind.FORBIDDEN, rights=missing(GET, CREATE))
    rule = 'rules:\n- {apiGroups: [""], resources: [pods/exec], verbs: [get, create]}'
    has(
        one(visit, Check.PERMISSIONS),
        Level.ERROR,
        "Missing in namespace shop (context dev): get and create",
        remedy=rule,
    )
    assert report(visit).mode is Mode.REFUSED


def test_a_right_to_a_workload_is_in_its_group() -> None:
    right = Right("get", "deployments", is_needed=True, group="apps", name="web")
    visit = failed(ErrorKind.FORBIDDEN, rights=missing(GET_POD, right), target=None)
    rules = [
        '- {apiGroups: [""], resources: [pods], verbs: [get]}',
        '- {apiGroups: ["apps"], resources: [deployments], verbs: [get]}',
    ]
    has(one(visit, Check.PERMISSIONS), Level.ERROR, "get on pods; get on deployments", remedy="\n".join(rules))


def test_create_is_only_missed_where_exec_goes_without_it() -> None:
    visit = pod(rights=missing(CREATE))
    has(one(visit, Check.PERMISSIONS), Level.WARNING, "create on pods/exec", "later versions", remedy="verbs: [create]")
    assert report(visit).mode is Mode.SUPERVISED


def test_who_may_not_list_can_still_name_pods() -> None:
    has(one(pod(rights=missing(LIST)), Check.PERMISSIONS), Level.INFO, "list on pods", "only named", remedy="[list]")


def test_a_refusal_that_no_review_explains_is_told_in_its_own_words() -> None:
    visit = failed(ErrorKind.FORBIDDEN, "A proxy does not let it through.", "Ask its owner.")
    has(one(visit, Check.PERMISSIONS), Level.ERROR, "A proxy", remedy="Ask its owner.")
    visit = failed(ErrorKind.FORBIDDEN, "No.", rights=None)
    has(one(visit, Check.PERMISSIONS), Level.ERROR, "No.")


def test_rights_that_can_not_be_asked_for_are_no_fault() -> None:
    has(one(pod(rights=None), Check.PERMISSIONS), Level.INFO, "can't be asked")


def test_an_older_exec_protocol_is_told() -> None:
    has(one(pod(protocol="v4.channel.k8s.io"), Check.WEB_SOCKET), Level.INFO, "v4.channel.k8s.io", remedy="1.30")


def test_a_slow_way_is_a_warning() -> None:
    has(one(pod(), Check.ROUND_TRIP), Level.OK, "50 ms", "2.0 ms")
    has(one(pod(round_trip_seconds=0.3), Check.ROUND_TRIP), Level.WARNING, "300 ms", remedy="nearer")


@pytest.mark.parametrize(
    ("here", "level", "part"),
    [
        (1000.0, Level.OK, "less than 2 seconds"),
        (1002.9, Level.OK, "less than 2 seconds"),
        (998.1, Level.OK, "less than 2 seconds"),
        (1003.5, Level.WARNING, "2 s behind"),
        (990.0, Level.WARNING, "10 s ahead of"),
        (1000.0 + 7201, Level.WARNING, "2 h behind"),
    ],
)
def test_clocks_are_compared_to_within_a_second(here: float, level: Level, part: str) -> None:
    finding = one(pod(clock_at=here), Check.CLOCK)
    has(finding, level, part, remedy="NTP" if level is Level.WARNING else None)


def test_a_clock_that_is_not_told_is_not_known() -> None:
    has(one(pod(good(clock=None)), Check.CLOCK), Level.INFO, "not known")


# ---------------------------------------------------------------- what is there


def test_a_missing_shell_is_a_finding() -> None:
    visit = failed(ErrorKind.SHELL_MISSING, "There is no /bin/sh.", is_open=True)
    has(one(visit, Check.SHELL), Level.ERROR, "There is no /bin/sh.", remedy="dash")
    assert report(visit).mode is Mode.REFUSED


def test_a_shell_that_can_not_run_the_agent_is_a_finding() -> None:
    visit = pod(good(refused=("shell", "exec")))
    has(one(visit, Check.SHELL), Level.ERROR, "can't run the agent", "exec", remedy="dash")


def test_tools_are_told_by_whose_they_are() -> None:
    has(one(pod(), Check.TOOLS), Level.OK, "busybox")
    mixed = {"dd": "GNU", "setsid": "util-linux"}
    has(one(pod(good(kinds=mixed)), Check.TOOLS), Level.OK, "dd of GNU, setsid of util-linux")
    has(one(pod(good(kinds={})), Check.TOOLS), Level.OK, "unknown kind")


@pytest.mark.parametrize(
    ("names", "part"),
    [
        (["dd"], "no dd, and supervising a command needs it"),
        (["dd", "rm"], "no dd, rm, and supervising a command needs them"),
    ],
)
def test_missing_tools_are_named(names: list[str], part: str) -> None:
    tools = {name: name not in names for name in (*NEEDED, *USEFUL)}
    has(one(pod(good(tools=tools)), Check.TOOLS), Level.ERROR, part, remedy="coreutils")


def test_tools_that_are_done_without_are_named_with_what_is_lost() -> None:
    tools = {**dict.fromkeys((*NEEDED, *USEFUL), True), "df": False}
    has(one(pod(good(tools=tools)), Check.TOOLS), Level.INFO, "df (free space can't be told)", remedy="busybox")


@pytest.mark.parametrize("facts", [good(proc=False), good(refused=("proc", ""))])
def test_a_proc_that_can_not_be_read_is_a_finding(facts: Facts) -> None:
    has(one(pod(facts), Check.PROC), Level.ERROR, "/proc", remedy="mounted")


def test_a_user_who_is_not_root_is_told() -> None:
    has(one(pod(good(uid=1000, gid=1000)), Check.USER), Level.INFO, "uid 1000, gid 1000", remedy="runAsUser")
    has(one(local(good(uid=1000, gid=None)), Check.USER), Level.INFO, "uid 1000,")


# ---------------------------------------------------------------- storage


def test_records_go_where_the_agent_would_keep_them() -> None:
    has(one(pod(), Check.STORAGE), Level.OK, "/tmp/remotecmd-0 (overlay, 1.0 GiB of 2.0 GiB free)", "too: /var/tmp.")
    own = good(spots=[Spot("usable", False, "/tmp"), Spot("usable", True, "/")], rooms={}, mounts=[])
    has(one(pod(own), Check.STORAGE), Level.OK, "go to /remotecmd-0 (free space unknown)")


def test_many_other_places_are_not_all_told() -> None:
    facts = good(volumes=[f"/v{i}" for i in range(9)])
    has(one(pod(facts), Check.STORAGE), Level.OK, "/var/tmp, /v0, /v1, /v2 and 6 more.")
    has(one(local(facts), Check.STORAGE), Level.OK, "too: /var/tmp.")


def test_little_room_is_a_warning() -> None:
    facts = good(rooms={"/tmp": Room(4096, 1 << 20)})
    has(one(pod(facts), Check.STORAGE), Level.WARNING, "4.0 MiB", "128 MiB", remedy="spoolLimitBytes")


def test_a_full_disk_is_a_warning_where_another_serves() -> None:
    facts = good(spots=[Spot("full", True, "/tmp"), Spot("usable", False, "/dev/shm")])
    has(
        one(pod(facts), Check.STORAGE),
        Level.WARNING,
        "/tmp is full. Records and output go to /dev/shm",
        remedy="Free some",
    )


def test_a_full_volume_is_a_warning() -> None:
    facts = good(volumes=["/data", "/small"], rooms={"/data": Room(9999, 9999), "/small": Room(0, 4096)})
    has(one(pod(facts), Check.STORAGE), Level.WARNING, "/small is full.", remedy="/small")


def test_full_disks_everywhere_are_an_error() -> None:
    facts = good(spots=[Spot("full", False, "/tmp"), Spot("full", True, "/var/tmp"), Spot("missing", False, "/x")])
    finding = one(pod(facts), Check.STORAGE)
    has(finding, Level.ERROR, "/tmp is full; /var/tmp is full; /x is not there", remedy="/tmp or /var/tmp")
    assert report(pod(facts)).mode is Mode.REFUSED


@pytest.mark.parametrize(
    ("state", "part"), [("denied", "can't be written"), ("link", "a link"), ("foreign", "somebody else's")]
)
def test_why_no_directory_can_be_used_is_told(state: str, part: str) -> None:
    finding = one(pod(good(spots=[Spot(state, False, "/tmp")])), Check.STORAGE)
    has(finding, Level.ERROR, "/tmp", part, remedy="volumeMounts: [{name: tmp, mountPath: /tmp}]")


def test_a_volume_that_can_be_written_is_the_remedy() -> None:
    facts = good(
        spots=[Spot("denied", False, "/tmp")], volumes=["/full", "/data"],
        rooms={"/full": Room(0, 9), "/data": Room(1 << 21, 1 << 22)},
    )  # fmt: skip
    has(one(pod(facts), Check.STORAGE), Level.ERROR, "no directory", remedy="Give pidDirectory /data")


def test_of_storage_nothing_is_said_where_it_could_not_be_tried() -> None:
    facts = good(tools={"mkdir": False})
    assert Check.STORAGE not in {finding.check for finding in report(pod(facts)).findings}


def test_a_read_only_root_is_a_warning_if_nothing_else_can_be_written() -> None:
    root = [Mount("overlay", True, "/")]
    has(one(pod(good(mounts=root)), Check.ROOT_FILESYSTEM), Level.INFO, "read-only", remedy="emptyDir")
    facts = good(mounts=root, spots=[Spot("denied", False, "/tmp")])
    has(one(pod(facts), Check.ROOT_FILESYSTEM), Level.WARNING, "read-only", remedy="emptyDir")


def test_what_commands_cost_depends_on_where_their_output_is() -> None:
    has(one(pod(), Check.COSTS), Level.INFO, "5 small processes", "ephemeral storage", remedy="spoolLimitBytes")
    memory = good(mounts=[Mount("tmpfs", False, "/tmp")])
    has(one(pod(memory), Check.COSTS), Level.INFO, "in memory", remedy="spoolLimitBytes")
    has(one(local(), Check.COSTS), Level.INFO, "128 MiB")


# ---------------------------------------------------------------- limits


def test_the_tightest_limit_of_memory_counts() -> None:
    quotas = [Quota(None, 1), Quota(1 << 30, 1 << 20), Quota(64 << 20, 16 << 20, 4 << 20)]
    has(one(pod(good(memory=quotas)), Check.MEMORY), Level.OK, "52 MiB of the limit of 64 MiB are left")


def test_little_memory_is_a_warning() -> None:
    has(
        one(pod(good(memory=[Quota(64 << 20, 60 << 20)])), Check.MEMORY),
        Level.WARNING,
        "4.0 MiB",
        remedy="limits.memory",
    )


def test_no_limits_are_told_as_such() -> None:
    for check in (Check.MEMORY, Check.PROCESSES):
        has(one(pod(good(memory=[], pids=[])), check), Level.OK, "No limit")


def test_a_limit_of_processes_is_told_in_commands() -> None:
    has(one(pod(good(pids=[Quota(1024, 4)])), Check.PROCESSES), Level.OK, "1,024 processes", "about 169 commands")
    finding = one(pod(good(pids=[Quota(20, 3)])), Check.PROCESSES)
    has(finding, Level.WARNING, "17 of them left", "about 1 command.", remedy="podPidsLimit")


def test_no_process_to_be_had_is_an_error() -> None:
    visit = failed(ErrorKind.PROCESS_LIMIT, "No process can be started.", is_open=True)
    has(one(visit, Check.PROCESSES), Level.ERROR, "No process", remedy="podPidsLimit")
    assert report(visit).mode is Mode.REFUSED


def test_who_takes_note_of_orphans_is_told() -> None:
    has(one(pod(), Check.REAPING), Level.OK, "PID 1 (tini)")
    has(one(pod(good(reaping="ignored")), Check.REAPING), Level.OK, "ignores SIGCHLD")
    assert Check.REAPING not in {finding.check for finding in report(pod(good(reaping=""))).findings}


def test_an_orphan_that_stays_proves_no_more_than_that() -> None:
    finding = one(pod(good(reaping="no", zombies=1, init="")), Check.REAPING)
    has(finding, Level.INFO, "within 1 s", "1 zombie there", "unknown", remedy="tini")
    finding = one(pod(good(reaping="no", zombies=100, pids=[Quota(999, 1)])), Check.REAPING)
    has(finding, Level.WARNING, "100 zombies or more", "count against", remedy="tini")


# ---------------------------------------------------------------- words


def test_kinds_that_become_findings_are_few() -> None:
    assert {kind.value for kind in TOLD} == {"forbidden", "targetNotRunning", "shellMissing", "processLimit"}


@pytest.mark.parametrize(
    ("kib", "text"), [(0, "0 KiB"), (1023, "1023 KiB"), (4096, "4.0 MiB"), (131_072, "128 MiB"), (2**41, "2048 TiB")]
)
def test_sizes_in_words(kib: float, text: str) -> None:
    assert words.size(kib) == text


@pytest.mark.parametrize(
    ("time", "text"), [(5, "5 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (86_400 * 2, "2 d")]
)
def test_times_in_words(time: float, text: str) -> None:
    assert words.seconds(time) == text


def test_short_times_in_words() -> None:
    assert [words.milliseconds(time) for time in (0.0004, 0.045, 1.2)] == ["0.4 ms", "45 ms", "1,200 ms"]
