"""Cuts clips out of videos: packets are copied where a key frame stands at the start, else frames are encoded anew."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

from mmcheck.child import Child, Died, dismiss, hire
from mmcheck.errors import RequestError

_SERVE = "mmcheck.probe.cutting:serve"
#: Seconds before a cut is held to hang, and how many more for each second of the video up to the clip's end.
_GRACE, _EACH = 60.0, 10.0


def cut_apart(source: Path, target: Path, start: Fraction, end: Fraction) -> str:
    """What `cut` does, in a child process. Raises what it raises, ValueError where the video makes it crash or hang."""
    child = hire(_SERVE)
    try:
        how = child.ask((source, target, start, end), _GRACE + _EACH * float(end))
    except Died as death:
        child.close()
        raise ValueError(f"the process that cut it {death}") from None
    except BaseException as error:
        (dismiss if isinstance(error, RequestError) else Child.close)(child)
        raise
    dismiss(child)
    if isinstance(how, Exception):
        raise how
    return str(how)


def serve(message: tuple[Path, Path, Fraction, Fraction]) -> Iterator[str | Exception]:
    """What the child does with a message: how the clip was cut, or an error that needs no PyAV to be told."""
    try:
        yield cut(*message)
    except OSError as error:
        yield OSError(error.errno, error.strerror or str(error))
    except ValueError as error:
        yield ValueError(str(error))


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
