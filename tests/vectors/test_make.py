"""The files are what make.py makes."""

from tests.vectors.make import HERE, files


def test_the_files_are_as_made() -> None:
    assert {path.name for path in HERE.glob("*.json")} == files().keys()
    for name, content in files().items():
        assert (HERE / name).read_text(encoding="utf-8") == content, f"python tests/vectors/make.py, and look at {name}"
