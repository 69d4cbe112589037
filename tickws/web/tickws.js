// tickws.js: a browser's end of a tickws game. No dependencies; what it says is docs/wire-format.md.
//
//     import { GameClient, held, press } from "/tickws.js";
//
//     const client = new GameClient({inputs: {dy: held(0), serve: press()}, role: "player"});
//     client.on("connected", ({player, spectator}) => ...);
//     client.on("dropped", ({code, reason, retrySeconds}) => ...);  // it tries again by itself
//     client.on("disconnected", ({code, reason}) => ...);           // over for good; not after your own close()
//     client.message("chat", ({text}) => ...);                      // on("message", ({name, payload}) => ...): each
//
//     function frame() {                                  // each animation frame:
//       requestAnimationFrame(frame);
//       client.sendInput({dy: axis(), serve: pressed()}); // what the player does from now on; presses go out once
//       client.work();                                    // hear what is new, say what is due
//       draw(client.state());                             // a Map from entity id to its fields
//     }
//
// `new GameClient(url, options)`; without a URL, `new GameClient(options)`, it is the page's own host. Options:
// `inputs`, the fields of the server's Input in their order; `role`, "player" or "spectator"; `query`, parameters for
// the URL; `protocol`, the game's label; `tickRate`, where the client was written for one. For tests: `WebSocket`,
// `now` (in seconds), and `setTimer(callback, seconds)`.
//
// `client.send(name, payload)` is a reliable message; false where it was not sent: without a connection, or while 256
// of them (or 256 KiB) are not acknowledged yet.
// `client.connected`, `player`, `spectator`, `tickRate`, `snapshotRate`, and `latency` in seconds (null: unknown).
// `client.close()` ends it. Wrong arguments throw; what the server or the network does never throws.
//
// Callbacks are called by `work()`, and by the connection's end. A hidden tab gets no frames: messages are still
// delivered there, but snapshots wait for the next `work()`, and the server holds them back until it has been.

export const SUBPROTOCOL = "tickws.1";
const VERSION = 1;

// ---- MessagePack -------------------------------------------------------------------------------------------------
// The subset that is spoken: nil, bool, int, float, str, bin, array, map; no extension types, 16 levels at most.
// Numbers go out as the smallest integer if they are whole (and below 2^53), else as 64-bit floats. Integers beyond
// 2^53 come in as the nearest Number. Maps come in as objects, so keys that are numbers turn into text.

const DEPTH = 16;
const WIDTHS = [1, 2, 4, 8];
const NIL = 0xc0, FALSE = 0xc2, TRUE = 0xc3, FLOAT_32 = 0xca, FLOAT_64 = 0xcb; // the first bytes of values
const UNSIGNED = 0xcc, SIGNED = 0xd0; // and of whole numbers of 1 byte; those of 2, 4 and 8 follow
const READ_UNSIGNED = ["getUint8", "getUint16", "getUint32", "getBigUint64"];
const READ_SIGNED = ["getInt8", "getInt16", "getInt32", "getBigInt64"];
const TEXT = { what: "text", fixed: 0xa0, short: 32, markers: [0xd9, 0xda, 0xdb] }; // counts below `short` need no
const BYTES = { what: "bytes", fixed: 0, short: 0, markers: [0xc4, 0xc5, 0xc6] }; // marker; above, one for each width
const ARRAY = { what: "an array", fixed: 0x90, short: 16, markers: [undefined, 0xdc, 0xdd] };
const MAP = { what: "a map", fixed: 0x80, short: 16, markers: [undefined, 0xde, 0xdf] };

const utf8 = new TextEncoder();
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const scratch = new DataView(new ArrayBuffer(8));

/** A server said what it may not say; `code` is the close code. */
export class ProtocolFault extends Error {
  constructor(code, reason) {
    super(reason);
    this.code = code;
  }
}

const malformed = (reason) => new ProtocolFault(1007, reason);

/** A value that is encoded already. */
class Encoded {
  constructor(bytes) { this.bytes = bytes; }
}

/** A value as MessagePack. Throws TypeError for what cannot be sent. */
export function encode(value) {
  const bytes = [];
  put(bytes, value, DEPTH);
  return Uint8Array.from(bytes);
}

