// Asks the questions of steps.ts: one quick pick that stays open from step to step.

import * as vscode from "vscode";

import type { Asker, Choice, Question } from "../steps.js";
import { iconless } from "../texts.js";
import { t } from "../words.js";

interface Item extends vscode.QuickPickItem {
  readonly choice?: Choice<unknown>;
}

export class PickAsker implements Asker, vscode.Disposable {
  readonly #pick = vscode.window.createQuickPick<Item>();
  #isCancelled = false;
  #answered: ((answer: "back" | undefined) => void) | undefined;

  constructor() {
    this.#pick.ignoreFocusOut = true;
    this.#pick.matchOnDescription = true;
    this.#pick.onDidHide(() => {
      this.#isCancelled = true;
      this.#answered?.(undefined);
    });
  }

  get isCancelled(): boolean {
    return this.#isCancelled;
  }

  loading(title: string): void {
    const pick = this.#pick;
    pick.title = title;
    pick.placeholder = t("Looking…");
    pick.items = [];
    pick.value = "";
    pick.buttons = [];
    pick.busy = true;
    pick.show();
  }

  async ask<V>(question: Question<V>, canGoBack: boolean): Promise<{ readonly value: V } | "back" | undefined> {
    const pick = this.#pick;
    const registrations: vscode.Disposable[] = [];
    try {
      return await new Promise((done) => {
        this.#answered = done;
        pick.title = question.title;
        pick.placeholder = question.placeholder;
        pick.busy = false;
        pick.buttons = canGoBack ? [vscode.QuickInputButtons.Back] : [];
        pick.items = items(question, "");
        pick.show();
        registrations.push(
          pick.onDidChangeValue((value) => {
            pick.items = items(question, value.trim());
          }),
          pick.onDidTriggerButton(() => {
            done("back");
          }),
          pick.onDidAccept(() => {
            // Who is fast presses Enter before what is typed has become a choice.
            const text = pick.value.trim();
            const fallback = text === "" ? undefined : question.typed?.(text);
            const choice = (pick.selectedItems[0]?.choice as Choice<V> | undefined) ?? fallback;
            if (choice?.value !== undefined) done({ value: choice.value });
            else if (choice?.detail !== undefined) pick.placeholder = choice.detail;
          }),
        );
      });
    } finally {
      this.#answered = undefined;
      for (const registration of registrations) registration.dispose();
    }
  }

  dispose(): void {
    this.#pick.dispose();
  }
}

function items<V>({ choices, problem, typed, isTyping }: Question<V>, text: string): readonly Item[] {
  const isNew = text !== "" && !choices.some(({ label }) => label === text);
  const own = typed !== undefined && isNew ? [{ ...item(typed(text)), alwaysShow: true }] : [];
  return [
    ...(isTyping === true ? own : []),
    ...choices.map(item),
    ...(isTyping === true ? [] : own),
    ...(problem === undefined ? [] : [{ label: `$(warning) ${iconless(problem)}`, alwaysShow: true }]),
  ];
}

function item<V>(choice: Choice<V>): Item {
  const { label, description, detail, value, icon } = choice;
  const isUsable = value !== undefined;
  return {
    label: isUsable ? iconless(label) : `$(circle-slash) ${iconless(label)}`,
    ...(icon !== undefined && isUsable && { iconPath: new vscode.ThemeIcon(icon) }),
    ...(description !== undefined && description !== "" && { description: iconless(description) }),
    ...(detail !== undefined && { detail: iconless(detail) }),
    choice,
  };
}
