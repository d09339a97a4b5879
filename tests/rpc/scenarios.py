"""What is said in the conversations of docs/transcripts: one scenario for each method.

They are examples for readers and tests at once. Commands wait for a stop or end by themselves before anybody asks, and
what a scenario relies on it waits for: so each run of it says the same. A scenario of a method that is not in METHODS
is not used.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.rpc.conversation import LOCAL, Conversation

Scenario = Callable[[Conversation], None]

SERVE = "echo listening; exec sleep 1000"


def definition(talk: Conversation, cmd_line: str, id: str = "web", **more: Any) -> dict[str, Any]:
    """A command that is kept in the conversation's directory."""
    return {"id": id, "cmdLine": cmd_line, **more, "pidDirectory": talk.directory}


def ask(talk: Conversation, method: str, id: str = "web", **params: Any) -> Any:
    """A request about a command."""
    return talk.ask(f"remotecmd/{method}", target=LOCAL, id=id, **params, pidDirectory=talk.directory)


def run(talk: Conversation) -> None:
    """A command that runs, has said that it listens, and is followed."""
    with talk.hidden():
        talk.ask("remotecmd/start", target=LOCAL, definition=definition(talk, SERVE))
        talk.until_output("web", "listening\n")


def run_to_end(talk: Conversation, cmd_line: str, id: str) -> None:
    """A command that has ended, and whose output is read to the end."""
    with talk.hidden():
        talk.ask("remotecmd/start", target=LOCAL, definition=definition(talk, cmd_line, id))
        talk.until_final(id)


def stop_quietly(talk: Conversation) -> None:
    """Leave nothing running."""
    with talk.hidden():
        ask(talk, "stop")
        talk.until_final("web")


def initialize(talk: Conversation) -> None:
    client = {"name": "example", "version": "1.0"}
    capabilities = {"outputEncoding": "utf8", "outputWindowBytes": 1 << 20}
    talk.ask("initialize", processId=os.getpid(), clientInfo=client, protocolVersion=1, capabilities=capabilities)
    talk.notify("initialized")
    talk.ask("remotecmd/start", target=LOCAL, definition=definition(talk, SERVE), runId="web-1")
    talk.until_output("web", "listening\n")
    talk.notify("remotecmd/ack", runId="web-1", stream="stdout", offset=len("listening\n"))
    ask(talk, "stop")
    talk.until_final("web")
    talk.ask("shutdown")
    talk.notify("exit")


def shutdown(talk: Conversation) -> None:
    talk.ask("shutdown")
    talk.ask("remotecmd/status", target=LOCAL)
    talk.notify("exit")


def start(talk: Conversation) -> None:
    serve = definition(talk, SERVE, envVars=[{"key": "PORT", "value": "8080"}])
    talk.ask("remotecmd/start", target=LOCAL, definition=serve)
    talk.until_output("web", "listening\n")
    talk.ask("remotecmd/start", target=LOCAL, definition=serve)
    talk.ask("remotecmd/start", target=LOCAL, definition=definition(talk, "echo another"))
    talk.ask("remotecmd/start", target=LOCAL, definition={"id": "a/b", "cmdLine": "true", "cwd": "/"})
    ask(talk, "stop")
    talk.until_final("web")
    talk.ask("remotecmd/start", target=LOCAL, definition=definition(talk, SERVE, workingDir="/no/such/directory"))


def status(talk: Conversation) -> None:
    run(talk)
    run_to_end(talk, "echo tested; exit 3", "tests")
    ask(talk, "status")
    ask(talk, "status", "absent")
    talk.ask("remotecmd/status", target=LOCAL, pidDirectory=talk.directory)
    stop_quietly(talk)


def stop(talk: Conversation) -> None:
    run(talk)
    ask(talk, "stop", signal="INT", gracePeriodSeconds=60)
    talk.until_final("web")
    ask(talk, "stop")
    ask(talk, "stop", "unknown")


def exec_(talk: Conversation) -> None:
    talk.ask("remotecmd/exec", target=LOCAL, cmdLine="echo hello; exit 3", workingDir="/")
    talk.ask("remotecmd/exec", target=LOCAL, args=["tr", "a-z", "A-Z"], stdin="no shell: $HOME\n")
    talk.ask("remotecmd/exec", target=LOCAL, cmdLine="printf '\\377\\376'")
    talk.ask_for_stream("remotecmd/exec", target=LOCAL, cmdLine="echo hello", stream=True, runId="greeting")
    slow = talk.send("remotecmd/exec", target=LOCAL, cmdLine="exec sleep 1000")
    talk.notify("$/cancelRequest", id=slow)
    talk.reply_to(slow)


def attach(talk: Conversation) -> None:
    run_to_end(talk, "echo compiling; echo done; exit 3", "build")
    ask(talk, "attach", "build", from_={"stdout": 10})
    talk.until_final("build")
    ask(talk, "attach", "unknown")


def discover(talk: Conversation) -> None:
    talk.ask("rpc.discover")


def list_(talk: Conversation) -> None:
    run(talk)
    run_to_end(talk, "echo tested; exit 3", "tests")
    talk.ask("remotecmd/list", target=LOCAL, pidDirectory=talk.directory)
    stop_quietly(talk)


