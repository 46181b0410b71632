"""Remote datasets are judged as local ones are, and nothing is fetched that no rule needs: the servers count it."""

from __future__ import annotations

import gzip
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from remote_servers import Server, s3, web

from mmcheck import check, readers, storage
from mmcheck.errors import OpenError, RequestError
from mmcheck.readers import arrow
from mmcheck.remote import Store, store
from mmcheck.report import Report
from mmcheck.verification import verify

DATASETS = Path(__file__).parent / "datasets"

#: Cases of every storage and every way to name media, below tests/datasets.
CASES = [
    "data-juicer/good/image-bytes",  # Parquet with bytes
    "internvid/good/videos-downloaded",  # a CSV, and ids of videos
    "llava/bad/all-images-missing",
    "llava/bad/images-in-parent",
    "llava/bad/images-undecodable",
    "llava/bad/lines-not-json",
    "llava/bad/path-escapes",
    "llava/good/lines",
    "llava/good/media-root",
    "mimic-it/good/yaml-in-a-folder",
    "multimeditron/bad/parquet-damaged",
    "multimeditron/good/arrow-directory",
    "multimeditron/good/dataset-dict",
    "multimeditron/good/lone-arrow-file",
    "multimeditron/good/lone-arrow-stream",
]


class Bucket:
    """A bucket of the S3 server, written by its own client."""

    def __init__(self, server: Server, name: str) -> None:
        import boto3

        self.server, self.name = server, name
        self._client = boto3.client("s3")
        self._client.create_bucket(Bucket=name)

    def put(self, key: str, data: bytes) -> str:
        self._client.put_object(Bucket=self.name, Key=key, Body=data)
        return f"s3://{self.name}/{key}"

    def put_folder(self, folder: Path, prefix: str) -> str:
        for path in folder.rglob("*"):
            if path.is_file():
                self.put(f"{prefix}/{path.relative_to(folder)}", path.read_bytes())
        return f"s3://{self.name}/{prefix}"


@pytest.fixture(scope="module")
def bucket() -> Iterator[Bucket]:
    with s3() as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", server.url)
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        store.cache_clear()
        yield Bucket(server, "data")
        store.cache_clear()


def same(far: Report, here: Report, url: str, folder: Path) -> None:
    """Findings, totals, files, fingerprint and statistics are equal, but for where the dataset is."""

    def told(report: Report, root: str) -> Any:
        data = report.to_dict()
        del data["run"], data["dataset"]["path"], data["dataset"]["root"]
        return json.loads(json.dumps(data).replace(root, "ROOT"))

    assert told(far, url) == told(here, str(folder))
    assert far.run.complete == here.run.complete


def llava(images: list[str]) -> bytes:
    records = [
        {
            "id": str(number),
            "image": image,
            "conversations": [{"from": "human", "value": "<image>\nWhat is it?"}, {"from": "gpt", "value": "a thing"}],
        }
        for number, image in enumerate(images)
    ]
    return json.dumps(records).encode()


