"""A restart without a refused connection: on SIGHUP the listening socket goes to the process that follows this one."""

import os
import signal
import socket
import subprocess
import sys
from types import FrameType

import tickws

PATIENCE = 5.0  # seconds for handshakes that have begun; a game may let its matches end


class Chat(tickws.Handler):
    def on_message(self, ws: tickws.WebSocket, message: str | bytes) -> None:
        ws.send(message)


class Successor:
    """The next process: it has our listening sockets from the beginning, and says when it serves."""

    def __init__(self, sockets: tuple[socket.socket, ...]) -> None:
        doors = [sock.fileno() for sock in sockets]
        ear, mouth = os.pipe()
        variables = {"DOORS": " ".join(map(str, doors)), "READY": str(mouth)}
        self.process = subprocess.Popen(
            [sys.executable, *sys.orig_argv[1:]], env={**os.environ, **variables}, pass_fds=[*doors, mouth]
        )
        os.close(mouth)
        os.set_blocking(ear, False)
        self._ear = ear

    def serves(self) -> bool | None:
        """None: it says nothing yet. False: it has failed, and we go on."""
        try:
            word = os.read(self._ear, 1)
        except BlockingIOError:
            return None
        os.close(self._ear)
        return bool(word)


class Restart(tickws.Subsystem):
    """Starts the successor when asked, lets nobody new in once it serves, and then ends the loop."""

    def __init__(self, loop: tickws.TickLoop, server: tickws.WebSocketServer) -> None:
        self.loop, self.server = loop, server
        self.asked = False
        self.successor: Successor | None = None
        self.give_up: float | None = None
        signal.signal(signal.SIGHUP, self.ask)

    def ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = True  # a handler of signals only takes a note

    def tick(self, tick: tickws.Tick) -> None:
        if self.give_up is not None:
            self.drain(tick)
        elif self.successor is not None:
            serves = self.successor.serves()
            if serves:
                self.server.stop_listening()  # who waits in the backlog is let in by the successor
                self.give_up = tick.time + PATIENCE
            elif serves is False:
                print("the new process does not start; this one goes on", file=sys.stderr)
                self.successor = None
        elif self.asked:
            self.asked = False
            self.successor = Successor(self.server.sockets)

    def drain(self, tick: tickws.Tick) -> None:
        assert self.give_up is not None
        now = self.server.statistics()
        if now.connections == now.open or tick.time > self.give_up:  # nobody is in a handshake any more
            self.server.close(1012, "restart")  # clients come back, to the successor
            self.loop.stop()


def main() -> None:
    server = tickws.WebSocketServer(Chat(), port=None)
    doors = os.environ.pop("DOORS", "")
    for door in doors.split():
        server.listen(sock=socket.socket(fileno=int(door)))
    if not doors:
        server.listen(port=8056)
    loop = tickws.TickLoop(rate=60)
    loop.add(server, budget=0.004)
    loop.add(Restart(loop, server))
    if "READY" in os.environ:
        with open(int(os.environ.pop("READY")), "wb") as mouth:
            mouth.write(b"!")
    print(f"process {os.getpid()} serves", flush=True)
    loop.run()  # until Ctrl-C, SIGTERM, or the end of a restart


if __name__ == "__main__":
    main()
