// What the player does, as keys and fingers say it, and our own paddle, which cannot wait for the server's answer.

import { HEIGHT, PADDLE } from "./board.js";

const SPEED = 9; // the paddle's, in units a second
const MEMORY = 0.4; // seconds that we know where we were: more than the server's word is old
const KEYS = /^(Arrow(Up|Down|Left|Right)|Key[WASD]|Space)$/;

export class Controls {
  /** `pressed` is called for each press of space or touch of the board. */
  constructor(board, pressed) {
    this.board = board;
    this.keys = new Set();
    this.finger = null; // where on the page it is
    this.serve = false;
    addEventListener("keydown", (event) => {
      if (event.target.matches("input") || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.code === "Space" && event.target.matches("button")) return; // it is the button's
      if (KEYS.test(event.code)) event.preventDefault(); // nothing else scrolls
      this.keys.add(event.code);
      if (event.code === "Space" && !event.repeat) pressed(this.serve = true);
    });
    addEventListener("keyup", (event) => this.keys.delete(event.code));
    const nothing = () => {
      this.keys.clear();
      this.finger = null;
    };
    addEventListener("blur", nothing);
    document.addEventListener("visibilitychange", nothing);
    const { canvas } = board;
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.finger = [event.clientX, event.clientY];
      pressed(this.serve = true);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (this.finger) this.finger = [event.clientX, event.clientY];
    });
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, nothing);
  }

  /** The input from now on, for a paddle that is at `y`; a press is told once. */
  move(y) {
    const serve = this.serve;
    this.serve = false;
    return { dy: this.direction(y), serve };
  }

  /** From -1, up, to 1, down: where the finger is, slower for the last bit, or as the keys say. */
  direction(y) {
    if (this.finger) {
      const target = this.board.under(...this.finger).y;
      return Math.min(1, Math.max(-1, (target - y) * 3));
    }
    const held = (...codes) => codes.some((code) => this.keys.has(code));
    const along = held("ArrowDown", "KeyS") - held("ArrowUp", "KeyW");
    if (along || !this.board.tall) return along;
    const across = held("ArrowRight", "KeyD") - held("ArrowLeft", "KeyA"); // the field stands upright
    return this.board.mine === "right" ? -across : across;
  }
}

/** Our paddle as we see it: it moves at once, by the server's rule, and is led back softly where the server differs. */
export class OwnPaddle {
  constructor() {
    this.y = null;
    this.past = []; // [time, y]
  }

  /** Let `dt` seconds pass with that input; `shown` is where the server says that we were, a moment ago. */
  step(dy, shown, dt, now) {
    if (this.y === null) this.past.push([now, this.y = shown]);
    this.y = Math.min(HEIGHT - PADDLE / 2, Math.max(PADDLE / 2, this.y + dy * SPEED * dt));
    this.past.push([now, this.y]);
    while (this.past[0][0] < now - MEMORY) this.past.shift();
    const ys = this.past.map(([, y]) => y); // if we have been there lately, all is well
    const off = Math.max(0, shown - Math.max(...ys)) + Math.min(0, shown - Math.min(...ys));
    this.y += off * (1 - Math.exp(-8 * dt));
    return this.y;
  }
}
