"""Code that reads at the first look: limits on density, measured; none on the number of lines."""

import ast
import io
import statistics
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "plantlab"
FILES = sorted(PACKAGE.rglob("*.py"))
MAX_FILE = 350  # lines
MAX_FUNCTION = 40  # lines of code: without docstring, comments and blank lines
MAX_COLUMNS = 100
MEDIAN_TOKENS = 9  # half of all lines hold at most so many
MANY_TOKENS = 20  # and nine in ten lines
LAYOUT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)

each = pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(PACKAGE).as_posix())


def docstring_lines(tree: ast.AST) -> set[int]:
    """Return the numbers of the lines that docstrings, and other bare strings, stand on."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            found |= set(range(node.lineno, node.end_lineno + 1))
    return found


def tokens_by_line(source: str) -> dict[int, int]:
    """Return how many tokens each line of code holds; docstrings, comments and blanks have none."""
    skipped = docstring_lines(ast.parse(source))
    counts: dict[int, int] = {}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        line = token.start[0]
        if token.type not in LAYOUT and line not in skipped:
            counts[line] = counts.get(line, 0) + 1
    return counts


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def nested(tree: ast.AST, kinds: tuple[type, ...]) -> list[int]:
    """Return the lines on which a node of these kinds holds another of them."""
    lines = []
    for node in ast.walk(tree):
        if isinstance(node, kinds):
            inner = [child for child in ast.walk(node) if child is not node]
            if any(isinstance(child, kinds) for child in inner):
                lines.append(node.lineno)
    return lines


@each
def test_a_file_holds_one_idea(path):
    assert len(path.read_text().splitlines()) <= MAX_FILE


@each
def test_a_function_is_short(path):
    source = path.read_text()
    code = set(tokens_by_line(source))
    for function in functions(ast.parse(source)):
        lines = code & set(range(function.lineno, function.end_lineno + 1))
        assert len(lines) <= MAX_FUNCTION, f"{function.name} has {len(lines)} lines of code"


@each
def test_a_comprehension_holds_no_other(path):
    assert nested(ast.parse(path.read_text()), COMPREHENSIONS) == []


@each
def test_a_conditional_expression_holds_no_other(path):
    assert nested(ast.parse(path.read_text()), (ast.IfExp,)) == []


@each
def test_a_line_ends_before_it_must_be_scrolled(path):
    wide = [i for i, line in enumerate(path.read_text().splitlines(), 1) if len(line) > MAX_COLUMNS]
    assert wide == []


@each
def test_what_is_public_says_its_types(path):
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            untyped = [argument.arg for argument in given if argument.annotation is None]
            assert node.returns is not None and not untyped, f"{node.name}: {untyped or 'return'}"


def test_a_line_says_one_thing():
    counts = [n for path in FILES for n in tokens_by_line(path.read_text()).values()]
    assert statistics.median(counts) <= MEDIAN_TOKENS
    assert statistics.quantiles(counts, n=10)[-1] <= MANY_TOKENS


def test_the_measures_see_what_they_should():
    source = '"""Doc."""\nx = [a for a in [b for b in c]]  # why\n\ny = 1 if p else 2 if q else 3\n'
    tree = ast.parse(source)
    assert tokens_by_line(source) == {2: 15, 4: 11}
    assert nested(tree, COMPREHENSIONS) == [2] and nested(tree, (ast.IfExp,)) == [4]
