"""A server inside a pygame loop: everybody who connects gets a square, and moves it by sending "left" or "right"."""

import os

import pygame

import tickws

squares: dict[tickws.WebSocket, int] = {}


def on_open(ws: tickws.WebSocket) -> None:
    squares[ws] = 300


def on_message(ws: tickws.WebSocket, message: str | bytes) -> None:
    squares[ws] += {"left": -10, "right": 10}.get(str(message), 0)


def on_close(ws: tickws.WebSocket, code: int, reason: str) -> None:
    del squares[ws]


def main() -> None:
    pygame.init()
    screen = pygame.display.set_mode((640, 120))
    pygame.display.set_caption("ws://127.0.0.1:8056")
    clock = pygame.time.Clock()
    running = True
    with tickws.WebSocketServer(port=8056, on_open=on_open, on_message=on_message, on_close=on_close) as server:
        while running:
            server.receive(0.003)  # inputs, before the tick that uses them; at most 3 ms, and it never sleeps

            for event in pygame.event.get():
                if event.type == pygame.QUIT:
                    running = False
            screen.fill("black")
            for x in squares.values():
                pygame.draw.rect(screen, "white", (x, 50, 20, 20))
            pygame.display.flip()
            server.broadcast_latest("squares", ",".join(map(str, squares.values())))

            server.flush(0.001)  # what this frame has to say, in this frame
            clock.tick(60)  # the only place that waits
    pygame.quit()


if __name__ == "__main__":
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    try:
        main()
    except KeyboardInterrupt:
        pass
