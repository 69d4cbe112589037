// The page: one WebSocket to the loop that served it, a chat and a ball. What is said is listed in messages.py.

const $ = (id) => document.getElementById(id);
const element = (tag, className = "", text = "") => Object.assign(document.createElement(tag), { className, textContent: text });

// -- the connection: reconnects by itself, and measures the way there and back ------------------------------------

const FIRST_DELAY = 100, LONGEST_DELAY = 5000; // milliseconds, doubled from one attempt to the next
const SILENCE = 2000; // after that the loop does not live: it tells of the ball 20 times a second
let socket, delay = FIRST_DELAY, openedAt, heardAt, retryTimer;

function connect() {
  clearTimeout(retryTimer);
  const url = new URL("ws", location.href);
  url.protocol = url.protocol.replace("http", "ws");
  const before = JSON.parse(sessionStorage.getItem("me")); // we were here: may we have our name and colour back?
  if (before) url.search = new URLSearchParams({ name: before.name, hue: before.hue });
  socket = new WebSocket(url);
  socket.onopen = () => { openedAt = heardAt = performance.now(); };
  socket.onmessage = (event) => {
    heardAt = performance.now();
    if (document.body.dataset.state === "silent") show("connected", "connected");
    const message = JSON.parse(event.data);
    receivers[message.kind]?.(message);
  };
  socket.onclose = lost;
}

function lost(event) {
  if (openedAt && performance.now() - openedAt > 2000) delay = FIRST_DELAY; // it was a good one: begin anew
  const was = openedAt;
  openedAt = null;
  retryTimer = setTimeout(connect, delay);
  delay = Math.min(2 * delay, LONGEST_DELAY);
  if (!was && document.body.dataset.state === "lost") return; // one more attempt that failed: all is said
  show("lost", "disconnected");
  $("trouble").textContent = was ? `Connection lost${event.reason && ` (${event.reason})`}, reconnecting…`
    : "The server does not answer, trying again…";
  $("banner").hidden = false;
}

function show(state, words) {
  document.body.dataset.state = state;
  $("state").textContent = words;
  $("ping").textContent = "";
  $("live").textContent = state === "connected" ? "live" : "last seen";
  $("send").disabled = state !== "connected";
}

function send(message) {
  if (socket.readyState !== WebSocket.OPEN) return false;
  socket.send(JSON.stringify(message));
  return true;
}

function ping() {
  const now = performance.now();
  if (openedAt && now - heardAt > SILENCE) {
    if (document.body.dataset.state !== "silent") show("silent", "no answer");
    $("ping").textContent = `${Math.round((now - heardAt) / 1000)} s`;
  } else {
    send({ kind: "echo", at: now });
  }
}

setInterval(ping, 1000);
$("retry").onclick = () => { if (socket.readyState === WebSocket.CLOSED) { delay = FIRST_DELAY; connect(); } };
addEventListener("online", () => $("retry").click());

// -- what the server says ------------------------------------------------------------------------------------------

let me, room, rate = 60, tick = 0;
const people = new Map();

const receivers = {
  welcome(message) {
    if (room && room !== message.room) note("The server has started anew, and with it the chat.");
    else $("log").replaceChildren(); // what we missed comes with what we had
    ({ you: me, room, rate, tick } = message);
    people.clear();
    snapshots.length = samples.length = 0;
    enter(me);
    show("connected", "connected");
    $("banner").hidden = true;
    ping();
  },
  here({ who }) { enter(who); },
  joined({ who }) {
    enter(who);
    note(who.number === me.number ? `You are ${who.name}.` : `${who.name} has joined.`);
  },
  left({ who }) {
    people.delete(who.number);
    showPeople();
    note(`${who.name} has left.`);
  },
  renamed({ who, before }) {
    enter(who);
    note(`${before} is now ${who.name}.`);
  },
  line: showLine,
  notice({ text }) { note(text, "warning"); },
  state: showBall,
  echo({ at }) {
    $("ping").textContent = `ping ${Math.max(1, Math.round(performance.now() - at))} ms`;
  },
};

// -- the chat ------------------------------------------------------------------------------------------------------

const MOST_LINES = 500;
const initials = (name) => name.split(" ", 2).map((word) => [...word][0]).join("").toUpperCase();

function face({ name, hue }) {
  const made = element("span", "face", initials(name));
  made.style.setProperty("--hue", hue);
  made.setAttribute("aria-hidden", "true");
  return made;
}

function enter(who) {
  if (who.number === me.number) sessionStorage.setItem("me", JSON.stringify(me = who));
  people.set(who.number, who);
  showPeople();
}

function showPeople() {
  $("count").textContent = people.size;
  $("people").replaceChildren(...[...people.values()].map((who) => {
    const mine = who.number === me.number, item = element("li"), chip = element(mine ? "button" : "span", "person");
    chip.append(face(who), element("bdi", "", who.name));
    if (mine) {
      chip.append(element("small", "", "you · rename"));
      chip.onclick = askName;
    }
    item.append(chip);
    return item;
  }));
}

