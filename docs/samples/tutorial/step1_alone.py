"""Step 1: Pong against the computer, in pygame. Arrow keys move, space serves."""

import pygame
from rules import HEIGHT, LENGTH, PADDLE_X, RADIUS, RIGHT, THICKNESS, WIDTH, State, robot, step

NIGHT, LINE, INK = "#0b0d18", "#262b40", "#e8ebf5"
COLOURS = ("#4cc9f0", "#f7b267")


def open_window(title: str) -> pygame.Surface:
    pygame.init()
    pygame.display.set_caption(title)
    return pygame.display.set_mode((WIDTH, HEIGHT))


def controls() -> tuple[float, bool] | None:
    """What the player does: up or down (-1 to 1), and whether space was pressed. None: the window was closed."""
    serve = False
    for event in pygame.event.get():
        if event.type == pygame.QUIT:
            return None
        if event.type == pygame.KEYDOWN and event.key == pygame.K_SPACE:
            serve = True
    held = pygame.key.get_pressed()
    return float(held[pygame.K_DOWN] - held[pygame.K_UP]), serve


def draw(screen: pygame.Surface, state: State, note: str) -> None:
    screen.fill(NIGHT)
    for y in range(12, int(HEIGHT), 24):
        pygame.draw.rect(screen, LINE, (WIDTH / 2 - 2, y, 4, 12))
    for paddle, x, colour in zip(state.paddles, PADDLE_X, COLOURS, strict=True):
        bar = (x - THICKNESS / 2, paddle.y - LENGTH / 2, THICKNESS, LENGTH)
        pygame.draw.rect(screen, colour, bar, border_radius=5)
        write(screen, str(paddle.score), (WIDTH / 2 + (x - WIDTH / 2) / 3, 40), 56, colour)
    pygame.draw.circle(screen, INK, (state.ball.x, state.ball.y), RADIUS)
    write(screen, note, (WIDTH / 2, HEIGHT - 30), 24, INK)
    pygame.display.flip()


def write(screen: pygame.Surface, text: str, centre: tuple[float, float], size: int, colour: str) -> None:
    image = pygame.font.Font(None, size).render(text, True, colour, NIGHT)
    screen.blit(image, image.get_rect(center=centre))


def main() -> None:
    screen = open_window("Pong, step 1")
    clock = pygame.time.Clock()
    state, dt = State(), 0.0
    while (pressed := controls()) is not None:
        dy, serve = pressed
        state = step(state, dy, robot(state, RIGHT), serve, dt)
        draw(screen, state, "arrow keys move, space serves" if state.ball.vx == 0 else "")
        dt = clock.tick(60) / 1000  # sleeps; gives how long the last frame took
    pygame.quit()


if __name__ == "__main__":
    main()
