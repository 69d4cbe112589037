// How the field is drawn: nothing here knows of the network. All is in the game's units, 16 by 9, as in game.py.
//
// Where the page is taller than wide, the field stands upright, with one's own paddle at the bottom.

export const WIDTH = 16, HEIGHT = 9, PADDLE = 1.8;
const RADIUS = 0.2, THICKNESS = 0.3, GAP = 0.5, SERVE_PAUSE = 1.5;
const INK = "#eef0fb", QUIET = "#929abb", COLOURS = { left: "#ff8f66", right: "#5fd0ff" };
const FONT = 'ui-rounded, "SF Pro Rounded", Nunito, system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';
const TRAIL = 0.28, CALM = matchMedia("(prefers-reduced-motion: reduce)").matches;

const SIDES = ["left", "right"];
const other = (side) => (side === "left" ? "right" : "left");
const hex = (byte) => Math.round(byte).toString(16).padStart(2, "0");
const withAlpha = (colour, alpha) => colour + hex(255 * Math.min(1, Math.max(0, alpha)));

export class Board {
  constructor(canvas) {
    this.canvas = canvas;
    this.brush = canvas.getContext("2d");
    this.sparks = [];
    this.trail = []; // [time, x, y] of the ball
    this.colour = INK; // the ball's
    this.flash = { left: -9, right: -9 }; // when a paddle hit the ball
    this.scored = { left: -9, right: -9 };
    new ResizeObserver(() => this.fit()).observe(canvas.parentElement);
  }

  /** As large as there is room. */
  fit() {
    const style = getComputedStyle(this.canvas.parentElement);
    const wide = this.canvas.parentElement.clientWidth;
    const high = this.canvas.parentElement.clientHeight - parseFloat(style.paddingBottom);
    this.tall = high > wide;
    const [across, down] = this.tall ? [HEIGHT, WIDTH] : [WIDTH, HEIGHT];
    const unit = Math.min(wide / across, high / down), sharp = devicePixelRatio || 1;
    Object.assign(this.canvas.style, { width: `${across * unit}px`, height: `${down * unit}px` });
    Object.assign(this.canvas, { width: Math.round(across * unit * sharp), height: Math.round(down * unit * sharp) });
    this.unit = this.canvas.width / across;
  }

  /** Where a point of the field is on the canvas, in pixels: a matrix, as `setTransform` takes it. */
  get matrix() {
    const u = this.unit;
    if (!this.tall) return [u, 0, 0, u, 0, 0];
    return this.mine === "left" ? [0, -u, u, 0, 0, WIDTH * u] : [0, u, -u, 0, HEIGHT * u, 0];
  }

  /** The field's point under a place on the page. */
  under(clientX, clientY) {
    const box = this.canvas.getBoundingClientRect();
    const x = (clientX - box.left) / box.width * this.canvas.width;
    const y = (clientY - box.top) / box.height * this.canvas.height;
    return new DOMMatrix(this.matrix).inverse().transformPoint(new DOMPoint(x, y));
  }

  /** Something happened: let it be seen. */
  happened(kind, { side, x, y, speed }, now) {
    if (kind === "hit") this.flash[side] = now;
    if (kind === "point") this.scored[side] = now;
    const many = CALM ? 0 : { hit: 14, wall: 5, point: 40 }[kind] ?? 0;
    for (let i = 0; i < many; i++) {
      const angle = (Math.random() - 0.5) * Math.PI * 0.9, fast = (0.2 + Math.random()) * speed * 0.35;
      const away = fast * Math.cos(angle), along = fast * Math.sin(angle), life = 0.25 + Math.random() * 0.4;
      const [vx, vy] = kind === "wall" ? [along, y > HEIGHT / 2 ? -away : away] : [x > WIDTH / 2 ? -away : away, along];
      this.sparks.push({ x, y, vx, vy, born: now, life, colour: COLOURS[side] });
    }
  }

