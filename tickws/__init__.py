"""tickws: a WebSocket server that lives inside your game loop."""

from tickws.clock import Clock, ManualClock, SystemClock
from tickws.errors import ConnectError, ErrorPolicy, ListenError, TickwsError, UsageError
from tickws.protocol.events import Frame
from tickws.protocol.handshake import Accept, Reject, Request
from tickws.protocol.limits import Limits
from tickws.protocol.opcodes import CloseCode, Opcode
from tickws.statistics import ConnectionStatistics, Distribution, EndpointStatistics
from tickws.transport.client import WebSocketClient
from tickws.transport.handler import Handler
from tickws.transport.server import WebSocketServer
from tickws.transport.websocket import WebSocket

__version__ = "0.1.0"

__all__ = [
    "Accept",
    "Clock",
    "CloseCode",
    "ConnectError",
    "ConnectionStatistics",
    "Distribution",
    "EndpointStatistics",
    "ErrorPolicy",
    "Frame",
    "Handler",
    "Limits",
    "ListenError",
    "ManualClock",
    "Opcode",
    "Reject",
    "Request",
    "SystemClock",
    "TickwsError",
    "UsageError",
    "WebSocket",
    "WebSocketClient",
    "WebSocketServer",
]
