"""What the scripts of the claims share: cells that are measured once and kept, replays over them, tests, pages.

A cell is one measured setting: a judge, how items are shown to it, a temperature, so many samples. What was measured is
committed under `docs/results/cells/`, per item, so that every number can be computed again from these files alone.
"""
