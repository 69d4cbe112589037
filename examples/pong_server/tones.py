"""What Pong sounds like in the window: the page's sounds (page/sound.js), made of the same tones."""

import array
import functools

import pygame

RATE = 22_050
PENTATONIC = (0, 2, 4, 7, 9)


class Sounds:
    """The sounds; silent on a machine that has no sound device."""

    def __init__(self) -> None:
        tones.cache_clear()
        self.muted = False
        try:
            pygame.mixer.init(RATE, -16, 1, 256)
        except pygame.error:
            self.muted = True

    def play(self, kind: str, speed: float, ours: bool) -> None:
        """Sound out something that happened."""
        if self.muted:
            return
        match kind:
            case "serve":
                tones((330.0, 0.0, 0.09, 0.1)).play()
            case "hit":
                step = max(0, round((speed - 9) / 1.2))  # the faster the ball, the higher
                octave, note = divmod(step, len(PENTATONIC))
                tones((392 * 2 ** (octave + PENTATONIC[note] / 12), 0.0, 0.13, 0.22)).play()
            case "wall":
                tones((196.0, 0.0, 0.07, 0.12)).play()
            case "point":
                pitches = (523.0, 697.0) if ours else (311.0, 259.0)
                tones(*((pitch, 0.11 * i, 0.22, 0.16) for i, pitch in enumerate(pitches))).play()
            case "won":
                up = 1 if ours else -1
                chord = (392 * 2 ** (up * half / 12) for half in (0, 4, 7, 12, 16))
                tones(*((pitch, 0.25 + 0.12 * i, 0.35, 0.16) for i, pitch in enumerate(chord))).play()


@functools.lru_cache(64)
def tones(*notes: tuple[float, float, float, float]) -> pygame.mixer.Sound:
    """A sound of triangle waves: of each the pitch, when it begins, how long it lasts, and how loud it is."""
    length = max(begin + seconds for _, begin, seconds, _ in notes)
    samples = [0.0] * (int(length * RATE) + 1)
    for pitch, begin, seconds, loudness in notes:
        for i in range(int(seconds * RATE)):
            age = i / RATE
            swell = min(1.0, age / 0.004) * (0.0005 / loudness) ** (age / seconds)  # a step would click
            triangle = 2 * abs(2 * (age * pitch % 1) - 1) - 1
            samples[int(begin * RATE) + i] += triangle * loudness * swell
    return pygame.mixer.Sound(buffer=array.array("h", (int(32_000 * max(-1.0, min(1.0, s))) for s in samples)))
