"""What a client says once it is welcome: input frames, events, what it has received. One for each connection."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

import msgspec

from tickws.client.pacer import Pacer
from tickws.sync.events import MOST_EVENTS, EventCounter, EventQueue
from tickws.sync.schema import Input, InputSchema
from tickws.sync.wire import MICROSECONDS, Ack, Event, InputMessage, Inputs, encode

__all__ = ["Controls", "Voice"]

EVENT_BYTES: Final = 256 * 1024
"""Events that may wait for the server's acknowledgment: as many as it lets wait for ours."""
EVENT_FRAME: Final = 9
"""Bytes of an event beside its name and payload, at most."""
UNSENT_BYTES: Final = 16 * 1024
"""With more than that waiting for the socket, no input frames are added: what they would say is said later, at once."""
SENT: Final = 256
"""Input frames whose time of sending is remembered."""
SMOOTHING: Final = 1 / 8
"""Share of a new round trip in the average. (TCP's, RFC 6298.)"""


class Controls:
    """What the player does now: the held fields as they are, and presses until they are sent. Outlives connections."""

    def __init__(self, schema: InputSchema) -> None:
        self._schema = schema
        self._frame: Input | None = None
        self._presses: set[str] = set()

    def put(self, frame: Input) -> None:
        """From now on this is held; these presses happened. Raises ValueError, as `InputSchema.check`."""
        if frame != self._frame:
            self._schema.check(frame)
            self._frame = frame
        self._presses.update(self._schema.pressed(frame))

    def take(self) -> Input | None:
        """A frame to send, with the presses that wait; None: the player has said nothing yet."""
        if self._frame is None:
            return None
        frame = self._schema.pressing(self._frame, [name for name in self._schema.presses if name in self._presses])
        self._presses.clear()
        return frame


class Voice:
    """What one connection says.

    Args:
        send: sends one message; False: the connection takes none.
        pacer: which ticks frames are for.
        controls: where frames come from.
        watches: whether the server takes us for a spectator, who sends no frames.
        message_bytes: the longest message that the server takes.
    """

    def __init__(
        self, send: Callable[[bytes], bool], pacer: Pacer, controls: Controls, *, watches: bool, message_bytes: int
    ) -> None:
        self._send = send
        self._controls = controls
        self._watches = watches
        self._message_bytes = message_bytes
        self.pacer = pacer
        self.outgoing = EventQueue(MOST_EVENTS, EVENT_BYTES)
        self.incoming = EventCounter()
        self.applied: int | None = None
        """The tick of the newest snapshot applied."""
        self._told: int | None = None  # the same, as it was told last
        self._sequence = 0
        self._sent: deque[tuple[int, float]] = deque(maxlen=SENT)
        self.latency: float | None = None
        """Smoothed round trip in seconds; None before the first."""

    def event(self, name: str, payload: msgspec.Raw) -> bool:
        """Send an event, its payload packed; False: too many wait for acknowledgment, or the connection takes none.

        Raises:
            ValueError: the server does not take so long a message.
        """
        size = len(bytes(payload)) + len(name.encode()) + EVENT_FRAME
        if size > self._message_bytes:
            raise ValueError(f"a message of {size} bytes: the server takes {self._message_bytes}")
        message = self.outgoing.put(name, payload)
        return message is not None and self._send(message)

    def heard(self, event: Event) -> bool:
        """An event came; False: it was here before. Raises ProtocolFault where one is missing."""
        return self.incoming.take(event.number)

    def speak(self, now: float, unsent_bytes: int) -> None:
        """Send what is due: a frame for each tick that has come, or an acknowledgment where none says it."""
        if unsent_bytes > UNSENT_BYTES:
            return
        spoken = False
        for tick in range(0) if self._watches else self.pacer.due(now):
            frame = self._controls.take()
            if frame is None:
                break
            self._sequence += 1
            self._sent.append((self._sequence, now))
            spoken = True
            self._send(encode(InputMessage(self._sequence, tick, self.applied, self.incoming.tell(), frame)))
        if not spoken and (self.applied != self._told or self.incoming.told < self.incoming.received):
            self._send(encode(Ack(self.incoming.tell(), self.applied)))
        self._told = self.applied

    def answered(self, inputs: Inputs, now: float) -> None:
        """The server says what became of our frames."""
        self.pacer.feedback(inputs.received, inputs.lead, self._sequence + 1, now)
        while self._sent and self._sent[0][0] < inputs.received:
            self._sent.popleft()
        if self._sent and self._sent[0][0] == inputs.received:
            sample = max(0.0, now - self._sent.popleft()[1] - inputs.held / MICROSECONDS)
            self.latency = sample if self.latency is None else self.latency + (sample - self.latency) * SMOOTHING
