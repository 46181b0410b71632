"""Arrow and Parquet rows come back as records; damaged files are faults, never crashes."""

from __future__ import annotations

import datetime
import decimal
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_readers_json import SOME, all_of, only_fault, put

from mmcheck import readers
from mmcheck.limits import Limits
from mmcheck.readers import facts, head, read
from mmcheck.readers.batch import Stored

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
SCHEMA = pa.schema(
    [
        ("text", pa.string()),
        ("conversations", pa.list_(pa.struct([("role", pa.string()), ("content", pa.large_string())]))),
        ("modalities", pa.list_(pa.struct([("type", pa.string()), ("value", IMAGE)]))),
        ("tags", pa.large_list(pa.string())),
        ("score", pa.float32()),
        ("n", pa.int64()),
        ("raw", pa.large_binary()),
    ]
)
TEXTS = st.none() | st.text(max_size=5)
ROWS = st.fixed_dictionaries(
    {
        "text": TEXTS,
        "conversations": st.none()
        | st.lists(st.none() | st.fixed_dictionaries({"role": TEXTS, "content": TEXTS}), max_size=3),
        "modalities": st.none()
        | st.lists(
            st.fixed_dictionaries(
                {
                    "type": TEXTS,
                    "value": st.none()
                    | st.fixed_dictionaries({"bytes": st.none() | st.binary(max_size=9), "path": TEXTS}),
                }
            ),
            max_size=3,
        ),
        "tags": st.none() | st.lists(TEXTS, max_size=3),
        "score": st.none() | st.floats(allow_nan=False, width=32),
        "n": st.none() | st.integers(-(2**63), 2**63 - 1),
        "raw": st.none() | st.binary(max_size=5),
    }
)


def without_nulls(value: Any) -> Any:
    """What a reader should make of a value: null members are left out, null elements stay."""
    if isinstance(value, dict):
        return {key: without_nulls(cell) for key, cell in value.items() if cell is not None}
    return [without_nulls(cell) for cell in value] if isinstance(value, list) else value


def stream(path: Path, table: pa.Table, rows: int = 1_000) -> Path:
    """A file in Arrow's stream format, as `save_to_disk` writes it."""
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=rows)
    return path


@SOME
@given(
    rows=st.lists(ROWS, min_size=1, max_size=20), size=st.sampled_from([1, 3, 100]), block=st.sampled_from([1, 1 << 20])
)
def test_rows_come_back(tmp_path: Path, rows: list[Any], size: int, block: int) -> None:
    table = pa.Table.from_pylist(rows, SCHEMA)
    wanted = [without_nulls(row) for row in rows]
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=size)
    stream(tmp_path / "a.arrow", table, size)
    with pa.ipc.new_file(str(tmp_path / "b.arrow"), SCHEMA) as writer:
        writer.write_table(table, max_chunksize=size)
    for name in ("a.parquet", "a.arrow", "b.arrow"):
        found = all_of(tmp_path / name, block=block)
        assert not found.faults
        assert found.values == wanted, name
        assert found.rows == list(range(len(rows)))
    assert head(tmp_path / "a.parquet", n=3) == wanted[:3]


def test_types_that_json_does_not_know(tmp_path: Path) -> None:
    moment = datetime.datetime(2024, 2, 29, 12, 30, 1, 500)
    columns = {
        "when": pa.array([moment], pa.timestamp("us")),
        "nano": pa.array([1_700_000_000_123_456_789], pa.timestamp("ns")),
        "zone": pa.array([moment], pa.timestamp("s", "UTC")),
        "day": pa.array([moment.date()], pa.date32()),
        "clock": pa.array([moment.time()], pa.time64("us")),
        "span": pa.array([datetime.timedelta(seconds=90)], pa.duration("ms")),
        "price": pa.array([decimal.Decimal("1.25")], pa.decimal128(10, 2)),
        "word": pa.array(["x"]).dictionary_encode(),
        "view": pa.array(["a string that is longer than twelve bytes"], pa.string_view()),
        "bits": pa.array([b"xyz"], pa.binary(3)),
        "pair": pa.array([[1.5, None]], pa.list_(pa.float32(), 2)),
        "map": pa.array([[("k", 1), ("l", None)]], pa.map_(pa.string(), pa.int8())),
        "views": pa.array([["a", None]], pa.list_view(pa.string())),
        "runs": pa.RunEndEncodedArray.from_arrays(pa.array([1], pa.int32()), pa.array(["r"])),
        "nan": pa.array([float("nan")]),
        "nothing": pa.array([None], pa.null()),
    }
    path = stream(tmp_path / "a.arrow", pa.table(columns))
    (record,) = all_of(path).values
    assert record.pop("nan") != record.get("nan")
    assert record == {
        "when": "2024-02-29T12:30:01.000500",
        "nano": "2023-11-14T22:13:20.123456789",
        "zone": "2024-02-29T12:30:01Z",
        "day": "2024-02-29",
        "clock": "12:30:01.000500",
        "span": 90.0,
        "price": 1.25,
        "word": "x",
        "view": "a string that is longer than twelve bytes",
        "bits": b"xyz",
        "pair": [1.5, None],
        "map": {"k": 1, "l": None},
        "views": ["a", None],
        "runs": "r",
    }


