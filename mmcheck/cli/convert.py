"""`mmcheck convert`: a dataset as one of another format, and an account of every record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from mmcheck.cli.options import Parser, number_from, one_of
from mmcheck.cli.say import say

if TYPE_CHECKING:
    from mmcheck.accounts import Summary

#: The options of the mapping, as Data-Juicer's converters spell them too, and the fields of `Options` that they set.
TOKENS = {
    "eoc_special_token": "eoc",
    "image_special_token": "image",
    "video_special_token": "video",
    "audio_special_token": "audio",
    "sent_separator": "separator",
    "target_field": "target_field",
    "subset_type": "subset_type",
    "placeholder": "placeholder",
    "num_frames": "num_frames",
    "split_chunk": "split_chunk",
    "add_eoc_at_last": "add_eoc_at_last",
}


def convert_options(parser: Parser) -> None:
    """The options of `mmcheck convert`."""
    add = parser.add_argument
    add("source", type=Path, metavar="SRC", help="a dataset: a file, a folder, a quoted glob")
    add("target", type=Path, metavar="DST", help="a file (.jsonl, .json, .csv, .parquet) or a folder to be written")
    add("--to", required=True, metavar="NAME[@VERSION]", help="the format to write")
    add("--from", dest="format", metavar="NAME[@VERSION]", help="the format to read; found out if not given")
    text = "what a record does that the target cannot hold (default stop: nothing is written)"
    add("--on-error", default="stop", metavar="stop|quarantine", type=one_of("stop", "quarantine"), help=text)
    text = "leave out of Data-Juicer's records what only a conversion back would need"
    add("--no-residue", dest="residue", action="store_false", help=text)
    text = "media as they are, their bytes into the table, or out of it to files (default keep)"
    add("--media", default="keep", metavar="keep|embed|extract", type=one_of("keep", "embed", "extract"), help=text)
    text = "bytes of a shard or partition: 500MB (Arrow) or 2GB (images) if not given"
    add("--shard-size", metavar="SIZE", help=text)
    add("--overwrite", action="store_true", help="replace the target")
    add("-o", "--output", metavar="json", type=one_of("json"), help="print the account of records as JSON")
    add("--quiet", action="store_true", help="say nothing where every record was written")

    group = parser.add_argument_group("the mapping, as Data-Juicer's own converters call it")
    add = group.add_argument

    def token(name: str, help: str) -> None:
        add(f"--{name}", f"--{name.replace('-', '_')}", metavar="TEXT", help=help)

    token("eoc-special-token", "the end of a chunk (default <|__dj__eoc|>)")
    token("image-special-token", "stands for an image (default <__dj__image>)")
    token("video-special-token", "stands for a video (default <__dj__video>)")
    token("audio-special-token", "stands for a recording (default <__dj__audio>)")
    spellings = ("--sent-separator", "--sent_separator", "--sent-seperator", "--sent_seperator")
    add(*spellings, dest="sent_separator", metavar="TEXT", help="between a token and its text, or between rounds")
    add("--split-chunk", "--split_chunk", action="store_true", help="a chunk for each round of a conversation")
    text = "no end of a chunk after the last"
    add("--no-eoc-at-last", dest="add_eoc_at_last", action="store_false", help=text)
    text = "wavcaps: the field that describes a recording (default caption)"
    fields = ("caption", "title", "description")
    add("--target-field", "--target_field", metavar="|".join(fields), type=one_of(*fields), help=text)
    subsets = ("pretrain", "classification", "retrieval", "captioning")
    text = "youku-mplug: the subset whose columns are written (default pretrain)"
    add("--subset-type", "--subset_type", metavar="|".join(subsets), type=one_of(*subsets), help=text)

    group = parser.add_argument_group("of other formats")
    add = group.add_argument
    add("--placeholder", "--attachment-token", metavar="TOKEN", help="multimeditron: what stands for a medium")
    add("--num-frames", metavar="N", type=number_from(1), help="aria: frames of a video that does not say (default 8)")


def convert(
    *,
    source: Path,
    target: Path,
    to: str,
    format: str | None,
    on_error: str,
    residue: bool,
    overwrite: bool,
    media: str,
    shard_size: str | None,
    output: str | None,
    quiet: bool,
    **mapping: object,
) -> int:
    """Convert a dataset."""
    from mmcheck.convert import Options
    from mmcheck.converting import convert_dataset
    from mmcheck.image_tables import bytes_of

    chosen = {TOKENS[name]: value for name, value in mapping.items() if value is not None}
    summary = convert_dataset(
        source,
        target,
        to=to,
        format=format,
        on_error=on_error,
        residue=residue,
        overwrite=overwrite,
        media=media,
        shard_size=bytes_of(shard_size) if shard_size else None,
        options=Options(**chosen),  # type: ignore[arg-type]
    )
    if output:
        print(json.dumps(summary.to_dict(), ensure_ascii=False, indent=2))
    tell(summary, target, quiet=quiet)
    return summary.exit_code


def tell(summary: Summary, target: Path, *, quiet: bool) -> None:
    """The account in words, on standard error."""
    if summary.stopped is not None:
        say(f"stopped at {summary.stopped}; nothing was written (--on-error quarantine sets such records apart)")
        return
    if quiet and not summary.rejected:
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
