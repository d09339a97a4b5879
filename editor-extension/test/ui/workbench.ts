// What a person does with VS Code's window, by roles and names wherever it has them.

import type { Locator, Page } from "playwright-core";

import { until } from "./until.js";

/** The title of every command of ours begins with it in the palette. */
const CATEGORY = "Remote Commands";

export class Workbench {
  readonly page: Page;
  readonly quick: Locator;
  readonly #quickInput: Locator;

  constructor(page: Page) {
    this.page = page;
    this.quick = page.locator(".quick-input-widget");
    this.#quickInput = this.quick.locator("input[type=text]");
  }

  async drawn(): Promise<void> {
    await this.page.locator(".monaco-workbench").waitFor();
    await this.page.locator(".statusbar-item").first().waitFor();
  }

  /** Open the command palette with that text. Without the keyboard where a terminal or a frame would get the key. */
  async palette(text: string): Promise<void> {
    const keyed = await this.page.evaluate(() => {
      const active = document.activeElement;
      return active?.tagName !== "IFRAME" && active?.classList.contains("xterm-helper-textarea") !== true;
    });
    if (keyed) await this.page.keyboard.press("F1");
    else await this.page.locator(".command-center-center").click();
    await this.#quickInput.waitFor({ timeout: 2000 });
    await this.type(`>${text}`);
  }

  /** Run a command of VS Code by its title. */
  async command(title: string): Promise<void> {
    const row = this.quick.locator(".monaco-list-row", { hasText: title }).first();
    // The palette does not look again by itself, and goes when something else takes the focus.
    await until(`the palette runs ${title}`, async () => {
      await this.palette(title);
      await row.click({ timeout: 1000 });
      return true;
    });
  }

  /** Run one of our commands by its title. */
  async run(title: string): Promise<void> {
    await this.command(`${CATEGORY}: ${title}`);
  }

  /** The rows that are offered now. */
  async offered(): Promise<string[]> {
    const rows = this.quick.locator(".monaco-list-row");
    await rows.first().waitFor();
    return rows.evaluateAll((all) => all.map((row) => row.getAttribute("aria-label") ?? ""));
  }

  /** Choose by the beginning of a label. By no other words: the list before may have them, and is there a little longer. */
  async pick(label: string): Promise<void> {
    await this.quick.locator(`.monaco-list-row[aria-label^="${label}"]`).first().click();
  }

  /** Put text into the quick input. */
  async type(text: string): Promise<void> {
    await this.#quickInput.waitFor();
    await this.#quickInput.fill(text);
  }

  /** Answer an input box or a picker that takes what is typed. */
  async answer(text: string): Promise<void> {
    await this.type(text);
    await this.page.keyboard.press("Enter");
  }

  /** The notification with this text, once it is there to be read. */
  async toast(text: string | RegExp): Promise<Locator> {
    const toast = this.page.locator(".notifications-toasts .notification-toast", { hasText: text }).first();
    await toast.waitFor();
    await until("the notification is drawn", () => toast.evaluate((it) => getComputedStyle(it).opacity === "1"));
    return toast;
  }

  toasts(): Promise<string[]> {
    return this.page.locator(".notifications-toasts .notification-list-item-message").allInnerTexts();
  }

  /** What the status bar says of running commands; it is hidden when there are none. */
  get running(): Locator {
    return this.page.locator('.statusbar-item[id="remotecmd.remotecmd.remotecmd.running"]');
  }

  /** Our tree of targets and commands, opened if it was not. */
  async tree(): Promise<Locator> {
    const tree = this.page.getByRole("tree", { name: "Commands" });
    // Not by its tab, which would close what something else is just opening.
    if (!(await tree.isVisible())) await this.command("Focus on Commands View");
    return tree;
  }

  /** The row of our tree whose words match, once it is there. */
  async row(words: RegExp): Promise<Locator> {
    const row = (await this.tree()).getByRole("treeitem").filter({ hasText: words });
    await row.waitFor();
    return row;
  }

