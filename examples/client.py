import json
from subprocess import PIPE, Popen

server = Popen(["remotecmd"], stdin=PIPE, stdout=PIPE)
definition = {"id": "hello", "cmdLine": "for i in 1 2 3; do echo step $i; sleep 1; done; exit 7"}
params = {"target": {"kind": "local"}, "definition": definition}
body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "remotecmd/start", "params": params}).encode()
server.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
server.stdin.flush()
for header in server.stdout:  # "Content-Length: 123"; then an empty line of two bytes, and as many bytes of JSON
    message = json.loads(server.stdout.read(int(header.split()[1]) + 2))
    said = message.get("params", {})
    print(said.get("data", ""), end="", flush=True)
    if "error" in message or said.get("process", {}).get("status") in ("stopped", "errored", "unknown"):
        raise SystemExit(message.get("error") or said["process"].get("exitCode", 1))