function add(item) {
  const log = $("log"), atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  log.append(item);
  while (log.childElementCount > MOST_LINES) log.firstElementChild.remove();
  if (atEnd) log.scrollTop = log.scrollHeight;
  else $("newer").hidden = false;
}

function note(text, kind = "") {
  add(element("li", `note ${kind}`, text));
}

function showLine(line) {
  $("empty").hidden = true;
  const at = new Date(Date.now() - 1000 * Math.max(0, tick - line.tick) / rate);
  const last = $("log").lastElementChild, more = last?.dataset.name === line.name && at - last.dataset.at < 120_000;
  const item = element("li", more ? "line more" : "line");
  item.style.setProperty("--hue", line.hue);
  Object.assign(item.dataset, { name: line.name, at: Number(at) });
  if (!more) {
    const head = element("header");
    head.append(element("span", "name", line.name));
    if (line.name === me.name) head.append(element("span", "you", "you"));
    head.append(element("time", "", at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })));
    item.append(face(line), head);
  }
  item.append(element("p", "", line.text));
  add(item);
}

$("say").onsubmit = (event) => {
  event.preventDefault();
  const text = $("text").value.trim();
  if (text && send({ kind: "say", text })) $("text").value = "";
  $("text").focus();
};
function askName() {
  $("name").value = me.name;
  $("naming").returnValue = "";
  $("naming").showModal();
  $("name").select();
}
$("cancel").onclick = () => $("naming").close();
$("naming").onclose = () => {
  const name = $("name").value.trim();
  if ($("naming").returnValue === "ok" && name) send({ kind: "name", name });
};
$("log").onscroll = ({ target }) => {
  if (target.scrollHeight - target.scrollTop - target.clientHeight < 40) $("newer").hidden = true;
};
$("newer").onclick = () => { $("log").scrollTop = $("log").scrollHeight; };
new ResizeObserver(() => { if ($("newer").hidden) $("log").scrollTop = $("log").scrollHeight; }).observe($("log"));

// -- the ball: told of 20 times a second, drawn on the straight way in between -------------------------------------

const WIDTH = 16, RADIUS = 0.45; // as in ball.py
const BEHIND = 80; // milliseconds that the drawing lags, so that the next snapshot is nearly always there
const TRAIL = 24, TRAIL_STEP = 14; // shadows of the ball, and the milliseconds between them
const canvas = $("box"), brush = canvas.getContext("2d");
const snapshots = []; // of the last second
const samples = []; // [our milliseconds, tick], of the last 5 s
let ahead = 0; // our clock less the loop's, in milliseconds, smoothed

function showBall({ tick: number, x, y }) {
  const now = performance.now(), time = number * 1000 / rate, measured = now - time;
  if (number < tick || Math.abs(measured - ahead) > 250) { // another loop, or one that stood still
    snapshots.length = samples.length = 0;
    ahead = measured;
  }
  ahead += 0.1 * (measured - ahead);
  tick = number;
  $("tick").textContent = tick.toLocaleString("en");
  snapshots.push({ time, x, y });
  if (snapshots.length > rate) snapshots.shift();
  if (now - openedAt > 1000) samples.push([now, tick]); // a page that still loads hears late
  while (now - samples[0]?.[0] > 5000) samples.shift();
  const [then, before] = samples[0] ?? [now];
  if (now - then > 1000) $("rate").textContent = ((tick - before) * 1000 / (now - then)).toFixed(1);
}

function whereAt(time) {
  const after = snapshots.findIndex((snapshot) => snapshot.time > time);
  if (after <= 0) return snapshots.at(after); // before all that we know, or behind it
  const [a, b] = snapshots.slice(after - 1, after + 1), part = (time - a.time) / (b.time - a.time);
  return { x: a.x + (b.x - a.x) * part, y: a.y + (b.y - a.y) * part };
}

function draw(now) {
  requestAnimationFrame(draw);
  if (!snapshots.length || document.body.dataset.state !== "connected") return;
  const scale = canvas.width / WIDTH;
  brush.clearRect(0, 0, canvas.width, canvas.height);
  brush.fillStyle = getComputedStyle(canvas).getPropertyValue("--accent");
  for (let back = TRAIL; back >= 0; back--) {
    const { x, y } = whereAt(now - ahead - BEHIND - back * TRAIL_STEP), age = 1 - back / (TRAIL + 1);
    brush.globalAlpha = back ? 0.14 * age ** 2 : 1;
    brush.beginPath();
    brush.arc(x * scale, y * scale, RADIUS * scale * (0.4 + 0.6 * age), 0, 2 * Math.PI);
    brush.fill();
  }
}

new ResizeObserver(() => {
  canvas.width = Math.round(canvas.clientWidth * devicePixelRatio);
  canvas.height = Math.round(canvas.clientHeight * devicePixelRatio);
}).observe(canvas);

requestAnimationFrame(draw);
connect();
if (matchMedia("(hover: hover)").matches) $("text").focus(); // on a phone it would bring up the keyboard
