// The page: it joins the game, sends what the player does, and shows what the server says. Begin to read at `frame`.

import { GameClient, held, press } from "/tickws.js";
import { Board } from "./board.js";
import { Controls, OwnPaddle } from "./controls.js";
import { isMuted, mute, sound, unlock } from "./sound.js";

const KINDS = ["serve", "hit", "wall", "point", "won"];
const SIDES = ["left", "right"];
const COLOUR = { left: "orange", right: "blue" }; // upright, there is no left
const $ = (id) => document.getElementById(id);
const wishes = new URLSearchParams(location.search);
const touch = matchMedia("(hover: none)").matches;
const board = new Board($("board"));
const controls = new Controls(board, pressed);
let client; // our end of the connection
let own; // our paddle, which does not wait for the server
let view = null; // what the server says, and which side is `mine`
let role = wishes.get("role") ?? "player", last = 0, retryAt = 0;

$("name").value = wishes.get("name") ?? localStorage.getItem("pong-name") ?? "";

/** Join the game; where both paddles are taken, the server lets us watch. */
function join() {
  client?.close();
  own = new OwnPaddle();
  view = null;
  const inputs = { dy: held(0), serve: press() }; // as `Move` in game.py has them
  client = new GameClient({ inputs, role, query: { name: $("name").value } });
  client.on("connected", () => show("connected"));
  client.on("dropped", ({ reason, retrySeconds }) => {
    retryAt = now() + retrySeconds;
    own = new OwnPaddle();
    show("lost", "Connection lost", reason || $("why").dataset.reason); // of an attempt that fails there is none
  });
  client.on("disconnected", ({ code, reason }) =>
    show("over", code === 1006 ? "The server does not come back" : "The game is over for you", reason));
  for (const kind of KINDS) client.message(kind, (event) => later(kind, event));
}

const now = () => performance.now() / 1000;

/** Each animation frame: say what we do, hear what is new, draw. */
function frame() {
  requestAnimationFrame(frame);
  const time = now(), dt = Math.min(0.1, time - last);
  last = time;
  const move = controls.move(own.y ?? 4.5);
  if (view?.mine) client.sendInput(move);
  client.work();
  const state = client.state();
  if (state.has("ball")) {
    const mine = SIDES.find((side) => client.player !== null && state.get(side).player === client.player);
    view = { ...Object.fromEntries(state), mine: client.connected ? mine : view?.mine };
    if (mine) view[mine] = { ...view[mine], y: own.step(move.dy, view[mine].y, dt, time) };
    board.draw(view, time);
  }
  tell(time);
}

/** What we see is two snapshots old, so what we hear shall be as old. */
function later(kind, event) {
  setTimeout(() => happened(kind, event), 2000 / client.snapshotRate);
}

/** Something has happened in the game. */
function happened(kind, event) {
  board.happened(kind, event, now());
  const ours = !view?.mine || event.side === view.mine;
  sound(kind, { speed: event.speed, ours, pan: event.x / 16 });
}

/** The words around the field. */
function tell(time) {
  const { mine } = view ?? {}, { state } = document.body.dataset;
  const free = state === "connected" && client.spectator && view && SIDES.some((side) => view[side].player === null);
  document.body.dataset.side = mine ?? "";
  const who = mine ? `you are ${board.tall ? COLOUR[mine] : mine}` : "you are watching";
  say("who", state === "connecting" ? "joining…" : who);
  say("ping", client.connected && client.latency !== null ? `${Math.round(client.latency * 1000)} ms` : "");
  say("watching", view?.match.watching ? `${view.match.watching} watching` : "");
  $("take").hidden = !free;
  say("hint", state === "connected" && view && !free ? advice(mine) : "");
  if (state === "lost") {
    const seconds = Math.ceil(retryAt - time);
    say("why", `${sentence($("why").dataset.reason)} Trying again${seconds > 0 ? ` in ${seconds} s` : "…"}`);
  }
}

/** What one may do; words in square brackets are keys. */
function advice(mine) {
  if (!mine) return "Both paddles are taken; you may play as soon as one is free";
  const serve = view.match.serving === mine && view.match.winner === null;
  if (touch) return serve ? "Your serve: tap the field" : "Drag your finger along the field to move";
  if (serve) return "Your serve: press [space]";
  return `${board.tall ? "[←] [→] or [A] [D]" : "[↑] [↓] or [W] [S]"} move, [space] serves`;
}

/** Write a text into a part of the page, if it is not there: this is asked every frame. */
function say(id, text) {
  if ($(id).dataset.text === text) return;
  $(id).dataset.text = text;
  const parts = id === "hint" ? text.split(/\[(.+?)\]/) : [text]; // every other one stood in brackets
  const key = (textContent) => Object.assign(document.createElement("kbd"), { textContent });
  $(id).replaceChildren(...parts.map((part, i) => (i % 2 ? key(part) : part)));
}

const sentence = (text) => text && `${text[0].toUpperCase()}${text.slice(1)}.`;

function show(state, what = "", reason = "") {
  document.body.dataset.state = state;
  $("trouble").hidden = !what;
  $("again").hidden = state !== "over";
  $("why").dataset.reason = reason;
  say("what", what);
  say("why", sentence(reason));
}

/** Space, or a touch of the field: who watches takes a free paddle. */
function pressed() {
  unlock();
  if (!$("take").hidden) play();
}

function play() {
  role = "player";
  join();
}

function toggleSound() {
  unlock();
  mute(!isMuted());
  $("mute").setAttribute("aria-pressed", isMuted());
}

$("mute").setAttribute("aria-pressed", isMuted());
$("mute").onclick = ({ detail }) => {
  toggleSound();
  if (detail) $("mute").blur(); // clicked: space shall serve, and not be the button's
};
$("take").onclick = play;
$("again").onclick = play;
$("name").onkeydown = ({ key }) => {
  if (key === "Enter" || key === "Escape") $("name").blur();
};
$("name").onchange = () => {
  localStorage.setItem("pong-name", $("name").value);
  client.send("name", { name: $("name").value });
};
addEventListener("keydown", ({ code, target }) => {
  unlock();
  if (code === "KeyM" && !target.matches("input")) toggleSound();
});
window.pong = { get view() { return view; } }; // for tests, and for curious hands in the console
join();
requestAnimationFrame(frame);
