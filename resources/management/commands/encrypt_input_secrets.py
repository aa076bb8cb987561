"""`manage.py encrypt_input_secrets`: encrypts secret input fields that were stored in plain text."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from resources.runs.sealing import SealedRuns, encrypt_inputs
from resources.schedules.sealing import encrypt_saved_inputs

_EVERY = 1000


class Command(BaseCommand):
    """Encrypts what runs were given, and what tasks and schedules have saved. Safe at any time, and more than once."""

    help = (
        "Encrypt the secret input fields that runs, tasks and schedules from before the encryption have in plain text."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take where to go on."""
        parser.add_argument(
            "--after", default="", metavar="RUN_ID", help="go on after this run, where the command was stopped before"
        )

    def handle(self, *, after: str, **options: Any) -> None:
        """Encrypt, and say how many."""
        tasks, schedules = encrypt_saved_inputs()
        self.stdout.write(f"Tasks: {tasks.encrypted} encrypted, {tasks.left} cannot be encrypted.")
        self.stdout.write(f"Schedules: {schedules.encrypted} encrypted, {schedules.left} cannot be encrypted.")
        done = SealedRuns()
        for done in encrypt_inputs(after):
            if done.looked_at % _EVERY == 0:
                self.stdout.write(f"{done.looked_at} runs so far; to go on from here: --after {done.last}")
        self.stdout.write(f"Inputs of runs: {done.encrypted} encrypted, {done.left} cannot be encrypted.")
        self.stdout.write("The files with the plain text were deleted. Backups from before still have it.")
