// What is typed for a command that has a pipe and no terminal: put together into lines, and shown while it is typed.
// That is what a terminal's driver does in its usual mode, as far as people notice it.

export interface Typed {
  /** What the screen shows of it. */
  readonly echo: string;
  /** Whole lines for the command, with their line feeds; empty when there are none. */
  readonly data: string;
  /** Ctrl-D at the beginning of a line: the input ends. */
  readonly ends: boolean;
  /** Ctrl-C. */
  readonly interrupts: boolean;
}

export class LineInput {
  #line = "";

  feed(typed: string): Typed {
    let echo = "";
    let data = "";
    let ends = false;
    let interrupts = false;
    // A key that is no character (an arrow, F1) comes as a whole, as an escape sequence: there is nothing to edit with it.
    if (typed.startsWith("\u001b") && typed.length > 1) return { echo, data, ends, interrupts };
    for (const character of typed.replaceAll("\r\n", "\r")) {
      switch (character) {
        case "\r":
        case "\n":
          data += `${this.#line}\n`;
          this.#line = "";
          echo += "\r\n";
          break;
        case "\u0003":
          this.#line = "";
          echo += "^C\r\n";
          interrupts = true;
          break;
        case "\u0004":
          // In the middle of a line it sends what is there, as it does in a terminal.
          if (this.#line === "") ends = true;
          data += this.#line;
          this.#line = "";
          break;
        case "\u007f":
        case "\b": {
          const characters = Array.from(this.#line);
          if (characters.pop() !== undefined) echo += "\b \b";
          this.#line = characters.join("");
          break;
        }
        case "\u0015":
          echo += "\b \b".repeat(Array.from(this.#line).length);
          this.#line = "";
          break;
        default:
          if (character < " " && character !== "\t") break;
          this.#line += character;
          echo += character;
      }
    }
    return { echo, data, ends, interrupts };
  }
}
