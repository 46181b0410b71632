"""Writes the example datasets of llava, data-juicer, mmc4, multimeditron and aria: small, whole, with known findings.

    python tests/make_datasets_a.py

Each case is a folder `tests/datasets/FORMAT/{good,bad}/CASE` that holds a dataset and `expected.json`: what to check
(`path`, relative to the folder), how (`args`), and every finding of error or warning level that must come out of it.
The media are real and tiny. Their bytes depend on the versions of the encoders, so the output is committed.
"""

from __future__ import annotations

import io
import json
import shutil
import struct
import wave
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageDraw

HERE = Path(__file__).parent / "datasets"
FORMATS = ("llava", "data-juicer", "mmc4", "multimeditron", "aria")

Found = tuple[str, str | None, int | None]


# ── media ────────────────────────────────────────────────────────────────────────────────────────────────────────


def picture(seed: int = 0, width: int = 16, height: int = 16, mode: str = "RGB") -> Image.Image:
    """A small picture that differs from seed to seed."""
    image = Image.new("RGB", (width, height), (40 * seed % 256, 90, 160))
    draw = ImageDraw.Draw(image)
    for step in range(4):
        at = (seed * 3 + step * 5) % width
        draw.line((at, 0, width - at, height), fill=(255 - 60 * step, (70 * seed) % 256, 50 * step))
    return image if mode == "RGB" else image.convert(mode)


def encoded(image: Image.Image, container: str, **options: Any) -> bytes:
    """The bytes of a picture in a container."""
    out = io.BytesIO()
    image.save(out, container, **options)
    return out.getvalue()


def jpeg(seed: int = 0, width: int = 16, height: int = 16, mode: str = "RGB") -> bytes:
    """A small JPEG."""
    return encoded(picture(seed, width, height, mode), "JPEG", quality=80)


def png(seed: int = 0, width: int = 16, height: int = 16, mode: str = "RGB") -> bytes:
    """A small PNG."""
    return encoded(picture(seed, width, height, mode), "PNG")