  /** Draw `view`: ball, left, right and match as the server publishes them, and which side is ours. */
  draw(view, now) {
    const { brush } = this;
    this.mine = view.mine;
    brush.setTransform(1, 0, 0, 1, 0, 0);
    brush.clearRect(0, 0, this.canvas.width, this.canvas.height);
    brush.setTransform(...this.matrix);
    this.drawField(now);
    for (const side of SIDES) this.drawScore(view, side, now);
    this.drawBall(view, now);
    for (const side of SIDES) this.drawPaddle(view[side].y, side, now);
    this.drawSparks(now);
    if (view.match.winner !== null) this.drawWinner(view);
  }

  drawField(now) {
    const { brush } = this;
    for (const side of SIDES) {
      const from = side === "left" ? 0 : WIDTH, lost = Math.max(0, 1 - (now - this.scored[other(side)]) / 0.7);
      const light = brush.createLinearGradient(from, 0, from + (side === "left" ? 4.5 : -4.5), 0);
      const colour = COLOURS[lost ? other(side) : side];
      light.addColorStop(0, withAlpha(colour, 0.11 + 0.4 * lost));
      light.addColorStop(1, withAlpha(colour, 0));
      brush.fillStyle = light;
      brush.fillRect(0, 0, WIDTH, HEIGHT);
    }
    brush.strokeStyle = withAlpha(INK, 0.14);
    brush.lineCap = "round";
    brush.lineWidth = 0.06;
    brush.setLineDash([0.01, 0.3]);
    brush.beginPath();
    brush.moveTo(WIDTH / 2, 0.15);
    brush.lineTo(WIDTH / 2, HEIGHT);
    brush.stroke();
    brush.setLineDash([]);
  }

  drawScore(view, side, now) {
    const { score, name } = view[side], out = side === "left" ? -1 : 1;
    const pop = 1 + 0.3 * Math.max(0, 1 - (now - this.scored[side]) / 0.4), you = view.mine === side;
    const colour = COLOURS[side], ink = you ? INK : QUIET;
    if (this.tall) {
      this.text(String(score), WIDTH / 2 + out * 1.7, HEIGHT / 2, 1.5 * pop, colour, { bold: true });
      this.text(you ? `${name} (you)` : name, WIDTH / 2 + out * 2.75, HEIGHT / 2, 0.44, ink);
    } else {
      const align = out < 0 ? "right" : "left", at = WIDTH / 2 + out * 0.55;
      const x = at + out * (this.text(String(score), at, 1.1, 1.35 * pop, colour, { bold: true, align }) + 0.4);
      this.text(name, x, you ? 0.93 : 1.1, 0.42, ink, { align });
      if (you) this.text("you", x, 1.42, 0.32, colour, { align });
    }
  }

  drawBall({ ball, match }, now) {
    const { brush } = this, resting = match.pause > 0;
    if (resting) this.trail.length = 0;
    const last = this.trail.at(-1);
    if (last && ball.x !== last[1]) this.colour = ball.x > last[1] ? COLOURS.left : COLOURS.right; // whose shot it is
    this.trail.push([now, ball.x, ball.y]);
    while (this.trail[0][0] < now - TRAIL) this.trail.shift();
    if (match.winner !== null) return;
    if (resting) this.drawRing(ball, COLOURS[match.serving] ?? INK, Math.min(1, match.pause / SERVE_PAUSE));
    else this.drawTrail(now);
    this.glow(ball.x, ball.y, 0.9, resting ? INK : this.colour, 0.35);
    brush.fillStyle = "#ffffff";
    brush.beginPath();
    brush.arc(ball.x, ball.y, RADIUS, 0, 2 * Math.PI);
    brush.fill();
  }

  /** It closes until the ball is served. */
  drawRing({ x, y }, colour, share) {
    const { brush } = this;
    brush.strokeStyle = withAlpha(colour, 0.8);
    brush.lineWidth = 0.07;
    brush.lineCap = "round";
    brush.beginPath();
    brush.arc(x, y, 0.46, -Math.PI / 2, (2 * share - 0.5) * Math.PI);
    brush.stroke();
  }

