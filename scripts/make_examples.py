"""Write the example datasets of `mmcheck demo`: a good and a bad one of several formats, with tiny real media.

    python scripts/make_examples.py [DIRECTORY]     (default: examples/)

Deterministic: no dates, no randomness. Every bad dataset says beside each record what is wrong with it.
"""

from __future__ import annotations

import io
import json
import math
import shutil
import struct
import sys
import wave
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
from PIL import Image, ImageDraw

HERE = Path(__file__).resolve().parent.parent / "examples"
TOKEN = "<|reserved_special_token_0|>"
EOC = "<|__dj__eoc|>"


def picture(colour: str, width: int = 48, height: int = 32, kind: str = "JPEG") -> bytes:
    """A disc of one colour on a pale ground, as the bytes of an image file."""
    image = Image.new("RGB", (width, height), "#f4f1ea")
    radius = min(width, height) // 3
    centre = (width // 2, height // 2)
    box = (centre[0] - radius, centre[1] - radius, centre[0] + radius, centre[1] + radius)
    ImageDraw.Draw(image).ellipse(box, fill=colour)
    out = io.BytesIO()
    image.save(out, kind, **({"quality": 85} if kind == "JPEG" else {}))
    return out.getvalue()


def tone(hertz: int, seconds: float = 0.25, rate: int = 8000) -> bytes:
    """A sine as the bytes of a 16-bit mono WAV file."""
    samples = [int(12000 * math.sin(2 * math.pi * hertz * n / rate)) for n in range(int(seconds * rate))]
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples))
    return out.getvalue()