def truncated_jpeg() -> bytes:
    """A JPEG that breaks off in the middle of its pixels."""
    whole = encoded(Image.effect_mandelbrot((32, 32), (-2, -1.5, 1, 1.5), 60), "JPEG", quality=95)
    return whole[: len(whole) * 2 // 3]


def chunk(name: bytes, data: bytes) -> bytes:
    """A chunk of a PNG, with its checksum."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def bomb_png(width: int = 20_000, height: int = 20_000) -> bytes:
    """A PNG of a few bytes that claims 400 megapixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def bad_checksum_png() -> bytes:
    """A PNG that decodes, but whose pixels' checksum is wrong."""
    whole = bytearray(png(3))
    at = whole.index(b"IDAT")
    length = int.from_bytes(whole[at - 4 : at], "big")
    whole[at + 4 + length] ^= 0xFF
    return bytes(whole)


def broken_animation() -> bytes:
    """A GIF whose first frame is fine and whose third breaks off."""
    frames = [picture(seed, 32, 32).quantize(64) for seed in range(4)]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=100, disposal=2, optimize=False)
    whole = out.getvalue()
    return whole[: len(whole) * 3 // 4]


def sound(seconds: float = 0.1, rate: int = 8000) -> bytes:
    """A short WAV of a triangle wave."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        samples = (abs(number % 40 - 20) * 500 for number in range(int(seconds * rate)))
        file.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    return out.getvalue()


def clip(frames: int = 4, size: int = 32, rate: int = 4) -> bytes:
    """A short MP4 of plain frames."""
    import av

    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream: Any = container.add_stream("mpeg4", rate=rate)
        stream.width = stream.height = size
        stream.pix_fmt = "yuv420p"
        for number in range(frames):
            frame = av.VideoFrame.from_image(picture(number, size, size))
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return out.getvalue()


PAGE = b"<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head><body>no such image</body></html>\n"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"4d7a2146" * 8 + b"\nsize 12345\n"


# ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────


class Case:
    """One case: `folder / name` is written as soon as it is given."""

    def __init__(self, format_: str, kind: str, name: str) -> None:
        self.format, self.folder = format_, HERE / format_ / kind / name
        self.folder.mkdir(parents=True)

    def write(self, name: str, data: bytes | str) -> Case:
        """A file as it is."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return self

    def media(self, **files: bytes) -> Case:
        """Images `a=…` → `images/a.jpg`."""
        for name, data in files.items():
            self.write(f"images/{name}.jpg", data)
        return self

    def array(self, name: str, records: list[Any]) -> Case:
        """A JSON array, a record a line."""
        lines = ",\n".join(json.dumps(record, ensure_ascii=False) for record in records)
        return self.write(name, f"[\n{lines}\n]\n")

    def lines(self, name: str, records: Iterable[Any], end: str = "\n") -> Case:
        """JSON lines; a record that is a string is written as it is."""
        texts = [each if isinstance(each, str) else json.dumps(each, ensure_ascii=False) for each in records]
        return self.write(name, "\n".join(texts) + end)

    def expect(self, path: str, *found: Found, fails: bool | None = None, **args: Any) -> None:
        """What must be found, at error and warning level; `fails` tells the verdict where warnings stand alone."""
        bad = self.folder.parent.name == "bad"
        document = {
            "format": self.format,
            "path": path,
            "args": args,
            "verdict": "fail" if (bad if fails is None else fails) else "pass",
            "findings": [{"rule": rule, "file": file, "row": row} for rule, file, row in found],
        }
        (self.folder / "expected.json").write_text(json.dumps(document, indent=1) + "\n")


def good(format_: str, name: str) -> Case:
    """A sound dataset."""
    return Case(format_, "good", name)


def bad(format_: str, name: str) -> Case:
    """A dataset with a planted defect."""
    return Case(format_, "bad", name)


# ── llava ────────────────────────────────────────────────────────────────────────────────────────────────────────


def llava(
    question: str = "<image>\nwhat is this?", *more: str, image: Any = "images/a.jpg", **keys: Any
) -> dict[str, Any]:
    """A record: texts of human and gpt in turn."""
    texts = [question, *(more or ("a picture",))]
    turns = [{"from": ("human", "gpt")[number % 2], "value": text} for number, text in enumerate(texts)]
    record = {"image": image, "conversations": turns} | keys
    return {key: value for key, value in record.items() if value is not ...}


def speakers(*turns: tuple[str, str], **keys: Any) -> dict[str, Any]:
    """A record with any roles."""
    return llava(**({"image": ...} | keys)) | {"conversations": [{"from": role, "value": text} for role, text in turns]}


def make_llava() -> None:
    """Shapes that train, and every defect."""
    shapes = [
        llava(id="000000033471"),
        llava(id=72140, model=""),
        llava("which is larger?\n<image>\n<image>", image=["images/a.jpg", "images/b.jpg"]),
        llava("what is the capital of France?", "Paris", image=...),
        llava("and of Italy?", "Rome", image=""),
        llava("hello", "hi", "and what is this? <image>", "a picture"),
        llava("<video>what happens?", "a line moves", "<image>and here?", "nothing", video="clips/a.mp4"),
        llava("<image>what happens?", "a line moves", image=..., video="clips/a.mp4"),
        llava("<image><image>the same?", "yes", image=["images/a.jpg", "images/a.jpg"]),
        llava("draw a line", "here it is: <image>"),
        llava("  spaces around  ", "a\n", image=...),
        llava("without a medium", "fine", image=[]),
        speakers(("system", "be brief"), ("human", "<image>what?"), ("gpt", "a line"), image="images/a.jpg"),
        speakers(("user", "<image>what?"), ("assistant", "a line"), image="images/a.jpg"),
        speakers(("human", "hi"), ("bot", "hello")),
        speakers(("human", "2+2?"), ("gpt", "call"), ("tool", "4"), ("tool", "4"), ("gpt", "4")),
        speakers(("pretrain", "<image>a line on a blue ground"), image="images/a.jpg"),
        {
            "id": "sentry",
            "conversations": [
                {"from": "human", "value": "sentry self hosted api 504"},
                {"from": "gpt", "value": "a time-out", "text": "a time-out", "markdown": {"index": 1}},
            ],
        },
    ]
    case = good("llava", "accepted-shapes").array("train.json", shapes).media(a=jpeg(1), b=jpeg(2))
    case.write("clips/a.mp4", clip()).expect("train.json")

    case = good("llava", "lines").media(a=jpeg(1))
    case.lines("train.jsonl", [llava(), "", llava("no break at the end", image=...)], end="")
    case.expect("train.jsonl")

    kinds: dict[str, bytes] = {
        "cmyk.jpg": jpeg(1, mode="CMYK"),
        "grey.jpg": jpeg(2, mode="L"),
        "palette.png": png(3, mode="P"),
        "alpha.png": png(4, mode="RGBA"),
        "deep.png": encoded(picture(5).convert("L").convert("I;16"), "PNG"),
        "a.webp": encoded(picture(6), "WEBP", lossless=True),
        "animated.gif": encoded(picture(7), "GIF", save_all=True, append_images=[picture(8)]),
        "turned.jpg": encoded(picture(9), "JPEG", exif=_turned()),
    }
    case = good("llava", "odd-but-fine-images").array("train.json", [llava(image=f"images/{name}") for name in kinds])
    for name, data in kinds.items():
        case.write(f"images/{name}", data)
    case.expect("train.json")

    case = (
        good("llava", "paths-with-dots")
        .media(a=jpeg(1))
        .array("annotations/train.json", [llava(image="../images/a.jpg")])
    )
    case.expect("annotations/train.json")

    case = good("llava", "media-root").write("elsewhere/a.jpg", jpeg(1)).array("train.json", [llava(image="a.jpg")])
    case.expect("train.json", media_root="elsewhere")

    case = good("llava", "folder").media(a=jpeg(1), b=jpeg(2))
    for split, name in (("train", "a"), ("val", "b")):
        case.write(f"data/{name}.jpg", (case.folder / f"images/{name}.jpg").read_bytes())
        case.array(f"data/{split}.json", [llava(image=f"{name}.jpg")])
    shutil.rmtree(case.folder / "images")
    case.expect("data")

    case = good("llava", "media-absent").array("train.json", [llava(), llava()])
    case.expect("train.json", probe="none")

    case = good("llava", "parquet").media(a=jpeg(1))
    table = pa.table(
        {"id": ["1", "2"], "image": ["images/a.jpg", None], "conversations": [_pairs("<image>?"), _pairs("?")]}
    )
    pq.write_table(table, case.folder / "train.parquet")
    case.expect("train.parquet")

    # defects of the shape
    broken: list[Any] = [
        llava(),
        {"image": "images/a.jpg"},
        {"conversations": []},
        {"conversations": [{"from": "human"}]},
        {"conversations": [{"from": "human", "value": None}]},
        {"conversations": "hello"},
        llava(image=7),
        ["no", "object"],
    ]
    case = bad("llava", "breaks-schema").media(a=jpeg(1)).array("train.json", broken)
    case.expect("train.json", *(("MM001", "train.json", row) for row in range(1, 8)))

    texts = [
        llava(),
        '{"conversations": [{"from": "human", "value": "a",}]}',
        "{'conversations': []}",
        '{"id": NaN}',
        llava(),
        '{"id"',
    ]
    case = bad("llava", "lines-not-json").media(a=jpeg(1)).lines("train.jsonl", texts)
    case.expect("train.jsonl", *(("MM002", "train.jsonl", row) for row in (1, 2, 3, 5)))
    case = bad("llava", "document-breaks-off").media(a=jpeg(1))
    case.write("train.json", json.dumps([llava(), llava()])[:-40])
    case.expect("train.json", ("MM002", "train.json", 1), format="llava")
    for name, data in (("no-bytes", b""), ("lfs-pointer", POINTER), ("no-record", b"[]\n"), ("a-picture", png(1))):
        bad("llava", f"file-with-{name}").write("train.json", data).expect(
            "train.json", ("MM003", "train.json", None), format="llava"
        )

    # placeholders and media
    records = [
        llava(),
        llava("<image><image>two?", image="images/a.jpg"),
        llava("<image>none?", image=...),
        llava("<image>none?", image=""),
        llava("<image>what?", "this: <image>"),
    ]
    case = bad("llava", "placeholder-without-media").media(a=jpeg(1)).array("train.json", records)
    case.expect("train.json", *(("MM010", "train.json", row) for row in range(1, 5)))
    case = bad("llava", "media-without-placeholder").media(a=jpeg(1), b=jpeg(2))
    case.array("train.json", [llava(), llava(image=["images/a.jpg", "images/b.jpg"])])
    case.expect("train.json", ("MM011", "train.json", 1))
    numbered = ["image=<image_{n}>"]
    pair = ["images/a.jpg", "images/b.jpg"]
    right = [llava("<image_1> or <image_2>?", image=pair), llava("<image_0> or <image_1>?", image=pair)]
    case = good("llava", "numbered-placeholders").media(a=jpeg(1), b=jpeg(2)).array("train.json", right)
    case.expect("train.json", placeholders=numbered)
    case = bad("llava", "media-out-of-order").media(a=jpeg(1), b=jpeg(2))
    case.array("train.json", [right[0], llava("<image_2> or <image_1>?", image=pair)])
    case.expect("train.json", ("MM012", "train.json", 1), placeholders=numbered)
    case = bad("llava", "media-of-another-kind").media(a=jpeg(1)).array("train.json", [llava(), llava("<video>what?")])
    case.expect("train.json", ("MM013", "train.json", 1))
    case = bad("llava", "no-placeholder").media(a=jpeg(1)).array("train.json", [llava(), llava("what?")])
    case.expect("train.json", ("MM014", "train.json", 1), fails=False)

    # media
    case = (
        bad("llava", "one-image-missing")
        .media(a=jpeg(1))
        .array("train.json", [llava(), llava(image="images/none.jpg")])
    )
    case.expect("train.json", ("MM020", "train.json", 1))
    case = bad("llava", "all-images-missing").array("train.json", [llava(), llava(image="images/b.jpg")])
    case.expect("train.json", ("MM020", "train.json", None))
    damaged = {"cut": truncated_jpeg(), "page": PAGE, "pointer": POINTER, "noise": bytes(range(7, 200))}
    case = bad("llava", "images-undecodable").media(a=jpeg(1), **damaged)
    case.write("images/checksum.png", bad_checksum_png())
    names = ["a.jpg", *(f"{name}.jpg" for name in damaged), "checksum.png"]
    case.array("train.json", [llava(image=f"images/{name}") for name in names])
    case.expect("train.json", *(("MM021", "train.json", row) for row in range(1, 6)))
    case = bad("llava", "image-bomb").media(a=jpeg(1)).write("images/bomb.png", bomb_png())
    case.array("train.json", [llava(), llava(image="images/bomb.png")]).expect("train.json", ("MM022", "train.json", 1))
    case = bad("llava", "image-with-wrong-suffix").media(a=jpeg(1), b=png(2))
    case.array("train.json", [llava(), llava(image="images/b.jpg")])
    case.expect("train.json", ("MM023", "train.json", 1), fails=False)
    case = bad("llava", "later-frame-broken").media(a=jpeg(1)).write("images/b.gif", broken_animation())
    case.array("train.json", [llava(), llava(image="images/b.gif")])
    case.expect("train.json", ("MM024", "train.json", 1), fails=False)
    case = bad("llava", "image-null-or-empty").media(a=jpeg(1), b=b"")
    case.array("train.json", [llava(), llava(image=[None]), llava(image="images/b.jpg")])
    case.expect("train.json", ("MM025", "train.json", 1), ("MM025", "train.json", 2))
    case = bad("llava", "path-escapes").media(a=jpeg(1))
    case.array("train.json", [llava(), llava(image="../" * 40 + "etc/passwd.jpg")])
    case.expect("train.json", ("MM026", "train.json", 1))
    case = bad("llava", "images-in-parent").media(a=jpeg(1)).array("annotations/train.json", [llava(), llava()])
    case.expect("annotations/train.json", ("MM027", None, None), fails=False)
    case = bad("llava", "absolute-paths").media(a=jpeg(1))
    case.array("train.json", [llava(), llava(image="/nowhere/a.jpg"), llava(image="/nowhere/b.jpg")])
    case.expect("train.json", ("MM029", "train.json", None), fails=False)
    case = bad("llava", "image-in-two-splits").write("data/a.jpg", jpeg(1)).write("data/b.jpg", jpeg(1))
    case.array("data/train.json", [llava(image="a.jpg")]).array("data/val.json", [llava("<image>?", image="b.jpg")])
    case.expect("data", ("MM032", "train.json", 0), fails=False)

    # records and turns
    case = bad("llava", "duplicate-ids").media(a=jpeg(1))
    case.array("train.json", [llava(id="1"), llava("other", image=..., id="2"), llava("again", image=..., id=1)])
    case.expect("train.json", ("MM030", "train.json", 2), fails=False)
    case = bad("llava", "turns").media(a=jpeg(1))
    records = [
        llava(),
        llava("hello", " \n", image=...),
        speakers(("human", "hello"), ("narrator", "they met"), ("gpt", "hi")),
        llava("hello", "hi", "and?", image=...),
        speakers(("gpt", "hi"), ("human", "hello"), ("gpt", "hi")),
        speakers(("human", "hello"), ("human", "hello?"), ("gpt", "hi")),
    ]
    found = ("MM040", "MM041", "MM042", "LV001", "LV002")
    case.array("train.json", records)
    case.expect("train.json", *((rule, "train.json", row) for row, rule in enumerate(found, 1)), fails=False)
    case = bad("llava", "image-is-null").media(a=jpeg(1))
    case.array("train.json", [llava(), llava("text only", image=None), llava("no", image=..., video=None)])
    case.expect("train.json", ("LV005", "train.json", 1), ("LV005", "train.json", 2))
    case = (
        bad("llava", "id-of-odd-type").media(a=jpeg(1)).array("train.json", [llava(), llava(id=1.5), llava(id=["a"])])
    )
    case.expect("train.json", ("LV006", "train.json", 1), ("LV006", "train.json", 2), fails=False)


def _turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def _pairs(question: str) -> list[dict[str, str]]:
    return [{"from": "human", "value": question}, {"from": "gpt", "value": "a line"}]


# ── data-juicer ──────────────────────────────────────────────────────────────────────────────────────────────────

IMAGE, VIDEO, AUDIO, EOC = "<__dj__image>", "<__dj__video>", "<__dj__audio>", "<|__dj__eoc|>"


def juice(text: str, *images: str, **keys: Any) -> dict[str, Any]:
    """A record with images."""
    return ({"text": text} | ({"images": list(images)} if images else {})) | keys


def make_data_juicer() -> None:
    """Shapes of the demos and of the document, and every defect."""
    a, b, c = "images/a.jpg", "images/b.jpg", "images/c.png"
    sizes = {"image_widths": [16, 24, 16], "image_heights": [16, 16, 32]}
    whole = juice(
        f"{IMAGE} Antarctica is the southernmost continent. {EOC} {VIDEO} {AUDIO} It is surrounded by an ocean. {EOC} "
        f"It is larger than Europe. {IMAGE} {IMAGE} {EOC} Most of it is ice. {EOC}",
        a, b, c, audios=["sounds/a.wav"], videos=["clips/a.mp4"],
        meta={"src": "customized", "version": "0.1", "author": "xxx"}, stats={"lang": "en", **sizes},
    )  # fmt: skip
    shapes = [
        whole,
        {"images": [a], "text": f"{IMAGE} A comfortable bed."},
        juice(f"{IMAGE}no blank{EOC}{IMAGE}\n{EOC}\nlast, no token at the end", a, a),
        juice("text alone", __dj__meta__={"a": 1}, __dj__stats__={"text_len": 10, "image_width": [], "lang": "en"}),
        juice("the tag <image> of LLaVA, in prose"),
        juice(
            f"{IMAGE}{EOC}",
            a,
            __dj__stats__={"image_width": [16], "image_height": [16], "image_pair_similarity": [0.5]},
        ),
        {"text": f"{AUDIO} a tone", "audios": ["sounds/a.wav"], "__dj__stats__": {"audio_duration": [0.1]}},
        {
            "text": f"{VIDEO} lines",
            "videos": ["clips/a.mp4"],
            "__dj__stats__": {"video_duration": [1.0], "video_width": [32]},
        },
        {
            "query": f"{IMAGE} what?",
            "response": "a line",
            "images": [b],
            "history": [["hi", "hello"]],
            "system": "",
            "instruction": "",
        },
        juice("", images=None) | {"text": "nulls where there is no medium", "videos": None, "meta": None},
        juice(f"{IMAGE} by id", a, id=7, meta={}),
    ]
    case = good("data-juicer", "accepted-shapes").lines("demo.jsonl", shapes)
    _juice_media(case).expect("demo.jsonl")

    case = good("data-juicer", "paths-with-dots").media(a=jpeg(1))
    case.lines("demos/data/demo.jsonl", [juice(f"{IMAGE} one", "../../images/a.jpg")]).expect("demos/data/demo.jsonl")

    case = good("data-juicer", "array").media(a=jpeg(1)).array("demo.json", [juice(f"{IMAGE} one", a)])
    case.expect("demo.json")

    case = good("data-juicer", "configured-token").media(a=jpeg(1))
    case.lines("demo.jsonl", [juice("<image>\none", a)]).expect("demo.jsonl", placeholders=["image=<image>"])

    case = good("data-juicer", "image-bytes")
    columns = {
        "text": [f"{IMAGE} one", f"{IMAGE}{IMAGE} two", "none"],
        "images": [["a.jpg"], ["a.jpg", "b.jpg"], None],
        "image_bytes": [[jpeg(1)], [jpeg(1), jpeg(2)], None],
    }
    pq.write_table(pa.table(columns), case.folder / "part.parquet")
    case.expect("part.parquet")
    case = good("data-juicer", "image-bytes-alone")
    pq.write_table(pa.table({key: columns[key] for key in ("text", "image_bytes")}), case.folder / "part.parquet")
    case.expect("part.parquet", format="data-juicer")

    case = bad("data-juicer", "breaks-schema").media(a=jpeg(1))
    broken: list[Any] = [
        juice(f"{IMAGE} one", a),
        {"images": [a]},
        {"text": None, "images": [a]},
        {"text": f"{IMAGE} one", "images": a},
        {"text": f"{IMAGE} one", "images": [a], "stats": [1]},
        {"query": "q", "response": "r", "history": ["q", "r"]},
    ]
    case.lines("demo.jsonl", broken).expect("demo.jsonl", *(("MM001", "demo.jsonl", row) for row in range(1, 6)))
    case = bad("data-juicer", "lines-not-json").media(a=jpeg(1))
    case.lines("demo.jsonl", [juice(f"{IMAGE} one", a), '{"text": "one" "two"}', juice(f"{IMAGE} two", a)])
    case.expect("demo.jsonl", ("MM002", "demo.jsonl", 1))
    bad("data-juicer", "file-with-no-bytes").write("demo.jsonl", b"").expect(
        "demo.jsonl", ("MM003", "demo.jsonl", None), format="data-juicer"
    )

    records = [
        juice(f"{IMAGE} one", a),
        juice(f"{IMAGE}{IMAGE} two", a),
        juice(f"{IMAGE} none"),
        juice(f"{IMAGE} none", images=[]),
    ]
    case = bad("data-juicer", "placeholder-without-media").media(a=jpeg(1)).lines("demo.jsonl", records)
    case.expect("demo.jsonl", *(("MM010", "demo.jsonl", row) for row in (1, 2, 3)))
    records = [juice(f"{IMAGE} one", a), juice(f"{IMAGE} two", a, a), juice("none", a)]
    case = bad("data-juicer", "media-without-placeholder").media(a=jpeg(1)).lines("demo.jsonl", records)
    case.expect("demo.jsonl", ("MM011", "demo.jsonl", 1), ("MM011", "demo.jsonl", 2))
    case = bad("data-juicer", "media-of-another-kind").media(a=jpeg(1))
    case.lines("demo.jsonl", [juice(f"{IMAGE} one", a), juice(f"{VIDEO} one", a)]).expect(
        "demo.jsonl", ("MM013", "demo.jsonl", 1)
    )
    swapped = {"image_width": [24, 16, 16], "image_height": [16, 16, 32]}
    case = bad("data-juicer", "images-out-of-order")
    text = f"{IMAGE}{IMAGE}{IMAGE}"
    records = [
        juice(text, a, b, c, stats=sizes),
        juice(text, a, b, c, __dj__stats__=swapped),
        juice(f"{AUDIO}{AUDIO}", audios=["sounds/a.wav", "sounds/b.wav"], __dj__stats__={"audio_duration": [0.5, 0.1]}),
    ]
    _juice_media(case).lines("demo.jsonl", records)
    case.expect("demo.jsonl", ("MM012", "demo.jsonl", 1), ("MM012", "demo.jsonl", 2))
    case = bad("data-juicer", "statistics-stale")
    _juice_media(case).lines("demo.jsonl", [records[0], juice(text, a, b, c, stats={"image_widths": [224, 336, 512]})])
    case.expect("demo.jsonl", ("DJ005", "demo.jsonl", 1), fails=False)
    case = bad("data-juicer", "statistics-of-another-length")
    stats = [{"image_widths": [16, 24]}, {"image_nsfw_score": [0.1] * 4}]
    _juice_media(case).lines("demo.jsonl", [records[0], *(juice(text, a, b, c, stats=each) for each in stats)])
    case.expect("demo.jsonl", ("DJ004", "demo.jsonl", 1), ("DJ004", "demo.jsonl", 2))

    case = bad("data-juicer", "tokens-of-llava").media(a=jpeg(1))
    case.lines("demo.jsonl", [juice(f"{IMAGE} one", a), juice("<image>\ntwo", a), juice("<image>\nthree", a)])
    case.expect("demo.jsonl", ("DJ001", "demo.jsonl", None))
    case = bad("data-juicer", "chunks").media(a=jpeg(1))
    texts = [f"{IMAGE} one {EOC}", f"{IMAGE} one {EOC} {EOC} two", f"{EOC} {IMAGE} one", f"{IMAGE} one {EOC}'}}", " "]
    case.lines("demo.jsonl", [*(juice(text, a) for text in texts[:4]), juice(texts[4])])
    found = ("DJ002", "DJ002", "DJ003", "MM040")
    case.expect("demo.jsonl", *((rule, "demo.jsonl", row) for row, rule in enumerate(found, 1)), fails=False)
    case = bad("data-juicer", "image-bytes-of-another-number")
    columns["image_bytes"][1] = [jpeg(1)]
    case.write("b.jpg", jpeg(2))
    pq.write_table(pa.table(columns), case.folder / "part.parquet")
    case.expect("part.parquet", ("DJ006", "part.parquet", 1), fails=False)
    case = bad("data-juicer", "image-bytes-damaged")
    columns["image_bytes"] = [[truncated_jpeg()], [jpeg(1), b""], None]
    pq.write_table(pa.table(columns), case.folder / "part.parquet")
    case.expect("part.parquet", ("MM021", "part.parquet", 0), ("MM025", "part.parquet", 1))
    case = bad("data-juicer", "meta-is-text").media(a=jpeg(1))
    case.lines("demo.jsonl", [juice(f"{IMAGE} one", a, meta={}), juice(f"{IMAGE} one", a, meta="web")])
    case.expect("demo.jsonl", ("DJ007", "demo.jsonl", 1), fails=False)

    case = bad("data-juicer", "media-files").media(a=jpeg(1), cut=truncated_jpeg(), empty=b"", other=png(2))
    case.write("images/bomb.png", bomb_png()).write("images/later.gif", broken_animation())
    case.write("sounds/none.wav", sound(0)).write("clips/cut.mp4", clip()[:-400])
    paths = ["a.jpg", "none.jpg", "cut.jpg", "bomb.png", "other.jpg", "later.gif", "empty.jpg"]
    lines = [juice(f"{IMAGE} one", f"images/{path}") for path in paths]
    lines += [
        {"text": f"{AUDIO} a", "audios": ["sounds/none.wav"]},
        {"text": f"{VIDEO} a", "videos": ["clips/cut.mp4"]},
    ]
    lines += [
        juice(f"{IMAGE} one", images=[None]),
        juice(f"{IMAGE} one", "../" * 40 + "a.jpg"),
        juice(f"{IMAGE} one", "/nowhere/a.jpg"),
    ]
    case.lines("demo.jsonl", lines)
    found = ("MM020", "MM021", "MM022", "MM023", "MM024", "MM025", "MM021", "MM021", "MM025", "MM026", "MM029")
    case.expect("demo.jsonl", *((rule, "demo.jsonl", row) for row, rule in enumerate(found, 1)))
    case = bad("data-juicer", "all-media-missing").lines(
        "demo.jsonl", [juice(f"{IMAGE} one", "x.jpg"), juice(f"{IMAGE} two", "y.jpg")]
    )
    case.expect("demo.jsonl", ("MM020", "demo.jsonl", None))
    case = bad("data-juicer", "duplicate-ids").media(a=jpeg(1))
    case.lines("demo.jsonl", [juice(f"{IMAGE} one", a, id=1), juice(f"{IMAGE} two", a, id=1)])
    case.expect("demo.jsonl", ("MM030", "demo.jsonl", 1), fails=False)
    case = bad("data-juicer", "partition-too-large")
    pq.write_table(pa.table({"text": [f"{IMAGE} one"], "image_bytes": [[jpeg(1)]]}), case.folder / "part.parquet")
    case.expect(
        "part.parquet", ("MM050", "part.parquet", None), ("MM051", "part.parquet", None), fails=False,
        format="data-juicer", params={"max_partition_bytes": "100", "max_row_group_bytes": "100"},
    )  # fmt: skip


def _juice_media(case: Case) -> Case:
    case.write("images/a.jpg", jpeg(1)).write("images/b.jpg", jpeg(2, 24, 16)).write("images/c.png", png(3, 16, 32))
    return case.write("sounds/a.wav", sound(0.1)).write("sounds/b.wav", sound(0.5)).write("clips/a.mp4", clip())


# ── mmc4 ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def page(indexes: list[int], sentences: int = 3, **keys: Any) -> dict[str, Any]:
    """A document whose images are matched to the sentences `indexes`."""
    matrix = [
        [round(0.11 * (row + 1) + 0.07 * column, 4) for column in range(sentences)] for row in range(len(indexes))
    ]
    images = [
        {
            "image_name": f"{'abcdef'[number]}.jpg",
            "raw_url": f"https://example.org/{number}.jpg",
            "matched_text_index": index,
            "matched_sim": matrix[number][index] if 0 <= index < sentences else 0.0,
            "face_detections": None,
        }
        for number, index in enumerate(indexes)
    ]
    return {
        "url": f"https://example.org/{len(indexes)}/{sentences}",
        "text_list": [f"Sentence {number} of the page." for number in range(sentences)],
        "image_info": images,
        "similarity_matrix": matrix,
        "could_have_url_duplicate": 0,
    } | keys


def make_mmc4() -> None:
    """Documents as they are published, and every defect."""
    shapes = [
        page([0, 2]),
        page([2, 0, 0]),
        page([]),
        page([1], 2, could_have_url_duplicate=1, face_detections=None, more={"key": 1}),
        page([1], 2, could_have_url_duplicate=1, face_detections=None, more={"key": 1}),
        {key: value for key, value in page([0]).items() if key in ("text_list", "image_info")},
    ]
    good("mmc4", "accepted-shapes").lines("docs.jsonl", shapes).expect("docs.jsonl")
    case = good("mmc4", "images-downloaded").lines("docs.jsonl", shapes)
    for number, name in enumerate("abc"):
        case.write(f"media/{name}.jpg", jpeg(number))
    case.expect("docs.jsonl", media_root="media")

    def plant(name: str, *found: str, fails: bool = True, **change: Any) -> None:
        bad("mmc4", name).lines("docs.jsonl", [page([0, 2]), page([1, 2]) | change]).expect(
            "docs.jsonl", *((rule, "docs.jsonl", 1) for rule in found), fails=fails
        )

    base = page([1, 2])
    images = base["image_info"]
    without = {key: value for key, value in images[0].items() if key != "matched_text_index"}
    plant("index-beyond-the-text", "MC001", image_info=[images[0], images[1] | {"matched_text_index": 3}])
    plant("index-minus-one", "MC001", image_info=[images[0] | {"matched_text_index": -1}, images[1]])
    plant("index-missing", "MM001", image_info=[without, images[1]])
    plant("index-not-a-number", "MM001", image_info=[images[0] | {"matched_text_index": "1"}, images[1]])
    plant("matrix-with-too-few-rows", "MC002", similarity_matrix=base["similarity_matrix"][:1])
    plant(
        "matrix-with-too-few-columns",
        "MC003",
        "MC003",
        similarity_matrix=[row[:2] for row in base["similarity_matrix"]],
    )
    plant("duplicate-image-name", "MC004", image_info=[images[0], images[1] | {"image_name": "a.jpg"}])
    plant("matrix-rows-swapped", "MM012", similarity_matrix=base["similarity_matrix"][::-1])
    plant("images-swapped", "MM012", similarity_matrix=base["similarity_matrix"], image_info=images[::-1])
    plant("similarity-stale", "MC006", fails=False, image_info=[images[0] | {"matched_sim": 0.9}, images[1]])
    plant("odd-duplicate-flag", "MC007", fails=False, could_have_url_duplicate=2)
    plant("empty-sentence", "MM040", fails=False, text_list=["one", "", "three"])
    plant("text-not-a-list", "MM001", text_list="one two three")
    plant("no-image-info", "MM001", image_info=None)

    case = bad("mmc4", "lines-not-json").lines("docs.jsonl", [page([0]), '{"text_list": ["cut of', page([1])])
    case.expect("docs.jsonl", ("MM002", "docs.jsonl", 1))
    bad("mmc4", "file-with-lfs-pointer").write("docs.jsonl", POINTER).expect(
        "docs.jsonl", ("MM003", "docs.jsonl", None), format="mmc4"
    )
    case = bad("mmc4", "images-damaged").lines("docs.jsonl", [page([0, 1, 2]), page([0])])
    case.write("media/a.jpg", jpeg(1)).write("media/b.jpg", truncated_jpeg())
    case.expect("docs.jsonl", ("MM021", "docs.jsonl", 0), ("MM020", "docs.jsonl", 0), media_root="media")


# ── multimeditron ────────────────────────────────────────────────────────────────────────────────────────────────

SLOT = "<|reserved_special_token_0|>"

VALUE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def chat(question: str = f"what is this? {SLOT}", answer: str = "a line", *values: Any, **keys: Any) -> dict[str, Any]:
    """A record of instruction tuning with images."""
    turns = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return {"conversations": turns, "modalities": [{"type": "image", "value": value} for value in values]} | keys


def planted(form: str) -> tuple[list[dict[str, Any]], list[tuple[str, int]]]:
    """The numbered defects of a checker's table, one record each, in the spelling of a storage; and what they are.

    `form` is bytes (Arrow and Parquet: structs of bytes and path) or path (JSON lines).
    """

    def value(name: str, data: bytes) -> Any:
        return {"bytes": data, "path": None} if form == "bytes" else f"images/{name}"

    fine = value("a.jpg", jpeg(1))
    missing: Any = {"bytes": None, "path": "images/none.jpg"} if form == "bytes" else "images/none.jpg"
    no_modalities = chat(f"what? {SLOT}")
    del no_modalities["modalities"]
    only_in_answer = chat("draw it", f"here: {SLOT}", fine)
    rows: list[tuple[dict[str, Any], tuple[str, ...]]] = [
        (chat(f"{SLOT} and {SLOT}?", "two", fine), ("MM010",)),
        (chat(f"{SLOT}?", "one", fine, fine), ("MM011",)),
        (chat(f"{SLOT}?", "cut", value("cut.jpg", truncated_jpeg())), ("MM021",)),
        (chat(f"{SLOT}?", "a page", value("page.jpg", PAGE)), ("MM021",)),
        (chat(f"{SLOT}?", "null", None), ("MM025",)),
        (chat(f"{SLOT}?", "none", missing), ("MM020", "MD005") if form == "bytes" else ("MM020",)),
        (chat(f"{SLOT}?", "type") | {"modalities": [{"type": "picture", "value": fine}]}, ("MD001",)),
        (no_modalities, ("MM001",)),
        (chat(f"{SLOT}?", "both", fine, text="a text as well"), ("MM001",)),
        (
            {"conversations": [{"role": "user", "content": SLOT}, {"role": "bot", "content": "hi"}]} | _only(fine),
            ("MM041",),
        ),
        (chat(f"{SLOT}?", " ", fine), ("MM040",)),
        (only_in_answer, ()),
        (chat(f"{SLOT}?", f"and {SLOT}", fine), ("MM010",)),
        (chat("no modality, but a place", f"here: {SLOT}"), ("MM010",)),
        (chat(f"{SLOT}?", "empty", value("empty.jpg", b"")), ("MM025",)),
    ]
    records = [chat(f"{SLOT}?", "fine", fine), *(record for record, _ in rows)]
    return records, [(rule, row) for row, (_, rules) in enumerate(rows, 1) for rule in rules]


def _only(value: Any) -> dict[str, Any]:
    return {"modalities": [{"type": "image", "value": value}]}


def meditron_table(records: list[dict[str, Any]], value: pa.DataType = VALUE) -> pa.Table:
    """Records as a table; keys that a record lacks are null cells."""
    schema = pa.schema(
        [
            ("text", pa.string()),
            ("conversations", pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))),
            ("modalities", pa.list_(pa.struct([("type", pa.string()), ("value", value)]))),
        ]
    )
    return pa.Table.from_pylist(records, schema=schema)


