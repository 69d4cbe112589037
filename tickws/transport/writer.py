"""Chooses the writer, the pump's twin: one source, and later a second build of it (docs in `_writer_py`)."""

from tickws.transport._writer_py import Writer

__all__ = ["Writer"]