RED, GREEN, BLUE = picture("#c8102e"), picture("#2e8b57"), picture("#1f5fbf")
WIDE, TALL = picture("#e0a100", 64, 24), picture("#7b3fa0", 24, 64)
CUT = RED[: len(RED) * 2 // 3]
PAGE = b"<!DOCTYPE html><html><head><title>404 Not Found</title></head><body>nginx</body></html>"


def put(path: Path, content: bytes) -> None:
    """Write a file, its folders too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def lines(records: Iterable[Any]) -> bytes:
    """JSON Lines; a string stands for itself, as a line that is broken on purpose."""
    rows = (record if isinstance(record, str) else json.dumps(record, ensure_ascii=False) for record in records)
    return ("\n".join(rows) + "\n").encode()


def document(value: Any) -> bytes:
    """An indented JSON document."""
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()


def llava(root: Path) -> None:
    """A JSON array beside its images."""

    def chat(id: str, image: Any, *turns: str) -> dict[str, Any]:
        speakers = ("human", "gpt")
        spoken = [{"from": speakers[n % 2], "value": text} for n, text in enumerate(turns)]
        return {"id": id, **({"image": image} if image else {}), "conversations": spoken}

    good, bad = root / "llava" / "good", root / "llava" / "bad"
    for folder in (good, bad):
        put(folder / "images" / "red.jpg", RED)
        put(folder / "images" / "blue.jpg", BLUE)
    red = chat("disc-1", "images/red.jpg", "<image>\nWhat colour is the disc?", "Red.")
    text_only = chat("disc-3", None, "Name a primary colour.", "Blue is one.")
    records = [
        red,
        chat("disc-2", "images/blue.jpg", "<image>\nWhat is shown?", "A disc.", "Its colour?", "Blue."),
        text_only,
        chat("disc-4", ["images/red.jpg", "images/blue.jpg"], "<image><image>\nWhich disc is blue?", "The second."),
    ]
    put(good / "train.json", document(records))

    put(bad / "images" / "cut.jpg", CUT)
    put(bad / "images" / "page.jpg", PAGE)
    put(bad / "images" / "really-png.jpg", picture("#2e8b57", kind="PNG"))
    deaf = chat("disc-8", "images/blue.jpg", "<image>\nWhat is shown?", "A disc.")
    deaf["conversations"].insert(1, {"from": "human", "value": "Hello?"})
    records = [
        red,
        chat("disc-5", "images/red.jpg", "<image><image>\nWhich one is red?", "The first."),  # one image for two places
        chat("disc-6", "images/green.jpg", "<image>\nWhat colour?", "Green."),  # the file is not there
        chat("disc-7", "images/cut.jpg", "<image>\nWhat colour?", "Red."),  # the download broke off
        chat("disc-7", "images/page.jpg", "<image>\nWhat colour?", "Red."),  # an error page; and the id again
        chat("disc-9", "images/really-png.jpg", "<image>\nWhat colour?", "Green."),  # a PNG that is called .jpg
        deaf,  # two turns by human
        {"id": "disc-10", "image": 7, "conversations": [{"from": "human", "value": "<image>"}]},  # 7 is no path
        {"id": "disc-11", "conversation": []},  # a misspelt key
    ]
    put(bad / "train.json", document(records))


def chat_turns(*turns: str) -> list[dict[str, str]]:
    """Turns of user and assistant, as MultiMeditron has them."""
    return [{"role": ("user", "assistant")[n % 2], "content": text} for n, text in enumerate(turns)]


def meditron(value: Any, *turns: str) -> dict[str, Any]:
    """A MultiMeditron record; `value` is one modality or a list of them."""
    values = value if isinstance(value, list) else [value]
    return {"conversations": chat_turns(*turns), "modalities": [{"type": "image", "value": each} for each in values]}


def multimeditron(root: Path) -> None:
    """JSON Lines with the media as paths."""
    good, bad = root / "multimeditron" / "good", root / "multimeditron" / "bad"
    for folder in (good, bad):
        put(folder / "scans" / "a.jpg", GREEN)
        put(folder / "scans" / "b.jpg", BLUE)
    first = meditron("scans/a.jpg", f"{TOKEN} What is seen?", "A green disc.")
    records: list[Any] = [
        first,
        meditron(["scans/a.jpg", "scans/b.jpg"], f"Compare {TOKEN} with {TOKEN}.", "Green, then blue."),
        meditron([], "What is a disc?", "A circle that is filled."),
        meditron("scans/b.jpg", "Show me a blue disc.", f"Here: {TOKEN}"),  # all roles count
    ]
    put(good / "data.jsonl", lines(records))

    bot = meditron("scans/a.jpg", f"{TOKEN} What is seen?", "A disc.")
    bot["conversations"][1]["role"] = "bot"
    records = [
        first,
        meditron("scans/a.jpg", f"{TOKEN} against {TOKEN}?", "The same."),  # too few modalities
        meditron(["scans/a.jpg", "scans/b.jpg"], f"{TOKEN} What is seen?", "A disc."),  # too many
        meditron("scans/gone.jpg", f"{TOKEN} What is seen?", "A disc."),  # the file is not there
        '{"conversations": [{"role": "user", "content": "Hi"},], "modalities": []}',  # a trailing comma
        {**first, "text": "A text beside a conversation."},  # one of the two
        {"conversations": chat_turns("Hello", "Hello.")},  # no modalities
        bot,  # a role that the loss does not mask
    ]
    put(bad / "data.jsonl", lines(records))


def arrow(root: Path) -> None:
    """A directory as `save_to_disk` of Hugging Face datasets leaves it, the media inside."""
    turn = pa.struct([("role", pa.string()), ("content", pa.string())])
    value = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    modality = pa.struct([("type", pa.string()), ("value", value)])
    schema = pa.schema([("conversations", pa.list_(turn)), ("modalities", pa.list_(modality))])

    def save(folder: Path, records: list[dict[str, Any]]) -> None:
        sink = io.BytesIO()
        with pa.ipc.new_stream(sink, schema) as stream:
            stream.write_table(pa.Table.from_pylist(records, schema=schema))
        put(folder / "data-00000-of-00001.arrow", sink.getvalue())
        put(folder / "dataset_info.json", document({"citation": "", "description": "", "features": {}}))
        state = {"_data_files": [{"filename": "data-00000-of-00001.arrow"}], "_fingerprint": "0", "_split": "train"}
        put(folder / "state.json", document(state))

    def held(content: bytes) -> dict[str, Any]:
        return {"bytes": content, "path": None}

    question = f"{TOKEN} What is seen?"
    first = meditron(held(RED), question, "A red disc.")
    save(
        root / "multimeditron-arrow" / "good",
        [
            first,
            meditron([held(RED), held(BLUE)], f"{TOKEN}{TOKEN} Colours?", "Red and blue."),
            meditron([], "Hi", "Hello."),
        ],
    )
    save(
        root / "multimeditron-arrow" / "bad",
        [
            first,
            meditron(held(CUT), question, "A disc."),  # the image breaks off
            meditron(held(PAGE), question, "A disc."),  # an error page
            meditron(None, question, "A disc."),  # null
            meditron(held(b""), question, "A disc."),  # no bytes
            meditron(held(RED), "What is seen?", "A disc."),  # no placeholder
            meditron(held(RED), question, ""),  # an empty answer
        ],
    )


def aria(root: Path) -> None:
    """`train.jsonl` beside the media."""

    def part(kind: str, text: str | None = None) -> dict[str, Any]:
        return {"type": kind, "text": text}

    def record(images: list[str], *parts: dict[str, Any], answer: str = "A disc.") -> dict[str, Any]:
        said = [{"role": "user", "content": list(parts)}, {"role": "assistant", "content": [part("text", answer)]}]
        return {"messages": said, "images": images}

    good, bad = root / "aria" / "good", root / "aria" / "bad"
    for folder in (good, bad):
        put(folder / "image_folder" / "a.jpg", WIDE)
        put(folder / "image_folder" / "b.jpg", TALL)
    a, b = "image_folder/a.jpg", "image_folder/b.jpg"
    first = record([a], part("image"), part("text", "What is shown?"))
    text_only = record([], part("text", "What is a disc?"), answer="A filled circle.")
    put(
        good / "train.jsonl",
        lines([first, record([a, b], part("image"), part("image"), part("text", "Both?")), text_only]),
    )
    put(good / "test.jsonl", lines([record([b], part("image"), part("text", "What colour?"), answer="Violet.")]))

    system = record([a], part("image"), part("text", "What is shown?"))
    system["messages"][0]["role"] = "system"
    records: list[Any] = [
        first,
        record([a, b], part("image"), part("text", "What is shown?")),  # an image more: shifts all that follow
        {"id": "x-1", **first},  # an unknown key
        system,  # a role that the loader refuses
        record([a], part("image"), part("text", "What is <|img|> here?")),  # would become 256 tokens
        record(["image_folder/c.jpg"], part("image"), part("text", "What is shown?")),  # the file is not there
        json.dumps(first)[:-1] + ",}",  # a trailing comma, as in the format's own description
    ]
    put(bad / "train.jsonl", lines(records))


def data_juicer(root: Path) -> None:
    """Texts with media tokens, lists of paths, and recorded statistics."""

    def record(text: str, stats: dict[str, Any] | None = None, **media: list[str]) -> dict[str, Any]:
        return {"text": text, **media, **({"stats": stats} if stats else {})}

    good, bad = root / "data-juicer" / "good", root / "data-juicer" / "bad"
    for folder in (good, bad):
        put(folder / "images" / "wide.jpg", WIDE)
        put(folder / "images" / "tall.jpg", TALL)
        put(folder / "audios" / "a.wav", tone(440))
    wide, tall = "images/wide.jpg", "images/tall.jpg"
    two = f"<__dj__image> A wide one. {EOC} <__dj__image> A tall one. {EOC}"
    sizes = {"image_widths": [64, 24], "image_heights": [24, 64]}
    first = record(f"<__dj__image> A yellow disc. {EOC}", images=[wide])
    records = [
        first,
        record(two, sizes, images=[wide, tall]),
        record(f"<__dj__audio> A tone. {EOC}", audios=["audios/a.wav"]),
    ]
    put(good / "data.jsonl", lines(records))
    records = [
        first,
        record(two, images=[wide]),  # two tokens, one image
        record(two, sizes, images=[tall, wide]),  # the sizes say: the images have changed places
        record(two, {"image_widths": [64]}, images=[wide, tall]),  # one width for two images
        record("<__dj__audio> A tone.", audios=["audios/b.wav"]),  # the file is not there
        {"text": ["not", "a", "text"]},
    ]
    put(bad / "data.jsonl", lines(records))


def wavcaps(root: Path) -> None:
    """One JSON document, its audio beside it."""

    def record(id: str, audio: str, caption: str, **more: Any) -> dict[str, Any]:
        return {"id": id, "audio": audio, "duration": 0.25, "caption": caption, **more}

    good, bad = root / "wavcaps" / "good", root / "wavcaps" / "bad"
    for folder in (good, bad):
        put(folder / "audio" / "1.wav", tone(440))
        put(folder / "audio" / "2.wav", tone(880))
    first = record("1", "audio/1.wav", "A steady tone.")
    records = [first, record("2", "audio/2.wav", "A high tone.")]
    put(good / "captions.json", document({"num_captions_per_audio": 1, "data": records}))

    put(bad / "audio" / "cut.wav", tone(660)[:1500])
    put(bad / "audio" / "page.wav", PAGE)
    no_caption = record("6", "audio/2.wav", "")
    del no_caption["caption"]
    records = [
        first,
        record("1", "audio/2.wav", "A high tone."),  # the id again
        record("3", "audio/3.wav", "A tone."),  # the file is not there
        record("4", "audio/cut.wav", "A tone that breaks off."),  # shorter than its header says
        record("5", "audio/page.wav", "A tone."),  # an error page
        no_caption,
        record("7", "audio/1.wav", "A tone.", duration="0.25"),  # a number as text
    ]
    put(bad / "captions.json", document({"num_captions_per_audio": 1, "data": records}))


EXAMPLES: tuple[Callable[[Path], None], ...] = (llava, multimeditron, arrow, aria, data_juicer, wavcaps)


def main(root: Path) -> None:
    """Write every example below `root`, replacing what was there."""
    for old in root.glob("*/"):
        shutil.rmtree(old)
    for example in EXAMPLES:
        example(root)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
