"""`python -m …crm_child FOLDER URL TOKEN`: one sync in a process of its own, which may be killed.

The people are those of `people.json` in the folder.
"""

import json
import sys
from pathlib import Path

from c360_assets_tests.activation.sync.crm_small import Person, Small


def main(folder: Path, url: str, token: str) -> None:
    people = [Person(**person) for person in json.loads((folder / "people.json").read_text())]
    # its run has a number of its own
    done = Small(folder, url, token, people, runs=1000).sync()
    print(json.dumps(vars(done.tally)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
