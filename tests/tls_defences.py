"""The defences of TLS, as `defences.py` has others."""

from tests.defences import Defence

CONNECTING = "tests/transport/test_tls_connecting.py::test_"
ENDS = "tests/transport/test_tls_ends.py::test_"
FAULTS = "tests/transport/test_tls_faults.py::test_"
FORGED = "tests/transport/test_tls_forged.py::test_"
HANDSHAKE = "tests/transport/test_tls_handshake.py::test_"
MISUSE = "tests/transport/test_tls_misuse.py::test_"
PENDING = "tests/transport/test_tls_pending.py::test_"
SENDING = "tests/transport/test_tls_sending.py::test_"
TLS_DEFENCES = [
    Defence(
        "records that are here are not forgotten, though no poller tells of them",
        PENDING + "many_records_in_one_segment",
        "transport/_pump_py.py",
        "                if link.stream.pending:\n                    self._go_on(link, said, queue)\n",
        "",
    ),
    Defence(
        "nor are those behind the request",
        PENDING + "a_request_in_many_records",
        "transport/_pump_py.py",
        "        elif link.stream.pending:\n            self._go_on(link, 0)\n\n    def _nothing_read",
        "\n    def _nothing_read",
    ),
    Defence(
        "nor those behind the handshake",
        "tests/transport/test_tls_messages.py::test_the_request_may_be_in_one_packet",
        "transport/_pump_py.py",
        "            if link.phase is not _RELEASED and link.stream.pending:\n                self._go_on(link, 0)\n",
        "",
    ),
    Defence(
        "a key update is answered, though no message of ours takes the answer along",
        FORGED + "a_key_update_is_answered",
        "transport/_pump_py.py",
        "        if stream.unsent_bytes:\n            self._queue.want_write(link)\n",
        "",
    ),
    Defence(
        "who asks for answers of TLS and reads none is given up",
        FORGED + "key_updates_without_end",
        "transport/tls.py",
        "        if replies > REPLY_BYTES:\n            self.lost = True\n",
        "",
    ),
    Defence(
        "records take turns, as messages do",
        FORGED + "a_segment_of_small_records",
        "transport/tls.py",
        "and count < MOST_RECORDS:",
        "and count < 1 << 20:",
    ),
    Defence(
        "a part of a record is nothing to be done",
        PENDING + "nothing_spins",
        "transport/tls.py",
        "    return size if size <= left else 0\n",
        "    return min(size, left)\n",
    ),
    Defence(
        "close_notify is said before FIN",
        ENDS + "the_server_says_close_notify",
        "transport/tls.py",
        "                self.tls.unwrap()\n",
        "                pass\n",
    ),
    Defence(
        "and waits for a full line",
        ENDS + "close_notify_waits_for_a_full_line",
        "transport/tls.py",
        "        if not raw.unsent_bytes:\n            raw.end()\n",
        "        raw.end()\n",
    ),
    Defence(
        "the client says it too",
        ENDS + "the_client_says_it_too",
        "transport/links.py",
        "                link.stream.end()  # close_notify: theirs wants an answer\n",
        "                pass\n",
    ),
    Defence(
        "a handshake that fails is no exception",
        FAULTS + "garbage_instead_of_a_hello",
        "transport/tls.py",
        "        except (ssl.SSLError, ValueError) as error:\n            self._reject(error)\n",
        "        except ValueError as error:\n            self._reject(error)\n",
    ),
    Defence(
        "nor is a record that was changed",
        FAULTS + "a_record_that_was_changed",
        "transport/tls.py",
        '        except ssl.SSLError as error:\n            self._fail(f"TLS failed: {error.reason or error}")\n'
        "            self.lost = True\n            return None\n",
        "",
    ),
    Defence(
        "the peer is told what is wrong",
        FAULTS + "an_alert_tells_the_peer",
        "transport/tls.py",
        "        self._raw.write([self._outgoing.read()])\n        self._look()\n",
        "        self._look()\n",
    ),
    Defence(
        "plain HTTP is answered, in the clear",
        FAULTS + "plain_http",
        "transport/tls.py",
        'if server_side and reason == "HTTP_REQUEST":',
        "if False:",
    ),
    Defence(
        "ALPN is agreed on",
        CONNECTING + "what_alpn_agrees_on",
        "transport/tls.py",
        "    context.set_alpn_protocols(_ALPN)\n",
        "",
    ),
    Defence(
        "a context for the other role raises at once",
        MISUSE + "a_clients_context_at_a_server",
        "transport/server.py",
        "            prepare_context(ssl_context)\n",
        "            pass\n",
    ),
    Defence(
        "a server without a certificate is told of",
        HANDSHAKE + "a_context_without_a_certificate",
        "transport/tls.py",
        'if reason == "NO_SHARED_CIPHER" and',
        "if False and",
    ),
    Defence(
        "who waits in its TLS handshake has a deadline",
        HANDSHAKE + "who_stalls",
        "transport/links.py",
        "        self.deadlines.handshake(link)\n",
        "        if context is None:\n            self.deadlines.handshake(link)\n",
    ),
    Defence(
        "nothing is encrypted while the line is full: latest values stay fresh",
        SENDING + "a_full_line_holds_one_write",
        "transport/tls.py",
        "        if self._plain and not raw.unsent_bytes and not raw.lost:\n",
        "        if self._plain and not raw.lost:\n",
    ),
    Defence(
        "behind a TLS handshake that failed nothing is heard",
        "tests/transport/test_tls_plain.py::test_what_comes_behind",
        "transport/links.py",
        "            link.connection.ignore()  # what comes behind a TLS handshake that failed\n",
        "",
    ),
    Defence(
        "OpenSSL gets a few records a step",
        "tests/transport/test_tls_records.py::test_openssl_gets_a_few",
        "transport/tls.py",
        "and count < MOST_RECORDS:",
        "and count < 1 << 20:",
    ),
    Defence(
        "records that hold no data count",
        "tests/transport/test_tls_records.py::test_who_says_them_is_read_behind",
        "transport/_pump_py.py",
        "            link.heard = self._listened.now\n            return stream.fed\n",
        "            link.heard = self._listened.now\n            self._go_on(link, 0)\n",
    ),
    Defence(
        "a part of a record proves life",
        "tests/transport/test_tls_records.py::test_a_part_of_a_record",
        "transport/_pump_py.py",
        "            link.heard = self._listened.now\n            return stream.fed\n",
        "            return stream.fed\n",
    ),
    Defence(
        "who begins another handshake is dropped",
        "tests/transport/test_tls_records.py::test_who_begins_another",
        "transport/tls.py",
        "if self._outgoing.pending > waited and self._asked_again():",
        "if False:",
    ),
]
