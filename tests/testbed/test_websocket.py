"""Tests the client's side of RFC 6455: the frames of a server come out whole, however the network cuts them."""

from __future__ import annotations

import pytest

from testbed.websocket import PING, TEXT, Reader, masked, unmasked


@pytest.mark.parametrize("size", [0, 1, 125, 126, 300, 65_535])
@pytest.mark.parametrize("step", [1, 7, 100_000])
def test_a_reader_finds_the_frames_wherever_the_stream_is_cut(size: int, step: int) -> None:
    sent = [(TEXT, b"x" * size), (PING, b"here?"), (TEXT, b"y" * size)]
    stream = b"".join(unmasked(opcode, payload) for opcode, payload in sent)
    reader = Reader()
    found = [frame for at in range(0, len(stream), step) for frame in reader.feed(stream[at : at + step])]
    assert found == sent


def test_a_reader_reads_the_longest_length() -> None:
    assert list(Reader().feed(bytes([0x81, 127]) + (70_000).to_bytes(8, "big") + b"z" * 70_000)) == [
        (TEXT, b"z" * 70_000)
    ]


def test_a_reader_refuses_a_fragment() -> None:
    with pytest.raises(ValueError, match="fragmented"):
        list(Reader().feed(bytes([0x01, 1]) + b"x"))


@pytest.mark.parametrize("size", [0, 125, 126, 65_535])
def test_a_listener_masks_what_it_sends(size: int) -> None:
    frame = masked(TEXT, b"x" * size)
    assert frame[1] & 0x80
    assert len(frame) == size + (6 if size < 126 else 8)
    assert frame.endswith(b"x" * size)
