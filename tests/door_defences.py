"""The defences at the doors (where a server listens, whom it takes a client for), as `defences.py` has others."""

from tests.defences import Defence

UNIX = "tests/transport/test_unix.py::test_"
LISTENING = "tests/transport/test_listening.py::test_"
PROXIES = "tests/protocol/test_proxies.py::test_"
TRUSTED = "tests/transport/test_trusted_proxies.py::test_"
DOOR_DEFENCES = [
    Defence(
        "a living server's unix socket is not replaced",
        UNIX + "nor_one_whose_backlog_is_full",
        "transport/binding.py",
        "        except OSError:\n            return False\n",
        "        except OSError:\n            return True\n",
    ),
    Defence(
        "what is no socket is not removed",
        UNIX + "what_is_no_socket",
        "transport/binding.py",
        "if _UNIX is None or not stat.S_ISSOCK(mode):",
        "if _UNIX is None:",
    ),
    Defence(
        "a unix socket's file outlives a hand-over",
        UNIX + "a_socket_that_another_process_has_too",
        "transport/binding.py",
        " and _is_stale(self.path):\n",
        ":\n",
    ),
    Defence(
        "a door that two have is taken out of the poller",
        LISTENING + "it_is_not_woken",
        "transport/listener.py",
        "                self._poller.unregister(fd)\n            door.socket.close()\n",
        "                pass\n            door.socket.close()\n",
    ),
    Defence(
        "X-Forwarded-For is believed of trusted peers alone",
        TRUSTED + "what_others_say",
        "transport/server.py",
        "        if self._proxies.trust(peer):\n",
        "        if peer:\n",
    ),
    Defence(
        "what stands left of the client was written by the client",
        PROXIES + "the_client_is",
        "protocol/proxies.py",
        "            if not self._has(found):\n                break\n",
        "",
    ),
    Defence(
        "a zone is no part of a client's address",
        PROXIES + "the_client_is",
        "protocol/proxies.py",
        'if "%" in text:',
        "if False:",
    ),
    Defence(
        "the walk along the proxies has an end",
        PROXIES + "the_walk_has_an_end",
        "protocol/proxies.py",
        '.rsplit(",", HOPS)[-HOPS:]',
        '.split(",")',
    ),
    Defence(
        "behind a proxy connections are counted by client",
        TRUSTED + "clients_are_counted",
        "transport/server.py",
        "if link.remote_address == peer or self._count(link, link.remote_address):",
        "if True:",
    ),
    Defence(
        "a page without TLS is another origin",
        "tests/protocol/test_request.py::test_a_page_without_tls",
        "protocol/handshake.py",
        ' or (self.secure and scheme != "https")',
        "",
    ),
]
