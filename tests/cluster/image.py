"""Write the images of the test pods as one docker-archive, from programs that this machine has.

No registry is asked for anything: `busybox` is the static busybox with a link per applet, `debian` is dash and the GNU
tools out of the installed Debian packages, `noshell` can only sleep. The archive is what `ctr images import` and
`docker load` read.
"""

import hashlib
import io
import json
import platform
import re
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

BUSYBOX = Path("/bin/busybox")
DEBIAN_PACKAGES = ("bash", "coreutils", "dash", "findutils", "grep", "mawk", "procps", "sed", "util-linux")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PASSWD = b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n"

# PID 1 of every container: it reaps nothing, as in most images, and never ends.
COMMAND = ["/bin/sleep", "2147483647"]


class Layer:
    """A root file system in the making: a tar whose paths have no leading slash."""

    def __init__(self) -> None:
        self._bytes = io.BytesIO()
        self._tar = tarfile.open(fileobj=self._bytes, mode="w")  # noqa: SIM115  closed by close()
        self._names: set[str] = set()
        for name in ("dev", "etc", "home", "proc", "root", "sys", "var"):
            self.directory(name)
        for name in ("tmp", "var/tmp"):
            self.directory(name, mode=0o1777)
        self.file("etc/passwd", PASSWD, mode=0o644)

    def directory(self, name: str, mode: int = 0o755) -> None:
        self._add(name, tarfile.DIRTYPE, mode)

    def link(self, name: str, to: str) -> None:
        self._add(name, tarfile.SYMTYPE, 0o777, link=to)

    def file(self, name: str, content: bytes, mode: int = 0o755) -> None:
        self._add(name, tarfile.REGTYPE, mode, content=content)

    def copy(self, path: Path) -> None:
        """Add a file of this machine and the directories above it; of a link, what it leads to as well."""
        real = path.parent.resolve() / path.name
        for parent in reversed(real.parents[:-1]):
            self.directory(str(parent)[1:])
        if real.is_symlink():
            self.link(str(real)[1:], str(real.readlink()))
            self.copy(real.parent / real.readlink())
        elif real.is_file():
            self.file(str(real)[1:], real.read_bytes(), real.stat().st_mode & 0o7777)

    def _add(self, name: str, kind: bytes, mode: int, *, link: str = "", content: bytes = b"") -> None:
        if name in self._names:
            return
        self._names.add(name)
        member = tarfile.TarInfo(name)
        member.type, member.mode, member.linkname, member.size = kind, mode, link, len(content)
        self._tar.addfile(member, io.BytesIO(content))

    def close(self) -> bytes:
        self._tar.close()
        return self._bytes.getvalue()


def busybox() -> bytes:
    """Every applet as a link to one static program."""
    layer = Layer()
    layer.directory("bin")
    layer.file("bin/busybox", BUSYBOX.read_bytes())
    for applet in _output([str(BUSYBOX), "--list"]):
        layer.link(f"bin/{applet}", "busybox")
    return layer.close()


def debian() -> bytes:
    """The programs of a small Debian image, with python3 where this machine has Debian's."""
    layer = Layer()
    for name in ("bin", "lib", "lib64", "sbin"):
        layer.directory(f"usr/{name}")
        layer.link(name, f"usr/{name}")
    programs = [path for path in _package_files(DEBIAN_PACKAGES) if re.match(r"(/usr)?/s?bin/", str(path))]
    python = _package_files(_installed_python())
    for path in [*programs, *python, *_libraries([*programs, *python])]:
        layer.copy(path)
    layer.link("usr/bin/sh", "dash")
    layer.link("usr/bin/awk", "mawk")
    return layer.close()


def noshell() -> bytes:
    """Busybox that is called `sleep` and therefore nothing else: no shell, no tools."""
    layer = Layer()
    layer.directory("bin")
    layer.file("bin/sleep", BUSYBOX.read_bytes())
    return layer.close()


def _installed_python() -> list[str]:
    python = Path("/usr/bin/python3")
    if not python.exists():
        return []
    version = python.resolve().name  # python3.11
    return ["python3-minimal", f"{version}-minimal", f"lib{version}-minimal"]


def _package_files(packages: Iterable[str]) -> list[Path]:
    names = list(packages)
    return [Path(line) for line in _output(["dpkg", "-L", *names]) if line.startswith("/")] if names else []


def _libraries(programs: Iterable[Path]) -> list[Path]:
    binaries = [str(path) for path in programs if path.is_file() and path.read_bytes()[:4] == b"\x7fELF"]
    lines = _output(["ldd", *binaries])
    return sorted({Path(found[1]) for line in lines if (found := re.search(r"(/\S+) \(0x", line))})


def _output(command: list[str]) -> list[str]:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


class Image(NamedTuple):
    """One entry of the archive's manifest with the files it names."""

    manifest: dict[str, object]
    files: dict[str, bytes]


def image(reference: str, layer: bytes) -> Image:
    """Make an image of one layer, by the docker-archive layout (the image spec's v1.2 manifest.json)."""
    digest = hashlib.sha256(layer).hexdigest()
    architecture = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    config = json.dumps(
        {
            "architecture": architecture,
            "os": "linux",
            "config": {"Cmd": COMMAND, "Env": [f"PATH={PATH}"]},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
            "history": [{"created_by": "tests/cluster/image.py"}],
        }
    ).encode()
    config_name, layer_name = f"{hashlib.sha256(config).hexdigest()}.json", f"{digest}/layer.tar"
    manifest: dict[str, object] = {"Config": config_name, "RepoTags": [reference], "Layers": [layer_name]}
    return Image(manifest, {config_name: config, layer_name: layer})


IMAGES: dict[str, Callable[[], bytes]] = {"busybox": busybox, "debian": debian, "noshell": noshell}


def main(path: str) -> None:
    """Write all images to `path`."""
    images = [image(f"remotecmd.test/{name}:1", build()) for name, build in IMAGES.items()]
    files = {name: content for one in images for name, content in one.files.items()}
    files["manifest.json"] = json.dumps([one.manifest for one in images]).encode()
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


if __name__ == "__main__":
    main(sys.argv[1])