def detach(talk: Conversation) -> None:
    talk.ask("remotecmd/start", target=LOCAL, definition=definition(talk, SERVE), runId="web-1")
    talk.until_output("web", "listening\n")
    talk.ask("remotecmd/detach", runId="web-1")
    with talk.hidden():
        ask(talk, "stop")


def read(talk: Conversation) -> None:
    run_to_end(talk, "echo compiling; echo done", "build")
    ask(talk, "read", "build", stream="stdout", offset=0, length=4)
    ask(talk, "read", "build", stream="stdout", offset=4, length=65536)
    ask(talk, "read", "build", stream="stderr", offset=0, length=65536)


def wait(talk: Conversation) -> None:
    run_to_end(talk, "exit 3", "tests")
    ask(talk, "wait", "tests")
    run(talk)
    ask(talk, "wait", timeoutSeconds=0)
    stop_quietly(talk)


def signal(talk: Conversation) -> None:
    with talk.hidden():
        command = 'trap "echo reloaded" HUP; echo listening; while :; do sleep 1000 & wait; done'
        talk.ask("remotecmd/start", target=LOCAL, definition=definition(talk, command))
        talk.until_output("web", "listening\n")
    ask(talk, "signal", signal="HUP", scope="leader")
    talk.until_output("web", "reloaded\n")
    stop_quietly(talk)


def write(talk: Conversation) -> None:
    line = "while read -r line; do echo you said $line; done; echo over"
    with talk.hidden():
        talk.ask("remotecmd/start", target=LOCAL, definition=definition(talk, line, "talk", stdin=True))
    ask(talk, "write", "talk", data="hello\n")
    talk.until_output("talk", "you said hello\n")
    ask(talk, "write", "talk", data="aGkK", encoding="base64")
    talk.until_output("talk", "you said hi\n")
    with talk.hidden():
        ask(talk, "closeStdin", "talk")
        talk.until_final("talk")
    ask(talk, "write", "talk", data="too late\n")


def close_stdin(talk: Conversation) -> None:
    with talk.hidden():
        talk.ask("remotecmd/start", target=LOCAL, definition=definition(talk, "exec sort", "sort", stdin=True))
        ask(talk, "write", "sort", data="b\na\n")
    ask(talk, "closeStdin", "sort")
    talk.until_final("sort")


def remove(talk: Conversation) -> None:
    run_to_end(talk, "echo tested", "tests")
    run(talk)
    ask(talk, "remove", "tests")
    ask(talk, "status", "tests")
    ask(talk, "remove")
    stop_quietly(talk)


DEVFILE = """\
schemaVersion: 2.2.2
metadata: {name: shop}
variables: {port: "8080"}
components:
  - name: tools
    container: {image: node, sourceMapping: /src}
  - name: image
    image: {imageName: shop}
commands:
  - id: install
    exec: {component: tools, commandLine: npm ci, workingDir: "$PROJECT_SOURCE"}
  - id: serve
    exec:
      component: tools
      commandLine: npm start
      workingDir: ${PROJECT_SOURCE}
      env: [{name: PORT, value: "{{port}}"}]
      hotReloadCapable: true
  - id: run
    composite:
      commands: [install, serve]
      group: {kind: run, isDefault: true}
  - id: build-image
    apply: {component: image}
"""


def devfile(talk: Conversation) -> None:
    talk.ask("remotecmd/devfile", text=DEVFILE)
    talk.ask("remotecmd/devfile", text=DEVFILE.replace("npm ci", "npm ci {{flags}}"))
    talk.ask("remotecmd/devfile", path="no/such/devfile.yaml", text="")


def doctor(talk: Conversation) -> None:
    talk.ask("remotecmd/doctor", target=LOCAL)
    talk.ask("remotecmd/doctor", target={"kind": "kubernetes"})


KUBECONFIG = """\
current-context: staging
contexts:
- {name: staging, context: {cluster: staging, user: me, namespace: shop}}
- {name: prod, context: {cluster: prod, user: me}}
clusters:
- {name: staging, cluster: {server: "https://staging.invalid"}}
- {name: prod, cluster: {server: "https://prod.invalid"}}
users:
- {name: me, user: {}}
"""


def targets(talk: Conversation) -> None:
    path = Path(talk.directory, "kubeconfig")
    path.write_text(KUBECONFIG)
    where = {"kind": "kubernetes", "kubeconfig": str(path)}
    talk.ask("remotecmd/targets", kind="local")
    talk.ask("remotecmd/targets", **where, list="contexts")
    talk.ask("remotecmd/targets", **where, context="prdo")
    talk.ask("remotecmd/targets", **where, selector="app=web,=db")


SCENARIOS: dict[str, Scenario] = {
    "initialize": initialize,
    "shutdown": shutdown,
    "remotecmd/start": start,
    "remotecmd/status": status,
    "remotecmd/stop": stop,
    "remotecmd/exec": exec_,
    "remotecmd/attach": attach,
    "remotecmd/list": list_,
    "remotecmd/detach": detach,
    "remotecmd/read": read,
    "remotecmd/wait": wait,
    "remotecmd/signal": signal,
    "remotecmd/write": write,
    "remotecmd/closeStdin": close_stdin,
    "remotecmd/remove": remove,
    "remotecmd/devfile": devfile,
    "remotecmd/targets": targets,
    "remotecmd/doctor": doctor,
    "rpc.discover": discover,
}
