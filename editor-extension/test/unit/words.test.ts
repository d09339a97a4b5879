// Everything that people read is in English in the bundle for translators, and nothing else is.

import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

import { afterEach, expect, test } from "vitest";

import { speak, t } from "../../src/words.js";

const extension = resolve(import.meta.dirname, "../..");
const read = (path: string): string => readFileSync(join(extension, path), "utf8");

/** The first argument of every call of `t`, as it is written in the source. */
function sentences(): readonly string[] {
  const files = readdirSync(join(extension, "src"), { recursive: true, encoding: "utf8" });
  const found = files
    .filter((path) => path.endsWith(".ts"))
    .flatMap((path) => [...read(join("src", path)).matchAll(/(?<![\w.])t\(\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')/g)])
    .map(([, literal = ""]) => unquoted(literal));
  return [...new Set(found)].sort();
}

function unquoted(literal: string): string {
  const body = literal.slice(1, -1);
  return literal.startsWith("'") ? body.replaceAll(String.raw`\'`, "'") : (JSON.parse(literal) as string);
}

test("the bundle has every sentence of the source", () => {
  const bundle = Object.fromEntries(sentences().map((sentence) => [sentence, sentence]));
  expect(JSON.parse(read("l10n/bundle.l10n.json"))).toEqual(bundle);
});

test("no sentence is put together where translators can't see it", () => {
  const files = readdirSync(join(extension, "src"), { recursive: true, encoding: "utf8" });
  for (const path of files.filter((it) => it.endsWith(".ts") && it !== "words.ts"))
    expect(read(join("src", path)), path).not.toMatch(/(?<![\w.])t\(\s*(?:`|[a-z])/);
});

test("the manifest's words are all there, and none is left over", () => {
  const used = new Set([...read("package.json").matchAll(/"%([\w.]+)%"/g)].map(([, key]) => key));
  expect(Object.keys(JSON.parse(read("package.nls.json")) as object).sort()).toEqual([...used].sort());
});

test("every command of the manifest is made, and every one that is made is in the manifest", () => {
  const { contributes } = JSON.parse(read("package.json")) as {
    readonly contributes: { readonly commands: readonly { readonly command: string }[] };
  };
  const source = read("src/editor/commands.ts");
  const handlers = /handlers: [^=]*= \{\n([\s\S]*?)\n {2}\};/.exec(source)?.[1] ?? "";
  const made = [...handlers.matchAll(/^ {4}(\w+):/gm)].map(([, name]) => `remotecmd.${name ?? ""}`);
  expect(made.sort()).toEqual(contributes.commands.map(({ command }) => command).sort());
});

afterEach(() => {
  speak((message, ...values) => message.replaceAll(/\{(\d+)\}/g, (_, index: string) => String(values[Number(index)])));
});

test("what is put in goes to its place, in English and in any language", () => {
  expect(t("{1} of {0}", "a", 2)).toBe("2 of a");
  speak((message, ...values) => `${message.toUpperCase()} ${values.join()}`);
  expect(t("{0} ago", "3m")).toBe("{0} AGO 3m");
});
