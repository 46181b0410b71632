"""Cuts clips out of videos: packets are copied where a key frame stands at the start, else frames are encoded anew."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from mmcheck.convert import Inexpressible
from mmcheck.errors import RequestError
from mmcheck.storing import find

_TIME = re.compile(r"(\d{1,4}):([0-5]?\d):([0-5]?\d(?:\.\d+)?)")


@dataclass(slots=True)
class Cutter:
    """Cuts the clip of each record to a file below `folder`; `counts` says how many were copied and encoded."""

    folder: Path
    prefix: str
    counts: dict[str, int]
    media_root: Path | None
    naming: Path = Path()
    root: Path = Path()

    def of(self, naming: Path, root: Path) -> Cutter:
        """The same for the records of one file."""
        return Cutter(self.folder, self.prefix, self.counts, self.media_root, naming, root)

    def __call__(self, source: str, kind: str, record: dict[str, Any]) -> str:
        """The path of the clip. Raises Inexpressible where it cannot be cut."""
        times = [record.get("Start_timestamp"), record.get("End_timestamp")]
        start, end = (_seconds(each) for each in times)
        if end <= start:
            raise Inexpressible(f"the clip ends at {times[1]}, and starts at {times[0]}: it cannot be cut")
        found = find(source, self.naming, self.root, self.media_root)
        if found is None:
            raise Inexpressible(
                f"{source} is missing, or outside the roots of the dataset: no clip can be cut out of it"
            )
        stem, suffix = os.path.splitext(os.path.basename(source))
        name = f"{stem}_{times[0]}_{times[1]}{suffix}"
        clip = self.folder / name
        if not clip.exists():
            try:
                how = cut(found, clip, start, end)
            except (OSError, ValueError) as error:  # PyAV's errors are both
                with suppress(OSError):
                    clip.unlink()
                if isinstance(error, OSError) and error.errno in (28, 122, 27):
                    raise
                raise Inexpressible(f"{source} cannot be cut: {error}") from None
            self.counts[how] = self.counts.get(how, 0) + 1
        return self.prefix + name


def _seconds(text: Any) -> Fraction:
    found = _TIME.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise Inexpressible(f"{text!r} is no timestamp (HH:MM:SS.fff): the clip cannot be cut")
    return Fraction(found[1]) * 3600 + Fraction(found[2]) * 60 + Fraction(found[3])


def cut(source: Path, target: Path, start: Fraction, end: Fraction) -> str:
    """Write the clip from `start` to `end`, in seconds; "copied" or "encoded".

    Raises RequestError without PyAV, ValueError or OSError where the video holds no such clip or cannot be read.
    """
    try:
        import av
    except ImportError:
        raise RequestError("cutting clips needs PyAV: install mmcheck-datasets[av]") from None
    with av.open(str(source)) as video:
        if not video.streams.video:
            raise ValueError("it holds no video stream")
        stream = video.streams.video[0]
        base = stream.time_base or Fraction(1)
        first = stream.start_time or 0
        if stream.duration is not None and start >= stream.duration * base:
            raise ValueError(
                f"it is {float(stream.duration * base):.3f} s long, the clip starts at {float(start):.3f} s"
            )
        at = first + round(start / base)
        frame = 1 / stream.average_rate if stream.average_rate else Fraction(1, 25)
        video.seek(at, stream=stream)
        key = next((each for each in video.demux(stream) if each.pts is not None), None)
        if key is None:
            raise ValueError("no frame could be read where the clip starts")
        copied = key.is_keyframe and abs(((key.pts or 0) - at) * base) <= frame / 2
        video.seek(at, stream=stream)
        with av.open(str(target), "w") as clip:
            if copied:
                _copy(video, clip, start, end)
            else:
                _encode(video, clip, stream, start, end)
    return "copied" if copied else "encoded"


def _copy(video: Any, clip: Any, start: Fraction, end: Fraction) -> None:
    """Copy the packets of all pictures and sounds from `start` on, until what is decoded next is behind `end`."""
    streams = [*video.streams.video[:1], *video.streams.audio[:1]]
    made = {stream.index: clip.add_stream_from_template(stream) for stream in streams}
    open_streams = set(made)
    for packet in video.demux(streams):
        if packet.dts is None or packet.stream.index not in open_streams:
            continue
        base, begin = packet.time_base, packet.stream.start_time or 0
        offset = begin + round(start / base)
        if (packet.dts - begin) * base >= end:
            open_streams.discard(packet.stream.index)
            if not open_streams:
                break
            continue
        if packet.stream.type == "audio" and packet.pts < offset:
            continue
        packet.pts -= offset
        packet.dts -= offset
        packet.stream = made[packet.stream.index]
        clip.mux(packet)


def _encode(video: Any, clip: Any, stream: Any, start: Fraction, end: Fraction) -> None:
    """Decode from the key frame before `start`, and encode the frames of the clip; sounds are copied."""
    sound = video.streams.audio[:1]
    out = clip.add_stream(_encoder(stream), rate=stream.average_rate or 25)
    out.width, out.height = stream.codec_context.width, stream.codec_context.height
    out.pix_fmt = "yuv420p"
    out.codec_context.time_base = stream.time_base
    copied = clip.add_stream_from_template(sound[0]) if sound else None
    begin = stream.start_time or 0
    frames, going = 0, {stream.index, *(each.index for each in sound)}
    for packet in video.demux([stream, *sound]):
        if packet.stream.type == "audio":
            base = packet.time_base
            if packet.pts is None or not (start <= (packet.pts - (packet.stream.start_time or 0)) * base < end):
                continue
            packet.pts -= (packet.stream.start_time or 0) + round(start / base)
            packet.dts = packet.pts
            packet.stream = copied
            clip.mux(packet)
            continue
        for frame in packet.decode():
            at = (frame.pts - begin) * stream.time_base
            if at >= end:
                going.discard(stream.index)
                break
            if at >= start - Fraction(1, 1000):
                frame.pts -= begin + round(start / stream.time_base)
                frame.pts = max(0, frame.pts)
                frame.time_base = stream.time_base
                frame.pict_type = 0
                clip.mux(out.encode(frame.reformat(format="yuv420p")))
                frames += 1
        if stream.index not in going:
            break
    if not frames:
        raise ValueError("no frame lies between the start and the end of the clip")
    clip.mux(out.encode(None))


def _encoder(stream: Any) -> str:
    """The encoder of the video's own codec where there is one, else one that everybody reads."""
    import av

    for name in {"h264": ("libx264", "h264"), "vp9": ("libvpx-vp9",), "hevc": ("libx265",)}.get(
        stream.name or stream.codec_context.name, ()
    ):
        with suppress(ValueError):
            av.Codec(name, "w")
            return name
    return "mpeg4"
