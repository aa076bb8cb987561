"""What the README shows works, word for word."""

import re
from pathlib import Path

import pytest

from resources.datasets.reading import item_objects
from resources.models import Dataset

README = Path(__file__).parents[2] / "README.md"


@pytest.fixture
def sample() -> str:
    """The README's Python, which is one block."""
    [block] = re.findall(r"^```python\n(.+?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)
    return block


def test_the_sample_runs(cast, token_of, live_server, sample, capsys):
    for placeholder, real in (("latchkey_api_...", token_of(cast["ada"])), ("http://localhost:8000", live_server.url)):
        assert placeholder in sample
        sample = sample.replace(placeholder, real)
    exec(compile(sample, README.name, "exec"), {})  # our own README
    made = Dataset.objects.get(owner=cast["ada"], name="prices")
    assert item_objects(made.pk, 0, 10) == [{"sku": "A-1", "price": 12.5}]
    assert capsys.readouterr().out == "{'sku': 'A-1', 'price': 12.5}\n"
