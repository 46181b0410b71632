"""`mmcheck convert`: a dataset as one of another format, and an account of every record."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmcheck.cli.options import Parser, here, local, number_from, one_of
from mmcheck.cli.say import say
from mmcheck.cores import default_jobs

if TYPE_CHECKING:
    from mmcheck.accounts import Summary

#: What became of paths of media.
PATHS = {
    "moved": "paths of media now lead from the folder of the target to where the media are",
    "missing": "paths of media were left as they are: no file is there",
    "outside": "paths of media were left as they are: the files are too far from the target (--media-root finds them)",
}

#: The options of the mapping, as Data-Juicer's converters spell them too, and the fields of `Options` that they set.
TOKENS = {
    "eoc_special_token": "eoc",
    "image_special_token": "image",
    "video_special_token": "video",
    "audio_special_token": "audio",
    "sent_separator": "separator",
    "insert_pos": "insert_pos",
    "image_broadcast_pos": "image_broadcast_pos",
    "target_field": "target_field",
    "subset_type": "subset_type",
    "placeholder": "placeholder",
    "num_frames": "num_frames",
    "split_chunk": "split_chunk",
    "str_id": "str_id",
    "image_broadcast": "image_broadcast",
    "only_keep_caption": "only_keep_caption",
    "keep_only_first_image": "keep_only_first_image",
    "keep_other_fields": "keep_other_fields",
    "add_target_field_token": "add_target_field_token",
    "add_eoc_at_last": "add_eoc_at_last",
}


def convert_options(parser: Parser) -> None:
    """The options of `mmcheck convert`."""
    add = parser.add_argument
    add("source", type=here, metavar="SRC", help="a dataset: a file, a folder, a quoted glob")
    add("target", type=local, metavar="DST", help="a file (.jsonl, .json, .csv, .parquet) or a folder to be written")
    add("--to", required=True, metavar="NAME[@VERSION]", help="the format to write")
    add("--from", dest="format", metavar="NAME[@VERSION]", help="the format to read; found out if not given")
    text = "what a record does that the target cannot hold (default stop: nothing is written)"
    add("--on-error", default="stop", metavar="stop|quarantine", type=one_of("stop", "quarantine"), help=text)
    text = "refuse a source in which `mmcheck check`, as it is configured, finds an error"
    add("--check", action="store_true", help=text)
    text = "for --check: the configuration; without it, the nearest upward"
    add("--config", metavar="FILE", type=Path, help=text)
    text = "leave out of Data-Juicer's records what only a conversion back would need"
    add("--no-residue", dest="residue", action="store_false", help=text)
    add("--overwrite", action="store_true", help="replace the target")
    text = "bytes of each file of a folder, such as 500MB: for Arrow 500MB, for images 2GB if not given"
    add("--shard-size", metavar="SIZE", help=text)
    text = "processes that take part where files are large (default: the cores)"
    add("-j", "--jobs", "--num-proc", metavar="N", type=number_from(1), help=text)
    add("-o", "--output", metavar="json", type=one_of("json"), help="print the account of records as JSON")
    add("-q", "--quiet", action="store_true", help="say nothing where every record was written")

    group = parser.add_argument_group("media")
    add = group.add_argument
    text = "media as they are, their bytes into the table, or out of it to files (default keep)"
    add("--media", default="keep", metavar="keep|embed|extract", type=one_of("keep", "embed", "extract"), help=text)
    text = "where media paths start; else they are looked for as a check does"
    roots = ("image", "audio", "video")
    spellings = (spelt for kind in roots for spelt in (f"--{kind}-dir", f"--{kind}_dir"))
    add("--media-root", *spellings, type=Path, metavar="DIR", help=text)
    text = (
        "rewrite media paths for the folder of the target: not in records that come back, never, always (default auto)"
    )
    add("--paths", default="auto", metavar="auto|keep|relative", type=one_of("auto", "keep", "relative"), help=text)
    text = "internvid: cut the clips out of their videos, to files beside the target"
    add("--cut-videos", "--cut_videos", action="store_true", help=text)

    group = parser.add_argument_group("the mapping, as Data-Juicer's own converters call it (also with _ for -)")
    _mapping(group)

    group = parser.add_argument_group("of other formats")
    add = group.add_argument
    add("--placeholder", "--attachment-token", metavar="TOKEN", help="multimeditron: what stands for a medium")
    add("--num-frames", metavar="N", type=number_from(1), help="aria: frames of a video that does not say (default 8)")


def _mapping(group: argparse._ArgumentGroup) -> None:
    def spelt(name: str) -> list[str]:
        return list(dict.fromkeys((f"--{name}", f"--{name.replace('-', '_')}")))

    def token(name: str, help: str) -> None:
        group.add_argument(*spelt(name), metavar="TEXT", help=help)

    def choice(name: str, choices: tuple[str, ...], help: str, *more: str, dest: str | None = None) -> None:
        names = [*spelt(name), *more]
        where = dest or name.replace("-", "_")
        group.add_argument(*names, dest=where, metavar="|".join(choices), type=one_of(*choices), help=help)

    def switch(name: str, help: str) -> None:
        action = argparse.BooleanOptionalAction
        group.add_argument(*spelt(name), dest=name.replace("-", "_"), action=action, default=None, help=help)

    token("eoc-special-token", "the end of a chunk (default <|__dj__eoc|>)")
    token("image-special-token", "stands for an image (default <__dj__image>)")
    token("video-special-token", "stands for a video (default <__dj__video>)")
    token("audio-special-token", "stands for a recording (default <__dj__audio>)")
    spellings = ("--sent-separator", "--sent_separator", "--sent-seperator", "--sent_seperator")
    text = "between a token and its text, or between rounds"
    group.add_argument(*spellings, dest="sent_separator", metavar="TEXT", help=text)
    switch("add-eoc-at-last", "an end of a chunk after the last (default)")
    text = "mmc4, youku-mplug, internvid, msr-vtt, video-chatgpt: where a token goes (default before its text)"
    more = ("--video-special-token-insert-pos", "--video_special_token_insert_pos")
    choice("image-special-token-insert-pos", ("before", "after", "random"), text, *more, dest="insert_pos")
    switch("str-id", "ids become strings (a way back with residue gives their types back)")
    switch("keep-other-fields", "other fields stay in sight (default); else they are only in the residue")
    switch("split-chunk", "llava: a chunk for each round of a conversation")
    switch("image-broadcast", "llava: the image in each round; with --split-chunk")
    positions = ("before", "after", "random", "follow")
    choice("image-broadcast-pos", positions, "llava: where in a round it goes (default random)")
    switch("only-keep-caption", "llava: only the answers, after the image")
    switch("keep-only-first-image", "to llava: take a broadcast image out of the later rounds")
    text = "wavcaps: the field that describes a recording (default caption)"
    choice("target-field", ("caption", "title", "description"), text)
    switch("add-target-field-token", "wavcaps: the name of that field before its text")
    text = "youku-mplug: the subset whose columns are written (default pretrain)"
    choice("subset-type", ("pretrain", "classification", "retrieval", "captioning"), text)


def convert(
    *,
    source: Path,
    target: Path,
    to: str,
    format: str | None,
    on_error: str,
    check: bool,
    config: Path | None,
    residue: bool,
    overwrite: bool,
    media: str,
    media_root: Path | None,
    paths: str,
    cut_videos: bool,
    shard_size: str | None,
    jobs: int | None,
    output: str | None,
    quiet: bool,
    **mapping: object,
) -> int:
    """Convert a dataset."""
    from mmcheck.cli import ahead

    jobs = jobs or default_jobs()
    ahead.start_conversion(source, target, jobs)
    from mmcheck.convert import Options
    from mmcheck.converting import convert_dataset
    from mmcheck.image_tables import bytes_of
    from mmcheck.writers.safe import stoppable

    asked: bool | dict[str, Any] = False
    if check:
        from mmcheck.cli.settings import requested

        asked = requested(source, config=config, media_root=media_root)
    chosen = {TOKENS[name]: value for name, value in mapping.items() if value is not None}
    with stoppable():
        summary = convert_dataset(
            source,
            target,
            to=to,
            format=format,
            on_error=on_error,
            residue=residue,
            overwrite=overwrite,
            media=media,
            media_root=media_root,
            paths=paths,
            cut_videos=cut_videos,
            check=asked,
            shard_size=bytes_of(shard_size) if shard_size else None,
            jobs=jobs,
            options=Options(**chosen),  # type: ignore[arg-type]
        )
    if output:
        print(json.dumps(summary.to_dict(), ensure_ascii=False, indent=2))
    tell(summary, target, quiet=quiet)
    return summary.exit_code


def tell_passed_over(files: Mapping[str, str]) -> None:
    """Which files of the source have no part in what was written, and why."""
    for file, why in files.items():
        say(f"{file} was passed over: {why}")


def tell_paths(paths: Mapping[str, int]) -> None:
    """What became of paths of media."""
    for name, words in PATHS.items():
        if paths.get(name):
            say(f"{paths[name]:,} {words}")


def tell(summary: Summary, target: Path, *, quiet: bool) -> None:
    """The account in words, on standard error."""
    if summary.stopped is not None:
        say(f"stopped: {summary.stopped}; nothing was written")
        if summary.rejected:
            say("--on-error quarantine sets such records apart")
        return
    if quiet and not summary.exit_code:
        return
    counts = f"{summary.read:,} records of {summary.source} read = {summary.written:,} written"
    say(f"{counts} + {summary.rejected:,} rejected: {target} ({summary.target})")
    for reason, count in sorted(summary.reasons.items(), key=lambda item: -item[1])[:10]:
        say(f"rejected {count:,}: {reason}")
    if summary.quarantine is not None:
        say(f"the rejected records and why: {summary.quarantine}")
    if summary.lost:
        left = ", ".join(f"{name} ({count:,})" for name, count in sorted(summary.lost.items()))
        say(f"left out, since {summary.target} has no place for it: {left}")
    for fault in summary.faults[:10]:
        say(fault)
    tell_passed_over(summary.passed_over)
    tell_paths(summary.paths)
    if summary.clips:
        told = {"copied": "copied as they are", "encoded": "encoded anew (no key frame where they start)"}
        say("clips cut: " + ", ".join(f"{count:,} {told[how]}" for how, count in sorted(summary.clips.items())))
