"""Where the programs of runs and builds are held: bubblewrap, their network, their disk and their processes."""

from pathlib import Path

# Programs of their own, which do not run in the process of the worker.
LAUNCH_PROGRAM = Path(__file__).with_name("launch_program.py")
FETCH_PROGRAM = Path(__file__).with_name("fetch_program.py")
