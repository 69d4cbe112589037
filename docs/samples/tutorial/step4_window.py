"""Step 4: the window becomes a client. It sends what the player does, and draws what the server says."""

import sys

import pygame
from rules import Ball, Paddle, State
from step1_alone import controls, draw, open_window
from step3_server import Move

import tickws


def main(url: str) -> None:
    screen = open_window("Pong, step 4")
    clock = pygame.time.Clock()
    client = tickws.GameClient(url, inputs=Move)
    while client.work() and (pressed := controls()) is not None:
        dy, serve = pressed
        client.send_input(Move(dy=dy, serve=serve))
        world = client.state()  # entity to its fields, a moment ago; {} before the first snapshot
        if not world or not client.connected:
            draw(screen, State(), f"connecting to {url}")
        else:
            state = State(Ball(**world["ball"]), (Paddle(**world["left"]), Paddle(**world["right"])))
            seats = {world["seats"]["left"]: "left", world["seats"]["right"]: "right"}
            draw(screen, state, f"you are {seats.get(client.player, 'watching')}")
        clock.tick(60)
    with client:  # says goodbye
        pygame.quit()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "ws://127.0.0.1:8056/")
