"""Writes the golden file anew: ``python -m tests.matrix.regenerate``. Read the difference before it is kept."""

import sys
import tempfile
from pathlib import Path

from tests.matrix.golden import PATH, write
from tests.matrix.people import PRINCIPALS
from tests.matrix.town import build_town, titles
from tests.matrix.walk import Walk
from tests.service.world import build


def main() -> int:
    """Walks as everybody; the file is written only where no check finds anything wrong."""
    with tempfile.TemporaryDirectory() as name:
        town = build_town(build(Path(name) / "template"), Path(name) / "town")
        walks = []
        for principal in PRINCIPALS:
            walks.append(Walk(principal, town).run())
            print(f"{principal.name}: {sum(map(len, walks[-1].cells.values()))} cells", flush=True)
        wrong = [line for walk in walks for line in walk.wrong]
        kinds = titles(town)
        town.end()
    if wrong:
        print("\n".join(wrong))
        return 1
    PATH.write_text(write(walks, kinds), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
