"""The defences of the wire (compression, the end of a connection), as `defences.py` has those before it."""

from tests.defences import Defence

INFLATE = "tests/protocol/test_inflate.py::test_"
DEFLATE = "tests/protocol/test_deflate.py::test_"
COMPRESSION = "tests/transport/test_compression.py::test_"
ORDER = "tests/transport/test_compression_order.py::test_"
WIRE_DEFENCES = [
    Defence(
        "a limit is charged before more is made",
        INFLATE + "the_limit_is_charged",
        "protocol/messages.py",
        "        if len(chunk) > room:\n",
        "        if len(chunk) > room + 1:\n",
    ),
    Defence(
        "a step makes one chunk",
        INFLATE + "one_step_makes",
        "protocol/messages.py",
        "most = CHUNK_BYTES if room >= CHUNK_BYTES else room + 1",
        "most = room + 1",
    ),
    Defence(
        "a message that is cut is none",
        INFLATE + "what_is_cut_short",
        "protocol/deflate.py",
        "            if not probe.decompress(_END, 1) and probe.eof and not probe.unused_data:\n",
        "            if True:\n",
    ),
    Defence(
        "RSV1 is for a message's first frame",
        INFLATE + "which_reserved_bits",
        "protocol/_codec_py.py",
        "compression and 0 < opcode < 8",
        "compression and opcode < 8",
    ),
    Defence(
        "without takeover a silent connection holds nothing",
        INFLATE + "nothing_is_kept",
        "protocol/deflate.py",
        "            self._decompressor = None\n            if not decompressor.decompress(_TAIL_END",
        "            if not decompressor.decompress(_TAIL_END",
    ),
    Defence(
        "nothing refers to what was given up",
        DEFLATE + "a_message_given_up",
        "protocol/deflate.py",
        "        if self._kept is not None and not self._amid:\n",
        "        if self._kept is not None:\n",
    ),
    Defence(
        "what compresses alike shares the work",
        COMPRESSION + "a_broadcast_is_compressed_once",
        "protocol/encoder.py",
        "                message.frames[key] = frame\n",
        "                pass\n",
    ),
    Defence(
        "who masks shares nothing, nor who takes over",
        COMPRESSION + "a_broadcast_is_compressed_once",
        "protocol/deflate.py",
        "        if not alone and not terms.context_takeover:\n",
        "        if not alone:\n",
    ),
    Defence(
        "a large message is compressed in steps",
        ORDER + "large_messages_go",
        "protocol/deflate.py",
        "        end = min(size, position + CHUNK_BYTES)\n",
        "        end = size\n",
    ),
    Defence(
        "what is said amid a commit is not forgotten",
        ORDER + "what_is_said_amid",
        "transport/outbox.py",
        "bool(self.closing or self._unmade or self._latest or self._pings)",
        "bool(self.closing or self._unmade)",
    ),
    Defence(
        "the extension header is read in bounded time",
        "tests/protocol/test_extensions.py::test_the_number_of_parts",
        "protocol/extensions.py",
        '    if header.count(",") + header.count(";") > MOST_PARTS:\n',
        "    if False:\n",
    ),
    Defence(
        "what is behind a full socket is said",
        "tests/transport/test_close_wire.py::test_a_close_that_comes_while_our_buffer_is_full",
        "transport/_writer_py.py",
        "        if waited and not stream.unsent_bytes:\n",
        "        if False:\n",
    ),
    Defence(
        "a Ping behind our Close is answered",
        "tests/transport/test_close_rules.py::test_a_ping_behind_our_close",
        "protocol/connection.py",
        "            self._pong(event.payload)",
        "            self.state is not State.OPEN or self._pong(event.payload)",
    ),
    Defence(
        "who still reads is not cut off amid what we say",
        "tests/transport/test_close_wire.py::test_who_reads_slowly",
        "transport/deadlines.py",
        "            elif link.expiring and self._takes_more(link):\n",
        "            elif False:\n",
    ),
    Defence(
        "Pongs behind our Close keep nobody",
        "tests/transport/test_endless_closings.py::test_who_pings_on",
        "transport/deadlines.py",
        " or (link.dismissed and link.phase is Phase.CLOSING)",
        "",
    ),
    Defence(
        "a story without end ends with the connection",
        "tests/transport/test_endless_closings.py::test_a_story",
        "transport/deadlines.py",
        "isinstance(link.outbox.unmade, Fragments) or ",
        "",
    ),
    Defence(
        "nothing refers to what an interrupt lost",
        ORDER + "what_an_interrupt_lost",
        "transport/_writer_py.py",
        "                link.connection.encoder.forget()",
        "                pass",
    ),
]
