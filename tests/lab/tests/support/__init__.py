"""What the lab's tests are written with, beside the harness that all tests share; all of it runs inside
dom0, on python3 alone."""

import pathlib
import sys

# In dom0 the harness lies beside the tests, in the source tree it is one of the directories above.
sys.path.append(next(str(place) for place in pathlib.Path(__file__).resolve().parents
                     if (place / "harness").is_dir()))
