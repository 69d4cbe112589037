// GameClient against a WebSocket that is played by the test, on a clock that the test turns. Run by Node.

import assert from "node:assert/strict";
import { tickws } from "./module.mjs";

const { GameClient, decode, encode, fingerprint, held, press } = tickws;
const INPUTS = () => ({ dy: held(0), serve: press(), name: held("") });
const HELLO = 0, INPUT = 2, EVENT = 3, ACK = 4;

/** A WebSocket whose other end is the test. */
class FakeSocket {
  sent = [];
  bufferedAmount = 0;
  protocol = "tickws.1";
  closed = null;

  constructor(url, subprotocol) {
    Object.assign(this, { url, subprotocol });
  }

  send(bytes) { this.sent.push(decode(bytes)); }

  /** As a browser does: of the codes that RFC 6455 defines, a page may say 1000 alone. */
  close(code, reason) {
    const refuse = (name, what) => { throw Object.assign(new Error(`a browser refuses ${what}`), { name }); };
    if (code !== 1000 && !(code >= 3000 && code <= 4999)) refuse("InvalidAccessError", `close(${code})`);
    if (new TextEncoder().encode(reason).length > 123) refuse("SyntaxError", "a reason of more than 123 bytes");
    this.closed = { code, reason };
  }

  /** What the client said, of one kind (or all), since it was asked last. */
  said(kind) {
    const found = this.sent.filter((message) => kind === undefined || message[0] === kind);
    this.sent = this.sent.filter((message) => !found.includes(message));
    return found;
  }

  hear(...message) { this.onmessage?.({ data: encode(message).buffer }); }

  welcome({ rate = 60, snapshots = 20, player = 1, spectator = false, tick = 0, time = 0, longest = 1 << 20 } = {}) {
    this.onopen();
    this.hear(1, 1, 5, "|", rate, snapshots, player, spectator, new Uint8Array(16), tick, time, longest);
  }

  snapshot(tick, state = {}, { inputs = null, event = 0, time = Math.round((tick * 1e6) / 60) } = {}) {
    this.hear(5, inputs, event, tick, time, 0, null, state, [], {});
  }
}

/** A client, its sockets, its clock, and what it told. */
function start(options = {}, url = "wss://example.org/play") {
  const world = { sockets: [], timers: [], told: [], time: 100 };
  const WebSocket = class extends FakeSocket {
    constructor(...given) {
      super(...given);
      world.sockets.push(this);
    }
  };
  const setTimer = (callback, seconds) => world.timers.push([callback, seconds]);
  world.client = new GameClient(url, { inputs: INPUTS(), WebSocket, now: () => world.time, setTimer, ...options });
  for (const event of ["connected", "dropped", "disconnected", "message"]) {
    world.client.on(event, (value) => world.told.push([event, value]));
  }
  Object.defineProperty(world, "socket", { get: () => world.sockets.at(-1) });
  world.frame = (seconds = 1 / 60) => {
    world.time += seconds;
    return world.client.work();
  };
  return world;
}

/** The same, connected. */
function joined(options = {}, welcome = {}) {
  const world = start(options);
  if (options.inputs !== undefined || !("inputs" in options)) world.client.sendInput({ dy: 0 });
  world.socket.welcome(welcome);
  world.client.work();
  world.socket.said();
  world.told.length = 0;
  return world;
}

