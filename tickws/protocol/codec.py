"""Chooses the frame codec: one source, and later a second build of it (docs in `_codec_py`)."""

from tickws.protocol._codec_py import FrameDecoder, encode_frame, encode_header, unmask

__all__ = ["FrameDecoder", "encode_frame", "encode_header", "unmask"]