def arrow_directory(
    case: Case, name: str, shards: list[pa.Table], *, batch: int = 1000, without: str | None = None
) -> None:
    """What `save_to_disk` writes: shards in Arrow stream format, and the two files that name them."""
    files = [f"data-{number:05d}-of-{len(shards):05d}.arrow" for number in range(len(shards))]
    for file, table in zip(files, shards, strict=True):
        if file != without:
            out = io.BytesIO()
            with pa.ipc.new_stream(out, table.schema) as writer:
                writer.write_table(table, max_chunksize=batch)
            case.write(f"{name}/{file}", out.getvalue())
    state = {
        "_data_files": [{"filename": file} for file in files],
        "_fingerprint": "0",
        "_format_type": None,
        "_split": None,
    }
    case.write(f"{name}/state.json", json.dumps(state, indent=2))
    case.write(f"{name}/dataset_info.json", json.dumps({"features": {}, "description": ""}, indent=2))


def make_multimeditron() -> None:
    """Every storage of the format, and every numbered defect in each."""
    struct_of = {"bytes": jpeg(1), "path": "a.jpg"}
    shapes = [
        chat(f"{SLOT}?", "a line", struct_of),
        chat("no modality", "fine"),
        {"text": f"compare {SLOT} and {SLOT}", "modalities": [_modality(jpeg(1)), _modality(png(2, mode="P"))]},
        chat("draw it", f"here: {SLOT}", struct_of),
        chat(f"{SLOT}{SLOT}{SLOT}", "odd, but fine", *({"bytes": each, "path": None} for each in _odd_images())),
    ]
    talks = [shapes[number] for number in (0, 1, 3, 4)]
    case = good("multimeditron", "arrow-directory")
    arrow_directory(case, "data", [meditron_table(talks[:2]), meditron_table(talks[2:])])
    # beside the shards lies what `map` cached: it is not data
    case.write("data/cache-0123456789abcdef.arrow", b"not an Arrow file")
    case.expect("data")
    case = good("multimeditron", "dataset-dict").write("data/dataset_dict.json", '{"splits": ["train", "test"]}')
    arrow_directory(case, "data/train", [meditron_table(talks[:1])])
    arrow_directory(case, "data/test", [meditron_table([chat(f"{SLOT}?", "other", {"bytes": jpeg(5), "path": None})])])
    case.expect("data")
    case = good("multimeditron", "parquet")
    pq.write_table(meditron_table(talks), case.folder / "train.parquet")
    case.expect("train.parquet")
    case = good("multimeditron", "pretraining-parquet")
    pq.write_table(meditron_table([shapes[2]]), case.folder / "train.parquet")
    case.expect("train.parquet")
    for stream in (True, False):
        case = good("multimeditron", f"lone-arrow-{'stream' if stream else 'file'}")
        table = meditron_table(talks[:1])
        with (pa.ipc.new_stream if stream else pa.ipc.new_file)(case.folder / "train.arrow", table.schema) as writer:
            writer.write_table(table)
        case.expect("train.arrow")
    case = good("multimeditron", "lines").media(a=jpeg(1), b=jpeg(2))
    system = {"role": "system", "content": "You are Meditron"}
    developer = {"role": "developer", "content": "be brief"}
    records = [
        chat(f"{SLOT}?", "a line", "images/a.jpg"),
        chat("no modality", "fine", text=None),
        chat(f"{SLOT} {SLOT}", "two", "images/b.jpg", "images/b.jpg", extra="kept"),
        {
            "conversations": [system, developer, *chat()["conversations"]],
            "modalities": [_path("images/a.jpg", num_embeddings=256)],
        },
        chat(f"{SLOT} the volume", "dark") | {"modalities": [{"type": "image_3d", "value": "volumes/a.npy"}]},
    ]
    case.write("volumes/a.npy", b"\x93NUMPY\x01\x00v\x00" + _numpy_header()).lines(
        "train.jsonl", records, end=""
    ).expect("train.jsonl")
    case = good("multimeditron", "other-placeholder").media(a=jpeg(1))
    case.lines("train.jsonl", [chat("<|image|>?", "a line", "images/a.jpg")]).expect(
        "train.jsonl", placeholders=["<|image|>"]
    )
    case = good("multimeditron", "own-modality")
    case.lines("train.jsonl", [chat(SLOT, "a spectrum") | {"modalities": [{"type": "spectrum", "value": "a.npy"}]}])
    case.expect("train.jsonl", params={"modality_types": "image,spectrum"}, probe="none")

    for form, storage in (
        ("bytes", "arrow-directory"),
        ("bytes", "dataset-dict"),
        ("bytes", "parquet"),
        ("path", "lines"),
    ):
        records, found = planted(form)
        case = bad("multimeditron", f"planted-{storage}")
        if storage == "arrow-directory":
            arrow_directory(case, "data", [meditron_table(records)])
            path, file = "data", "data-00000-of-00001.arrow"
        elif storage == "dataset-dict":
            case.write("data/dataset_dict.json", '{"splits": ["train", "test"]}')
            train = chat(f"{SLOT}?", "only in train", {"bytes": png(9), "path": None})
            arrow_directory(case, "data/train", [meditron_table([train])])
            arrow_directory(case, "data/test", [meditron_table(records)])
            path, file = "data", "test/data-00000-of-00001.arrow"
        elif storage == "parquet":
            pq.write_table(meditron_table(records), case.folder / "train.parquet", row_group_size=4)
            path = file = "train.parquet"
        else:
            case.media(a=jpeg(1), cut=truncated_jpeg(), page=PAGE, empty=b"").lines("train.jsonl", records)
            path = file = "train.jsonl"
        case.expect(path, *((rule, file, row) for rule, row in found))

    many = [chat(f"question {number}", "yes") for number in range(5000)]
    many[4000] = chat(f"question {SLOT}", "yes")
    case = bad("multimeditron", "row-4000-of-5000-parquet")
    pq.write_table(meditron_table(many), case.folder / "train.parquet", row_group_size=1000, compression="zstd")
    case.expect("train.parquet", ("MM010", "train.parquet", 4000))
    few = [{"text": f"{number}", "modalities": []} for number in range(5000)]
    few[4000]["text"] = SLOT
    case = bad("multimeditron", "row-4000-of-5000-arrow")
    texts = pa.Table.from_pylist(few, schema=meditron_table([]).select(["text", "modalities"]).schema)
    arrow_directory(case, "data", [texts])
    case.expect("data", ("MM010", "data-00000-of-00001.arrow", 4000))

    case = bad("multimeditron", "text-and-conversations-mixed").media(a=jpeg(1))
    case.lines(
        "train.jsonl",
        [chat(f"{SLOT}?", "a line", "images/a.jpg"), {"text": SLOT, "modalities": [_path("images/a.jpg")]}],
    )
    case.expect("train.jsonl", ("MD003", "train.jsonl", None), fails=False)
    case = bad("multimeditron", "bare-bytes")
    pq.write_table(meditron_table([chat(f"{SLOT}?", "a line", jpeg(1))], pa.binary()), case.folder / "train.parquet")
    case.expect("train.parquet", ("MD004", "train.parquet", 0), fails=False)
    case = bad("multimeditron", "struct-without-bytes").media(a=jpeg(1))
    pq.write_table(
        meditron_table([chat(f"{SLOT}?", "a line", {"bytes": None, "path": "images/a.jpg"})]),
        case.folder / "train.parquet",
    )
    case.expect("train.parquet", ("MD005", "train.parquet", 0), fails=False)
    case = bad("multimeditron", "image-bomb").media(a=jpeg(1)).write("images/b.png", bomb_png(10_000, 10_000))
    case.lines("train.jsonl", [chat(f"{SLOT}?", "a", "images/a.jpg"), chat(f"{SLOT}?", "b", "images/b.png")])
    case.expect("train.jsonl", ("MM022", "train.jsonl", 1))
    case = bad("multimeditron", "shard-missing")
    shards = [meditron_table(talks[:1]), meditron_table(talks[1:2])]
    arrow_directory(case, "data", shards, without="data-00001-of-00002.arrow")
    case.expect("data", ("MM004", "data-00001-of-00002.arrow", None))
    case = bad("multimeditron", "shard-damaged")
    arrow_directory(case, "data", shards, without="data-00001-of-00002.arrow")
    case.write("data/data-00001-of-00002.arrow", POINTER)
    case.expect("data", ("MM003", "data-00001-of-00002.arrow", None))
    case = bad("multimeditron", "parquet-damaged").write("train.parquet", b"PAR1" + bytes(40) + b"PAR1")
    case.expect("train.parquet", ("MM003", "train.parquet", None), format="multimeditron")
    case = bad("multimeditron", "conversation-ends-with-user").media(a=jpeg(1))
    case.lines(
        "train.jsonl", [{"conversations": [{"role": "user", "content": SLOT}], "modalities": [_path("images/a.jpg")]}]
    )
    case.expect("train.jsonl", ("MM042", "train.jsonl", 0), fails=False)
    case = bad("multimeditron", "lines-break-schema").media(a=jpeg(1))
    broken = [
        chat(f"{SLOT}?", "a line", "images/a.jpg"),
        {"modalities": []},
        {"text": None, "conversations": None, "modalities": []},
        chat("a?", "b") | {"modalities": None},
        chat("a?", "b") | {"modalities": [{"value": "images/a.jpg"}]},
        {"conversations": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}], "modalities": []},
    ]
    case.lines("train.jsonl", broken).expect("train.jsonl", *(("MM001", "train.jsonl", row) for row in range(1, 6)))
    case = bad("multimeditron", "lines-not-json").media(a=jpeg(1))
    case.lines("train.jsonl", [chat(f"{SLOT}?", "a", "images/a.jpg"), '{"text": "a", "modalities": [],}'])
    case.expect("train.jsonl", ("MM002", "train.jsonl", 1))


