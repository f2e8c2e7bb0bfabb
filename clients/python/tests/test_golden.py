import json
from pathlib import Path

import golden
import pytest

from recourse_errors import _text


@pytest.mark.parametrize("case", golden.load(), ids=lambda case: case.name)
def test_golden(case):
    assert golden.read(case) == case.report


def test_metadata_is_in_the_order_of_its_keys():
    case = next(c for c in golden.load() if c.name == "everything")
    assert list(golden.read(case)["metadata"]) == sorted(case.report["metadata"])


def test_ranges_of_characters_are_those_of_every_reader():
    table = json.loads((Path(golden.FOLDER).parent / "text.json").read_text("utf-8"))
    assert [list(r) for r in _text.SPACES] == table["spaces"]
    assert [list(r) for r in _text.REMOVED] == table["removed"]
