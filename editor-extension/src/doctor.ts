// What the doctor found in a target, as a document that people read.

import type { DoctorResult } from "./protocol.js";
import { escaped } from "./tree.js";
import { t } from "./words.js";

const WORST_FIRST = ["error", "warning", "info", "ok"];
const MARKS: Readonly<Record<string, string>> = { error: "✗", warning: "⚠", ok: "✓" };

/** Markdown; what is worst comes first. */
export function doctorDocument(name: string, place: string, { mode, findings }: DoctorResult): string {
  const rank = (level: string): number => {
    const index = WORST_FIRST.indexOf(level);
    return index === -1 ? WORST_FIRST.indexOf("info") : index;
  };
  const sorted = [...findings].sort((a, b) => rank(a.level) - rank(b.level));
  const worst = sorted[0]?.level;
  const verdict =
    worst === "error"
      ? t("Commands can't run here as they should. What to do is said below.")
      : worst === "warning"
        ? t("Commands run here, with limits that are said below.")
        : t("Commands run here, and nothing is missing.");
  return [
    `# ${t("Doctor: {0}", escaped(name))}`,
    ...(place === "" ? [] : [escaped(place)]),
    verdict,
    t("Commands are run in this way: {0}", `\`${mode.replaceAll("`", "'")}\``),
    ...sorted.map(({ check, level, detail, remedy }) =>
      [
        `## ${MARKS[level] ?? "·"} ${escaped(check)}`,
        escaped(detail),
        ...(remedy === undefined ? [] : [`**${t("What to do")}:** ${asBlock(remedy)}`]),
      ].join("\n\n"),
    ),
    "",
  ].join("\n\n");
}

/** Text of several lines is there to be copied, as YAML is: it keeps its form. */
function asBlock(text: string): string {
  const [first = "", ...rest] = text.split("\n");
  return rest.length === 0 ? escaped(first) : `${escaped(first)}\n\n${rest.map((line) => `    ${line}`).join("\n")}`;
}
