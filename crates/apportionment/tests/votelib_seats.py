"""Seats by votelib (PyPI): the other side of differential.rs.

Reads lines `method seats votes votes ...`, writes for each `seats seats ... | tied option numbers | seats tied for`.
Without thresholds: votelib's relative threshold is wrong for a list exactly on the line.
"""

import sys

from votelib.evaluate.core import Tie
from votelib.evaluate.proportional import HighestAverages, LargestRemainder

METHODS = {"hare": LargestRemainder("hare"), "dhondt": HighestAverages("d_hondt")}

for line in sys.stdin:
    method, seats, *votes = line.split()
    result = METHODS[method].evaluate(dict(enumerate(map(int, votes))), int(seats))
    ties = [(sorted(key), count) for key, count in result.items() if isinstance(key, Tie)]
    tied, open_seats = ties[0] if ties else ([], 0)
    certain = [result.get(number, 0) for number in range(len(votes))]
    print(*certain, "|", *tied, "|", open_seats)
