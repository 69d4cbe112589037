"""expected.toml: an entry cites an RFC clause, or is refused."""

import pytest

from tests.conformance.expected import BadExpectation, Exemption, load, parse

ENTRY = {
    "side": "server",
    "case": "7.1.5",
    "behavior": "NON-STRICT",
    "close": "OK",
    "clause": "RFC 6455 section 7.1.5",
    "why": "what it says",
}


def toml(*entries: dict[str, str]) -> str:
    """The file with these entries."""
    lines = (["[[exemption]]", *(f"{name} = {value!r}" for name, value in entry.items())] for entry in entries)
    return "\n".join(line for entry in lines for line in entry)


def test_the_projects_own_can_be_read() -> None:
    load()


def test_reads_an_entry() -> None:
    assert parse(toml(ENTRY)) == [Exemption(**ENTRY)]
    assert str(Exemption(**ENTRY)) == "server 7.1.5 (RFC 6455 section 7.1.5)"


def test_an_empty_file_has_none() -> None:
    assert parse("# nothing\n") == []


@pytest.mark.parametrize("missing", ENTRY)
def test_refuses_an_entry_with_something_missing(missing: str) -> None:
    with pytest.raises(BadExpectation, match=missing):
        parse(toml({name: value for name, value in ENTRY.items() if name != missing}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("clause", ""),
        ("clause", "the RFC"),
        ("clause", "RFC 6455"),
        ("clause", "RFC 6455 section"),
        ("clause", "RFC 2616 section 4"),
        ("case", "7.*"),
        ("side", "both"),
        ("behavior", "INFORMATIONAL"),
        ("close", "fine"),
        ("why", " "),
    ],
)
def test_refuses_a_value_that_says_nothing(name: str, value: str) -> None:
    with pytest.raises(BadExpectation, match=name):
        parse(toml({**ENTRY, name: value}))


@pytest.mark.parametrize(
    "text", ["exemption = 3", "[[exception]]\n", "not toml", toml({**ENTRY, "until": "2030"}), "exemption = [3]"]
)
def test_refuses_what_is_no_entry(text: str) -> None:
    with pytest.raises(BadExpectation, match=r"expected\.toml"):
        parse(text)


def test_refuses_a_case_that_stands_twice() -> None:
    with pytest.raises(BadExpectation, match="twice"):
        parse(toml(ENTRY, ENTRY))
    assert len(parse(toml(ENTRY, {**ENTRY, "side": "client"}))) == 2
