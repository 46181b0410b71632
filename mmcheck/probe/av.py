"""Sound and video by PyAV: which streams there are, whether every packet is there, whether every frame decodes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mmcheck.probe.boxes import structure_fault, xing
from mmcheck.probe.facts import Facts
from mmcheck.probe.medium import Medium
from mmcheck.probe.verdict import bomb, flawed, the, words_of

if TYPE_CHECKING:
    from av.container import InputContainer

_INSTALL = "sound and video need PyAV: install `mmcheck-datasets[av]`"

# Never the demuxers of playlists (HLS, DASH, concat), which open other files and addresses that a text file names.
_OPTIONS = {
    "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,ogg,flac,mp3,aac,aiff,au,caf,amr,ape,wv,asf,flv,"
    "mpeg,mpegts,mpegvideo,w64,wav",
    "protocol_whitelist": "file",
}

#: Containers whose header says exactly how long the sound is.
_EXACT = frozenset({"flac", "aiff", "au", "caf", "w64"})

#: Containers that may begin in the middle of a broadcast, with packets that nothing can decode.
_CAPTURES = frozenset({"mpegts", "mpeg"})

#: A file shorter than this that cannot be opened ends within its header.
_SHORT = 512


@dataclass(slots=True)
class _Count:
    """What a run through the packets met."""

    packets: int = 0
    frames: int = 0
    samples: int = 0
    end: float = 0.0  # of the last frame of sound, in seconds
    begun: bool = False  # a first frame was decoded soundly
    stopped: bool = False  # a limit was reached: from then on packets are counted, not decoded
    damage: str | None = None
    damaged_at: int = 0
    all: int = 0  # packets of all streams
    lame: int = 0  # the last of these that the demuxer calls incomplete


def look_av(medium: Medium, container: str, kind: str | None) -> Facts:
    """A file of sound or video. `kind` is what is wanted of it: the sound of a video is sound, if that is asked for."""
    facts = medium.facts(container)
    fault = structure_fault(medium, container)
    try:
        import av
    except ImportError:
        # What the structure alone shows holds without a decoder.
        return flawed(facts, *fault) if fault else flawed(facts, "unsupported", _INSTALL)
    try:
        with av.open(_source(medium), options=_OPTIONS) as opened:
            facts, index = _streams(facts, opened, kind)
            if fault is None and index is not None and facts.defect is None:
                return _run(medium, facts, opened, index) if medium.depth == "decode" else facts
    except (av.FFmpegError, OSError, ValueError) as error:
        if fault is None and (medium.size < _SHORT or isinstance(error, EOFError)):
            return flawed(facts, "truncated", f"{the(container)} ends after {medium.size:,} bytes, within its header")
        if fault is None:
            return flawed(facts, "corrupt", f"{the(container)} cannot be opened ({_said(error)})")
    return flawed(facts, *fault) if fault else facts


def _source(medium: Medium) -> Any:
    # An absolute path, which libav cannot take for an address.
    return os.path.abspath(medium.path) if medium.path else medium.stream()


def _streams(facts: Facts, opened: InputContainer, kind: str | None) -> tuple[Facts, int | None]:
    """Which stream is looked at, and what it says about itself."""
    from av.stream import Disposition

    # A song's cover is a video stream of one picture.
    videos = [each for each in opened.streams.video if not each.disposition & Disposition.attached_pic]
    chosen: Any = None
    if videos and not (kind == "audio" and opened.streams.audio):
        chosen = max(videos, key=lambda each: (each.width or 0) * (each.height or 0))
        facts = facts._replace(kind="video", width=chosen.width or None, height=chosen.height or None)
        facts = facts._replace(frames=chosen.frames or None)
    elif opened.streams.audio:
        chosen = opened.streams.audio[0]
        facts = facts._replace(kind="audio", sample_rate=chosen.sample_rate or None)
    if chosen is None:
        # Some containers have no list of streams before their first packet.
        return flawed(facts, "no-samples", f"{the(facts.container)} holds neither sound nor video"), None
    context = chosen.codec_context
    if context is None:
        return flawed(facts, "unsupported", f"{the(facts.container)} has a codec that cannot be decoded here"), None
    facts = facts._replace(mode=context.codec.canonical_name, duration=_seconds(chosen, opened))
    return facts, chosen.index


def _seconds(stream: Any, opened: InputContainer) -> float | None:
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return opened.duration / 1_000_000 if opened.duration else None


def _run(medium: Medium, facts: Facts, opened: InputContainer, index: int) -> Facts:
    stream: Any = opened.streams[index]
    # Many media are looked at at once, each by one thread.
    stream.codec_context.thread_count = 1
    limits = medium.limits
    if (facts.width or 0) * (facts.height or 0) > limits.max_pixels:
        return bomb(facts, facts.width or 0, facts.height or 0, limits)
    count = _Count()
    try:
        for packet in opened.demux():
            count.all += bool(packet.size)
            if packet.size and packet.is_corrupt:
                count.lame = count.all
            if packet.stream_index != index:
                continue
            # The last packet of all is empty and without a time: it asks the decoder for what it still holds.
            count.packets += bool(packet.size or packet.dts is not None)
            if count.stopped:
                continue
            _decode(packet, count, facts.container in _CAPTURES)
            if medium.late or (facts.kind == "video" and count.frames >= limits.max_frames):
                count.stopped = True
    except OSError as error:
        count.damage = count.damage or _said(error)
        count.damaged_at = count.damaged_at or count.packets
    return _judge(facts, count, stream, medium)


def _decode(packet: Any, count: _Count, lenient: bool) -> None:
    try:
        for frame in packet.decode():
            count.frames += 1
            if hasattr(frame, "samples"):
                count.samples += frame.samples
                count.end = (frame.time or 0.0) + frame.samples / (frame.sample_rate or 1)
            # A recording that begins between two key frames shows damage until the first of them comes.
            if not frame.is_corrupt:
                count.begun = True
            elif count.begun and count.damage is None:
                count.damage, count.damaged_at = f"frame {count.frames:,} is incomplete", count.packets
    except (OSError, ValueError) as error:
        if count.damage is None and (count.begun or not lenient):
            count.damage, count.damaged_at = f"packet {count.packets:,} does not decode ({_said(error)})", count.packets


def _said(error: Exception) -> str:
    # PyAV writes "[Errno …] words: '<none>'; last error log: …".
    return str(getattr(error, "strerror", None) or words_of(error))


def _judge(facts: Facts, count: _Count, stream: Any, medium: Medium) -> Facts:
    name, announced = the(facts.container), facts.frames or 0
    video = facts.kind == "video"
    if not count.packets:
        return flawed(facts, "no-samples", f"{name} describes its {facts.kind} and holds none of it")
    if count.lame and count.lame == count.all and (count.damage is None or count.damaged_at >= count.packets):
        return flawed(facts, "truncated", f"{name} ends within its packet {count.packets:,}")
    # (Old AVI headers are often wrong about it.)
    if facts.container == "mp4" and count.packets < announced and _packets(medium, stream.index) < announced:
        return flawed(facts, "truncated", f"{name} announces {announced:,} frames and holds {count.packets:,}")
    if count.lame and count.damage is None:
        return flawed(facts, "corrupt", f"{name} is damaged: something is missing before its packet {count.lame:,}")
    if count.damage is not None:
        last = count.damaged_at >= count.packets and count.packets > 1
        where = f"{name} breaks off at its end" if last else f"{name} is damaged"
        return flawed(facts, "truncated" if last else "corrupt", f"{where}: {count.damage}")
    if count.stopped:
        # Not a defect: a film of an hour is none. `decoded` says that the rest was not seen.
        unit = "frames" if video else "packets"
        return facts._replace(detail=f"only the first {count.frames:,} of {count.packets:,} {unit} were decoded")
    if not count.frames:
        return flawed(facts, "corrupt", f"none of the {count.packets:,} packets of {facts.kind} in {name} decodes")
    if video:
        return facts._replace(frames=count.frames, decoded=True)
    seconds = count.samples / facts.sample_rate if facts.sample_rate else facts.duration
    missing = _missing_seconds(facts, count, medium)
    if missing:
        at_end = count.end < (facts.duration or 0.0) - missing / 2
        detail = f"{name} announces {facts.duration or 0:.2f} s of sound, of which {missing:.2f} s are missing"
        return flawed(facts._replace(frames=count.samples), "truncated" if at_end else "corrupt", detail)
    return facts._replace(frames=count.samples, duration=seconds, decoded=True)


def _packets(medium: Medium, index: int) -> int:
    """All packets of a stream: also those that a clip keeps and its edit list hides, being cut without new encoding."""
    import av

    with av.open(_source(medium), options=_OPTIONS | {"ignore_editlist": "1"}) as opened:
        return sum(packet.dts is not None for packet in opened.demux(opened.streams[index]))


def _missing_seconds(facts: Facts, count: _Count, medium: Medium) -> float:
    """How much sound is announced and not there, where the announcement is exact (and not guessed from a bit rate)."""
    if facts.container not in _EXACT and not (facts.container == "mp3" and xing(medium)):
        return 0.0
    # MP3 frames at the very beginning and end are padding, which some encoders count.
    slack = 0.1 if facts.container == "mp3" else 0.001
    missing = (facts.duration or 0.0) - count.samples / (facts.sample_rate or 1)
    return missing if missing > slack else 0.0