const tests = {
  "connects, says hello, is welcome"() {
    const world = start({ protocol: "pong 1", query: { name: "Ada & é" }, tickRate: 60 });
    assert.equal(world.socket.url, "wss://example.org/play?name=Ada+%26+%C3%A9");
    assert.equal(world.socket.subprotocol, "tickws.1");
    assert.equal(world.socket.binaryType, "arraybuffer");
    assert.deepEqual([world.client.connected, world.client.player, world.client.latency], [false, null, null]);
    assert.deepEqual([world.client.spectator, world.client.tickRate], [false, null]);
    assert.equal(world.client.state().size, 0);
    assert.equal(world.frame(), true);
    assert.deepEqual(world.socket.said(), []);
    world.client.sendInput({});
    world.socket.welcome({ player: 7, spectator: false });
    const text = "pong 1|dy:held serve:press name:held";
    assert.deepEqual(world.socket.said(), [[HELLO, 1, fingerprint(text), text, 60, null, 0]]);
    assert.deepEqual(world.told, []); // callbacks are work()'s
    assert.equal(world.frame(), true);
    assert.deepEqual(world.told, [["connected", { player: 7, spectator: false }]]);
    const { connected, player, spectator, tickRate, snapshotRate } = world.client;
    assert.deepEqual([connected, player, spectator, tickRate, snapshotRate], [true, 7, false, 60, 20]);
  },

  "a tool takes whatever the server speaks; a spectator asks for its place, and sends no inputs"() {
    const world = start({ inputs: undefined, role: "spectator" }, "ws://example.org");
    assert.equal(world.socket.url, "ws://example.org/?role=spectator");
    world.socket.welcome({ spectator: true });
    assert.deepEqual(world.socket.said(), [[HELLO, 1, null, "|", null, null, 0]]);
    world.socket.snapshot(3);
    world.socket.snapshot(6);
    world.frame();
    assert.deepEqual(world.socket.said(), [[ACK, 0, 6]]);
    world.frame(1);
    assert.deepEqual(world.socket.said(), []);
    assert.equal(world.client.latency, null);
  },

  "a player for whom there was no seat watches"() {
    const world = joined({}, { spectator: true });
    world.client.sendInput({ serve: true });
    world.socket.snapshot(3);
    world.frame(0.1);
    assert.deepEqual(world.socket.said(), [[ACK, 0, 3]]);
  },

  "a page's own host and scheme"() {
    globalThis.location = { href: "https://play.example:8443/pong/?name=x#top" };
    try {
      assert.equal(start({}, null).socket.url, "wss://play.example:8443/");
      const watcher = start({ role: "spectator" }, "/room?a=1");
      assert.equal(watcher.socket.url, "wss://play.example:8443/room?a=1&role=spectator");
      const made = [];
      const WebSocket = class { constructor(url) { made.push(url); } };
      new GameClient({ inputs: INPUTS(), WebSocket });
      assert.deepEqual(made, ["wss://play.example:8443/"]);
      location.href = "http://127.0.0.1:8056/";
      assert.equal(start({}, null).socket.url, "ws://127.0.0.1:8056/");
    } finally {
      delete globalThis.location;
    }
  },

  "one frame for each tick; held fields merge, presses go out once"() {
    const world = joined();
    world.client.sendInput({ dy: 0.5, serve: true });
    world.client.sendInput({ name: "Ada", serve: false });
    world.client.work(); // the welcome has sent ticks 0 and 1 already, ahead of the server
    for (let i = 0; i < 4; i++) world.frame();
    const frames = world.socket.said(INPUT);
    assert.deepEqual(frames.map(([, sequence]) => sequence), frames.map((_, i) => frames[0][1] + i));
    assert.deepEqual(frames.map(([, , tick]) => tick), frames.map((_, i) => frames[0][2] + i));
    assert.deepEqual(frames.map((message) => message[5]), [
      [0.5, true, "Ada"], ...frames.slice(1).map(() => [0.5, false, "Ada"]),
    ]);
    world.client.sendInput({ serve: true });
    world.frame(5 / 60);
    assert.deepEqual(world.socket.said(INPUT).map((message) => message[5][1]), [true, false, false, false, false]);
  },

  "says nothing before the player does, and then not what is past"() {
    const world = start();
    world.socket.welcome();
    world.socket.said();
    for (let i = 0; i < 60; i++) world.frame();
    assert.deepEqual(world.socket.said(), []);
    world.client.sendInput({});
    world.frame();
    assert.equal(world.socket.said(INPUT).length, 1);
  },

  "what the player did without a connection is said when there is one: the newest held, each press once"() {
    const world = start();
    world.client.sendInput({ dy: 1, serve: true });
    world.client.sendInput({ dy: 0.5 });
    world.socket.welcome();
    world.client.work();
    assert.deepEqual(world.socket.said(INPUT).map((message) => message[5].slice(0, 2)), [[0.5, true]]);
    world.socket.onclose({ code: 1006, reason: "" });
    world.client.sendInput({ serve: true });
    world.timers.shift()[0]();
    world.socket.welcome();
    world.client.work();
    assert.deepEqual(world.socket.said(INPUT).map((message) => message[5].slice(0, 2)), [[0.5, true]]);
  },

  "10 and 144 frames a second"() {
    for (const [fps, least, most] of [[10, 58, 62], [144, 59, 63]]) {
      const world = joined();
      const ticks = [];
      for (let i = 0; i < fps; i++) {
        world.frame(1 / fps);
        ticks.push(...world.socket.said(INPUT).map(([, , tick]) => tick));
      }
      assert(ticks.length >= least && ticks.length <= most, `${fps}: ${ticks.length}`);
      assert.deepEqual(ticks, [...new Set(ticks)].sort((a, b) => a - b));
    }
  },

  "misuse throws at once"() {
    const { client } = joined();
    const create = (options, url = "ws://a") => new GameClient(url, { WebSocket: FakeSocket, ...options });
    for (const call of [
      () => client.sendInput({ dx: 1 }), () => client.sendInput({ toString: 1 }), () => client.sendInput({ dy: NaN }),
      () => client.sendInput({ dy: true }), () => client.sendInput({ serve: 1 }), () => client.sendInput(null),
      () => client.send("", 1), () => client.send("x".repeat(65), 1), () => client.send(5),
      () => client.send("a", () => 0), () => client.send("a", 5n), () => client.send("a", new Date()),
      () => client.send("a", { b: Infinity }), () => client.send("a", new Map([[null, 1]])),
      () => client.on("click", () => 0), () => client.on("dropped"), () => client.message("a"), () => held(),
      () => held(() => 0), () => create({}), () => create({ inputs: { dy: 0 } }),
      () => create({ inputs: INPUTS() }, ""),
      () => create({ inputs: INPUTS(), role: "king" }), () => create({ inputs: INPUTS(), rate: 60 }),
    ]) assert.throws(call, TypeError, String(call));
    const circle = [];
    circle.push(circle);
    assert.throws(() => client.send("a", circle), TypeError);
  },

  "a frame is 16 deep at most: what is deeper throws at once, and not in work()"() {
    const nested = (depth) => (depth ? [nested(depth - 1)] : 1);
    const world = start({ inputs: { build: held(null) } });
    world.socket.welcome();
    assert.throws(() => world.client.sendInput({ build: nested(16) }), TypeError);
    assert.throws(() => held(nested(16)), TypeError);
    world.client.sendInput({ build: nested(15) });
    const sent = [];
    world.socket.send = (bytes) => sent.push(bytes); // all in all it is deeper than decode() goes
    world.frame();
    const frame = encode([nested(15)]);
    assert.deepEqual(sent.at(-1).slice(-frame.length), frame);
  },

  "while the browser holds much unsent, frames wait: the newest held, every press"() {
    const world = joined();
    world.socket.bufferedAmount = 16 * 1024 + 1;
    for (let i = 0; i < 60; i++) {
      world.client.sendInput({ dy: i / 100, serve: i === 3 });
      world.socket.snapshot(i);
      world.frame();
    }
    assert.deepEqual(world.socket.said(), []);
    assert.equal(world.client.send("chat", "even so"), true);
    assert.deepEqual(world.socket.said(), [[EVENT, 1, "chat", "even so"]]);
    world.socket.bufferedAmount = 0;
    world.frame();
    const frames = world.socket.said();
    assert.deepEqual(frames.map((message) => message[5].slice(0, 2)), Array.from({ length: 12 }, (_, i) => [0.59, i === 0]));
    assert.deepEqual(frames[0].slice(3, 5), [59, 0]);
  },

  "acknowledges with its frames, and else by itself, once"() {
    const world = joined();
    world.frame();
    world.socket.said();
    world.socket.snapshot(3, {}, { time: 1000 }); // long under way
    world.socket.hear(EVENT, 1, "a", null);
    world.frame();
    const [frame, ...more] = world.socket.said();
    assert.deepEqual([frame[0], frame[3], frame[4], more], [INPUT, 3, 1, []]);
    world.socket.snapshot(6, {}, { time: 2000 });
    world.frame(0.001);
    assert.deepEqual(world.socket.said(), [[ACK, 1, 6]]);
    world.frame(0.001);
    world.socket.hear(EVENT, 1, "a", null); // again: nothing new
    world.frame(0.001);
    assert.deepEqual(world.socket.said(), []);
    world.socket.hear(EVENT, 2, "a", null);
    world.frame(0.001);
    assert.deepEqual(world.socket.said(), [[ACK, 2, 6]]);
  },

  "events come in order, to those who asked"() {
    const world = joined();
    const heard = [];
    world.client.message("chat", ({ text }) => heard.push(text));
    world.socket.hear(EVENT, 1, "chat", { text: "one" });
    world.socket.hear(EVENT, 2, "other", [1.5, null]);
    world.socket.hear(EVENT, 3, "chat", { text: "three" });
    assert.deepEqual(heard, []);
    world.frame();
    assert.deepEqual(heard, ["one", "three"]);
    assert.deepEqual(world.told.map(([, { name, payload }]) => [name, payload]), [
      ["chat", { text: "one" }], ["other", [1.5, null]], ["chat", { text: "three" }],
    ]);
  },

  "a message has one handler"() {
    const world = joined();
    const heard = [];
    world.client.message("chat", (text) => heard.push(text));
    const twice = () => world.client.message("chat", () => heard.push("the second"));
    assert.throws(twice, { name: "TypeError", message: "chat is handled already" });
    world.socket.hear(EVENT, 1, "chat", "the first");
    world.frame();
    assert.deepEqual(heard, ["the first"]);
  },

  "a message that the server would not take throws, and costs nothing"() {
    const world = start();
    world.socket.welcome({ longest: 4096 });
    world.client.work();
    assert.throws(() => world.client.send("chat", "x".repeat(4096 - 10)), /a message of 4097 bytes: the server takes 4096/);
    assert.equal(world.client.send("chat", "x".repeat(4096 - 11)), true);
    assert.deepEqual(world.socket.said(EVENT).map((message) => message[1]), [1]);
  },

  "events are kept until acknowledged, 256 of them or 256 KiB"() {
    const world = joined();
    for (let i = 0; i < 256; i++) assert.equal(world.client.send("a", i), true);
    assert.equal(world.client.send("a", 256), false);
    const numbers = world.socket.said(EVENT).map(([, number]) => number);
    assert.deepEqual(numbers, Array.from({ length: 256 }, (_, i) => i + 1));
    world.socket.hear(ACK, 10, null);
    world.frame();
    for (let i = 0; i < 10; i++) assert.equal(world.client.send("a"), true);
    assert.equal(world.client.send("a"), false);
    world.socket.snapshot(1, {}, { event: 266 });
    world.frame();
    assert.equal(world.client.send("a", new Uint8Array(200_000)), true);
    assert.equal(world.client.send("a", new Uint8Array(100_000)), false);
    assert.equal(world.client.send("a", "short"), true);
    assert.deepEqual(world.socket.said(EVENT).slice(-2).map(([, number]) => number), [267, 268]);
  },

  "no events without a connection; a new one counts from 1"() {
    const world = start();
    assert.equal(world.client.send("early", 1), false);
    world.socket.welcome();
    assert.equal(world.client.send("early", 2), false); // not taken in yet
    world.client.work();
    assert.equal(world.client.send("a", 3), true);
    assert.deepEqual(world.socket.said(EVENT), [[EVENT, 1, "a", 3]]);
    world.socket.onclose({ code: 1006, reason: "" });
    assert.equal(world.client.send("meanwhile", 4), false);
    world.timers.shift()[0]();
    world.socket.welcome();
    world.client.work();
    world.client.send("b", 5);
    assert.deepEqual(world.socket.said(EVENT), [[EVENT, 1, "b", 5]]);
  },

  "the round trip, smoothed, without the server's holding"() {
    const world = joined();
    world.frame();
    const [, sequence] = world.socket.said(INPUT).at(-1);
    world.time += 0.08;
    world.socket.snapshot(3, {}, { inputs: [sequence, 30_000, 2, sequence, 3, 0] });
    world.time += 0.5; // between coming and work() does not count
    world.client.work();
    assert(Math.abs(world.client.latency - 0.05) < 1e-9, String(world.client.latency));
    const [, next] = world.socket.said(INPUT).at(-1);
    world.time += 0.13;
    world.socket.snapshot(6, {}, { inputs: [next, 0, 2, next, 6, 0] });
    world.client.work();
    assert(Math.abs(world.client.latency - 0.06) < 1e-9, String(world.client.latency));
  },

  "a frame that comes late moves the next ones further ahead"() {
    const world = joined();
    const ticks = () => world.socket.said(INPUT).map(([, , tick]) => tick);
    world.frame();
    const before = ticks().at(-1);
    world.socket.snapshot(2, {}, { inputs: [1, 0, -3, 1, 2, 0], time: 1000 });
    world.frame();
    assert.equal(ticks().at(-1), before + 1 + 4);
  },

  "the world between two snapshots"() {
    const world = joined();
    for (let tick = 0; tick <= 60; tick += 3) {
      const at = world.time;
      world.socket.snapshot(tick, { ball: { x: tick + 0.5, hits: tick }, gone: {} });
      for (let i = 0; i < 3; i++) world.frame();
      assert(world.time > at);
    }
    const state = world.client.state();
    assert.deepEqual([...state.keys()], ["ball", "gone"]);
    const shown = state.get("ball").x - 0.5;
    assert(shown > 54 && shown < 59, String(shown)); // 0.1 s behind 60, 0.05 s later
    assert.equal(state.get("ball").hits, Math.floor(shown / 3) * 3);
    state.get("ball").x = 0;
    assert.equal(world.client.state().get("ball").x, shown + 0.5); // it was a copy
    assert.notEqual(world.client.state(world.time + 0.01).get("ball").x, shown + 0.5);
  },

  "ids are numbers where the server's are"() {
    const world = joined();
    world.socket.hear(5, null, 0, 1, 1, 0, null, new Map([[10, { a: 1 }], [2, { a: 2 }]]), [], new Map([[2, 1]]));
    world.frame();
    assert.deepEqual([...world.client.state()], [[10, { a: 1 }], [2, { a: 2 }]]);
  },

  "a hidden tab: events are delivered, snapshots wait and are not acknowledged"() {
    const world = joined();
    world.frame();
    world.socket.said();
    const heard = [];
    world.client.message("chat", (text) => heard.push(text));
    world.time += 2;
    for (let i = 1; i < 100; i++) world.socket.snapshot(i);
    world.socket.hear(EVENT, 1, "chat", "hidden");
    assert.deepEqual(heard, ["hidden"]);
    assert.deepEqual(world.socket.said(), [[ACK, 1, null]]);
    world.time += 60;
    assert.equal(world.client.state().size, 0);
    world.client.work();
    const messages = world.socket.said();
    assert.deepEqual(messages.map(([kind]) => kind), Array(12).fill(INPUT)); // no more than 12, whatever was missed
    assert.deepEqual(messages[0].slice(3, 5), [99, 1]);
  },

  "a hidden tab is welcome, too"() {
    const world = start();
    world.time += 30;
    world.socket.welcome();
    assert.deepEqual(world.told, [["connected", { player: 1, spectator: false }]]);
    assert.deepEqual(world.socket.said().map(([kind]) => kind), [HELLO]);
  },

  "tries again 15 times, later and later, and gives up"() {
    for (const code of [1001, 1006, 1011, 1012, 1013]) {
      const world = start();
      const waits = [];
      for (let i = 0; i < 15; i++) {
        world.socket.onclose({ code, reason: "gone" });
        const [connect, seconds] = world.timers.shift();
        waits.push(seconds);
        assert.deepEqual(world.told.pop(), ["dropped", { code, reason: "gone", retrySeconds: seconds }]);
        assert.equal(world.sockets.length, i + 1);
        connect();
      }
      assert.deepEqual(waits, [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, ...Array(9).fill(5)]);
      assert.equal(world.client.work(), true);
      world.socket.onclose({ code, reason: "" });
      assert.deepEqual(world.told, [["disconnected", { code, reason: "" }]]);
      assert.deepEqual([world.timers, world.client.work(), world.client.send("a")], [[], false, false]);
    }
  },

  "a connection that held counts anew, one that breaks at once does not"() {
    const world = start();
    const waits = [];
    for (const lasted of [0, 1, 1, 6, 1]) {
      world.socket.welcome();
      world.client.work();
      world.time += lasted;
      world.socket.onclose({ code: 1006, reason: "" });
      const [connect, seconds] = world.timers.shift();
      waits.push(seconds);
      connect();
    }
    assert.deepEqual(waits, [0.1, 0.2, 0.4, 0.1, 0.2]);
  },

  "other codes are the end"() {
    for (const code of [1000, 1002, 1003, 1005, 1007, 1008, 1009, 4000]) {
      const world = joined();
      world.socket.onclose({ code, reason: "why" });
      assert.deepEqual(world.told, [["disconnected", { code, reason: "why" }]]);
      assert.deepEqual([world.timers, world.client.connected, world.client.work()], [[], false, false]);
    }
  },

  "what came before the end is heard before it, and seen"() {
    const world = joined();
    world.socket.hear(EVENT, 1, "won", "left");
    world.socket.snapshot(3, { ball: { x: 0.5 } });
    world.socket.onclose({ code: 1000, reason: "" });
    assert.deepEqual(world.told.map(([event]) => event), ["message", "disconnected"]);
    assert.deepEqual(world.client.state().get("ball"), { x: 0.5 });
  },

  "a new connection begins anew"() {
    const world = joined();
    world.socket.snapshot(50, { a: { x: 0.5 } });
    world.socket.hear(EVENT, 1, "a", null);
    world.frame(0.1);
    world.socket.onclose({ code: 1012, reason: "" });
    world.frame();
    assert.deepEqual([world.client.player, world.client.latency, world.client.connected], [null, null, false]);
    world.timers.shift()[0]();
    world.socket.welcome({ player: 9, tick: 7, time: 116_667 });
    world.client.work();
    const [, first] = world.socket.said();
    assert.deepEqual(first, [INPUT, 1, 8, null, 0, [0, false, ""]]);
    assert.deepEqual([...world.client.state().keys()], ["a"]); // the last that was seen, until there is more
    world.socket.hear(EVENT, 1, "b", null);
    world.socket.snapshot(8, { b: { x: 0.5 } });
    world.frame();
    assert.deepEqual([...world.client.state().keys()], ["b"]);
    assert.deepEqual([world.client.player, world.told.at(-1)], [9, ["message", { name: "b", payload: null }]]);
  },

  "a server that breaks the rules is left for good"() {
    const welcome = [1, 1, 5, "|", 60, 20, 1, false, new Uint8Array(16), 0, 0, 4096];
    const cases = [
      [1007, (socket) => socket.onmessage({ data: Uint8Array.of(0xc1).buffer })],
      [1007, (socket) => socket.onmessage({ data: new ArrayBuffer(0) })],
      [1003, (socket) => socket.onmessage({ data: "text" })],
      [1007, (socket) => socket.hear(5, null, 0, -1, 0, 0, null, {}, [], {})],
      [1008, (socket) => socket.hear(9)],
      [1008, (socket) => socket.hear(...welcome)], // a second one
      [1008, (socket) => socket.hear(5, null, 0, 1, 0, 0, 0, {}, [], {})], // a difference
      [1008, (socket) => socket.hear(EVENT, 2, "a", null)], // number 1 is missing
      [1008, (socket) => { socket.snapshot(5); socket.snapshot(5); }],
      [1008, (socket) => socket.hear(ACK, 1, null)], // was never sent
      [1008, (socket) => socket.snapshot(5, {}, { event: 1 })],
    ];
    for (const [code, act] of cases) {
      const world = joined();
      act(world.socket);
      world.client.work();
      assert.deepEqual([world.told.length, world.told[0][0], world.told[0][1].code], [1, "disconnected", code]);
      assert.equal(world.socket.closed.code, 3000 + code);
      assert.deepEqual([world.timers, world.client.connected, world.client.work()], [[], false, false]);
    }
    for (const [code, act] of [
      [1008, (socket) => socket.snapshot(1)], // before the welcome
      [1008, (socket) => socket.hear(1, 2, ...welcome.slice(2))], // another version
      [1008, (socket) => { socket.protocol = ""; socket.onopen(); }],
    ]) {
      const world = start();
      act(world.socket);
      assert.deepEqual([world.told[0][0], world.told[0][1].code], ["disconnected", code]);
    }
  },

  "a callback that throws is reported, and breaks nothing"() {
    const world = start();
    const reported = [];
    const before = console.error;
    console.error = (error) => reported.push(error.message);
    try {
      for (const event of ["connected", "dropped", "message"]) {
        world.client.on(event, () => { throw new Error(event); });
        world.client.on(event, () => world.told.push(["second", event]));
      }
      world.client.message("a", () => { throw new Error("a"); });
      world.socket.welcome();
      world.socket.hear(EVENT, 1, "a", 1);
      world.socket.hear(EVENT, 2, "b", 2);
      world.frame();
      world.socket.onclose({ code: 1006, reason: "" });
    } finally {
      console.error = before;
    }
    assert.deepEqual(reported, ["connected", "a", "message", "message", "dropped"]);
    assert.deepEqual(world.told.filter(([event]) => event === "second").map(([, event]) => event), [
      "connected", "message", "message", "dropped",
    ]);
    assert.equal(world.timers.length, 1);
  },

  "close() is the end, and quiet"() {
    const world = joined();
    world.client.close();
    assert.deepEqual(world.socket.closed, { code: 1000, reason: "" });
    assert.deepEqual([world.socket.onclose, world.told, world.client.work()], [null, [], false]);
    world.client.close();

    const waiting = joined();
    waiting.socket.onclose({ code: 1006, reason: "" });
    waiting.client.close();
    waiting.timers.shift()[0]();
    assert.equal(waiting.sockets.length, 1);
  },

  "close() that a browser refuses throws, and leaves all as it was"() {
    const world = joined();
    assert.throws(() => world.client.close(1001), { name: "InvalidAccessError" });
    assert.throws(() => world.client.close(4000, "é".repeat(62)), { name: "SyntaxError" });
    assert.deepEqual([world.client.connected, world.client.player, world.frame()], [true, 1, true]);
    assert.equal(world.client.send("still", "here"), true);
    world.socket.hear(EVENT, 1, "a", null);
    world.frame();
    assert.deepEqual(world.told, [["message", { name: "a", payload: null }]]);
    world.client.close(4000, "é".repeat(61));
    assert.deepEqual(world.socket.closed, { code: 4000, reason: "é".repeat(61) });
    assert.deepEqual([world.socket.onclose, world.client.connected, world.client.work()], [null, false, false]);
  },

  "a callback may close, send and work"() {
    const world = joined();
    world.client.message("again", () => { world.client.send("yes", 1); world.client.work(); });
    world.client.message("stop", () => world.client.close());
    world.socket.hear(EVENT, 1, "again", null);
    world.socket.hear(EVENT, 2, "stop", null);
    world.socket.hear(EVENT, 3, "never", null);
    world.socket.snapshot(1);
    assert.equal(world.frame(), false);
    assert.deepEqual(world.socket.said(EVENT), [[EVENT, 1, "yes", 1]]);
    assert.deepEqual(world.told.map(([, { name }]) => name), ["stop", "again"]); // work() within took the second
  },
};

for (const [name, test] of Object.entries(tests)) {
  try {
    test();
  } catch (error) {
    console.error(`FAILED: ${name}`);
    throw error;
  }
}
console.log(`${Object.keys(tests).length} passed`);
