// Before all tests: the packaged extension, installed once by VS Code itself. Each test file gets a copy (editor.ts).

import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { TestProject } from "vitest/node";

import { codeServer, quietEnvironment, root } from "./paths.js";

declare module "vitest" {
  export interface ProvidedContext {
    /** The directory that holds the installed extension. */
    extensions: string;
    vsix: string;
  }
}

export default function setup(project: TestProject): () => void {
  const directory = mkdtempSync(join(tmpdir(), "remotecmd-vscode-"));
  const extensions = join(directory, "extensions");
  const vsix = packaged();
  execFileSync(
    process.execPath,
    [codeServer(), "--user-data-dir", directory, "--extensions-dir", extensions, "--install-extension", vsix],
    { env: quietEnvironment(directory), stdio: ["ignore", "ignore", "inherit"] },
  );
  const installed = readdirSync(extensions).filter((name) => name.startsWith("remotecmd."));
  if (installed.length !== 1) throw new Error(`VS Code did not install ${vsix}; it has: ${installed.join(", ")}`);
  project.provide("extensions", extensions);
  project.provide("vsix", vsix);
  return () => {
    rmSync(directory, { recursive: true, force: true });
  };
}

/** The VSIX that `make vsix` wrote. */
function packaged(): string {
  const dist = join(root, "dist");
  const [vsix, ...others] = readdirSync(dist).filter((name) => name.endsWith(".vsix"));
  if (vsix === undefined || others.length > 0) throw new Error("dist/ must hold one VSIX; make vsix writes it");
  return join(dist, vsix);
}