  /** Start a command by typing it: on this machine, or in a container to which the picker's steps lead. */
  async start(cmdLine: string, steps: readonly string[] = ["This machine"]): Promise<void> {
    await this.run("Run a Command…");
    await this.choose(steps);
    await this.quick.getByPlaceholder("A command line for /bin/sh").waitFor();
    await this.answer(cmdLine);
  }

  /** Answer one picker after the other. */
  async choose(steps: readonly string[]): Promise<void> {
    for (const step of steps) await this.pick(step);
  }

  /** Press a button that a row of the tree shows when the mouse is over it. */
  async inline(row: Locator, name: string): Promise<void> {
    await row.hover();
    await row.getByRole("button", { name }).click();
  }

  /** Choose from the menu of a row. A menu ignores the mouse for its first 100 ms. */
  async menu(row: Locator, name: string): Promise<void> {
    await row.click({ button: "right" });
    const item = this.page.locator(".monaco-menu").getByRole("menuitem", { name });
    await item.hover();
    await this.page.waitForTimeout(150);
    await item.click();
  }

  /** Press a button of the dialog that asks this. */
  async confirm(question: string | RegExp, button: string): Promise<void> {
    const dialog = this.page.getByRole("dialog").filter({ hasText: question });
    await dialog.getByRole("button", { name: button, exact: true }).click();
  }

  /** Remove an ended command by the menu of its row. */
  async remove(row: Locator): Promise<void> {
    await this.menu(row, "Remove with Its Output");
    await this.confirm("with all that it has written?", "Remove");
    await row.waitFor({ state: "detached" });
  }

  /** The lines that the terminal in front shows now. */
  async terminalLines(): Promise<string[]> {
    const rows = await this.page.locator(".terminal-wrapper.active .xterm-rows > div").allInnerTexts();
    return rows.map((row) => row.replaceAll("\u00a0", " ").trimEnd()).filter((row) => row !== "");
  }

  async terminalShows(text: string | RegExp, timeoutMs?: number): Promise<void> {
    const has = (line: string): boolean => (typeof text === "string" ? line.includes(text) : text.test(line));
    await until(`the terminal shows ${String(text)}`, async () => (await this.terminalLines()).some(has), timeoutMs);
  }

  /** All that the terminal in front holds, with what has scrolled away: it goes through the clipboard. */
  async terminalText(): Promise<string> {
    const nothing = "(nothing was copied yet)";
    await this.page.evaluate((text) => navigator.clipboard.writeText(text), nothing);
    await this.command("Terminal: Select All");
    const text = await until("the terminal's text is copied", async () => {
      const copied = await this.page.evaluate(() => navigator.clipboard.readText());
      return copied !== nothing && copied;
    });
    await this.command("Terminal: Clear Selection");
    return text;
  }

  async typeIntoTerminal(text: string): Promise<void> {
    await this.page.locator(".terminal-wrapper.active .xterm-helper-textarea").focus();
    await this.page.keyboard.type(text);
  }

  /** Open a file of the workspace folder. */
  async openFile(name: string): Promise<void> {
    await this.page.keyboard.press("Control+P");
    await this.type(name);
    await this.pick(name);
    await this.page.getByRole("tab", { name, selected: true }).waitFor();
    await this.focusEditor();
  }

  async focusEditor(): Promise<void> {
    await this.page.locator(".editor-instance .view-lines").first().click();
  }

  /** All of the text editor in front; it goes through the clipboard. */
  async editorText(): Promise<string> {
    await this.focusEditor();
    await this.page.keyboard.press("Control+A");
    await this.page.keyboard.press("Control+C");
    return this.page.evaluate(() => navigator.clipboard.readText());
  }

  async reload(): Promise<void> {
    await this.command("Developer: Reload Window");
    await this.page.waitForEvent("load");
    await this.drawn();
  }
}
