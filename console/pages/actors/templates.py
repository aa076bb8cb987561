"""What a new Actor begins with: a few small files that build and run as they are."""

import json
from dataclasses import dataclass

from resources.actors.source_files import SourceFile

_SCHEMA = {
    "title": "Input",
    "type": "object",
    "schemaVersion": 1,
    "properties": {
        "greeting": {
            "title": "Greeting",
            "type": "string",
            "description": "What the Actor says.",
            "editor": "textfield",
            "default": "Hello",
            "prefill": "Hello",
        }
    },
}
_PYTHON = '''\
"""Pushes one item to the run's dataset."""

import asyncio

from apify import Actor


async def main() -> None:
    """Read the input, push an item."""
    async with Actor:
        given = await Actor.get_input() or {}
        await Actor.push_data({"said": given.get("greeting", "Hello")})
        await Actor.set_status_message("Said it.")


asyncio.run(main())
'''
_JAVASCRIPT = """\
// Pushes one item to the run's dataset.
import { Actor } from 'apify';

await Actor.init();
const input = (await Actor.getInput()) ?? {};
await Actor.pushData({ said: input.greeting ?? 'Hello' });
await Actor.setStatusMessage('Said it.');
await Actor.exit();
"""
_PLAIN = '''\
"""Pushes one item to the run's dataset, with nothing but Python itself."""

import json
import os
from urllib.request import Request, urlopen

API = os.environ["APIFY_API_BASE_URL"] + "/v2"
DATASET = os.environ["ACTOR_DEFAULT_DATASET_ID"]
HEADERS = {"Authorization": f"Bearer {os.environ['APIFY_TOKEN']}", "Content-Type": "application/json"}

body = json.dumps({"said": "Hello"}).encode()
with urlopen(Request(f"{API}/datasets/{DATASET}/items", body, HEADERS)):
    print("Pushed an item.")
'''
_PACKAGE = {
    "name": "my-actor",
    "version": "0.1.0",
    "type": "module",
    "scripts": {"start": "node src/main.js"},
    "dependencies": {"apify": "^3"},
}


@dataclass(frozen=True, slots=True)
class Starter:
    """Something to begin with; `files` are its own, besides the description of the Actor and of its input."""

    label: str
    explanation: str
    files: tuple[SourceFile, ...]


STARTERS: dict[str, Starter] = {
    "python": Starter(
        "Python",
        "With the Apify SDK for Python, which the build installs.",
        (SourceFile("src/main.py", content=_PYTHON), SourceFile("requirements.txt", content="apify>=3\n")),
    ),
    "javascript": Starter(
        "JavaScript",
        "With the Apify SDK for JavaScript, which the build installs. The server needs Node.js.",
        (
            SourceFile("src/main.js", content=_JAVASCRIPT),
            SourceFile("package.json", content=f"{json.dumps(_PACKAGE, indent=2)}\n"),
        ),
    ),
    "plain": Starter(
        "Python, nothing else",
        "Calls the API by hand, so there is nothing to install.",
        (SourceFile("main.py", content=_PLAIN),),
    ),
    "empty": Starter("Empty", "No files. Add them here, or push them with the API.", ()),
}


def template_files(starter: str, name: str) -> list[SourceFile]:
    """Return the files that an Actor called `name` begins with."""
    own = STARTERS[starter].files
    if not own:
        return []
    actor = {"actorSpecification": 1, "name": name, "version": "0.1", "input": "./input_schema.json"}
    return [
        *own,
        SourceFile(".actor/actor.json", content=f"{json.dumps(actor, indent=2)}\n"),
        SourceFile(".actor/input_schema.json", content=f"{json.dumps(_SCHEMA, indent=2)}\n"),
    ]