  drawTrail(now) {
    const { brush } = this;
    brush.fillStyle = this.colour;
    for (let back = TRAIL; back > 0; back -= 0.003) {
      const [x, y] = this.ballAt(now - back), age = 1 - back / TRAIL;
      brush.globalAlpha = 0.06 * age ** 1.4;
      brush.beginPath();
      brush.arc(x, y, RADIUS * (0.2 + 0.75 * age), 0, 2 * Math.PI);
      brush.fill();
    }
    brush.globalAlpha = 1;
  }

  /** Where the ball was drawn at some time. */
  ballAt(time) {
    const after = this.trail.findIndex(([at]) => at > time);
    if (after <= 0) return (after ? this.trail.at(-1) : this.trail[0]).slice(1);
    const [then, fromX, fromY] = this.trail[after - 1], [at, x, y] = this.trail[after];
    const part = (time - then) / (at - then);
    return [fromX + (x - fromX) * part, fromY + (y - fromY) * part];
  }

  drawPaddle(y, side, now) {
    const { brush } = this, fresh = Math.max(0, 1 - (now - this.flash[side]) / 0.25), out = side === "left" ? -1 : 1;
    const x = side === "left" ? GAP : WIDTH - GAP - THICKNESS, back = CALM ? 0 : out * 0.12 * fresh;
    this.glow(x + THICKNESS / 2, y, 1.7 + 0.5 * fresh, COLOURS[side], 0.16 + 0.4 * fresh);
    brush.fillStyle = COLOURS[side];
    brush.beginPath();
    brush.roundRect(x + back, y - PADDLE / 2, THICKNESS, PADDLE, THICKNESS / 2);
    brush.fill();
    brush.fillStyle = withAlpha("#ffffff", fresh);
    brush.fill();
  }

  drawSparks(now) {
    const { brush } = this;
    this.sparks = this.sparks.filter(({ born, life }) => now < born + life);
    for (const { x, y, vx, vy, born, life, colour } of this.sparks) {
      const age = now - born, left = 1 - age / life, way = age * (1 - age / life / 2); // they slow down
      brush.fillStyle = withAlpha(colour, left);
      brush.beginPath();
      brush.arc(x + vx * way, y + vy * way, 0.09 * left + 0.02, 0, 2 * Math.PI);
      brush.fill();
    }
  }

  drawWinner({ match, left, right, mine }) {
    const { brush } = this, winner = match.winner === "left" ? left : right;
    brush.fillStyle = "#0b0d18b0";
    brush.fillRect(0, 0, WIDTH, HEIGHT);
    const line = match.winner === mine ? "You win!" : `${winner.name} wins`;
    this.text(line, WIDTH / 2, HEIGHT / 2, 1.1, COLOURS[match.winner], { bold: true, dy: -0.5, most: 8.4 });
    const next = `${left.score} : ${right.score}  ·  next match in ${Math.ceil(match.pause)}`;
    this.text(next, WIDTH / 2, HEIGHT / 2, 0.44, INK, { dy: 0.55 });
  }

  glow(x, y, radius, colour, alpha) {
    const light = this.brush.createRadialGradient(x, y, 0, x, y, radius);
    light.addColorStop(0, withAlpha(colour, alpha));
    light.addColorStop(1, withAlpha(colour, 0));
    this.brush.fillStyle = light;
    this.brush.fillRect(x - radius, y - radius, 2 * radius, 2 * radius);
  }

  /** Text at a point of the field, never turned; gives its width. `dy` and the size are in units, on the screen. */
  text(line, x, y, size, colour, { bold = false, align = "center", dy = 0, most = 5.6 } = {}) {
    const { brush, unit } = this;
    const at = new DOMMatrix(this.matrix).transformPoint(new DOMPoint(x, y));
    brush.setTransform(1, 0, 0, 1, 0, 0);
    brush.font = `${bold ? 700 : 500} ${size * unit}px ${FONT}`;
    brush.textAlign = align;
    brush.textBaseline = "middle";
    brush.fillStyle = colour;
    brush.fillText(line, at.x, at.y + dy * unit, most * unit);
    const wide = brush.measureText(line).width / unit;
    brush.setTransform(...this.matrix);
    return wide;
  }
}
