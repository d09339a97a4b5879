import { spawn } from "node:child_process";
const HEADER = /^Content-Length: (\d+)\r\n\r\n/;
const server = spawn("remotecmd", { stdio: ["pipe", "pipe", "inherit"] });
const definition = { id: "hello", cmdLine: "for i in 1 2 3; do echo step $i; sleep 1; done; exit 7" };
const params = { target: { kind: "local" }, definition };
const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "remotecmd/start", params });
server.stdin.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
let [bytes, head, end] = [Buffer.alloc(0)];
for await (const chunk of server.stdout) {
  bytes = Buffer.concat([bytes, chunk]);
  for (; (head = HEADER.exec(bytes)) && bytes.length >= (end = head[0].length + +head[1]); bytes = bytes.subarray(end)) {
    const { params: said, error } = JSON.parse(bytes.subarray(head[0].length, end));
    process.stdout.write(error?.message ?? said?.data ?? "");
    if (error || /stopped|errored|unknown/.test(said?.process?.status)) process.exit(said?.process?.exitCode ?? 1);
}}