function put(out, value, depth) {
  if (value === null || value === undefined) out.push(NIL);
  else if (typeof value === "boolean") out.push(value ? TRUE : FALSE);
  else if (typeof value === "number") putNumber(out, value);
  else if (typeof value === "string") putBytes(out, TEXT, utf8.encode(value));
  else if (value instanceof Encoded) for (const byte of value.bytes) out.push(byte);
  else if (value instanceof ArrayBuffer) putBytes(out, BYTES, new Uint8Array(value));
  else if (ArrayBuffer.isView(value)) {
    putBytes(out, BYTES, new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  } else if (depth <= 0) throw new TypeError("cannot send what lies so deep (in a circle?)");
  else if (Array.isArray(value)) {
    putCount(out, ARRAY, value.length);
    for (const item of value) put(out, item, depth - 1);
  } else {
    const plain = typeof value === "object" && [Object.prototype, null].includes(Object.getPrototypeOf(value));
    if (!plain && !(value instanceof Map)) throw new TypeError(`cannot send ${Object.prototype.toString.call(value)}`);
    const entries = plain ? Object.entries(value) : [...value];
    putCount(out, MAP, entries.length);
    for (const [key, item] of entries) {
      if (typeof key !== "string" && !Number.isSafeInteger(key)) throw new TypeError("keys are text or whole numbers");
      put(out, key, 0);
      put(out, item, depth - 1);
    }
  }
}

function putNumber(out, value) {
  if (!Number.isFinite(value)) throw new TypeError(`cannot send ${value}`);
  if (!Number.isSafeInteger(value)) {
    scratch.setFloat64(0, value);
    out.push(FLOAT_64, ...new Uint8Array(scratch.buffer));
  } else if (value >= -32 && value < 128) out.push(value & 0xff);
  else {
    const i = WIDTHS.findIndex((width) => (value < 0 ? value >= -(2 ** (8 * width - 1)) : value < 2 ** (8 * width)));
    putInteger(out, (value < 0 ? SIGNED : UNSIGNED) + i, WIDTHS[i], value);
  }
}

function putInteger(out, marker, width, value) {
  out.push(marker);
  for (let i = width - 1; i >= 0; i--) out.push(Math.floor(value / 256 ** i) & 0xff);
}

function putCount(out, { fixed, short, markers }, count) {
  const i = count < 256 && markers[0] !== undefined ? 0 : count < 65536 ? 1 : 2;
  if (count < short) out.push(fixed | count);
  else putInteger(out, markers[i], WIDTHS[i], count);
}

function putBytes(out, family, bytes) {
  putCount(out, family, bytes.length);
  for (const byte of bytes) out.push(byte);
}

/** The value that MessagePack bytes stand for. Throws ProtocolFault, and nothing else. */
export function decode(data) {
  const reader = new Reader(data);
  const value = reader.value(DEPTH);
  reader.end();
  return value;
}

/** Takes values from an ArrayBuffer or a Uint8Array. */
class Reader {
  floats = new Set(); // names of an entity's fields that were floats
  #bytes;
  #view;
  #at = 0;

  constructor(data) {
    this.#bytes = data instanceof Uint8Array ? data : new Uint8Array(data);
    this.#view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.byteLength);
  }

  /** The next marker; it is not taken. */
  get next() { return this.#bytes[this.#at]; }

  /** Where the next `size` bytes are; they are taken. */
  #take(size) {
    const start = this.#at;
    this.#at += size;
    if (this.#at > this.#bytes.length) throw malformed("it is cut off");
    return start;
  }

  end() {
    if (this.#at !== this.#bytes.length) throw malformed("bytes follow the message");
  }

  is({ fixed, short, markers }) {
    return (this.next >= fixed && this.next < fixed + short) || markers.includes(this.next);
  }

  #count(family) {
    const marker = this.#bytes[this.#take(1)];
    if (marker >= family.fixed && marker < family.fixed + family.short) return marker - family.fixed;
    const i = family.markers.indexOf(marker);
    if (i < 0) throw malformed(`${family.what} was expected`);
    return this.#view[READ_UNSIGNED[i]](this.#take(WIDTHS[i]));
  }

  int() {
    const marker = this.#bytes[this.#take(1)];
    if (marker < 0x80) return marker;
    if (marker >= 0xe0) return marker - 0x100;
    if (marker < UNSIGNED || marker > SIGNED + 3) throw malformed("a whole number was expected");
    const read = (marker < SIGNED ? READ_UNSIGNED : READ_SIGNED)[marker & 3];
    return Number(this.#view[read](this.#take(WIDTHS[marker & 3])));
  }

  bool() {
    const marker = this.#bytes[this.#take(1)];
    if (marker !== FALSE && marker !== TRUE) throw malformed("true or false was expected");
    return marker === TRUE;
  }

  bytes(family = BYTES) {
    const size = this.#count(family);
    const at = this.#take(size);
    return this.#bytes.slice(at, at + size);
  }

  text() {
    try {
      return strictUtf8.decode(this.bytes(TEXT));
    } catch (error) {
      throw error instanceof ProtocolFault ? error : malformed("text that is no UTF-8");
    }
  }

  /** An array whose items `item` reads. */
  array(item) {
    const items = [];
    for (let size = this.#count(ARRAY); size > 0; size--) items.push(item(this));
    return items;
  }

  /** The size of an array, whose items are to be read next. */
  arraySize() { return this.#count(ARRAY); }

  /** A map whose keys and values two functions read, as an array of pairs. */
  pairs(key, value) {
    const pairs = [];
    for (let size = this.#count(MAP); size > 0; size--) {
      const name = key(this);
      pairs.push([name, value(this, name)]);
    }
    return pairs;
  }

  value(depth) {
    if (this.is(TEXT)) return this.text();
    if (this.is(BYTES)) return this.bytes();
    const nested = this.is(ARRAY) || this.is(MAP);
    if (nested && depth <= 0) throw malformed("too deep");
    if (nested && this.is(ARRAY)) return this.array(() => this.value(depth - 1));
    if (nested) return Object.fromEntries(this.pairs(anyKey, () => this.value(depth - 1)));
    switch (this.next) {
      case NIL: this.#take(1); return null;
      case FLOAT_32: this.#take(1); return this.#view.getFloat32(this.#take(4));
      case FLOAT_64: this.#take(1); return this.#view.getFloat64(this.#take(8));
      case FALSE: case TRUE: return this.bool();
      default: return this.int();
    }
  }
}

const anyKey = (reader) => (reader.is(TEXT) ? reader.text() : String(reader.int()));

// ---- The messages of tickws.1 ------------------------------------------------------------------------------------

const MOST_COUNT = 2 ** 32 - 1;
const MOST_WHOLE = Number.MAX_SAFE_INTEGER;

// Readers of single fields: functions from a Reader to a value, which throw where it does not fit.
const int = (reader) => reader.int();
const text = (reader) => reader.text();
const bool = (reader) => reader.bool();
const anything = (reader) => reader.value(DEPTH);
const optional = (read) => (reader) => (reader.next === NIL ? reader.value(0) : read(reader));
const within = (least, most) => (reader) => {
  const value = reader.int();
  if (value < least || value > most) throw malformed(`${value} is out of bounds`);
  return value;
};
const whole = within(0, MOST_WHOLE);
const count = within(0, MOST_COUNT);
const rate = within(1, 1000);
const numericId = within(-MOST_WHOLE, MOST_WHOLE);
const entityId = (reader) => (reader.is(TEXT) ? reader.text() : numericId(reader));
const isName = (value) => value !== "" && [...value].length <= 64;
const eventName = (reader) => {
  const value = reader.text();
  if (!isName(value)) throw malformed("a name has 1 to 64 characters");
  return value;
};
const token = (reader) => {
  const value = reader.bytes();
  if (value.length > 64) throw malformed("a token has 64 bytes at most");
  return value;
};
const field = (reader, name) => {
  if (reader.next === FLOAT_32 || reader.next === FLOAT_64) reader.floats.add(name);
  return reader.value(DEPTH);
};

const entityFields = (reader) => Object.fromEntries(reader.pairs(text, field));

/** An array of just these fields, as an object. */
const layout = (readers) => {
  const entries = Object.entries(readers);
  return (reader, size = reader.arraySize()) => {
    if (size !== entries.length) throw malformed(`${entries.length} elements were expected, not ${size}`);
    return Object.fromEntries(entries.map(([name, read]) => [name, read(reader)]));
  };
};

const inputsLayout = layout({
  received: count, held: whole, lead: int, sequence: count, applied: whole, repeated: count,
});

/** What a server says, by kind. */
const SERVER_MESSAGES = new Map([
  [1, ["welcome", layout({
    version: int, hash: int, protocol: text, tickRate: rate, snapshotRate: rate, player: count, spectator: bool, token,
    tick: whole, time: whole, messageBytes: within(1, MOST_COUNT),
  })]],
  [3, ["event", layout({ number: within(1, MOST_COUNT), name: eventName, payload: anything })]],
  [4, ["ack", layout({ event: count, snapshot: optional(whole) })]],
  [5, ["snapshot", layout({
    inputs: optional(inputsLayout), event: count, tick: whole, time: whole, slipped: whole, baseline: optional(whole),
    entities: (reader) => new Map(reader.pairs(entityId, entityFields)), removed: (reader) => reader.array(entityId),
    cuts: (reader) => new Map(reader.pairs(entityId, whole)),
  })]],
]);

/** What a client says: arrays, to be encoded; a hello's hash is nil where it declares no inputs. */
export const clientMessages = {
  hello: ({ version = VERSION, hash, protocol, tickRate, token = null, event = 0 }) =>
    encode([0, version, hash, protocol, tickRate, token, event]),
  input: ({ sequence, tick, snapshot, event, frame }) =>
    encode([2, sequence, tick, snapshot, event, new Encoded(encode(frame))]),
  event: ({ number, name, payload }) => encode([3, number, name, new Encoded(encode(payload))]),
  ack: ({ event, snapshot }) => encode([4, event, snapshot]),
};

/** A server's message: {kind: "welcome", "event", "ack" or "snapshot", and its fields}. Throws ProtocolFault. */
export function readMessage(data) {
  if (typeof data === "string") throw new ProtocolFault(1003, "text, where binary messages are spoken");
  const reader = new Reader(data);
  const size = reader.arraySize();
  if (size === 0) throw malformed("an empty message");
  const number = reader.int();
  if (!SERVER_MESSAGES.has(number)) throw new ProtocolFault(1008, `a message of kind ${number}`);
  const [kind, read] = SERVER_MESSAGES.get(number);
  const message = { kind, ...read(reader, size - 1) };
  reader.end();
  if (kind === "snapshot") message.floats = reader.floats;
  return message;
}

/** A number of 32 bits for a text: FNV-1a over its UTF-8. */
export function fingerprint(text) {
  let value = 0x811c9dc5;
  for (const byte of utf8.encode(text)) value = Math.imul(value ^ byte, 0x01000193) >>> 0;
  return value;
}

// ---- Which moment to show: timeline.py, in the same order of sums ---------------------------------------------------

const INTERVALS = 2;
const MOST_INTERVALS = 8;
const FASTER = 1.02;
const SLOWER = 0.96;
const AVERAGE_SECONDS = 1;

/** An exponential moving average over about `count` samples, with its deviation. */
export class Average {
  mean = 0;
  variance = 0;
  #share;

  constructor(count) { this.#share = 2 / (count + 1); }

  add(sample) {
    const difference = sample - this.mean;
    this.mean = this.mean + this.#share * difference;
    this.variance = (1 - this.#share) * (this.variance + this.#share * difference * difference);
  }
}

/** Playback time. All times are seconds; `rate`: snapshots a second. */
export class Timeline {
  latest = null;
  playback = 0;
  speed = 1;
  #interval; #drift; #jitter; #arrived = 0; #now = 0;

  constructor(rate) {
    this.#interval = 1 / rate;
    this.#drift = new Average(rate * AVERAGE_SECONDS);
    this.#jitter = new Average(rate * AVERAGE_SECONDS);
    this.delay = this.#interval * INTERVALS;
  }

  /** A snapshot of server time `time` has arrived at local time `now`. */
  insert(time, now) {
    if (this.latest === null) {
      this.latest = time;
      this.playback = time - this.delay;
      this.#arrived = this.#now = now;
      return;
    }
    if (time <= this.latest) return;
    this.advance(now);
    const gap = (now - this.#arrived) - (time - this.latest);
    const shown = Math.min(this.playback, this.latest);
    this.#arrived = now;
    this.latest = time;
    if (Math.abs(gap) > MOST_INTERVALS * this.#interval) { // somebody hung: that is no jitter
      this.playback = Math.max(time - this.delay, shown);
      return;
    }
    this.#jitter.add(gap);
    const intervals = INTERVALS + Math.sqrt(this.#jitter.variance) / this.#interval;
    this.delay = this.#interval * Math.min(intervals, MOST_INTERVALS);
    this.playback = Math.min(Math.max(this.playback, time - 2 * this.delay), time);
    this.#drift.add(time - this.delay - this.playback);
    if (this.#drift.mean > this.#interval) this.speed = FASTER;
    else if (this.#drift.mean < -this.#interval) this.speed = SLOWER;
    else this.speed = 1;
  }

  /** The server time to show at local time `now`. */
  advance(now) {
    const passed = Math.max(0, now - this.#now);
    this.#now = this.#now + passed;
    this.playback = this.playback + passed * this.speed;
    return this.playback;
  }
}

// ---- Which tick an input frame is for: pacer.py, in the same order of sums ------------------------------------------

const FIRST_LEAD = 2;
const LEAST = 1;
const MOST = 2;
const WINDOW_SECONDS = 2;
const CATCH_UP = 12;
const AHEAD = 8;
const FURTHEST = 60;
const TOLERANCE = 0.01;

/** The ticks of one client's input frames. `rate`: ticks a second; tick `tick` is due at server time `time`. */
export class Pacer {
  lead = FIRST_LEAD;
  #rate; #offset; #best; #slipped; #last; #window; #since;
  #least = FURTHEST;
  #heard = 0;
  #settled = 1;

  constructor(rate, tick, time, now) {
    this.#rate = rate;
    this.#offset = this.#best = now - (time - 1 / rate);
    this.#slipped = time - tick / rate;
    this.#last = tick; // it may run before our first frame is there
    this.#window = this.#since = now;
  }

  /** A snapshot came, of server time `time`; `slipped` seconds of it were not simulated. */
  snapshot(time, slipped, now) {
    this.#slipped = slipped;
    const sample = now - time;
    if (now - this.#window > WINDOW_SECONDS) {
      this.#offset = this.#best;
      this.#best = sample;
      this.#window = now;
    }
    this.#best = Math.min(this.#best, sample);
    this.#offset = Math.min(this.#offset, this.#best);
  }

  /**
   * The server says how early frames came at least, those after its last word up to `received`; `nextSequence` is of
   * the frame that is sent next.
   */
  feedback(received, lead, nextSequence, now) {
    const before = this.#heard;
    this.#heard = received;
    if (received === before || before + 1 < this.#settled) return; // nothing new, or from before the last correction
    if (lead < LEAST) {
      this.#correct(LEAST - lead, nextSequence, now);
      return;
    }
    this.#least = Math.min(this.#least, lead);
    if (now - this.#since > WINDOW_SECONDS) this.#correct(-Math.max(0, this.#least - MOST), nextSequence, now);
  }

  #correct(ticks, nextSequence, now) {
    this.lead = Math.min(Math.max(this.lead + ticks, 0), FURTHEST);
    this.#least = FURTHEST;
    this.#since = now;
    if (ticks) this.#settled = nextSequence;
  }

  /** The tick that the server is reckoned to have run last. */
  tick(now) {
    return Math.floor((now - this.#offset - this.#slipped) * this.#rate + TOLERANCE);
  }

  /** The ticks for which a frame is to be sent now. */
  due(now) {
    const target = this.tick(now) + this.lead;
    if (this.#last - target > AHEAD) this.#last = target - 1;
    const ticks = [];
    if (target <= this.#last) return ticks;
    for (let tick = Math.max(this.#last + 1, target - CATCH_UP + 1, 0); tick <= target; tick++) ticks.push(tick);
    this.#last = target;
    return ticks;
  }
}

// ---- The world between two snapshots: world.py, in the same order of sums -------------------------------------------

const KEPT = 64;
const MICROSECONDS = 1_000_000;

/** The newest snapshots of a connection, in the order of their ticks. */
export class SnapshotBuffer {
  #times = [];
  #snapshots = [];
  #floats = new Set(); // names of fields that came as floats

  /** Keep a whole snapshot; false: it is not newer than the newest. */
  insert(snapshot) {
    if (this.newest && snapshot.tick <= this.newest.tick) return false;
    this.#times.push(snapshot.time / MICROSECONDS);
    this.#snapshots.push(snapshot);
    if (this.#times.length > KEPT) {
      this.#times.shift();
      this.#snapshots.shift();
    }
    for (const name of snapshot.floats) this.#floats.add(name);
    return true;
  }

  get newest() { return this.#snapshots.at(-1) ?? null; }

  /** A Map from entity id to its fields at server time `time` (seconds). */
  at(time) {
    const world = new Map();
    if (!this.newest) return world;
    const after = this.#after(time);
    const earlier = this.#snapshots[Math.max(after - 1, 0)];
    const later = after > 0 ? this.#snapshots[after] : undefined;
    const start = this.#times[after - 1];
    const share = later && (time - start) / (this.#times[after] - start);
    for (const [id, fields] of earlier.entities) {
      const moves = later && (later.cuts.get(id) ?? -1) <= earlier.tick;
      world.set(id, moves ? this.#between(fields, later.entities.get(id) ?? {}, share) : { ...fields });
    }
    return world;
  }

  /** How many snapshots are of that time or before. */
  #after(time) {
    let low = 0, high = this.#times.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (time < this.#times[middle]) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #between(earlier, later, share) {
    const result = { ...earlier };
    for (const [name, end] of Object.entries(later)) {
      const start = earlier[name];
      if (typeof start === "number" && typeof end === "number" && this.#floats.has(name)) {
        result[name] = start + (end - start) * share;
      }
    }
    return result;
  }
}

// ---- The client --------------------------------------------------------------------------------------------------

const PASSING = new Set([1001, 1006, 1011, 1012, 1013]); // close codes after which to try again
const RETRIES = 15;
const RETRY_FIRST = 0.1; // seconds; doubles each time
const RETRY_LONGEST = 5; // seconds; a connection that held as long begins the count anew
const MOST_EVENTS = 256; // events that wait for their acknowledgment
const MOST_EVENT_BYTES = 256 * 1024;
const MOST_UNSENT = 16 * 1024; // bytes that the browser holds, above which input frames wait
const MOST_TIMED = 256; // input frames under way whose time of sending is kept
const IDLE_SECONDS = 1; // without work(), after which events are delivered without it
const SMOOTHING = 1 / 8; // share of a new round trip in the latency (RFC 6298: SRTT)

class Field {
  constructor(kind, neutral) { Object.assign(this, { kind, neutral }); }
}

/** A field of an input that says how things are: an axis, a button kept down. `value` is the neutral one. */
export function held(value) {
  if (value === undefined) throw new TypeError("held(value) needs the field's neutral value");
  encode([value]);
  return new Field("held", value);
}

/** A field of an input that happens once: it is never repeated, and never lost by being late. */
export const press = () => new Field("press", false);

export class GameClient {
  connected = false;
  player = null; // our number in the game; null while not connected
  spectator; // whether we only watch
  latency = null; // seconds to the server and back, smoothed; null: unknown
  tickRate = null; snapshotRate = null; // the server's

  #url; #hello; #WebSocket; #now; #setTimer;
  #fields; // what the player does: {name, kind, neutral, value} of each declared input
  #acts = false; // whether the player has said anything yet
  #handlers = new Map([["connected", []], ["dropped", []], ["disconnected", []], ["message", []]]);
  #messages = new Map(); // the handler of each message that has one, by name
  #socket = null; #over = false; #attempts = 0; #since = 0; #worked;
  #welcomed = false; #heard = []; #snapshots = []; // of this socket: messages not taken in yet
  #messageBytes = Infinity; // the most that the server takes in one message
  #events = []; // ours that are not acknowledged: [number, bytes]
  #lastEvent = 0; #sequence = 0; #received = 0; // numbers: our last event, our last frame, the server's last event
  #applied = null; // tick of the newest snapshot applied
  #told = "0 null"; // what the server was told last of these two
  #sent = new Map(); // frames under way: sequence to the time of sending
  #pacer; #timeline = null; #buffer = new SnapshotBuffer();
  #fresh = true; // the next snapshot is the first of its connection

  constructor(url, options) {
    if (typeof url === "object" && url !== null && !(url instanceof URL) && options === undefined) {
      [url, options] = [undefined, url];
    }
    const {
      inputs = null, role = "player", query = {}, protocol = "", tickRate = null, WebSocket = globalThis.WebSocket,
      now = () => performance.now() / 1000, setTimer = (callback, seconds) => setTimeout(callback, seconds * 1000),
      ...unknown
    } = options ?? {};
    if (Object.keys(unknown).length) throw new TypeError(`GameClient has no option ${Object.keys(unknown)}`);
    if (role !== "player" && role !== "spectator") throw new TypeError(`role is "player" or "spectator", not ${role}`);
    if (role === "player" && !inputs) throw new TypeError('a player has inputs; who watches says role: "spectator"');
    this.spectator = role === "spectator";
    this.#fields = Object.entries(inputs ?? {}).map(([name, field]) => {
      if (!(field instanceof Field)) throw new TypeError(`inputs: ${name} is a held(value) or a press()`);
      return { name, kind: field.kind, neutral: field.neutral, value: field.neutral };
    });
    const text = `${protocol}|${this.#fields.map(({ name, kind }) => `${name}:${kind}`).join(" ")}`;
    this.#hello = clientMessages.hello({ hash: inputs ? fingerprint(text) : null, protocol: text, tickRate });
    this.#url = new URL(url ?? "/", globalThis.location?.href);
    this.#url.protocol = this.#url.protocol.replace("http", "ws");
    for (const [name, value] of Object.entries(query)) this.#url.searchParams.set(name, value);
    if (this.spectator) this.#url.searchParams.set("role", role);
    this.#WebSocket = WebSocket;
    this.#now = now;
    this.#setTimer = setTimer;
    this.#worked = now();
    this.#connect();
  }

  /** Call `handler` with each "connected", "dropped", "disconnected" or "message". */
  on(event, handler) {
    if (!this.#handlers.has(event) || typeof handler !== "function") throw new TypeError(`no handler for ${event}`);
    this.#handlers.get(event).push(handler);
  }

  /** Call `handler` with the payload of each message of that name; a name has one handler. */
  message(name, handler) {
    if (typeof handler !== "function") throw new TypeError(`the handler of ${name} is no function`);
    if (this.#messages.has(name)) throw new TypeError(`${name} is handled already`);
    this.#messages.set(name, handler);
  }

  /** What the player does from now on; fields that are not named stay as they are, presses until they were sent. */
  sendInput(input) {
    this.#acts = true;
    for (const [name, value] of Object.entries(input)) {
      const field = this.#fields.find((known) => known.name === name);
      if (!field) throw new TypeError(`${name} was not declared in inputs`);
      if (field.neutral !== null && typeof value !== typeof field.neutral) {
        throw new TypeError(`${name} is a ${typeof field.neutral}, not ${value}`);
      }
      encode([value]); // throws for what cannot be sent, in a frame
      field.value = field.kind === "press" ? field.value || value : value;
    }
  }

  /** A reliable message. False: nothing was sent, as we are not connected, or too much is not acknowledged yet. */
  send(name, payload = null) {
    if (typeof name !== "string" || !isName(name)) throw new TypeError("a message's name has 1 to 64 characters");
    const bytes = clientMessages.event({ number: this.#lastEvent + 1, name, payload });
    if (this.connected && bytes.length > this.#messageBytes) {
      throw new TypeError(`a message of ${bytes.length} bytes: the server takes ${this.#messageBytes}`);
    }
    const waiting = this.#events.reduce((sum, [, { length }]) => sum + length, 0);
    const full = this.#events.length >= MOST_EVENTS || waiting + bytes.length > MOST_EVENT_BYTES;
    if (!this.connected || (waiting && full)) return false;
    this.#events.push([++this.#lastEvent, bytes]);
    this.#socket.send(bytes);
    return true;
  }

  /** Once a frame: hear what is new, say what is due. False: over for good. */
  work() {
    const now = this.#worked = this.#now();
    this.#hear();
    this.#see();
    if (this.connected && this.#socket.bufferedAmount <= MOST_UNSENT) {
      this.#sendFrames(now);
      this.#acknowledge();
    }
    return !this.#over;
  }

  /** The world at local time `now` (seconds, on the clock that the client has): a Map from entity id to its fields. */
  state(now = this.#now()) {
    return this.#buffer.at(this.#timeline?.advance(now) ?? 0);
  }

  /** End it; nothing is called any more. A browser takes 1000 or 3000 to 4999, and a reason of 123 bytes. */
  close(code = 1000, reason = "") {
    this.#socket?.close(code, reason); // throws for others, and then nothing has changed
    this.#over = true;
    this.#release();
  }

  // -- the connection

  #connect() {
    const socket = new this.#WebSocket(this.#url.href, SUBPROTOCOL);
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      if (socket.protocol === SUBPROTOCOL) socket.send(this.#hello);
      else this.#fail(1008, `the server does not speak ${SUBPROTOCOL}`);
    };
    socket.onmessage = ({ data }) => this.#take(data);
    socket.onclose = ({ code, reason }) => this.#lost(code, reason);
  }

  /** Forget the socket, and all that belongs to it. */
  #release() {
    const socket = this.#socket;
    if (socket) socket.onopen = socket.onmessage = socket.onclose = null;
    this.#socket = null;
    this.connected = this.#welcomed = false;
    this.player = this.latency = null;
    this.#heard = [];
    this.#snapshots = [];
    return socket;
  }

  /** The server broke the rules. (A browser may send none of the codes below 3000 but 1000.) */
  #fail(code, reason) {
    this.#over = true;
    this.#release()?.close(3000 + code, reason);
    this.#tell("disconnected", { code, reason });
  }

  #lost(code, reason) {
    this.#hear(); // what came before the end
    this.#see();
    if (!this.#socket) return;
    if (this.connected && this.#now() - this.#since >= RETRY_LONGEST) this.#attempts = 0;
    this.#release();
    if (!PASSING.has(code) || this.#attempts >= RETRIES) {
      this.#over = true;
      this.#tell("disconnected", { code, reason });
      return;
    }
    const retrySeconds = Math.min(RETRY_FIRST * 2 ** this.#attempts, RETRY_LONGEST);
    this.#attempts += 1;
    this.#setTimer(() => this.#over || this.#connect(), retrySeconds);
    this.#tell("dropped", { code, reason, retrySeconds });
  }

  // -- hearing

  /** A message came: read it, and keep it for `work()`. */
  #take(data) {
    const now = this.#now();
    this.#judge(() => {
      const message = readMessage(data);
      this.#check(message);
      if (message.kind === "snapshot") this.#snapshots = [...this.#snapshots, [message, now]].slice(-KEPT);
      else this.#heard.push([message, now]);
    });
    if (now - this.#worked > IDLE_SECONDS) {
      this.#hear();
      if (this.connected) this.#acknowledge();
    }
  }

  /** Do something with what the server said; leave it for good, where that breaks the rules. */
  #judge(action) {
    try {
      action();
    } catch (fault) {
      if (!(fault instanceof ProtocolFault)) throw fault;
      this.#fail(fault.code, `the server's fault: ${fault.message}`);
    }
  }

  /** One welcome comes, and comes first. */
  #check({ kind, version, baseline }) {
    const welcome = kind === "welcome";
    if (welcome === this.#welcomed) throw new ProtocolFault(1008, `an unexpected ${kind}`);
    if (welcome && version !== VERSION) throw new ProtocolFault(1008, `version ${version}`);
    if (kind === "snapshot" && baseline !== null) throw new ProtocolFault(1008, "a snapshot that is a difference");
    this.#welcomed = true;
  }

  /** Take in all but the snapshots. A callback may end the connection, and with it the queue. */
  #hear() {
    const take = { welcome: this.#welcome, event: this.#event, ack: ({ event }) => this.#acknowledged(event) };
    while (this.#heard.length) {
      const [message, now] = this.#heard.shift();
      this.#judge(() => take[message.kind].call(this, message, now));
    }
  }

  /** Take in the snapshots. */
  #see() {
    while (this.#snapshots.length) {
      const [snapshot, now] = this.#snapshots.shift();
      this.#judge(() => this.#apply(snapshot, now));
    }
  }

  #welcome({ tickRate, snapshotRate, player, spectator, tick, time, messageBytes }, now) {
    this.#messageBytes = messageBytes;
    Object.assign(this, { connected: true, latency: null, player, spectator, tickRate, snapshotRate });
    this.#since = now;
    this.#lastEvent = this.#sequence = this.#received = 0;
    this.#applied = null;
    this.#told = "0 null";
    this.#events = [];
    this.#sent.clear();
    this.#pacer = new Pacer(tickRate, tick, time / MICROSECONDS, now);
    this.#fresh = true;
    this.#tell("connected", { player, spectator });
  }

  #event({ number, name, payload }) {
    if (number <= this.#received) return; // it was here before
    if (number !== this.#received + 1) throw new ProtocolFault(1008, `event ${number} after ${this.#received}`);
    this.#received = number;
    if (this.#messages.has(name)) this.#call(this.#messages.get(name), payload);
    this.#tell("message", { name, payload });
  }

  #apply(snapshot, now) {
    if (this.#fresh) { // until here, the world stayed as it was when the last connection broke
      this.#timeline = new Timeline(this.snapshotRate);
      this.#buffer = new SnapshotBuffer();
      this.#fresh = false;
    }
    if (!this.#buffer.insert(snapshot)) throw new ProtocolFault(1008, `snapshot ${snapshot.tick} after a newer one`);
    const time = snapshot.time / MICROSECONDS;
    this.#applied = snapshot.tick;
    this.#acknowledged(snapshot.event);
    this.#pacer.snapshot(time, snapshot.slipped / MICROSECONDS, now);
    this.#timeline.insert(time, now);
    if (snapshot.inputs) this.#feedback(snapshot.inputs, now);
  }

  #feedback({ received, held, lead }, now) {
    this.#pacer.feedback(received, lead, this.#sequence + 1, now);
    const sent = this.#sent.get(received);
    if (sent === undefined) return;
    const trip = Math.max(0, now - sent - held / MICROSECONDS);
    this.latency = this.latency === null ? trip : this.latency + (trip - this.latency) * SMOOTHING;
    for (const sequence of this.#sent.keys()) if (sequence <= received) this.#sent.delete(sequence);
  }

  #acknowledged(number) {
    if (number > this.#lastEvent) throw new ProtocolFault(1008, `event ${number} was never sent`);
    this.#events = this.#events.filter(([waiting]) => waiting > number);
  }

  // -- saying

  /** One input frame for each tick that is due; presses are in the first. */
  #sendFrames(now) {
    const ticks = this.#pacer.due(now); // asked for in any case: who begins late does not begin with what is past
    if (this.spectator || !this.#acts) return;
    for (const tick of ticks) {
      const sequence = ++this.#sequence;
      const frame = this.#fields.map(({ value }) => value);
      for (const field of this.#fields) if (field.kind === "press") field.value = false;
      this.#sent.set(sequence, now);
      if (this.#sent.size > MOST_TIMED) this.#sent.delete(sequence - MOST_TIMED);
      const acknowledges = { event: this.#received, snapshot: this.#applied };
      this.#socket.send(clientMessages.input({ sequence, tick, frame, ...acknowledges }));
      this.#told = `${this.#received} ${this.#applied}`;
    }
  }

  /** Acknowledge what is new, if nothing else has. */
  #acknowledge() {
    const told = `${this.#received} ${this.#applied}`;
    if (told === this.#told) return;
    this.#told = told;
    this.#socket.send(clientMessages.ack({ event: this.#received, snapshot: this.#applied }));
  }

  // -- callbacks

  #tell(event, value) {
    for (const handler of [...this.#handlers.get(event)]) this.#call(handler, value);
  }

  /** A callback that throws is reported as an uncaught error, and breaks nothing. */
  #call(handler, value) {
    try {
      handler(value);
    } catch (error) {
      (globalThis.reportError ?? console.error)(error);
    }
  }
}
