"""An input in a module whose annotations are text."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from tickws import Input, Press


class Quoted(Input):
    """Each kind of field."""

    x: Annotated[float, Meta(ge=-1, le=1)] = 0.0
    fire: Press = False
    free: float = 0.0
