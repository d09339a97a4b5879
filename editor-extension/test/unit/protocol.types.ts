// What the compiler must refuse about requests and notifications; `tsc` is the test, nothing runs this.

import type { Server } from "../../src/server.js";

export async function calls(server: Server): Promise<void> {
  await server.request("shutdown");
  await server.request("rpc.discover", {});
  await server.request("remotecmd/status", { target: { kind: "local" } });
  // @ts-expect-error  params that are required can't be left out
  await server.request("remotecmd/status");
  // @ts-expect-error  there is no such field
  await server.request("remotecmd/status", { target: { kind: "local" }, x: 1 });
  // @ts-expect-error  there is no such kind of target
  await server.request("remotecmd/status", { target: { kind: "lokal" } });
  // @ts-expect-error  there is no such method
  await server.request("remotecmd/nothing");
  await server.notify("exit");
  await server.notify("$/cancelRequest", { id: "a" });
  // @ts-expect-error  it has no params
  await server.notify("exit", {});
  // @ts-expect-error  the server sends it, the client does not
  await server.notify("remotecmd/output");
}
