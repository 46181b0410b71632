"""The contracts of the tables: which columns every format has, of which type, and what they mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["string", "integer", "number", "boolean"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table. `required` columns are never null; `depth` is the probe that fills it, if any."""

    name: str
    kind: Kind
    docs: str
    required: bool = False
    depth: Literal["exists", "header", "decode"] | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table, what a row of it is, and the columns that every format has."""

    name: str
    row: str
    columns: tuple[Column, ...]

    def column(self, name: str) -> Column | None:
        """The column of that name, or None."""
        return next((column for column in self.columns if column.name == name), None)


SAMPLE = Column("sample", "integer", "opaque key of the record, unique in the dataset", required=True)

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        Table(
            "files",
            "a file of the dataset",
            (
                Column("file", "string", "path below the dataset's root", required=True),
                Column("role", "string", "which kind of file of the format it is", required=True),
                Column("split", "string", "the split that the file belongs to"),
                Column("container", "string", "jsonl, json, csv, parquet, arrow or yaml", required=True),
                Column("bytes", "integer", "size on disk", required=True),
                Column("records", "integer", "records, unreadable ones included"),
                Column("row_groups", "integer", "row groups (Parquet)"),
                Column("largest_row_group_bytes", "integer", "uncompressed bytes of the largest row group (Parquet)"),
                Column("largest_string_bytes", "integer", "bytes of strings in one row group; null where unknown"),
                Column("string_window_bytes", "integer", "bytes of strings in 1,000 rows of mean length"),
                Column("pandas_index", "string", "the index column in the pandas metadata; 'range' for a RangeIndex"),
                Column("columns", "string", "names and types of the columns as JSON text (Parquet, Arrow)"),
                Column("part", "boolean", "one of the parts of a folder that another file names"),
            ),
        ),
        Table(
            "samples",
            "a record",
            (
                SAMPLE,
                Column("file", "string", "path below the dataset's root", required=True),
                Column("row", "integer", "ordinal in the file, from 0", required=True),
                Column("line", "integer", "line in the file, from 1; null where the storage has no lines"),
                Column("id", "string", "the record's own id as text"),
                Column("split", "string", "the split that the record's file belongs to"),
                Column("_content", "string", "the record's text, for exact copies"),
            ),
        ),
        Table(
            "turns",
            "a message or a chunk of text",
            (
                SAMPLE,
                Column("turn", "integer", "ordinal in the record, from 0", required=True),
                Column("role", "string", "who speaks"),
                Column("text", "string", "what is said"),
            ),
        ),
        Table(
            "slots",
            "a place in the text where a medium belongs",
            (
                SAMPLE,
                Column("slot", "integer", "ordinal in the record, from 0", required=True),
                Column("kind", "string", "image, video, audio, …; null where the placeholder is for any kind"),
                Column("position", "integer", "ordinal among the slots of its kind, from 0", required=True),
                Column("turn", "integer", "the turn that it stands in"),
                Column("reference", "string", "the medium that it names, if it does"),
            ),
        ),
        Table(
            "media",
            "a medium that a record brings",
            (
                SAMPLE,
                Column("position", "integer", "ordinal among the record's media of its kind, from 0", required=True),
                Column("ordinal", "integer", "ordinal among all media of the record, from 0", required=True),
                Column("kind", "string", "image, video, audio, …"),
                Column("source", "string", "path, URL or id; null for bytes"),
                Column("storage", "string", "path, id, bytes, base64 or null", required=True),
                Column("reference", "string", "the name by which slots refer to it"),
                Column("split", "string", "the split that the record's file belongs to"),
                Column("absolute", "boolean", "the path is absolute", depth="exists"),
                Column("escapes", "boolean", "the path leaves every allowed root", depth="exists"),
                Column("in_parent", "string", "the parent folder that it was found in, if only there", depth="exists"),
                Column("skipped", "string", "why it was not looked at", depth="exists"),
                Column("found", "boolean", "the file is there", depth="exists"),
                Column("bytes", "integer", "size", depth="exists"),
                Column("container", "string", "what its content is: jpeg, png, wav, …", depth="header"),
                Column("extension_matches", "boolean", "the suffix says what the content is", depth="header"),
                Column("width", "integer", "pixels", depth="header"),
                Column("height", "integer", "pixels", depth="header"),
                Column("pixels", "integer", "width × height", depth="header"),
                Column("mode", "string", "colour mode: RGB, L, CMYK, …", depth="header"),
                Column("frames", "integer", "frames", depth="header"),
                Column("duration", "number", "seconds", depth="header"),
                Column("sample_rate", "integer", "Hz", depth="header"),
                Column("decoded", "boolean", "all of it was decoded", depth="decode"),
                Column("defect", "string", "what is wrong with it; null where nothing was found", depth="header"),
                Column("detail", "string", "the defect in words", depth="header"),
                Column("later_defect", "string", "what is wrong with a frame after the first", depth="decode"),
                Column("base64_flaw", "string", "what is odd about the base64 text", depth="header"),
                Column("base64_loads", "boolean", "the base64 text loads all the same", depth="header"),
                Column("digest", "string", "hash of the content", depth="header"),
            ),
        ),
        Table(
            "counts",
            "a record and a kind of media that it has slots or media of",
            (
                SAMPLE,
                Column("kind", "string", "null where the placeholders are for any kind"),
                Column("slots", "integer", "how many slots", required=True),
                Column("media", "integer", "how many media", required=True),
                Column("kinds_differ", "boolean", "as many slots as media in all, but of other kinds", required=True),
                Column("foreign_slots", "integer", "placeholders of another format, where media have no slot"),
            ),
        ),
        Table(
            "lengths",
            "a record and how much there is in it",
            (
                SAMPLE,
                Column("characters", "integer", "characters of all its turns, placeholders included", required=True),
                Column("turns", "integer", "how many turns", required=True),
                Column("images", "integer", "how many images", required=True),
                Column("videos", "integer", "how many videos", required=True),
                Column("audios", "integer", "how many audios", required=True),
            ),
        ),
        Table(
            "folder",
            "the folder of the dataset: one row",
            (
                Column("card", "string", "the file that describes the dataset: README.md, …; null where there is none"),
                Column("licence", "string", "the licence's file, or what the card's front matter says of it"),
                Column("digests", "string", "the file that records digests: SHA256SUMS, croissant.json, …"),
            ),
        ),
        Table(
            "order",
            "a record, a kind and a piece of evidence of the order of its media",
            (
                SAMPLE,
                Column("kind", "string", "image, video, audio, …"),
                Column("evidence", "string", "what the order is judged by", required=True),
                Column("same", "boolean", "the same values in the same order"),
                Column("permuted", "boolean", "the same values in another order"),
                Column("recorded", "string", "what the record says, in its order"),
                Column("measured", "string", "what was found, in the order of the media"),
            ),
        ),
    )
}