def test_a_stream_that_is_cut_gives_what_stands_before(tmp_path: Path) -> None:
    table = pa.table({"a": [f"text {row}" * 20 for row in range(5_000)]})
    data = stream(tmp_path / "a.arrow", table, 500).read_bytes()
    found = all_of(put(tmp_path / "a.arrow", data[: len(data) * 6 // 10]))
    assert found.values == table.to_pylist()[: len(found.values)]
    assert len(found.values) == 3_000
    (fault,) = found.faults
    assert (fault.code, fault.row) == ("MM003", None)
    assert "after 3000 rows" in fault.message


@pytest.mark.parametrize("options", [{}, {"compression": "zstd"}], ids=["plain", "compressed"])
def test_large_cells_may_stay_in_the_file(tmp_path: Path, options: dict[str, Any]) -> None:
    cells = [bytes([number]) * (10 if number % 3 else 5_000 + number) for number in range(90)]
    rows = [
        {"raw": None if number % 7 == 0 else cell, "images": [None, {"bytes": cell}] if number % 5 else None}
        for number, cell in enumerate(cells)
    ]
    types = {"raw": pa.large_binary(), "images": pa.list_(pa.struct([("bytes", pa.binary())]))}
    table = pa.Table.from_pylist(rows, schema=pa.schema(types))
    path = tmp_path / "data.arrow"
    with pa.ipc.new_file(path, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table, max_chunksize=20)
    plain = [value for batch in read(path) for value in batch.values]
    batches = list(read(path, stored=True))
    assert sum(len(batch.rows) for batch in batches) == 90

    def fetched(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: fetched(cell) for key, cell in value.items()}
        if isinstance(value, list):
            return [fetched(cell) for cell in value]
        return bytes(value) if isinstance(value, Stored) else value

    values = [value for batch in batches for value in batch.values]
    assert [fetched(value) for value in values] == plain
    left = [value for value in values if isinstance(value.get("raw"), Stored)]
    assert len(left) == (0 if options else 25)
    assert all(len(value["raw"]) > 4096 for value in left)


def test_a_parquet_file_without_its_end(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": list(range(1_000))}), tmp_path / "a.parquet")
    data = (tmp_path / "a.parquet").read_bytes()
    assert only_fault(put(tmp_path / "a.parquet", data[:-10])).code == "MM003"
    assert only_fault(put(tmp_path / "b.parquet", b"PAR1")).code == "MM003"
    assert facts(tmp_path / "a.parquet")["records"] is None
    pq.write_table(pa.table({"a": pa.array([], pa.int8())}), tmp_path / "c.parquet")
    assert "no record" in only_fault(tmp_path / "c.parquet").message


def test_a_string_that_is_not_utf8_is_one_row(tmp_path: Path) -> None:
    array = pa.StringArray.from_buffers(3, pa.py_buffer(b"\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0"), pa.py_buffer(b"a\xffc"))
    found = all_of(stream(tmp_path / "a.arrow", pa.table({"t": array})))
    assert found.values == [{"t": "a"}, {"t": "c"}]
    assert [(fault.code, fault.row) for fault in found.faults] == [("MM002", 1)]


def test_spoilt_bytes_never_crash(tmp_path: Path) -> None:
    """In a process of its own: a crash of Arrow's would take the tests with it."""
    code = """
import random, sys
from pathlib import Path
import pyarrow as pa, pyarrow.parquet as pq
from mmcheck.readers import facts, head, read
folder = Path(sys.argv[1])
image = {"type": "image", "value": {"bytes": b"x" * 50, "path": None}}
rows = [{"t": f"text {i}" * 3, "m": [image] * (i % 3)} for i in range(300)]
table = pa.Table.from_pylist(rows)
with pa.OSFile(str(folder / "a.arrow"), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
    writer.write_table(table, max_chunksize=100)
with pa.ipc.new_file(str(folder / "b.arrow"), table.schema) as writer:
    writer.write_table(table, max_chunksize=100)
pq.write_table(table, folder / "c.parquet", row_group_size=100, use_dictionary=False)
dice = random.Random(7)
for name in ("a.arrow", "b.arrow", "c.parquet"):
    good = (folder / name).read_bytes()
    path = folder / ("x" + name)
    for _ in range(int(sys.argv[2])):
        bad = bytearray(good)
        for _ in range(dice.choice([1, 4, 40])):
            bad[dice.randrange(len(bad))] = dice.randrange(256)
        path.write_bytes(bad[: dice.choice([len(bad), dice.randrange(len(bad))])])
        for batch in read(path):
            pass
        facts(path), head(path)
print("survived")
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), "120"], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "survived", (done.returncode, done.stderr[-2_000:])


def pandas_metadata(columns: list[Any]) -> dict[bytes, bytes]:
    """What pandas leaves in the schema."""
    return {b"pandas": json.dumps({"index_columns": columns}).encode()}


@pytest.mark.parametrize(
    ("metadata", "index"),
    [
        (None, None),
        (pandas_metadata([]), ""),
        (pandas_metadata(["id"]), "id"),
        (pandas_metadata([{"kind": "range", "start": 0, "stop": 3, "step": 1, "name": None}]), "range"),
        (pandas_metadata(["a", "b"]), '["a", "b"]'),
        ({b"pandas": b"not json"}, None),
    ],
)
def test_the_index_of_pandas(tmp_path: Path, metadata: Any, index: str | None) -> None:
    table = pa.table({"base64": ["x" * 1_000] * 10, "id": [str(row) for row in range(10)]}).replace_schema_metadata(
        metadata
    )
    pq.write_table(table, tmp_path / "a.parquet", use_dictionary=False)
    found = facts(tmp_path / "a.parquet")
    assert (found["container"], found["records"], found["row_groups"]) == ("parquet", 10, 1)
    assert found["bytes"] == (tmp_path / "a.parquet").stat().st_size
    assert found["pandas_index"] == index
    assert json.loads(found["columns"]) == {"base64": "string", "id": "string"}
    # Page headers count too, with the least and the greatest value in them.
    assert 0 <= found["largest_string_bytes"] - 10_010 < 2_500
    assert found["string_window_bytes"] == found["largest_string_bytes"]


def test_a_dictionary_of_short_strings_hides_their_length(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": ["x" * 1_000] * 5_000}), tmp_path / "a.parquet")
    assert facts(tmp_path / "a.parquet")["largest_string_bytes"] is None
    assert max(len(batch) for batch in [all_of(tmp_path / "a.parquet").values]) == 5_000


def test_a_large_batch_is_read_in_slices(tmp_path: Path) -> None:
    from mmcheck.readers import read

    path = stream(tmp_path / "a.arrow", pa.table({"b": [b"x" * 10_000] * 1_000}), 1_000)
    assert max(len(batch.rows) for batch in read(path, block=100_000)) <= 10


@pytest.mark.threat("rows of Parquet and Arrow with very long texts", "lost findings")
@pytest.mark.parametrize("kind", ["text", "numbers", "dictionary"])
def test_a_row_that_is_too_long_is_one_finding(tmp_path: Path, kind: str) -> None:
    limits = Limits(max_line_bytes=1000)
    long: Any = {"text": "x" * 2000, "numbers": [1] * 2000, "dictionary": "x" * 2000}[kind]
    short: Any = [1] if kind == "numbers" else "x"
    cells = pa.array([short, long, short])
    column = pa.chunked_array([cells.dictionary_encode() if kind == "dictionary" else cells])
    nested = pa.StructArray.from_arrays([column.combine_chunks()], ["inner"])
    image = pa.array([b"y" * 9000] * 3)
    table = pa.table({"id": ["a", "b", "c"], "nested": nested, "image": image})
    pq.write_table(table, tmp_path / "a.parquet")
    with pa.OSFile(str(tmp_path / "a.arrow"), "wb") as out, pa.ipc.new_stream(out, table.schema) as to:
        to.write_table(table)
    for name in ("a.parquet", "a.arrow"):
        batches = list(readers.read(tmp_path / name, limits=limits))
        assert [value["id"] for batch in batches for value in batch.values] == ["a", "c"]
        assert [row for batch in batches for row in batch.rows] == [0, 2]
        [fault] = [fault for batch in batches for fault in batch.faults]
        assert (fault.code, fault.row) == ("MM002", 1) and "more than 1,000 bytes of text and numbers" in fault.message
