"""How things are made: a folder per capability.

jobs run the others as detached processes. Pure modules take and return records; only `engine.jobs` wires
them to run folders, leases and databases. Nothing here knows how anything is shown.
"""
