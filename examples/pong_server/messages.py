"""What the page and the server say to each other: JSON texts with a `kind`. Here belongs their form, and its check.

from the page   say      text               a line of chat
                name     name               call me that from now on
                echo     at                 sent back as it came: the page measures the way there and back
to the page     welcome  you, room, tick, rate   first of all; then `here` and `line` for what was before
                here     who                is in the room already
                joined   who                has just come; also `left`
                renamed  who, before        has another name now
                line     name, hue, text, tick
                notice   text               for this visitor alone
                state    tick, x, y         the ball, the latest only
                echo     at
"""

from typing import Annotated

import msgspec

NAME_LENGTH, TEXT_LENGTH = 24, 500
"""In characters, at most."""


class Say(msgspec.Struct, tag_field="kind", tag="say", forbid_unknown_fields=True):
    """A line of chat."""

    text: Annotated[str, msgspec.Meta(max_length=TEXT_LENGTH)]


class Name(msgspec.Struct, tag_field="kind", tag="name", forbid_unknown_fields=True):
    """The wish for another name."""

    name: Annotated[str, msgspec.Meta(max_length=NAME_LENGTH)]


class Echo(msgspec.Struct, tag_field="kind", tag="echo", forbid_unknown_fields=True):
    """To be sent back; `at` is the page's clock."""

    at: float


_decoder: msgspec.json.Decoder[Say | Name | Echo] = msgspec.json.Decoder(Say | Name | Echo)


def decode(text: str) -> Say | Name | Echo:
    """What a page has said.

    Raises:
        ValueError: it is none of the above; the error says why, in at most 100 characters.
    """
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(ascii(str(error))[1:-1][:100]) from None


def encode(kind: str, **fields: object) -> str:
    """A message for a page."""
    return msgspec.json.encode({"kind": kind, **fields}).decode()
