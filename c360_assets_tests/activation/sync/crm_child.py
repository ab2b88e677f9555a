"""One sync in a process of its own, which may be killed: `start` it with what `Small` says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from c360_assets_tests.activation.sync.crm_small import Person, Small

ROOT = Path(__file__).resolve().parents[3]
SAID = ("url", "token", "name", "token_env", "rules")


def start(small: Small) -> subprocess.Popen[bytes]:
    """Begin one sync of these people."""
    said = {name: getattr(small, name) for name in SAID}
    people = [asdict(person) for person in small.people]
    (small.folder / "small.json").write_text(json.dumps(said | {"people": people}))
    return subprocess.Popen(
        [sys.executable, "-m", __spec__.name, str(small.folder)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def main(folder: Path) -> None:
    """Sync once and print what became of it."""
    said = json.loads((folder / "small.json").read_text())
    people = [Person(**person) for person in said.pop("people")]
    # its run has a number of its own
    done = Small(folder, people=people, runs=1000, **said).sync()
    print(json.dumps(vars(done.tally)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
