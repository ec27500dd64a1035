"""python -m tests.fuzz_frames [count] [seed]: no message may raise anything but FrameRefused."""

from __future__ import annotations

import sys
from collections import Counter

from connectors.refusals import FrameRefused
from tests.device_messages import mutations


def reasons(count: int, seed: int) -> Counter[str]:
    """Return how many damaged messages were refused for which reason; what was read counts as "read"."""
    found: Counter[str] = Counter()
    for decode, message in mutations(count, seed):
        try:
            decode(message)
        except FrameRefused as refusal:
            found[refusal.reason] += 1
        except Exception as error:
            raise AssertionError(f"{type(error).__name__} on {message!r}") from error
        else:
            found["read"] += 1
    return found


def main(count: int = 200_000, seed: int = 20251030) -> None:
    found = reasons(count, seed)
    for reason, times in found.most_common():
        print(f"{times:>8}  {reason}")
    print(f"{found.total():>8}  messages of seed {seed}, and nothing else was raised")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
