"""A server as a service: its socket is systemd's or a path of its own, a proxy stands before it, SIGTERM ends it."""

import tickws


def on_open(ws: tickws.WebSocket) -> None:
    ws.send(f"you come from {ws.remote_address}, {'with' if ws.request.secure else 'without'} TLS")


def main() -> None:
    server = tickws.WebSocketServer(port=None, on_open=on_open, trusted_proxies=("unix",))
    for sock in tickws.systemd_sockets():
        server.listen(sock=sock)
    if not server.addresses:
        server.listen(path="/run/game/game.sock")
    print("serves at", *server.addresses, flush=True)
    loop = tickws.TickLoop(rate=60)
    loop.add(server, budget=0.004)
    loop.run()  # until SIGTERM or Ctrl-C: clients hear 1001


if __name__ == "__main__":
    main()
