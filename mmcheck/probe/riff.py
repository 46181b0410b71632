"""WAV by its structure: RIFF, RIFX, RF64 and BW64.

Python's `wave` rejects floats, µ-law, 24 bits in EXTENSIBLE, big-endian and 64-bit files, all of which are sound;
libsndfile reads a file whose header claims more than it holds as a shorter one, without a word.
"""

from __future__ import annotations

from dataclasses import dataclass

from mmcheck.probe.av import look_av
from mmcheck.probe.facts import Facts
from mmcheck.probe.medium import Medium
from mmcheck.probe.verdict import flawed

_EXTENSIBLE = 0xFFFE
_UNKNOWN = 0xFFFFFFFF  # a length that a writer into a pipe could not go back to fill in
_CODECS = {1: "pcm", 3: "float", 6: "alaw", 7: "mulaw"}


@dataclass(slots=True)
class _Wave:
    """The chunks that matter. `claimed` bytes of samples begin at `start`; `held` of them are in the file."""

    tag: int = 0
    channels: int = 0
    rate: int = 0
    align: int = 0
    bits: int = 0
    claimed: int | None = None
    held: int = 0
    short: int = 0


def look_wav(medium: Medium) -> Facts:
    """A WAV. For plain samples the structure is all that there is to decode."""
    facts = medium.facts("wav")
    if medium.size < 12:
        return flawed(facts, "truncated", f"the WAV ends after {medium.size} bytes, within its header")
    wave = _chunks(medium)
    codec = _CODECS.get(wave.tag)
    width = wave.align or -(-wave.bits * wave.channels // 8)
    facts = facts._replace(
        sample_rate=wave.rate or None,
        mode=f"{codec}{wave.bits}" if codec in ("pcm", "float") else codec,
        frames=wave.held // width if width and codec else None,
    )
    if facts.frames is not None and wave.rate:
        facts = facts._replace(duration=facts.frames / wave.rate)
    facts = _judge(facts, wave, width, codec)
    if facts.defect is not None:
        return facts
    if codec is None:
        # ADPCM, MP3 in a WAV and such: sound, but for a real decoder.
        return look_av(medium, "wav", "audio")
    return facts._replace(decoded=medium.depth == "decode")


def _judge(facts: Facts, wave: _Wave, width: int, codec: str | None) -> Facts:
    if wave.claimed is not None and wave.held < wave.claimed:
        said = f"claims {wave.claimed:,} bytes of samples and holds {wave.held:,}"
        return flawed(facts, "truncated", f"the WAV's header {said}")
    # Some writers count their own header of 8 bytes in: that much of a lie is none.
    if wave.short > (8 if wave.claimed is not None else 0):
        return flawed(facts, "truncated", f"the WAV ends {wave.short:,} bytes before its header says")
    if not wave.tag:
        return flawed(facts, "corrupt", "the WAV does not say what its samples are (it has no fmt chunk)")
    if not wave.channels or not wave.rate:
        return flawed(facts, "corrupt", f"the WAV has {wave.channels} channels at {wave.rate} Hz")
    if not wave.held:
        return flawed(facts, "no-samples", "the WAV is a header without samples")
    if codec is None:
        return facts
    if not width:
        return flawed(facts, "corrupt", f"the WAV has samples of {wave.bits} bits")
    if (codec == "pcm" and not 8 <= wave.bits <= 32) or (codec == "float" and wave.bits not in (32, 64)):
        return flawed(facts, "unsupported", f"the WAV has samples of {wave.bits} bits, which most loaders do not read")
    if wave.held < width:
        return flawed(facts, "no-samples", "the WAV holds less than one sample")
    return facts


def _chunks(medium: Medium) -> _Wave:
    order = "big" if medium.head.startswith(b"RIFX") else "little"
    wave, long = _Wave(), {}
    riff = _number(medium.head[4:8], order)
    at = 12
    while at + 8 <= medium.size:
        head = medium.part(at, 8)
        tag, length = head[:4], _number(head[4:], order)
        if tag == b"ds64":
            # RF64: the lengths that do not fit into 32 bits.
            sizes = medium.part(at + 8, 24)
            riff, long[b"data"] = _number(sizes[:8], order), _number(sizes[8:16], order)
        elif tag == b"fmt ":
            _format(wave, medium.part(at + 8, min(length, 40)), order)
        elif tag == b"data" and wave.claimed is None:
            held = medium.size - at - 8
            if length == _UNKNOWN:
                length = long.get(b"data", held) if long.get(b"data") != _UNKNOWN else held
            wave.claimed, wave.held = length, min(length, held)
        at += 8 + length + (length & 1)
    if riff not in (_UNKNOWN, 0):
        wave.short = max(0, riff + 8 - medium.size)
    return wave


def _format(wave: _Wave, chunk: bytes, order: str) -> None:
    if len(chunk) < 14:
        return
    fields = [_number(chunk[at:to], order) for at, to in ((0, 2), (2, 4), (4, 8), (12, 14), (14, 16))]
    wave.tag, wave.channels, wave.rate, wave.align, wave.bits = fields
    if wave.tag == _EXTENSIBLE and len(chunk) >= 28:
        # The real codec is the first field of a GUID, four bytes wide.
        wave.tag = _number(chunk[24:28], order)


def _number(field: bytes, order: str) -> int:
    return int.from_bytes(field, "big" if order == "big" else "little")
