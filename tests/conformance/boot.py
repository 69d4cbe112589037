# mypy: ignore-errors
"""Starts the Autobahn|Testsuite, by the suite's own interpreter: this file is Python 2.7.

    boot.py --list                          prints the ids of the cases
    boot.py MODE SPEC MESSAGES DESCRIPTOR   runs wstest; lines of JSON about each case go to the descriptor

Nothing of the suite is changed but this: TLS, which its PyPy lacks, has an empty stand-in; the cases of 12.x and 13.x
send MESSAGES messages (0: as many as they do); the fuzzing server listens at a free port of 127.0.0.1; no HTML is
written; memory is kept in bounds. mypy knows neither this Python nor the suite's packages.
"""

import gc
import itertools
import json
import os
import resource
import sys
import types

COLLECTED = 100
"""Messages after which PyPy frees what is unused: it does not count what zlib's objects hold, and where no context is
taken over, each message has new ones: gigabytes."""

MOST_BYTES = 4 << 30
"""More fails this process instead of the machine."""


def leave_tls_out():
    import twisted.internet

    stand_in = types.ModuleType("twisted.internet.ssl")
    stand_in.ClientContextFactory = lambda: None
    sys.modules["twisted.internet.ssl"] = twisted.internet.ssl = stand_in


def case_id(case):
    return case.__name__[len("Case") :].replace("_", ".")


def text(value):
    return value.decode("utf8", "replace") if isinstance(value, bytes) else value


def tell_lines(descriptor):
    """Has the suite tell of each case that starts, ends, or finds nobody to connect to."""
    from autobahntestsuite import fuzzing
    from twisted.internet import reactor

    factory, client, server = fuzzing.FuzzingFactory, fuzzing.FuzzingClientFactory, fuzzing.FuzzingServerProtocol
    log_case, build, failed, on_connect = (
        factory.logCase,
        client.buildProtocol,
        client.clientConnectionFailed,
        server.onConnect,
    )
    on_message = fuzzing.FuzzingProtocol.onMessage.__func__
    create_reports, listen = factory.createReports, reactor.listenTCP

    numbers = itertools.count()

    def tell(**line):
        os.write(descriptor, (json.dumps(line) + "\n").encode("ascii"))

    def tell_result(self, result):
        log_case(self, result)
        names = ("id", "behavior", "behaviorClose", "result", "resultClose", "remoteCloseCode", "duration")
        tell(result={name: text(result[name]) for name in names})

    def collect(self, message, binary):
        if not next(numbers) % COLLECTED:
            gc.collect()
        return on_message(self, message, binary)

    def tell_start(self, address):
        tell(start=self.currentCaseId)
        return build(self, address)

    def tell_start_by_client(self, request):
        answer = on_connect(self, request)
        if self.runCase:
            tell(start=self.factory.CaseSet.caseClasstoId(self.Case))
        return answer

    def tell_refusal(self, connector, reason):
        tell(refused=self.currentCaseId, why=text(reason.getErrorMessage()))
        return failed(self, connector, reason)

    def create_json(self):
        create_reports(self, produceHtml=False)

    def listen_here(port, factory, backlog=50, interface=""):
        door = listen(0, factory, backlog, "127.0.0.1")
        factory.externalPort = door.getHost().port  # the Host header is compared with it
        tell(listening=factory.externalPort)
        return door

    factory.logCase = tell_result
    fuzzing.FuzzingProtocol.onMessage = collect
    factory.createReports = create_json
    client.buildProtocol = tell_start
    client.clientConnectionFailed = tell_refusal
    server.onConnect = tell_start_by_client
    reactor.listenTCP = listen_here


def main(arguments):
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    leave_tls_out()
    from autobahntestsuite import case, wstest

    if arguments == ["--list"]:
        sys.stdout.write("\n".join(map(case_id, case.Cases)) + "\n")
        return
    mode, spec, messages, descriptor = arguments
    if int(messages):
        for each in case.Case12_X_X + case.Case13_X_X:
            each.COUNT = int(messages)
    tell_lines(int(descriptor))
    sys.argv = ["wstest", "-m", mode, "-s", spec, "-u", "0"]
    wstest.run()


main(sys.argv[1:])
