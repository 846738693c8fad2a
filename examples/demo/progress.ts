// SPDX-License-Identifier: Apache-2.0
import process from "node:process";

const BAR_WIDTH = 40;
/** Without a terminal, a line of progress for each of these many percent. */
const STEP_PERCENT = 10;

/** Shows how far the feed is: in a terminal on one line that is drawn anew, elsewhere as a line now and then. */
export class Progress {
  readonly #terminal: boolean = process.stdout.isTTY === true;
  #bar = "";
  #shownPercent = -STEP_PERCENT;

  /** Prints a line above the progress. */
  line(text: string): void {
    this.#clear();
    console.log(text);
    this.#draw();
  }

  /** The feed has come to this day. */
  at(date: string, sent: number, all: number): void {
    const share = sent / all;
    const percent = Math.floor(share * 100);
    if (this.#terminal) {
      const full = Math.round(share * BAR_WIDTH);
      this.#bar = `${date} ${"█".repeat(full)}${"░".repeat(BAR_WIDTH - full)} ${percent} %`;
      this.#draw();
    } else if (percent - this.#shownPercent >= STEP_PERCENT) {
      this.#shownPercent = percent - (percent % STEP_PERCENT);
      console.log(`${date} feed      ${sent} of ${all} bars`);
    }
  }

  /** Takes the progress away. */
  end(): void {
    this.#clear();
    this.#bar = "";
  }

  #clear(): void {
    if (this.#bar !== "") process.stdout.write("\r\x1b[K");
  }

  #draw(): void {
    if (this.#bar !== "") process.stdout.write(`\r${this.#bar}\x1b[K`);
  }
}
