"""Small pictures that the window is made of, each drawn once. Here belongs what makes edges and lights smooth."""

import functools
import math

import pygame

Colour = tuple[int, int, int]
FONTS = "nunito,segoeui,helveticaneue,dejavusans,liberationsans,arial"


@functools.lru_cache(256)
def written(line: str, size: int, colour: Colour, bold: bool) -> pygame.Surface:
    return _font(size, bold).render(line, True, colour)


@functools.lru_cache(64)
def _font(size: int, bold: bool) -> pygame.font.Font:
    return pygame.font.SysFont(FONTS, size, bold=bold)


@functools.lru_cache(256)
def disc(radius_x4: int, colour: Colour) -> pygame.Surface:
    """A disc with a smooth edge: drawn four times as large."""
    large = pygame.Surface((2 * radius_x4 + 8, 2 * radius_x4 + 8), pygame.SRCALPHA)
    large.fill((*colour, 0))
    pygame.draw.circle(large, colour, (radius_x4 + 4, radius_x4 + 4), radius_x4)
    return pygame.transform.smoothscale(large, (large.get_width() // 4, large.get_height() // 4))


@functools.lru_cache(64)
def glow(radius: int, colour: Colour) -> pygame.Surface:
    small = pygame.Surface((64, 64), pygame.SRCALPHA)
    for x in range(64):
        for y in range(64):
            far = math.hypot(x - 31.5, y - 31.5) / 31.5
            small.set_at((x, y), (*colour, round(255 * max(0.0, 1 - far))))
    return pygame.transform.smoothscale(small, (2 * radius, 2 * radius))


@functools.lru_cache(16)
def rounded(size: tuple[int, int], radius: float, colour: Colour) -> pygame.Surface:
    large = pygame.Surface((size[0] * 2, size[1] * 2), pygame.SRCALPHA)
    large.fill((*colour, 0))
    pygame.draw.rect(large, colour, large.get_rect(), border_radius=round(2 * radius))
    return pygame.transform.smoothscale(large, size)


def gradient(inner: Colour, outer: Colour) -> pygame.Surface:
    """Lighter above the middle, darker at the edges; to be scaled up."""
    small = pygame.Surface((48, 48))
    for x in range(48):
        for y in range(48):
            far = min(1.0, math.hypot(x - 24, y - 19) / 32)
            small.set_at((x, y), tuple(round(a + (b - a) * far) for a, b in zip(inner, outer, strict=True)))
    return small


def forget() -> None:
    """Begin anew: fonts must not outlive the pygame that made them."""
    for kept in (written, _font, disc, glow, rounded):
        kept.cache_clear()
