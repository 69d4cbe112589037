"""Stands in for boot.py and the suite, without either: `fake_suite.py MODE SPEC MESSAGES DESCRIPTOR`.

The end of a case's id says what it does: `.ok`, `.bad`; `.hang` makes a file called hanging, and is silent for ever;
`.die` ends the process, `.lie` is reported otherwise than told, `.refuse` finds nobody. As a fuzzing server it says
that it listens, and no more.
"""

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any


def main(mode: str, specification: str, descriptor: int) -> None:
    given = json.loads(Path(specification).read_text(encoding="utf-8"))
    reported = {}

    def tell(**line: Any) -> None:
        os.write(descriptor, (json.dumps(line) + "\n").encode())

    if mode == "fuzzingserver":
        tell(listening=1)
        threading.Event().wait()
    for case in given["cases"]:
        action = case.rpartition(".")[2]
        if action == "refuse":
            tell(refused=case, why="nobody is there")
            return
        tell(start=case)
        if action == "hang":
            Path(specification).with_name("hanging").touch()
            threading.Event().wait()
        if action == "die":
            print("something is amiss")
            sys.exit(3)
        told = {"behavior": "FAILED" if action == "bad" else "OK", "behaviorClose": "OK"}
        tell(result={"id": case, **told, "result": "so it is", "resultClose": "fine", "remoteCloseCode": 1000})
        reported[case] = {**told, "behavior": "FAILED"} if action == "lie" else told
    folder = Path(given["outdir"])
    folder.mkdir()
    (folder / "index.json").write_text(json.dumps({"tickws": reported}), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[4]))
