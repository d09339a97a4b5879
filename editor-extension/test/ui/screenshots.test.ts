// The pictures of the README, and what to look at after a change of looks: `make screenshots` writes them.

import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { afterEach, describe, test } from "vitest";

import { Editor } from "./editor.js";
import { root } from "./paths.js";

const directory = join(root, "editor-extension", process.env["REMOTECMD_SCREENSHOTS"] ?? "test-results/screenshots");
const kubeconfig = process.env["REMOTECMD_TEST_KUBECONFIG"];
const themes = {
  dark: "Default Dark Modern",
  light: "Default Light Modern",
  contrast: "Default High Contrast",
};
const inPod = ["A container in a cluster…", "admin", "default", "app", "main"];

/** What a test run may print. */
const tests = String.raw`printf '\033[32m✓\033[0m parses an empty file \033[2m(3 ms)\033[0m\n'
printf '\033[32m✓\033[0m keeps the order of keys \033[2m(5 ms)\033[0m\n'
printf '\033[31m✗\033[0m refuses a key that is there twice\n  at src/settings.py:5:12\n'
printf '\n\033[1m2 passed, \033[31m1 failed\033[0m\n'
exit 1
`;
const settings = `from parser import parse


def read_settings(text: str) -> dict[str, str]:
    return dict(parse(text))
`;

let editor: Editor | undefined;
afterEach(async (context) => {
  await editor?.keep(context);
  await editor?.close();
  editor = undefined;
});

async function take(name: string): Promise<void> {
  mkdirSync(directory, { recursive: true });
  await editor?.page.mouse.move(700, 300); // no tooltip, no row under the mouse
  await editor?.page.screenshot({ path: join(directory, `${name}.png`), animations: "disabled", caret: "hide" });
}

describe.each(Object.entries(themes))("%s", (name, theme) => {
  test("overview", async () => {
    editor = await Editor.open({
      files: { "src/settings.py": settings, "run-tests": tests },
      settings: { "workbench.colorTheme": theme },
      ...(kubeconfig !== undefined && { env: { KUBECONFIG: kubeconfig } }),
    });
    const { workbench } = editor;
    await workbench.tree();
    await take(`welcome-${name}`);
    await workbench.openFile("settings.py");
    await workbench.start("sh run-tests");
    await workbench.terminalShows("2 passed");
    if (kubeconfig !== undefined) {
      await workbench.run("Choose a Target…");
      await workbench.choose(inPod.slice(0, 3));
      await workbench.quick.locator(".monaco-list-row", { hasText: "debian" }).waitFor();
      await take(`pick-pod-${name}`);
      await workbench.choose(inPod.slice(3));
      await workbench.start("httpd -f -vv -p 18731", ["app / main"]);
      await workbench.row(/httpd.*running/);
      await workbench.start("wget -q -O- http://127.0.0.1:18731/missing", ["app / main"]);
      await workbench.row(/wget.*exit 1/);
      await (await workbench.row(/httpd.*running/)).click();
      await workbench.terminalShows("url:/missing");
    }
    await take(`overview-${name}`);
    if (kubeconfig !== undefined) {
      await workbench.inline(await workbench.row(/httpd.*running/), "Stop");
      for (const words of [/httpd.*stopped/, /wget.*exit 1/]) await workbench.remove(await workbench.row(words));
    }
  });
});
