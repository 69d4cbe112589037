// What Pong sounds like: every sound is made here, of oscillators. Nothing is heard before the first key or touch, as
// browsers want it, and nothing while muted.

const PENTATONIC = [0, 2, 4, 7, 9];
let context = null;
let muted = localStorage.getItem("pong-muted") === "yes";

export const isMuted = () => muted;

export function mute(yes) {
  muted = yes;
  localStorage.setItem("pong-muted", yes ? "yes" : "no");
}

/** To be called in the handler of a key or a touch. */
export function unlock() {
  context ??= new AudioContext();
  if (context.state === "suspended") context.resume();
}

/** Sound out something that happened: its kind, whether it is ours, and where (0 is left, 1 is right). */
export function sound(kind, { speed = 9, ours = true, pan = 0.5 } = {}) {
  if (muted || context?.state !== "running") return;
  const step = Math.max(0, Math.round((speed - 9) / 1.2)); // the faster the ball, the higher
  const note = 12 * Math.floor(step / PENTATONIC.length) + PENTATONIC[step % PENTATONIC.length];
  switch (kind) {
    case "serve": tone(330, 0, 0.09, 0.1, pan); break;
    case "hit": tone(392 * 2 ** (note / 12), 0, 0.13, 0.22, pan); break;
    case "wall": tone(196, 0, 0.07, 0.12, pan); break;
    case "point": (ours ? [523, 697] : [311, 259]).forEach((pitch, i) => tone(pitch, i * 0.11, 0.22, 0.16, pan)); break;
    case "won": [0, 4, 7, 12, 16].forEach((half, i) => {
      tone(392 * 2 ** ((ours ? half : -half) / 12), 0.25 + i * 0.12, 0.35, 0.16, 0.5);
    });
  }
}

function tone(pitch, delay, length, loudness, pan) {
  const at = context.currentTime + delay;
  const oscillator = new OscillatorNode(context, { type: "triangle", frequency: pitch });
  const volume = new GainNode(context, { gain: 0 });
  const place = new StereoPannerNode(context, { pan: pan * 1.2 - 0.6 });
  volume.gain.setValueAtTime(0, at);
  volume.gain.linearRampToValueAtTime(loudness, at + 0.004); // a step would click
  volume.gain.exponentialRampToValueAtTime(0.0005, at + length);
  oscillator.connect(volume).connect(place).connect(context.destination);
  oscillator.start(at);
  oscillator.stop(at + length);
}
