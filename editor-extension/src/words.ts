// The words that people read, in their language.
//
// Every sentence goes through `t`, with {0}, {1} … for what is put in. VS Code's translations are put behind it when
// the extension is activated; without them, in tests, it is English. Knows nothing of VS Code.

export type Translate = (message: string, ...values: (string | number)[]) => string;

const inEnglish: Translate = (message, ...values) =>
  message.replaceAll(/\{(\d+)\}/g, (whole, index: string) => String(values[Number(index)] ?? whole));

let translate: Translate = inEnglish;

/** Translate by `other` from now on. */
export function speak(other: Translate): void {
  translate = other;
}

/** `message` in the user's language. `message` is written out where it is used, since translators look for it there. */
export const t: Translate = (message, ...values) => translate(message, ...values);
