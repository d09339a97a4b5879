// Files that a line of output names, with line and column: "src/a.ts:12:5", "a.py", line 3", "a.ts(3,7)".

export interface FileMention {
  /** Where it is in the line. */
  readonly start: number;
  readonly length: number;
  readonly path: string;
  /** Counted from 1. */
  readonly line?: number;
  readonly column?: number;
}

/** Longer lines are not looked at: minified files and progress bars are no prose. */
const LONGEST_LINE = 2000;
const MENTION =
  /(?<path>(?:[~.]{0,2}\/)?(?:[\w@%+.-]+\/)*[\w@%+-][\w@%+.-]*\.[A-Za-z]\w{0,9})(?:(?::(?<l1>\d+)(?::(?<c1>\d+))?)|(?:\((?<l2>\d+)(?:,\s?(?<c2>\d+))?\))|(?:"?,\sline\s(?<l3>\d+)))?/g;
const ADDRESS = /\b[a-z][a-z0-9+.-]*:\/\/\S+/gi;

export function fileMentions(text: string): readonly FileMention[] {
  if (text.length > LONGEST_LINE) return [];
  const addresses = [...text.matchAll(ADDRESS)].map(({ index, 0: it }) => [index, index + it.length] as const);
  return [...text.matchAll(MENTION)].flatMap((match) => {
    const { path, l1, l2, l3, c1, c2 } = match.groups as Record<string, string | undefined>;
    const start = match.index;
    if (path === undefined || addresses.some(([from, to]) => start >= from && start < to)) return [];
    const line = l1 ?? l2 ?? l3;
    const column = c1 ?? c2;
    // A word with a dot is a file only with a slash or a line behind it: "e.g" and "node.js" are none.
    if (!path.includes("/") && line === undefined) return [];
    return [
      {
        start,
        length: match[0].length,
        path,
        ...(line !== undefined && { line: Number(line) }),
        ...(column !== undefined && { column: Number(column) }),
      },
    ];
  });
}

/**
 * Where in the workspace a path from a container may be, the likeliest first: container and workspace have other roots,
 * so leading directories of an absolute path are left out one by one.
 */
export function candidatePaths(path: string): readonly string[] {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..") || parts[0] === "~") return [];
  if (!path.startsWith("/")) return [parts.join("/")];
  return parts.map((_, index) => parts.slice(index).join("/"));
}