def _modality(data: bytes) -> dict[str, Any]:
    return {"type": "image", "value": {"bytes": data, "path": None}}


def _path(path: str, **keys: Any) -> dict[str, Any]:
    return {"type": "image", "value": path} | keys


def _odd_images() -> list[bytes]:
    return [jpeg(3, mode="CMYK"), png(4, mode="P"), png(5, mode="RGBA")]


def _numpy_header() -> bytes:
    header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (2, 2, 2), }"
    return header.ljust(117) + b"\n" + bytes(8)


# ── aria ─────────────────────────────────────────────────────────────────────────────────────────────────────────

PICTURE: dict[str, Any] = {"type": "image", "text": None}
FILM: dict[str, Any] = {"type": "video", "text": None}


def words(text: str | None) -> dict[str, Any]:
    """A part of type text."""
    return {"type": "text", "text": text}


def aria(*question: dict[str, Any], images: Any = ..., video: Any = ..., **keys: Any) -> dict[str, Any]:
    """A record: a question of parts, and an answer."""
    messages = [{"role": "user", "content": list(question)}, {"role": "assistant", "content": [words("a line")]}]
    record = {"messages": messages, "images": images, "video": video} | keys
    return {key: value for key, value in record.items() if value is not ...}


def make_aria() -> None:
    """Folders that load, and every defect."""
    a, b = "image_folder/a.jpg", "image_folder/b.png"
    film = {"path": "video_folder/a.mp4", "num_frames": 4}

    def folder(case: Case) -> Case:
        case.write("data/image_folder/a.jpg", jpeg(1)).write("data/image_folder/b.png", png(2, mode="RGBA"))
        return case.write("data/video_folder/a.mp4", clip())

    shapes = [
        aria(PICTURE, words("what?"), images=[a]),
        aria(PICTURE, PICTURE, words("what?"), images=[a, b]),
        aria(words("one"), {"type": "image"}, words("two"), {"type": "image"}, images=[b, a], video=None),
        aria(FILM, words("what happens?"), video=film),
        aria(FILM, words("what happens?"), video=film | {"num_frames": "4"}, images=None),
        aria(FILM, words("what happens?"), video=film | {"num_frames": 4.0}, images=[]),
        aria(words("text alone")),
        aria(PICTURE, images=[a]),
    ]
    case = folder(good("aria", "accepted-shapes")).lines("data/train.jsonl", shapes)
    case.write("data/image_folder/c.jpg", jpeg(7)).lines(
        "data/test.jsonl", [aria(PICTURE, words("?"), images=["image_folder/c.jpg"])], end=""
    )
    case.expect("data")
    folder(good("aria", "file-alone")).lines("data/train.jsonl", shapes).expect("data/train.jsonl")

    def plant(name: str, *found: Found | str, fails: bool = True, rows: list[Any], **args: Any) -> None:
        case = folder(bad("aria", name)).lines("data/train.jsonl", [shapes[0], *rows])
        places = [each if isinstance(each, tuple) else (each, "train.jsonl", row) for row, each in enumerate(found, 1)]
        case.expect("data", *places, fails=fails, **args)

    def said(role: str, *parts: dict[str, Any], **keys: Any) -> dict[str, Any]:
        return {"role": role, "content": list(parts)} | keys

    hello, answer = said("user", words("hello")), said("assistant", words("hi"))
    plant(
        "breaks-schema",
        *["MM001"] * 13,
        rows=[
            aria(words("hi"), id="7"),
            {"messages": [said("user", words("hi"), name="me"), answer]},
            aria(words("hi") | {"index": 1}),
            aria(FILM, video=film | {"fps": 2}),
            {"images": [a]},
            {"messages": [{"role": "user", "content": "hi"}, answer]},
            aria(PICTURE, images=a),
            aria(FILM, video=film["path"]),
            aria(FILM, video={"num_frames": 4}),
            aria(FILM, video=film | {"num_frames": 4.5}),
            aria(FILM, video=film | {"num_frames": "four"}),
            {"messages": [{"content": [words("hi")]}, answer]},
            aria({"text": "hi"}),
        ],
    )
    trailing = '{"messages": [{"role": "user", "content": [{"type": "image", "text": null,}]}], "images": ["a.jpg"]}'
    plant("trailing-comma", ("MM002", "train.jsonl", 1), rows=[trailing])
    pasted = json.dumps(shapes[0], indent=1).splitlines()
    plant("record-over-many-lines", *(("MM002", "train.jsonl", row) for row in range(1, 4)), rows=pasted[:3])
    plant(
        "roles",
        "MM041",
        "MM041",
        rows=[
            {"messages": [said("system", words("be brief")), hello, answer]},
            {"messages": [hello, said("bot", words("hi"))]},
        ],
    )
    plant("part-of-unknown-type", "AR001", rows=[aria(words("hi"), {"type": "audio", "text": None})])
    plant("text-part-without-text", "AR002", "AR002", rows=[aria(words(None)), aria({"type": "text"}, words("hi"))])
    plant("images-and-video", "AR003", rows=[aria(PICTURE, FILM, words("hi"), images=[a], video=film)])
    plant("image-token-in-text", "AR004", rows=[aria(PICTURE, words("<|img|> what?"), images=[a])])
    plant(
        "text-in-image-part",
        "AR005",
        fails=False,
        rows=[aria({"type": "image", "text": "a cat"}, words("?"), images=[a])],
    )
    frames: list[Any] = [
        {"path": film["path"]},
        film | {"num_frames": None},
        film | {"num_frames": 0},
        film | {"num_frames": -1},
    ]
    plant(
        "num-frames-missing",
        *["AR006"] * 4,
        fails=False,
        rows=[aria(FILM, words("?"), video=video) for video in frames],
    )
    plant(
        "num-frames-exceed-video", "AR007", fails=False, rows=[aria(FILM, words("?"), video=film | {"num_frames": 150})]
    )
    plant(
        "odd-conversations", "AR008", "AR009", "AR010", "MM042", "AR011", "MM040", fails=False,
        rows=[
            {"messages": []},
            {"messages": [said("user"), answer]},
            {"messages": [answer, hello, answer]},
            {"messages": [hello]},
            {"messages": [hello, said("assistant", PICTURE, words("here"))], "images": [a]},
            aria(words("")),
        ],
    )  # fmt: skip
    plant(
        "parts-and-media", "MM010", "MM011", "MM011", "MM010", "MM011", "MM010", "MM013",
        rows=[
            aria(PICTURE, PICTURE, words("?"), images=[a]),
            aria(PICTURE, words("?"), images=[a, b]),
            aria(words("?"), images=[a]),
            aria(FILM, words("?")),
            aria(words("?"), video=film),
            aria(FILM, FILM, words("?"), video=film),
            aria(FILM, words("?"), images=[a]),
        ],
    )  # fmt: skip
    plant("absolute-path", "MM029", rows=[aria(PICTURE, words("?"), images=["/nowhere/a.jpg"])])
    plant("image-missing", "MM020", rows=[aria(PICTURE, words("?"), images=["image_folder/none.jpg"])])
    case = folder(bad("aria", "image-only-in-parent")).write("image_folder/p.jpg", jpeg(3))
    case.lines("data/train.jsonl", [shapes[0], aria(PICTURE, words("?"), images=["image_folder/p.jpg"])])
    case.expect("data", ("MM020", "train.jsonl", 1))
    case = folder(bad("aria", "media-damaged")).write("data/video_folder/cut.mp4", clip()[:-400])
    for name, data in {"cut": truncated_jpeg(), "empty": b"", "other": png(4)}.items():
        case.write(f"data/image_folder/{name}.jpg", data)
    case.write("data/image_folder/bomb.png", bomb_png()).write("data/image_folder/later.gif", broken_animation())
    names = ["cut.jpg", "empty.jpg", "bomb.png", "other.jpg", "later.gif"]
    rows = [aria(PICTURE, words("?"), images=[f"image_folder/{name}"]) for name in names]
    rows += [
        aria(FILM, words("?"), video={"path": "video_folder/cut.mp4", "num_frames": 1}),
        aria(PICTURE, images=[None]),
    ]
    case.lines("data/train.jsonl", [shapes[0], *rows])
    found = ("MM021", "MM025", "MM022", "MM023", "MM024", "MM021", "MM025")
    case.expect("data", *((rule, "train.jsonl", row) for row, rule in enumerate(found, 1)))
    case = folder(bad("aria", "defect-in-test-only")).lines("data/train.jsonl", shapes[:1])
    case.write("data/image_folder/c.jpg", jpeg(7)).lines(
        "data/test.jsonl", [aria(PICTURE, PICTURE, images=["image_folder/c.jpg"])]
    )
    case.expect("data", ("MM010", "test.jsonl", 0))
    case = folder(bad("aria", "train-missing")).lines("data/test.jsonl", shapes)
    case.expect("data", ("MM004", "train.jsonl", None))
    case = (
        bad("aria", "image-in-two-splits")
        .write("data/image_folder/a.jpg", jpeg(1))
        .lines("data/train.jsonl", shapes[:1])
    )
    case.lines("data/test.jsonl", [aria(PICTURE, words("the same?"), images=[a])])
    case.expect("data", ("MM032", "test.jsonl", 0), fails=False)


def main() -> None:
    """Write everything anew."""
    for name in FORMATS:
        shutil.rmtree(HERE / name, ignore_errors=True)
    make_llava()
    make_data_juicer()
    make_mmc4()
    make_multimeditron()
    make_aria()


if __name__ == "__main__":
    main()
