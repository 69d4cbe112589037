"""The defences of tickws against the original's faults, and how to take each out of the source; `prove.py` does it."""

from typing import NamedTuple


class Defence(NamedTuple):
    """One defence and the test that shows it."""

    name: str
    test: str
    file: str
    source: str
    without: str


FAULTS = "tests/test_original_faults.py::test_row_"
FAULT_DEFENCES = [
    Defence(
        "1: a full socket is no lost one",
        FAULTS + "1_a",
        "transport/stream.py",
        "            return self._socket.send(data)\n        except (BlockingIOError, InterruptedError):\n",
        "            return self._socket.send(data)\n        except ZeroDivisionError:\n",
    ),
    Defence(
        "2: an error of a socket is that connection's",
        FAULTS + "2",
        "transport/stream.py",
        "            return None\n        except OSError:\n            self.lost = True\n            return None\n",
        "            return None\n",
    ),
    Defence(
        "3: an empty frame is consumed",
        FAULTS + "3",
        "protocol/_codec_py.py",
        "            self.ends = True\n            self._consume(end)\n",
        "            self.ends = True\n            self._consume(end if length else pos)\n",
    ),
    Defence(
        "4: a pong is a known opcode",
        FAULTS + "4",
        "protocol/_codec_py.py",
        "2 < opcode < 8 or opcode > 10",
        "2 < opcode < 8 or opcode > 9",
    ),
    Defence(
        "5: 16-bit and 64-bit lengths do not sign-extend",
        FAULTS + "5_every",
        "protocol/_codec_py.py",
        'int.from_bytes(data[pos + 2 : pos + header], "big")',
        'int.from_bytes(data[pos + 2 : pos + header], "big", signed=True)',
    ),
    Defence(
        "5: the maximum",
        FAULTS + "5_the_maximum",
        "protocol/_codec_py.py",
        "length > self._limit - before and",
        "length > self._limit - before + 1 and",
    ),
    Defence(
        "6: a poll has room for everybody",
        FAULTS + "6",
        "transport/poller.py",
        "return self._epoll.poll(0, self._watched)",
        "return self._epoll.poll(0)",
    ),
    Defence(
        "7: a close frame is written before the end",
        FAULTS + "7_both_ends_see_code_and_reason_if_the_peer",
        "transport/links.py",
        "            self.release(link)\n        else:\n            self.end(link)\n",
        "            self.release(link)\n        else:\n            self.release(link)\n",
    ),
    Defence(
        "7: what was queued goes out before our close",
        FAULTS + "7_both_ends_see_code_and_reason_if_we",
        "transport/outbox.py",
        "        if drop:\n            self.clear()\n",
        "        self.clear()\n",
    ),
    Defence(
        "8: the end of a stream gives the descriptor back",
        FAULTS + "8",
        "transport/links.py",
        "        link.stream.close()\n",
        "",
    ),
    Defence(
        "8: no cycle keeps a closed connection alive",
        FAULTS + "8",
        "transport/notices.py",
        "            link.websocket = None  #",
        "            pass  #",
    ),
    Defence(
        "9: the maximum of connections",
        FAULTS + "9",
        "transport/server.py",
        "            full = len(links.by_fd) >= self._max_connections\n",
        "            full = False\n",
    ),
    Defence(
        "9: the backlog is not stranded",
        FAULTS + "9",
        "transport/server.py",
        "            self._retry_at = None\n            self._listener.resume()\n",
        "            self._retry_at = None\n",
    ),
    Defence(
        "10: connections are a copy",
        FAULTS + "10_a_callback_may_close_everybody",
        "transport/server.py",
        "            return tuple(self._links.open)\n",
        "            return self._links.open.keys()  # type: ignore\n",
    ),
    Defence(
        "10: links are closed from a copy",
        FAULTS + "10_a_callback_may_close_the_server",
        "transport/endpoint.py",
        "        for link in list(self._links.by_fd.values()):\n            self._links.lose(link)\n            if",
        "        for link in self._links.by_fd.values():\n            self._links.lose(link)\n            if",
    ),
    Defence(
        "11: no on_close without on_open",
        FAULTS + "11",
        "transport/links.py",
        "        if link.opened and websocket is not None:\n",
        "        if websocket is not None:\n",
    ),
    Defence(
        "12: the queue is bounded",
        FAULTS + "12",
        "transport/outbox.py",
        "self.queued_bytes + size > self._limits.queue_bytes or",
        "",
    ),
    Defence(
        "13: nothing is queued on a dead connection",
        FAULTS + "13_sends",
        "transport/sendqueue.py",
        "        if not outbox.open:\n            return False\n        if not outbox.put(message):",
        "        if not outbox.put(message):",
    ),
    Defence(
        "13: a send from another thread wakes",
        FAULTS + "13_a_send",
        "transport/sendqueue.py",
        "if self.sleeping or",
        "if",
    ),
    Defence(
        "14: 64-bit lengths go out",
        FAULTS + "14",
        "protocol/_codec_py.py",
        'return bytes((first, bit | 127)) + size.to_bytes(8, "big")',
        "return bytes((first, bit | 126, size >> 8 & 0xFF, size & 0xFF))",
    ),
    Defence(
        "15: section 4.2.1 is checked",
        FAULTS + "15_the_handshake_is_checked",
        "protocol/opening.py",
        "            self._key = check_upgrade(request, version)\n",
        '            self._key = request.headers.get("sec-websocket-key", "x")\n',
    ),
    Defence(
        "15: folded headers are refused before h11 unfolds them",
        FAULTS + "15_the_handshake_is_checked",
        "protocol/http.py",
        '            if line[:1] in (b" ", b"\\t"):',
        "            if False:",
    ),
    Defence(
        "15: header lines are counted before h11 takes them all",
        FAULTS + "15_the_handshake_is_checked",
        "protocol/http.py",
        "        if len(lines) - 1 > self._limits.header_count:\n",
        "        if False:\n",
    ),
    Defence(
        "15: a refusal closes",
        FAULTS + "15_a_refusal",
        "transport/reception.py",
        "        self._links.answered[status] += 1\n        self._links.end(link)\n",
        "        self._links.answered[status] += 1\n",
    ),
    Defence(
        "15: the handshake's deadline",
        FAULTS + "15_the_handshake_has",
        "transport/links.py",
        "        self.deadlines.handshake(link)\n",
        "",
    ),
    Defence(
        "16: a pong carries the unmasked payload",
        FAULTS + "16_pongs",
        "protocol/_codec_py.py",
        "            self.payload = unmask(payload, self._mask) if self._masked and length else payload\n",
        "            self.payload = unmask(payload, self._mask) if opcode < 8 and length else payload\n",
    ),
    Defence(
        "16: reserved bits and opcodes",
        FAULTS + "16_violations",
        "protocol/_codec_py.py",
        "        if self._faults[first]:\n",
        "        if False:\n",
    ),
    Defence(
        "16: UTF-8",
        FAULTS + "16_violations",
        "protocol/messages.py",
        "        return payload.decode()\n",
        '        return payload.decode(errors="replace")\n',
    ),
    Defence(
        "16: close codes",
        FAULTS + "16_violations",
        "protocol/messages.py",
        "    if not is_wire_close_code(code):\n",
        "    if False:\n",
    ),
    Defence(
        "16: masking is required of clients",
        FAULTS + "16_violations",
        "protocol/_codec_py.py",
        "        if (second >= 0x80) != self._masked:\n",
        "        if False:\n",
    ),
    Defence(
        "17: the clock is read between messages",
        "tests/transport/test_slice.py::test_the_overshoot",
        "transport/_pump_py.py",
        "                    cut = mark >= deadline\n",
        "",
    ),
    Defence(
        "17: a quota for each connection",
        FAULTS + "17_a_pass",
        "transport/_pump_py.py",
        "                    over = messages - before >= turn\n",
        "",
    ),
    Defence(
        "17: a write step has an end, however fast its peer reads",
        "tests/transport/test_stream.py::test_a_write_is_one_call",
        "transport/stream.py",
        "            return self._send(memoryview(out[0])[:WRITE_BYTES])\n",
        "            return self._send(out[0])\n",
    ),
    Defence(
        "17: a producer is a step",
        "tests/transport/test_slice.py::test_each_producer",
        "transport/link.py",
        "            if not late and not isinstance(value, (bytes, Compressible)):\n",
        "            if not isinstance(value, (bytes, Compressible)):\n",
    ),
    Defence(
        "17: fragments are steps, though no messages",
        FAULTS + "17_a_pass",
        "protocol/messages.py",
        "                if decoder.ends:\n                    return self._message() if decoder.fin else",
        "                if decoder.ends and (decoder.fin or not decoder.more):\n"
        "                    return self._message() if decoder.fin else",
    ),
]
