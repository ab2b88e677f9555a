"""The SQL files of the pages: house style, and nothing that nobody asks."""

import re
from pathlib import Path

import pytest
import sqlglot

from c360_assets import ui
from c360_assets.errors import ContractError
from c360_assets.ui.questions import FOLDER, all_questions, question

NAMES = all_questions()
each_question = pytest.mark.parametrize("name", NAMES)
PACKAGE = Path(ui.__file__).parent
CODE = "\n".join(path.read_text(encoding="utf-8") for path in sorted(PACKAGE.rglob("*.py")))


@each_question
def test_a_question_opens_with_what_a_row_is_and_keeps_its_lines_short(name: str) -> None:
    lines = (FOLDER / f"{name}.sql").read_text(encoding="utf-8").splitlines()
    assert re.match(r"-- (One|No) row", lines[0]), lines[0]
    assert [line for line in lines if len(line) > 100] == []
    assert len(lines) <= 150


@each_question
def test_a_question_is_one_select(name: str) -> None:
    statements = sqlglot.parse(question(name), dialect="duckdb")
    assert len(statements) == 1
    assert isinstance(statements[0], sqlglot.exp.Query)


@each_question
def test_somebody_asks_it(name: str) -> None:
    folder, _, last = name.rpartition("/")
    is_made_up = f'f"{folder}/{{' in CODE and f'"{last}"' in CODE
    assert f'"{name}"' in CODE or is_made_up


def test_a_question_that_there_is_not_is_an_error() -> None:
    with pytest.raises(ContractError, match="no question 'home/nothing'"):
        question("home/nothing")