def picture(seed: int, side: int = 64) -> bytes:
    import io

    out = io.BytesIO()
    Image.effect_noise((side, side), 40 + seed).convert("RGB").save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twenty records with twenty pictures below `images`."""
    (tmp_path / "images").mkdir()
    for number in range(20):
        (tmp_path / "images" / f"{number}.png").write_bytes(picture(number, 256))
    (tmp_path / "train.json").write_bytes(llava([f"images/{number}.png" for number in range(20)]))
    return tmp_path


@pytest.mark.parametrize("case", CASES)
def test_s3_is_judged_as_a_disk_is(bucket: Bucket, case: str) -> None:
    folder = DATASETS / case
    expected = json.loads((folder / "expected.json").read_text())
    url = bucket.put_folder(folder, case)
    there = {key: f"{url}/{value}" if key == "media_root" else value for key, value in expected["args"].items()}
    here = {key: folder / value if key == "media_root" else value for key, value in expected["args"].items()}
    far = check(f"{url}/{expected['path']}", max_findings=None, **there)
    same(far, check(folder / expected["path"], max_findings=None, **here), url, folder)
    assert far.verdict == expected["verdict"]
    assert far.path == f"{url}/{expected['path']}".rstrip("./")


@pytest.mark.parametrize(
    ("name", "packed"), [("train.json.gz", gzip.compress), ("train.jsonl", None)], ids=["gzip", "lines"]
)
@pytest.mark.parametrize("ranges", [True, False], ids=["ranges", "whole files only"])
def test_the_web_is_judged_as_a_disk_is(
    folder: Path, name: str, packed: Callable[[bytes], bytes] | None, ranges: bool
) -> None:
    data = (folder / "train.json").read_bytes()
    lines = b"".join(json.dumps(each).encode() + b"\n" for each in json.loads(data))
    (folder / name).write_bytes(packed(data) if packed else lines)
    (folder / "images" / "3.png").unlink()
    (folder / "images" / "4.png").write_bytes(b"no picture")
    with web(folder, ranges=ranges) as server:
        far = check(f"{server.url}/{name}", digest_media=True)
    same(far, check(folder / name, digest_media=True), server.url, folder)
    assert [rule.code for rule in far.rules if rule.failed] == ["MM020", "MM021"]


def test_a_large_file_is_read_by_growing_ranges_and_once(bucket: Bucket, tmp_path: Path) -> None:
    record = json.loads(llava(["a.png"]))[0]
    path = tmp_path / "train.jsonl"
    with path.open("w", encoding="utf-8") as out:
        for number in range(60_000):
            print(json.dumps(record | {"id": str(number)}), file=out)
    url = bucket.put("large/train.jsonl", path.read_bytes())
    bucket.server.requests.clear()
    far = check(url, probe="none", jobs=1)
    read = bucket.server.of("train.jsonl")
    assert sum(each.sent for each in read) == path.stat().st_size
    assert len(read) < 16
    same(far, check(path, probe="none", jobs=1), url.rpartition("/")[0], tmp_path)


def test_only_what_a_depth_needs_is_fetched(bucket: Bucket, folder: Path) -> None:
    url = bucket.put_folder(folder, "depths")
    size = sum(path.stat().st_size for path in (folder / "images").iterdir())
    sent, methods = {}, {}
    for probe in ("none", "exists", "header", "decode"):
        bucket.server.requests.clear()
        report = check(f"{url}/train.json", probe=probe)
        assert report.totals.media == 20 and report.totals.errors == 0
        asked = [each for each in bucket.server.requests if "png" in each.path or "images" in each.path]
        methods[probe] = {each.method for each in asked}
        sent[probe] = sum(each.sent for each in bucket.server.of(".png"))
    assert methods["none"] == set()
    assert sent["exists"] == 0
    assert 0 < sent["header"] <= 20 * (16 << 10)
    assert sent["decode"] == size


def test_few_media_of_a_folder_are_asked_for_and_many_are_listed(bucket: Bucket, folder: Path) -> None:
    url = bucket.put_folder(folder, "listed")
    bucket.server.requests.clear()
    check(f"{url}/train.json", probe="exists")
    assert bucket.server.of(".png") == []
    bucket.put("listed/few.json", llava(["images/1.png", "images/2.png", "images/none.png"]))
    bucket.server.requests.clear()
    report = check(f"{url}/few.json", probe="exists")
    assert {each.method for each in bucket.server.of(".png")} == {"HEAD"}
    assert [finding.rule for finding in report.findings] == ["MM020"]


def test_of_a_large_parquet_the_footer_tells(bucket: Bucket, tmp_path: Path) -> None:
    blobs = pa.array([os.urandom(1 << 20) for _ in range(24)])
    pq.write_table(pa.table({"id": list(range(24)), "blob": blobs}), tmp_path / "a.parquet", row_group_size=4)
    url = bucket.put("large/a.parquet", (tmp_path / "a.parquet").read_bytes())
    bucket.server.requests.clear()
    facts = readers.facts(storage.given(url))
    assert facts == readers.facts(tmp_path / "a.parquet")
    assert facts["row_groups"] == 6
    assert bucket.server.sent() < 200_000


def test_urls_inside_a_dataset_are_left_alone(bucket: Bucket, folder: Path) -> None:
    with web(folder) as server:
        urls = [f"{server.url}/images/1.png", "s3://data/depths/images/1.png", "//s3:/data/depths/images/1.png"]
        here = folder / "urls.json"
        here.write_bytes(llava(urls))
        bucket.server.requests.clear()
        report = check(here)
        assert server.requests == [] and bucket.server.requests == []
        far = check(bucket.put("urls/urls.json", here.read_bytes()))
        assert server.requests == [] and bucket.server.of("depths") == []
    for each in (report, far):
        assert [finding.count for finding in each.findings if finding.rule == "MM028"] == [3]


def test_no_path_leaves_the_bucket(bucket: Bucket) -> None:
    other = Bucket(bucket.server, "other")
    other.put("secret.png", picture(1))
    url = bucket.put("deep/train.json", llava(["../../other/secret.png", "../../../etc/passwd", "../near.png"]))
    bucket.put("near.png", picture(2))
    bucket.server.requests.clear()
    report = check(url)
    assert bucket.server.of("secret") == []
    assert {finding.rule: finding.row for finding in report.findings if finding.rule == "MM026"}
    assert next(rule for rule in report.rules if rule.code == "MM026").failed == 2
    assert len(bucket.server.of("near.png")) >= 1


def test_media_and_records_may_be_apart(bucket: Bucket, folder: Path) -> None:
    url = bucket.put_folder(folder, "apart")
    here = check(folder / "train.json")
    far_media = check(folder / "train.json", media_root=url)
    far_records = check(f"{url}/train.json", media_root=folder)
    assert here.totals == far_media.totals == far_records.totals
    assert here.verdict == far_media.verdict == far_records.verdict == "pass"


def test_a_result_of_remote_data_can_be_verified(bucket: Bucket, folder: Path) -> None:
    url = bucket.put_folder(folder, "verified")
    report = check(url, digest_media=True)
    assert report.fingerprint == check(folder, digest_media=True).fingerprint
    assert verify(report, storage.given(url)) == verify(report, folder) == []
    bucket.put("verified/images/7.png", picture(99))
    bucket.put("verified/more.json", llava(["images/1.png"]))
    found = [(each.what, each.file) for each in verify(report, storage.given(url))]
    assert found == [("changed", "images/7.png"), ("new", "more.json")]


def test_a_second_check_sees_what_has_changed(bucket: Bucket, tmp_path: Path) -> None:
    url = bucket.put("changing/train.json", llava(["a.png"]))
    before = check(url, probe="none")
    assert bucket.put("changing/train.json", llava(["a.png", "b.png"])) == url
    after = check(url, probe="none")
    assert (before.totals.records, after.totals.records) == (1, 2)
    assert before.fingerprint != after.fingerprint


def test_a_connection_that_breaks_stops_one_file_only(folder: Path) -> None:
    (folder / "val.json").write_bytes((folder / "train.json").read_bytes())
    with web(folder, breaks="train.json") as server:
        report = check([f"{server.url}/train.json", f"{server.url}/val.json"], probe="none", format="llava")
    assert report.totals.records == 20
    assert report.exit_code() == 3 and report.verdict == "incomplete"
    assert any("train.json: the connection broke" in note for note in report.notes)


def test_media_that_cannot_be_fetched_are_not_called_missing(folder: Path) -> None:
    with web(folder, breaks="5.png") as server:
        report = check(f"{server.url}/train.json")
    assert report.exit_code() == 3
    assert any("5.png: the connection broke" in note for note in report.notes)
    assert not [finding for finding in report.findings if finding.rule in ("MM020", "MM021")]


@pytest.mark.parametrize(
    ("url", "environment", "says"),
    [
        ("s3://nowhere/train.json", {}, "there is no s3://nowhere"),
        ("s3://data/none.json", {}, "s3://data/none.json does not exist"),
        ("s3://data/*.nothing", {}, "no file fits s3://data/*.nothing"),
        ("s3://data/x.json", {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "no credentials that fit"),
        ("http://user:hidden@127.0.0.1:9/x.json?sig=hidden", {}, "http://127.0.0.1:9/x.json: the server cannot be"),
    ],
    ids=["no bucket", "no file", "nothing fits", "no credentials", "refused"],
)
def test_what_cannot_be_opened_is_told_in_a_sentence(
    bucket: Bucket, url: str, environment: dict[str, str], says: str
) -> None:
    given = {key: value for key, value in {**os.environ, **environment}.items() if value}
    ran = subprocess.run(
        [sys.executable, "-m", "mmcheck", "check", url, "-o", "json"],
        env=given | {"AWS_EC2_METADATA_DISABLED": "true", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 3
    assert says in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
    assert "hidden" not in ran.stdout + ran.stderr


@pytest.mark.parametrize(
    ("url", "module", "extra"),
    [("s3://b/x", "s3fs", "s3"), ("gs://b/x", "gcsfs", "gs"), ("https://h/x", "aiohttp", "http")],
)
def test_a_missing_library_names_its_extra(monkeypatch: pytest.MonkeyPatch, url: str, module: str, extra: str) -> None:
    import fsspec  # noqa: F401

    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, url.partition(":")[0], raising=False)
    with pytest.raises(OpenError, match=rf"pip install 'mmcheck-datasets\[{extra}\]'"):
        Store(os.fspath(storage.given(url)).split("/")[2])


@pytest.mark.parametrize(
    "url", ["s3://", "hf://datasets/one", "ftp://host/x", "s3://key:secret@bucket/x", "https:///x"]
)
def test_addresses_that_name_nothing_are_refused(url: str) -> None:
    with pytest.raises(RequestError) as caught:
        storage.given(url)
    assert "secret" not in str(caught.value)


def test_nothing_is_written_to_remote_storage() -> None:
    from mmcheck.cli.options import here, local

    for refuses in (here, local):
        with pytest.raises(RequestError, match=r"s3://b/x\.jsonl"):
            refuses("s3://b/x.jsonl")
    with pytest.raises(OpenError, match="only reads"):
        storage.given("s3://b/x.jsonl").open("wb")


def test_a_url_is_a_path() -> None:
    path = storage.given("https://user:pw@host:8080/a%20b/c.jsonl.gz?sig=1/2")
    assert str(path) == "https://host:8080/a%20b/c.jsonl.gz"
    assert (path.name, path.suffixes, str(path.parent)) == ("c.jsonl.gz", [".jsonl", ".gz"], "https://host:8080/a%20b")
    assert [str(each) for each in path.parents] == ["https://host:8080/a%20b", "https://host:8080", "//"]
    again = pickle.loads(pickle.dumps(path))
    assert (again, os.fspath(again), type(again)) == (path, os.fspath(path), storage.RemotePath)
    assert storage.path_of(os.fspath(path)) == path
    assert "pw" not in repr(path) and "sig" not in repr(path)
    assert str((path.parent / "x" / "y.png").relative_to(path.parent)) == "x/y.png"
    assert str(storage.given("hf://datasets/o/n/data/a.json").parents[1]) == "hf://datasets/o/n"
    assert [str(each) for each in storage.given("hf://datasets/o/n/a.json").parents] == ["hf://datasets/o/n", "//"]
    assert str(storage.given("s3a://b/../c/k")) == "s3://c/k"
    assert not storage.is_remote(storage.given("//tmp/x"))


def test_local_paths_import_nothing_for_remote_ones(tmp_path: Path) -> None:
    (tmp_path / "train.json").write_bytes(llava(["a.png"]))
    program = (
        "import sys, mmcheck; mmcheck.check(sys.argv[1], probe='exists'); "
        "print([name for name in sys.modules if name.split('.')[0] in ('fsspec', 's3fs', 'aiohttp') "
        "or name.startswith('mmcheck.remote')])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "train.json"], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "[]"


def test_reports_show_no_pictures_that_would_be_fetched_again(bucket: Bucket, folder: Path) -> None:
    url = bucket.put_folder(folder, "pictures")
    report = check(f"{url}/train.json", probe="none")
    assert report.picture_roots == ()
    assert replace(report, picture_roots=(folder,)) == report


def arrow_file(path: Path, opens: Any, text: str, compression: str | None = "zstd", rows: int = 1) -> None:
    table = pa.table({"id": [str(number) for number in range(rows)], "conversations": [text] * rows})
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.OSFile(str(path), "wb") as out, opens(out, table.schema, options=options) as to:
        for batch in table.to_batches(max_chunksize=3):
            to.write_batch(batch)


ARROW = {"file": pa.ipc.new_file, "stream": pa.ipc.new_stream}


@pytest.mark.threat("decompression bombs: gzip, zstd, pages of Parquet, buffers of Arrow", "hangs")
@pytest.mark.parametrize("layout", ARROW)
def test_an_arrow_bomb_is_seen_before_it_unfolds(tmp_path: Path, layout: str) -> None:
    arrow_file(tmp_path / "a.arrow", ARROW[layout], "x" * (96 << 20))
    counted, own = pa.proxy_memory_pool(pa.default_memory_pool()), pa.default_memory_pool()
    with web(tmp_path) as server:
        pa.set_memory_pool(counted)
        try:
            [batch] = arrow.read(storage.given(f"{server.url}/a.arrow"))
        finally:
            pa.set_memory_pool(own)
    [fault] = batch.faults
    assert fault.code == "MM002" and "unfolds to more than" in fault.message
    assert (counted.max_memory() or 0) < 32 << 20


@pytest.mark.parametrize("compression", ["zstd", None])
@pytest.mark.parametrize("layout", ARROW)
def test_an_arrow_file_that_breaks_off_is_told(tmp_path: Path, layout: str, compression: str | None) -> None:
    arrow_file(tmp_path / "whole.arrow", ARROW[layout], "text", compression, rows=10)
    data = (tmp_path / "whole.arrow").read_bytes()
    cuts = [*range(0, len(data), 41), len(data) - 1, len(data)]
    for cut in cuts:
        (tmp_path / f"{cut}.arrow").write_bytes(data[:cut])
    with web(tmp_path) as server:
        for cut in cuts:
            here, far = tmp_path / f"{cut}.arrow", storage.given(f"{server.url}/{cut}.arrow")
            if readers.container(here).fault is not None:
                continue
            local, remote = list(arrow.read(here)), list(arrow.read(far))
            rows = [sum(len(batch.rows) for batch in batches) for batches in (local, remote)]
            assert rows[0] <= rows[1] <= 10  # what is whole before the cut is read, without the footer too
            faults = [[fault.code for batch in batches for fault in batch.faults] for batches in (local, remote)]
            assert faults[0] == faults[1]
