"""A server inside asyncio: the event loop waits for one descriptor, and calls `work` when it is readable."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import tickws


@contextlib.asynccontextmanager
async def attached(server: tickws.WebSocketServer) -> AsyncIterator[None]:
    """Let the running event loop work for `server`."""
    loop = asyncio.get_running_loop()
    timer: asyncio.TimerHandle | None = None

    def work() -> None:
        nonlocal timer
        if timer is not None:
            timer.cancel()
        if not server.work(0.005, wait=0):
            loop.remove_reader(descriptor)
            return
        deadline = server.next_deadline()  # keep-alive pings and time-outs
        timer = None if deadline is None else loop.call_later(deadline, work)

    descriptor = server.fileno()  # readable while anything is left to do
    loop.add_reader(descriptor, work)
    work()
    try:
        yield
    finally:
        if timer is not None:
            timer.cancel()
        loop.remove_reader(descriptor)
        with server:  # says goodbye to everybody
            pass


async def main() -> None:
    server = tickws.WebSocketServer(port=8056, on_message=lambda ws, message: ws.send(message))
    async with attached(server):
        for second in range(3600):
            await asyncio.sleep(1)  # whatever else the program does
            server.broadcast(f"{second + 1} seconds")


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
