"""Writes the example datasets of mimic-it, wavcaps, video-chatgpt, youku-mplug, internvid and msr-vtt.

    python tests/make_datasets_b.py

The layout is that of `make_datasets_a.py`: each case is a folder with a dataset and `expected.json`, which says what
to check, how, and every finding of error or warning level that must come out of it.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import shutil
import struct
import wave
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from make_datasets_a import HERE, PAGE, POINTER, Case, bad, good, jpeg, picture, png, truncated_jpeg

FORMATS = ("mimic-it", "wavcaps", "video-chatgpt", "youku-mplug", "internvid", "msr-vtt")


# ── media ────────────────────────────────────────────────────────────────────────────────────────────────────────


def samples(seed: int = 0, seconds: float = 0.1, rate: int = 8000) -> bytes:
    """16-bit samples of a triangle wave, whose pitch differs from seed to seed."""
    period = 40 + seed
    return b"".join(
        struct.pack("<h", abs(number % period - period // 2) * 500) for number in range(int(seconds * rate))
    )


def wav(seed: int = 0) -> bytes:
    """A WAV of 0.1 s."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(samples(seed))
    return out.getvalue()


def flac(seed: int = 0) -> bytes:
    """A FLAC of 0.1 s."""
    import av

    out = io.BytesIO()
    with av.open(out, "w", format="flac") as container:
        stream: Any = container.add_stream("flac", rate=8000)
        stream.layout = "mono"
        frame = av.AudioFrame(format="s16", layout="mono", samples=800)
        frame.planes[0].update(samples(seed))
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return out.getvalue()


def clip(frames: int = 4, container: str = "mp4") -> bytes:
    """A video of 32 × 32 pixels, four frames a second."""
    import av

    out = io.BytesIO()
    # bitexact: without it Matroska gets a new random id each time
    with av.open(out, "w", format=container, options={"fflags": "+bitexact"}) as file:
        stream: Any = file.add_stream("libvpx" if container == "webm" else "mpeg4", rate=4)
        stream.width = stream.height = 32
        stream.pix_fmt = "yuv420p"
        for number in range(frames):
            file.mux(stream.encode(av.VideoFrame.from_image(picture(number, 32, 32))))
        file.mux(stream.encode())
    return out.getvalue()


def cut(data: bytes, part: float = 0.6) -> bytes:
    """The beginning of a file, as an interrupted download leaves it."""
    return data[: int(len(data) * part)]


def warns(case: Case, path: str, *found: tuple[str, str | None, int | None], **args: Any) -> None:
    """Expect warnings alone: the verdict is pass."""
    case.expect(path, *found, fails=False, **args)


def document(case: Case, name: str, value: Any) -> Case:
    """A JSON document, indented as people write it."""
    return case.write(name, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


# ── wavcaps ──────────────────────────────────────────────────────────────────────────────────────────────────────


def recording(number: int = 0, **keys: Any) -> dict[str, Any]:
    """A record of SoundBible, as published: wav_path stands where the path belongs. `...` takes a key out."""
    record = {
        "title": f"Airplane Landing {number}",
        "description": "Large commercial airplane landing at an airport runway.",
        "author": "Daniel Simion",
        "href": f"{2219 + number}-Airplane-Landing-Airport.html",
        "caption": f"An airplane is landing on runway {number}.",
        "id": str(2219 + number),
        "duration": 14.1424375,
        "audio": "wav_path",
        "download_link": f"http://soundbible.com/grab.php?id={2219 + number}&type=wav",
    } | keys
    return {key: value for key, value in record.items() if value is not ...}


def captions(number: int = 0, count: int = 5, **keys: Any) -> dict[str, Any]:
    """A record of AudioCaps in the same layout: neither id nor duration."""
    record = {f"caption_{each}": f"A dog barks, said in way {each} of {number}" for each in range(1, count + 1)}
    return record | {"audio": f"waveforms/{number}.wav"} | keys


def wavcaps(case: Case, records: Sequence[Any], number: int | None = 1, name: str = "train.json") -> Case:
    """A document in the layout of WavCaps; `number` stands before the records where it is 1, behind them else."""
    header = {} if number is None else {"num_captions_per_audio": number}
    whole = header | {"data": list(records)} if number == 1 else {"data": list(records)} | header
    return document(case, name, whole)


def make_wavcaps() -> None:
    """The four subsets, several captions, recordings found by path and by id; every defect."""
    file = "train.json"
    wavcaps(good("wavcaps", "soundbible"), [recording(0), recording(1), recording(2)]).expect(file)

    case = wavcaps(good("wavcaps", "recordings-by-id"), [recording(0), recording(1, id=2220)])
    case.write("audio/2219.flac", flac(0)).write("audio/2220.flac", flac(1)).expect(file, media_root="audio")

    records = [
        {"id": "Yb0RFKhbpFJA.wav", "caption": "A speech and a tick occur.", "audio": "wav_path", "duration": 10.0},
        {"id": "YZ.two.dots.wav", "caption": "Wind blows.", "audio": "wav_path", "duration": 10},
    ]
    case = wavcaps(good("wavcaps", "audioset"), records).write("audio/Yb0RFKhbpFJA.flac", flac(0))
    case.write("audio/YZ.flac", flac(1)).expect(file, media_root="audio")

    records = [
        {"category": "['Nature', 'Birds']", "description": "A blackbird", "caption": "A bird sings.",
         "id": "NHU05102080", "duration": 21.3, "audio": "wav_path",
         "download_link": "https://example.org/NHU05102080.wav.zip"},
        {"id": "180913", "file_name": "Rain on a roof.wav", "href": "/people/a/sounds/180913/",
         "tags": ["rain", "roof"], "author": "a", "description": "Rain\non a roof", "caption": "Rain falls. ",
         "duration": 12, "audio": "wav_path",
         "download_link": "https://example.org/180913"},
        recording(5, category="", tags=""),
    ]  # fmt: skip
    wavcaps(good("wavcaps", "bbc-and-freesound"), records).expect(file)

    case = wavcaps(good("wavcaps", "five-captions"), [captions(0), captions(1)], 5)
    case.write("waveforms/0.wav", wav(0)).write("waveforms/1.wav", wav(1)).expect(file)

    # the number of captions
    wavcaps(bad("wavcaps", "number-of-captions-missing"), [recording(0), recording(1)], None).expect(
        file, ("WC001", file, None)
    )
    records = [captions(0), captions(1, 4), captions(2, 6), recording(3)]
    case = wavcaps(bad("wavcaps", "number-of-captions-wrong"), records, 5)
    for number in range(3):
        case.write(f"waveforms/{number}.wav", wav(number))
    case.expect(file, *(("WC002", file, row) for row in (1, 2, 3)))
    records = [recording(0), captions(0, 2), recording(1, caption=...)]
    case = wavcaps(bad("wavcaps", "one-caption-declared"), records).write("waveforms/0.wav", wav())
    case.expect(file, ("WC006", file, 1), ("WC006", file, 2))
    skipped = {"caption_1": "A dog barks.", "caption_3": "A dog is barking.", "audio": "waveforms/0.wav"}
    case = wavcaps(bad("wavcaps", "caption-number-skipped"), [captions(0, 2), skipped], 2).write(
        "waveforms/0.wav", wav()
    )
    case.expect(file, ("WC003", file, 1))

    # which recording is meant
    records = [recording(0), recording(1, id=...), recording(2, id=..., audio=None)]
    wavcaps(bad("wavcaps", "recording-not-named"), records).expect(file, ("WC004", file, 1), ("WC004", file, 2))
    records = [recording(0), *(recording(number, id="Not found") for number in range(1, 6))]
    wavcaps(bad("wavcaps", "id-not-found"), records).expect(file, *(("MM030", file, row) for row in range(2, 6)))
    records = [recording(0), recording(1, id=2219)]
    wavcaps(bad("wavcaps", "id-as-number-and-text"), records).expect(file, ("MM030", file, 1))
    records = [captions(number, audio=f"/home/someone/AudioCaps/{number}.wav") for number in range(3)]
    warns(wavcaps(bad("wavcaps", "absolute-paths"), records, 5), file, ("MM029", file, None))
    case = wavcaps(bad("wavcaps", "recording-missing"), [captions(0), captions(1)], 5).write("waveforms/0.wav", wav())
    case.expect(file, ("MM020", file, 1))
    case = wavcaps(bad("wavcaps", "recording-missing-by-id"), [recording(0), recording(1)])
    case.write("audio/2219.flac", flac()).expect(file, ("MM020", file, 1), media_root="audio")
    case = wavcaps(bad("wavcaps", "recordings-damaged"), [recording(number) for number in range(4)])
    case.write("audio/2219.flac", flac()).write("audio/2220.flac", cut(flac(1))).write("audio/2221.flac", PAGE)
    case.write("audio/2222.flac", b"")
    case.expect(file, ("MM021", file, 1), ("MM021", file, 2), ("MM025", file, 3), media_root="audio")

    # shapes
    records = [
        recording(0),
        recording(1, caption=["An airplane", "is landing"]),
        recording(2, duration="14.14"),
        recording(3, id=22.5),
        recording(4, audio=7),
        ["An airplane is landing."],
        captions(6, caption_2=None),
    ]
    wavcaps(bad("wavcaps", "breaks-schema"), records).expect(file, *(("MM001", file, row) for row in range(1, 7)))
    case = wavcaps(
        bad("wavcaps", "caption-empty"), [recording(0), recording(1, caption=""), recording(2, caption=" \n")]
    )
    warns(case, file, ("MM040", file, 1), ("MM040", file, 2))
    case = document(bad("wavcaps", "records-elsewhere"), file, {"num_captions_per_audio": 1, "items": [recording(0)]})
    case.expect(file, ("MM001", file, None), format="wavcaps")
    bad("wavcaps", "lfs-pointer").write(file, POINTER).expect(file, ("MM003", file, None), format="wavcaps")


# ── video-chatgpt ────────────────────────────────────────────────────────────────────────────────────────────────


def question(number: int = 0, **keys: Any) -> dict[str, Any]:
    """A record of the instruction data."""
    record = {
        "q": f"What are the main activities in scene {number}?",
        "a": "A man prepares his camera and sails through the water.",
        "video_id": f"v_k_ZXmr8pm{number:02}",
    } | keys
    return {key: value for key, value in record.items() if value is not ...}


def make_video_chatgpt() -> None:
    """Training and benchmark files, with and without the videos; every defect."""
    file = "train.json"
    records = [
        question(0),
        question(1),
        question(1, q="And then?"),
        question(2, video_id="v_-D1gdv_gQyw"),
        question(3, topic="x"),
    ]
    good("video-chatgpt", "questions").array(file, records).expect(file)

    case = good("video-chatgpt", "videos-by-id").array(file, [question(0), question(1), question(1, q="And then?")])
    case.write("videos/v_k_ZXmr8pm00.mp4", clip(4)).write("videos/v_k_ZXmr8pm01.mkv", clip(5, container="matroska"))
    case.expect(file, media_root="videos")

    records = [{"Q": "What happens?", "A": "A man sails.", "video_name": "v_p1QGn0IzfW0"}]
    good("video-chatgpt", "benchmark").array("generic_qa.json", records).expect("generic_qa.json")
    records = [{"Q1": "What happens?", "Q2": "What is shown?", "A": "A man sails.", "video_name": "v_p1QGn0IzfW0"}]
    good("video-chatgpt", "benchmark-consistency").array("consistency_qa.json", records).expect("consistency_qa.json")

    tag = "\nQA_GT_caption_based_noisy"
    records = [
        question(0),
        question(1, a="A man sails." + tag),
        question(2, a="He films." + tag + "\n"),
        question(3, q="What is it?" + tag),
    ]
    warns(bad("video-chatgpt", "generator-tag").array(file, records), file, ("VC001", file, 1), ("VC001", file, 2))
    records = [question(0), question(1, video_id="k_ZXmr8pm01"), question(2, video_id="-D1gdv_gQyw")]
    warns(bad("video-chatgpt", "id-without-prefix").array(file, records), file, ("VC003", file, 1), ("VC003", file, 2))
    records = [
        question(0),
        question(1, a=...),
        question(2, video_id=...),
        question(3, q=["What?", "Why?"]),
        question(4, video_id=["v_a", "v_b"]),
        {"Q": "What happens?", "video_name": "v_p1QGn0IzfW0"},
        {"A": "A man sails.", "video_name": "v_p1QGn0IzfW0"},
        "What happens?",
    ]
    case = bad("video-chatgpt", "breaks-schema").array(file, records)
    case.expect(file, *(("MM001", file, row) for row in range(1, 8)))
    records = [question(0), question(1, a=""), question(2, q=" ")]
    warns(bad("video-chatgpt", "text-empty").array(file, records), file, ("MM040", file, 1), ("MM040", file, 2))
    case = bad("video-chatgpt", "video-missing").array(file, [question(0), question(1)])
    case.write("videos/v_k_ZXmr8pm00.mp4", clip()).expect(file, ("MM020", file, 1), media_root="videos")
    case = bad("video-chatgpt", "all-videos-missing").array(file, [question(0), question(1)])
    case.write("videos/other.mp4", clip()).expect(file, ("MM020", file, None), media_root="videos")
    case = bad("video-chatgpt", "videos-damaged").array(file, [question(number) for number in range(4)])
    case.write("videos/v_k_ZXmr8pm00.mp4", clip()).write("videos/v_k_ZXmr8pm01.mp4", cut(clip(8)))
    case.write("videos/v_k_ZXmr8pm02.mp4", PAGE).write("videos/v_k_ZXmr8pm03.mp4", b"")
    case.expect(file, ("MM021", file, 1), ("MM021", file, 2), ("MM025", file, 3), media_root="videos")
    case = bad("video-chatgpt", "lines-not-json").lines("train.jsonl", [question(0), "{'q': 'What?'}", question(1)])
    case.expect("train.jsonl", ("MM002", "train.jsonl", 1))


# ── youku-mplug ──────────────────────────────────────────────────────────────────────────────────────────────────


def table(*rows: Sequence[str], end: str = "\n", bom: bool = False) -> bytes:
    """A CSV file; the first row is the header."""
    out = io.StringIO()
    csv.writer(out, lineterminator=end).writerows(rows)
    return out.getvalue().encode("utf-8-sig" if bom else "utf-8")


def videos(case: Case, *names: str) -> Case:
    """Videos `videos/NAME.mp4`."""
    for number, name in enumerate(names):
        case.write(f"videos/{name}.mp4", clip(3 + number))
    return case


def make_youku() -> None:
    """The four subsets as published; every defect."""
    a, b = "videos/a.mp4", "videos/b.mp4"
    pretrain, classes = ("video_id:FILE", "title"), ("video_id:FILE", "title", "label")
    retrieval, captioning = ("clip_name:FILE", "caption"), ("video_id:FILE", "golden_caption")
    subsets: dict[str, tuple[str, bytes]] = {
        "pretrain": ("train.csv", table(pretrain, (a, "妈妈给宝宝听胎心"), (b, "狗，和\n猫"))),
        "with-bom-and-crlf": ("train.csv", table(pretrain, (a, "猫, 狗"), (b, "狗"), end="\r\n", bom=True)),
        "classification": ("train.csv", table(classes, (a, "兔宝宝", "宠物"), (b, "猫", ""))),
        "labels-empty": ("test.csv", table(classes, (a, "兔宝宝", ""), (b, "猫", ""))),
        "retrieval": ("train.csv", table(retrieval, (a, "女子骑着摩托车"), (b, "男子骑车"))),
        "captioning-train": ("train.csv", table(captioning, (a, "女生接住了球。"), (b, "领奖。"))),
        "captioning-val": (
            "val.csv",
            table(captioning, (a, "['女生接住了球。', '女生跳起。']"), (b, "[\"他说'好'\"]")),
        ),
        "captioning-test": ("test.csv", table(captioning, (a, ""), (b, ""))),
    }
    for name, (file, data) in subsets.items():
        videos(good("youku-mplug", name).write(file, data), "a", "b").expect(file)
    case = good("youku-mplug", "videos-not-downloaded").write(
        "train.csv", table(("video_id:FILE", "title"), ("videos/a.flv", "猫"))
    )
    case.expect("train.csv", probe="none")

    file, head = "train.csv", pretrain
    rows = "video_id:FILE,title\nvideos/a.mp4,one\nvideos/a.mp4,two, with a comma\nvideos/a.mp4\nvideos/a.mp4,four\n"
    case = videos(bad("youku-mplug", "rows-ragged").write(file, rows), "a")
    case.expect(file, ("MM001", file, 1), ("MM001", file, 2))
    data = table(head, ("videos/a.mp4", "one"), ("", "two"), ("videos/a.mp4", "three"))
    videos(bad("youku-mplug", "video-cell-empty").write(file, data), "a").expect(file, ("YK001", file, 1))
    data = table(("clip_name:FILE", "caption"), ("videos/a.mp4", "one"), ("", "two"))
    videos(bad("youku-mplug", "clip-cell-empty").write(file, data), "a").expect(file, ("YK001", file, 1))
    data = table(head, ("videos/a.mp4", "one"), ("videos/a.mp4", ""), ("videos/a.mp4", " "))
    warns(
        videos(bad("youku-mplug", "text-cell-empty").write(file, data), "a"),
        file,
        ("YK002", file, 1),
        ("MM040", file, 2),
    )
    data = table(
        ("video_id:FILE", "golden_caption"), ("videos/a.mp4", "['one', 'two']"), ("videos/a.mp4", "['one', 'tw")
    )
    warns(
        videos(bad("youku-mplug", "list-of-captions-broken").write("val.csv", data), "a"),
        "val.csv",
        ("YK004", "val.csv", 1),
    )
    data = table(head, ("videos/a.mp4", "one"), ("videos/none.mp4", "two"))
    videos(bad("youku-mplug", "video-missing").write(file, data), "a").expect(file, ("MM020", file, 1))
    data = table(head, ("videos/a.mp4", "one"), ("videos/cut.mp4", "two"), ("videos/page.mp4", "three"))
    case = videos(bad("youku-mplug", "videos-damaged").write(file, data), "a")
    case.write("videos/cut.mp4", cut(clip(8))).write("videos/page.mp4", PAGE)
    case.expect(file, ("MM021", file, 1), ("MM021", file, 2))
    data = table(("video_id:FILE", "text"), ("videos/a.mp4", "one"))
    videos(bad("youku-mplug", "column-of-text-missing").write(file, data), "a").expect(file, ("MM001", file, 0))
    data = table(("clip_name:FILE", "title"), ("videos/a.mp4", "one"))
    videos(bad("youku-mplug", "retrieval-without-caption").write(file, data), "a").expect(file, ("MM001", file, 0))
    data = table(("video_id", "title"), ("videos/a.mp4", "one"))
    case = videos(bad("youku-mplug", "column-of-videos-missing").write(file, data), "a")
    case.expect(file, ("MM001", file, 0), format="youku-mplug")
    data = table(head, ("videos/a.mp4", "one")) + "videos/a.mp4,Mädchen\n".encode("latin-1") + b"videos/a.mp4,three\n"
    videos(bad("youku-mplug", "row-not-utf-8").write(file, data), "a").expect(file, ("MM002", file, 1))
    bad("youku-mplug", "header-alone").write(file, table(head)).expect(
        file, ("MM003", file, None), format="youku-mplug"
    )


# ── internvid ────────────────────────────────────────────────────────────────────────────────────────────────────


def scene(start: str = "00:07:33.689", end: str = "00:07:51.085", **keys: Any) -> dict[str, Any]:
    """A record of InternVid."""
    record = {
        "YoutubeID": "qJrOyggIB-w",
        "Start_timestamp": start,
        "End_timestamp": end,
        "Caption": "a screen shot of heroes of the storm with people in action",
        "Aesthetic_Score": 4.29296875,
        "UMT_Score": 0.4501953125,
    } | keys
    return {key: value for key, value in record.items() if value is not ...}


def make_internvid() -> None:
    """Ids and paths, several clips of a video; every defect."""
    file = "train.jsonl"
    records = [
        scene(),
        scene("00:07:51.085", "00:08:00.000"),
        scene(Caption="the same clip in other words"),
        scene("0:0:1.5", "0:0:2.25", YoutubeID="-abcdefghij", Aesthetic_Score=..., UMT_Score=...),
        scene("00:59:59.900", "01:00:00.000", YoutubeID="xyz", CLIP_Score=0.3),
        scene("09:59:59.900", "10:00:00.000", YoutubeID="xyz"),
    ]
    good("internvid", "clips").lines(file, records).expect(file)
    case = good("internvid", "videos-downloaded")
    path = "videos/qJrOyggIB-w.mp4"
    case.lines(
        file,
        [scene("00:00:00.000", "00:00:00.500", YoutubeID=path), scene("00:00:00.500", "00:00:01.000", YoutubeID=path)],
    )
    case.write(path, clip()).expect(file)
    case = good("internvid", "videos-by-id").lines(file, [scene("00:00:00.000", "00:00:01.000")])
    case.write("videos/qJrOyggIB-w.webm", clip(container="webm")).expect(file, media_root="videos")

    odd = ["7m33s", "453.689", "00:61:00.000", "00:00:75.000", "", "-00:00:01.000", "00:07:33,689", "00.07.33.689"]
    records = [scene(), *(scene(start=text) for text in odd), scene(end="later")]
    case = bad("internvid", "timestamp-unreadable").lines(file, records)
    case.expect(file, *(("IV001", file, row) for row in range(1, len(records))))
    records = [scene(), scene("00:07:33"), scene(end="00:07:51.0850000")]
    warns(
        bad("internvid", "timestamp-without-fraction").lines(file, records),
        file,
        ("IV002", file, 1),
        ("IV002", file, 2),
    )
    records = [scene(), scene("23:59:59.000", "24:00:01.000"), scene("25:00:00.000", "100:00:00.000")]
    case = bad("internvid", "timestamp-past-a-day").lines(file, records)
    warns(case, file, ("IV003", file, 1), ("IV003", file, 2), ("IV003", file, 2))
    records = [
        scene(),
        scene("00:07:51.085", "00:07:33.689"),
        scene("00:07:33.689", "00:07:33.689"),
        scene("10:00:00.000", "9:59:59.000"),
    ]
    case = bad("internvid", "clip-ends-before-it-starts").lines(file, records)
    case.expect(file, *(("IV004", file, row) for row in (1, 2, 3)))
    path = "videos/a.mp4"
    records = [
        scene("00:00:00.000", "00:00:01.000", YoutubeID=path),
        scene("00:00:00.500", "00:00:30.000", YoutubeID=path),
    ]
    warns(bad("internvid", "clip-outside-video").lines(file, records).write(path, clip()), file, ("IV006", file, 1))
    records = [
        scene(),
        scene(Caption=...),
        scene(End_timestamp=...),
        scene(YoutubeID=...),
        scene(Start_timestamp=453.689),
        scene(YoutubeID=None),
        scene(Caption=["a", "b"]),
        ["qJrOyggIB-w"],
    ]
    case = bad("internvid", "breaks-schema").lines(file, records)
    case.expect(file, *(("MM001", file, row) for row in range(1, len(records))))
    records = [scene(), scene("00:00:00.000", "00:00:01.000", Caption="")]
    warns(bad("internvid", "caption-empty").lines(file, records), file, ("MM040", file, 1))
    records = [scene("00:00:00.000", "00:00:01.000"), scene("00:00:00.000", "00:00:01.000", YoutubeID="abcdefghijk")]
    case = bad("internvid", "video-missing").lines(file, records).write("videos/qJrOyggIB-w.mp4", clip())
    case.expect(file, ("MM020", file, 1), media_root="videos")
    records = [scene("00:00:00.000", "00:00:01.000", YoutubeID=f"videos/{name}.mp4") for name in ("a", "none")]
    bad("internvid", "path-missing").lines(file, records).write(path, clip()).expect(file, ("MM020", file, 1))
    records = [scene("00:00:00.000", "00:00:01.000", YoutubeID=f"videos/{name}.mp4") for name in ("a", "cut")]
    case = (
        bad("internvid", "video-damaged").lines(file, records).write(path, clip()).write("videos/cut.mp4", cut(clip(8)))
    )
    case.expect(file, ("MM021", file, 1))
    records = [scene(), '{"YoutubeID": "a", "Caption": "b",}', scene("00:00:00.000", "00:00:01.000")]
    bad("internvid", "lines-not-json").lines(file, records).expect(file, ("MM002", file, 1))


# ── msr-vtt ──────────────────────────────────────────────────────────────────────────────────────────────────────


def caption(video: int = 6513, text: str = "a family is having conversation", **keys: Any) -> dict[str, Any]:
    """A line of the flat layout."""
    record = {
        "video_id": f"video{video}",
        "caption": text,
        "category": 14,
        "url": "https://www.youtube.com/watch?v=A9pM9iOuAzM",
        "start time": 116.03,
        "end time": 126.21,
        "split": "validate",
        "id": video,
        "__index_level_0__": 6128,
    } | keys
    return {key: value for key, value in record.items() if value is not ...}


def official(case: Case, videos: Sequence[Any], sentences: Sequence[Any], name: str = "annotation.json") -> Case:
    """A document of the official layout."""
    info = {
        "year": "2016",
        "version": "1.0",
        "description": "MSR-VTT",
        "contributor": "Microsoft",
        "data_created": "2016-04-14",
    }
    return document(case, name, {"info": info, "videos": list(videos), "sentences": list(sentences)})


def video(number: int, **keys: Any) -> dict[str, Any]:
    """An element of videos."""
    facts = {
        "category": 9,
        "url": "https://www.youtube.com/watch?v=9lZi22qLlEo",
        "start time": 137.72,
        "end time": 149.44,
    }
    record = {"video_id": f"video{number}", "split": "train", "id": number} | facts | keys
    return {key: value for key, value in record.items() if value is not ...}


def sentence(number: int, video: int | str = 0, text: str | None = None, **keys: Any) -> dict[str, Any]:
    """An element of sentences."""
    name = video if isinstance(video, str) else f"video{video}"
    record = {"caption": text or f"a car drives by, take {number}", "video_id": name, "sen_id": number} | keys
    return {key: value for key, value in record.items() if value is not ...}


def make_msr_vtt() -> None:
    """Both layouts, with and without videos; every defect."""
    file = "train.jsonl"
    records = [caption(), caption(), caption(text="people talk "), caption(1, split="train"), caption(2, category=...)]
    good("msr-vtt", "flat").lines(file, records).expect(file)
    case = good("msr-vtt", "flat-with-videos").lines(file, [caption(1), caption(1, "a man sings"), caption(2)])
    case.write("videos/video1.mp4", clip()).write("videos/video2.mp4", clip(5)).expect(file, media_root="videos")
    case = good("msr-vtt", "flat-array").array("train.json", [caption(1), caption(2)]).expect("train.json")

    whole = "annotation.json"
    twenty = [sentence(number, number // 20) for number in range(40)]
    official(good("msr-vtt", "official"), [video(0), video(1, split="test")], twenty).expect(whole)
    repeated = [sentence(0, 0, "a man sings"), sentence(1, 0, "a man sings"), sentence(2, 1, " a man sings ")]
    case = official(good("msr-vtt", "official-subset"), [video(0), video(1), video(2)], repeated)
    case.write("videos/video0.mp4", clip()).write("videos/video1.mp4", clip(5)).expect(whole, media_root="videos")

    # the annotation of a test set may name its videos only
    document(good("msr-vtt", "videos-alone"), whole, {"info": {}, "videos": [video(0), video(1)]}).expect(whole)

    records = [sentence(0), sentence(1, "video00"), sentence(2, 7)]
    case = official(bad("msr-vtt", "sentence-without-video"), [video(0)], records)
    case.expect(whole, ("MV001", whole, 1), ("MV001", whole, 2))
    records = [sentence(0), sentence(0, text="once more"), sentence(1)]
    warns(official(bad("msr-vtt", "sentence-number-twice"), [video(0)], records), whole, ("MM030", whole, 1))
    case = official(bad("msr-vtt", "video-listed-twice"), [video(0), video(1), video(0, split="test")], [sentence(0)])
    warns(case, whole, ("MV004", whole, 2))
    records = [caption(1), caption(2, video_id="video2.mp4")]
    warns(bad("msr-vtt", "video-id-with-suffix").lines(file, records), file, ("MV005", file, 1))
    swapped = {"start time": 126.21, "end time": 116.03}
    warns(bad("msr-vtt", "times-swapped").lines(file, [caption(1), caption(2, **swapped)]), file, ("MV006", file, 1))
    case = official(bad("msr-vtt", "official-times-swapped"), [video(0), video(1, **swapped)], [sentence(0)])
    warns(case, whole, ("MV006", whole, 1))
    records = [
        caption(1),
        caption(2, caption=["one", "two"]),
        caption(3, caption=...),
        caption(4, video_id=4),
        caption(5, sen_id=1.5),
    ]
    case = bad("msr-vtt", "breaks-schema").lines(file, records)
    case.expect(file, *(("MM001", file, row) for row in range(1, 5)))
    case = official(
        bad("msr-vtt", "official-breaks-schema"),
        [video(0), video(1, video_id=...)],
        [sentence(0), sentence(1, caption=None)],
    )
    case.expect(whole, ("MM001", whole, 1), ("MM001", whole, 1))
    case = bad("msr-vtt", "caption-empty").lines(file, [caption(1), caption(2, "")])
    warns(case, file, ("MM040", file, 1))
    case = bad("msr-vtt", "video-missing").lines(file, [caption(1), caption(2), caption(2, "a man sings")])
    case.write("videos/video1.mp4", clip()).expect(file, ("MM020", file, 1), ("MM020", file, 2), media_root="videos")
    case = bad("msr-vtt", "video-damaged").lines(file, [caption(1), caption(2)])
    case.write("videos/video1.mp4", clip()).write("videos/video2.mp4", cut(clip(8)))
    case.expect(file, ("MM021", file, 1), media_root="videos")
    whole_case = document(bad("msr-vtt", "sentences-missing"), whole, {"info": {}, "sentence": [sentence(0)]})
    whole_case.expect(whole, ("MM001", whole, 0), format="msr-vtt")


# ── mimic-it ─────────────────────────────────────────────────────────────────────────────────────────────────────


def instruction(*images: str, **keys: Any) -> dict[str, Any]:
    """A value of data."""
    record = {
        "instruction": "What do you think is the prompt for this picture?",
        "answer": "a photo of a line on a blue ground",
        "image_ids": list(images),
        "rel_ins_ids": [],
    } | keys
    return {key: value for key, value in record.items() if value is not ...}


META = {"version": "0.0.1", "time": "2023-10-29", "author": "somebody"}


def instructions(case: Case, name: str, data: Any, meta: Any = META) -> Case:
    """An instructions JSON."""
    return document(case, name, ({} if meta is None else {"meta": meta}) | {"data": data})


def b64(data: bytes) -> str:
    """Standard base64 text."""
    return base64.b64encode(data).decode()


def images(
    case: Case, name: str, rows: Sequence[tuple[Any, Any]], *, index: Any = "__index_level_0__", **columns: Any
) -> Case:
    """An images table as pandas writes it, without pandas. `index` goes into the metadata; None leaves it out."""
    ids, payloads = [row[0] for row in rows], [row[1] for row in rows]
    made = {"base64": pa.array(payloads, pa.string())} | columns
    if isinstance(index, str):
        made[index] = pa.array(ids)
    table = pa.table({key: value for key, value in made.items() if value is not None})
    if index is not None:
        described = [
            {"name": None if key.startswith("__") else key, "field_name": key, "pandas_type": "unicode",
             "numpy_type": "object", "metadata": None}
            for key in table.column_names
        ]  # fmt: skip
        metadata = {"index_columns": [index], "column_indexes": [], "columns": described, "pandas_version": "2.2.2"}
        table = table.replace_schema_metadata({"pandas": json.dumps(metadata)})
    path = case.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, compression="none", use_dictionary=False)
    return case


RANGE = {"kind": "range", "name": None, "start": 0, "stop": 2, "step": 1}
PICTURES = [("LA_IMG_000000", b64(jpeg(1))), ("LA_IMG_000001", b64(png(2, 32, 24)))]


def mimic(kind: str, name: str, yaml: str | None = None, data: Any = None, pictures: Any = PICTURES) -> Case:
    """A small whole dataset: data.yaml, LA_instructions.json and LA.parquet."""
    case = (good if kind == "good" else bad)("mimic-it", name)
    case.write("data.yaml", yaml or entry())
    instructions(case, "LA_instructions.json", data or {"LA_INS_000000": instruction("LA_IMG_000000")})
    return images(case, "LA.parquet", pictures)


def entry(*lines: str, group: str = "IMAGE_TEXT", images: str | None = "LA.parquet") -> str:
    """A data YAML with one dataset, and further lines of its entry."""
    head = [f"{group}:", "  LADD:", "    mimicit_path: LA_instructions.json"]
    return "\n".join(
        [*head, *([f"    images_path: {images}"] if images else []), *(f"    {line}" for line in lines), ""]
    )


def make_mimic_it() -> None:
    """Whole datasets through a data YAML, the files alone; every defect."""
    make_mimic_it_good()
    make_mimic_it_yaml()
    make_mimic_it_instructions()
    make_mimic_it_images()


def make_mimic_it_good() -> None:
    """What the loader reads."""
    case = good("mimic-it", "four-groups")
    case.write(
        "data.yaml",
        """\
IMAGE_TEXT: # any of the four groups
  LADD:
    mimicit_path: json/LADD_instructions.json
    images_path: LA.parquet
    num_samples: -1
    task_description: ["Describe the image.", "Say what is to be seen."]
  LACR_T2T:
    mimicit_path: json/LACR_instructions.json
    images_path: LA.parquet
    train_config_path: json/LACR_train.json
    num_samples: 20000
TEXT_ONLY:
  LIMA:
    mimicit_path: json/LIMA_instructions.json
    num_samples: 0
IMAGE_TEXT_IN_CONTEXT:
  CGD:
    mimicit_path: json/CGD_instructions.json
    images_path: LA.parquet
VIDEO_TEXT:
  DC:
    mimicit_path: json/DC_instructions.json
    images_path: frames.parquet
""",
    )
    images(case, "LA.parquet", PICTURES)
    images(case, "frames.parquet", [(f"DC_IMG_{number}", b64(jpeg(number))) for number in range(3)], index="id")
    # ids are free: LACONV_00_INS may show LA_00_IMG
    instructions(
        case,
        "json/LADD_instructions.json",
        {"LADD_INS_0": instruction("LA_IMG_000000"), "LADD_INS_1": instruction("LA_IMG_000001")},
    )
    related = instruction("LA_IMG_000001", rel_ins_ids=["LADD_INS_0", "LACR_INS_1"])
    instructions(
        case, "json/LACR_instructions.json", {"LACR_INS_0": related, "LACR_INS_1": instruction("LA_IMG_000001")}
    )
    document(case, "json/LACR_train.json", {"LACR_INS_0": ["LADD_INS_1"], "LACR_INS_1": []})
    data = {
        "LIMA_INS_0": instruction(image_ids=...),
        "LIMA_INS_1": instruction(image_ids=None),
        "LIMA_INS_2": instruction(),
    }
    instructions(case, "json/LIMA_instructions.json", data)
    data = {"LADD_INS_0": instruction("LA_IMG_000000", "LA_IMG_000001"), "CGD_INS_1": instruction("LA_IMG_000000")}
    instructions(case, "json/CGD_instructions.json", data)
    data = {"DC_INS_0": instruction("DC_IMG_0", "DC_IMG_1", "DC_IMG_2"), "DC_INS_1": instruction("DC_IMG_2")}
    instructions(case, "json/DC_instructions.json", data)
    case.expect(".")

    case = mimic("good", "through-the-yaml", entry("num_samples: 0", "task_description: []"))
    case.expect("data.yaml")
    case = instructions(good("mimic-it", "instructions-alone"), "LA_instructions.json", {
        "LA_INS_0": instruction("LA_IMG_000000", rel_ins_ids=["LA_INS_1"]), "LA_INS_1": instruction("LA_IMG_000001"),
        "LA_INS_2": instruction(), "LA_INS_3": instruction(image_ids=..., rel_ins_ids=...),
    })  # fmt: skip
    case.expect("LA_instructions.json")
    images(good("mimic-it", "images-alone"), "LA.parquet", PICTURES).expect("LA.parquet")
    case = mimic("good", "yaml-in-a-folder", pictures=PICTURES[:1])
    (case.folder / "configs").mkdir()
    shutil.move(case.folder / "data.yaml", case.folder / "configs/data.yaml")
    case.expect("configs/data.yaml")
    # pandas.DataFrame.to_json writes the images this way, and the loader reads it
    case = mimic("good", "images-in-json-by-column", entry(images="LA.json"))
    (case.folder / "LA.parquet").unlink()
    document(case, "LA.json", {"base64": dict(PICTURES)}).expect(".")


def make_mimic_it_yaml() -> None:
    """Mistakes in the data YAML."""
    yaml = "data.yaml"

    def wrong(name: str, text: str, *codes: str, warning: bool = False, **args: Any) -> Case:
        case = mimic("bad", name, text)
        case.expect(yaml, *((code, yaml, 0) for code in codes), fails=not warning, **args)
        return case

    wrong("group-unknown", entry(group="IMAGES"), "MI002")
    wrong("group-null", entry() + "TEXT_ONLY:\n", "MI003")
    wrong("group-is-a-list", entry() + "TEXT_ONLY:\n  - LIMA\n", "MI003")
    wrong("dataset-null", entry() + "  LACR:\n", "MI004")
    wrong("instructions-not-named", entry() + "  LACR:\n    images_path: LA.parquet\n", "MI005")
    wrong("path-empty", entry('train_config_path: ""'), "MI006")
    wrong("path-null", entry("train_config_path:"), "MI006")
    wrong("unknown-path-missing", entry("notes_path: notes.txt"), "MI007")
    case = wrong("unknown-path-beside-missing", entry("notes_path: notes.txt", "more_path: more.txt"), "MI007")
    case.write("notes.txt", "notes\n")
    # without any images table nothing can be looked up: a single finding, at the entry
    wrong("group-without-images", entry(images=None), "MI008")
    case = mimic("bad", "dataset-without-images", entry() + "  LACR:\n    mimicit_path: LACR.json\n")
    instructions(case, "LACR.json", {"LACR_INS_0": instruction("LA_IMG_000000")})
    warns(case, yaml, ("MI009", yaml, 0))
    case = mimic(
        "bad", "images-of-unknown-kind", entry() + "  LACR:\n    mimicit_path: LACR.json\n    images_path: LA.pkl\n"
    )
    instructions(case, "LACR.json", {"LACR_INS_0": instruction("LA_IMG_000000")})
    case.write("LA.pkl", b"\x80\x04.").expect(yaml, ("MI010", yaml, 0))
    case = mimic("bad", "images-in-a-directory", entry(images="LA_dask.parquet"))
    (case.folder / "LA.parquet").unlink()
    for number, row in enumerate(PICTURES):
        images(case, f"LA_dask.parquet/part.{number}.parquet", [row])
    warns(case, yaml, ("MI011", yaml, 0))
    for name, text in (
        ("null", ""),
        ("text", '"20000"'),
        ("exponent", "1e4"),
        ("comma", "20,000"),
        ("fraction", "0.5"),
    ):
        wrong(f"num-samples-{name}", entry(f"num_samples: {text}"), "MI012")
    wrong("num-samples-negative", entry("num_samples: -2"), "MI013")
    for name, text in (("octal", "010"), ("sexagesimal", "1:30"), ("boolean", "true")):
        wrong(f"num-samples-{name}", entry(f"num_samples: {text}"), "MI014", warning=True)
    wrong("task-description-text", entry("task_description: Describe the image."), "MI015")
    wrong("task-description-null", entry("task_description:"), "MI015")
    wrong("task-description-number", entry("task_description: [Describe the image., 7]"), "MI016")
    case = mimic(
        "bad",
        "images-path-spelt-twice",
        entry() + "  LACR:\n    mimicit_path: LACR.json\n    images_path: ./LA.parquet\n",
    )
    instructions(case, "LACR.json", {"LACR_INS_0": instruction("LA_IMG_000001")})
    case.expect(yaml, ("MI017", yaml, 0), ("MI017", yaml, 0))
    wrong(
        "several-mistakes",
        entry("num_samples: 1e4") + "  LACR:\nIMAGES: {}\nVIDEO_TEXT:\n",
        "MI002",
        "MI003",
        "MI004",
        "MI012",
    )

    case = mimic(
        "bad",
        "legacy-recipe",
        "mimicit_path:\n  - LA_instructions.json\nimages_path:\n  - LA.parquet\ntrain_config_path:\n  - ''\n",
    )
    case.expect(yaml, ("MI001", yaml, None))
    case = mimic(
        "bad", "instructions-absent", entry() + "  LACR:\n    mimicit_path: LACR.json\n    images_path: LA.parquet\n"
    )
    case.expect(yaml, ("MM004", yaml, 0))
    # what is in a table that is not there cannot be known: the references to it are no findings of their own
    case = mimic(
        "bad", "images-absent", entry() + "  LACR:\n    mimicit_path: LACR.json\n    images_path: LACR.parquet\n"
    )
    instructions(case, "LACR.json", {"LACR_INS_0": instruction("LACR_IMG_000000")})
    case.expect(yaml, ("MM004", yaml, 0))
    mimic("bad", "yaml-not-readable", "IMAGE_TEXT:\n  LADD:\n\tmimicit_path: LA_instructions.json\n").expect(
        yaml, ("MM002", yaml, None), format="mimic-it"
    )
    mimic("bad", "yaml-empty", "# nothing\n").expect(yaml, ("MM003", yaml, None), format="mimic-it")
    text = entry() + "  LADD:\n    mimicit_path: LACR.json\n    images_path: LA.parquet\n"
    case = instructions(mimic("bad", "dataset-twice", text), "LACR.json", {"LACR_INS_0": instruction("LA_IMG_000001")})
    case.expect(yaml, ("MM002", yaml, None))
    mimic("bad", "yaml-is-a-list", "- LA_instructions.json\n").expect(yaml, ("MM001", yaml, 0), format="mimic-it")

    case = mimic("bad", "training-list", entry("train_config_path: LA_train.json"))
    document(case, "LA_train.json", {"LA_INS_000000": ["LA_INS_000009"], "LA_INS_00000": []})
    case.expect(yaml, ("MI071", "LA_train.json", 0), ("MI070", "LA_train.json", 1))
    case = mimic("bad", "training-list-of-text", entry("train_config_path: LA_train.json"))
    document(case, "LA_train.json", {"LA_INS_000000": "LA_INS_000000"}).expect(yaml, ("MM001", "LA_train.json", 0))


def make_mimic_it_instructions() -> None:
    """Mistakes in the instructions JSON."""
    file = "LA_instructions.json"

    def alone(name: str, data: Any, meta: Any = META) -> Case:
        return instructions(bad("mimic-it", name), file, data, meta)

    one = {f"LA_INS_{number}": instruction("LA_IMG_000000") for number in (0, 9)}
    document(bad("mimic-it", "data-missing"), file, one).expect(file, ("MI030", file, None))
    alone("data-is-a-list", [instruction("LA_IMG_000000"), instruction("LA_IMG_000001")]).expect(
        file, ("MI031", file, None)
    )
    warns(alone("meta-missing", one, None), file, ("MI032", file, None))
    data = one | {"LA_INS_1": instruction(image_ids="LA_IMG_000000"), "LA_INS_2": instruction(rel_ins_ids="LA_INS_0")}
    alone("ids-as-text", data).expect(file, ("MI033", file, 2), ("MI034", file, 3))
    data = one | {
        "LA_INS_1": instruction(answer=...),
        "LA_INS_2": instruction(instruction=["What", "is this?"]),
        "LA_INS_3": instruction(image_ids=[7]),
        "LA_INS_4": instruction(image_ids={"a": 1}),
        "LA_INS_5": "What is this?",
        "LA_INS_6": instruction(rel_ins_ids=[None]),
    }
    alone("breaks-schema", data).expect(file, *(("MM001", file, row) for row in range(2, 8)))
    data = one | {"LA_INS_1": instruction(instruction=" "), "LA_INS_2": instruction(answer="")}
    warns(alone("text-empty", data), file, ("MM040", file, 2), ("MM040", file, 3))
    alone("related-unknown-alone", {"LA_INS_0": instruction(rel_ins_ids=["LA_INS_00"])}).expect(
        file, ("MI037", file, 0)
    )
    text = json.dumps({"meta": META, "data": one}, indent=1)
    twice = text.replace('"data": {', '"data": {\n  "LA_INS_0": ' + json.dumps(instruction("LA_IMG_000001")) + ",")
    bad("mimic-it", "key-twice").write(file, twice).expect(file, ("MM030", file, 1))

    case = mimic("bad", "image-unknown", data={
        "CGD_INS_0": instruction("CGD_IMG_000000069568"), "CGD_INS_1": instruction("CGD_IMG_0000000000069568"),
    }, pictures=[("CGD_IMG_000000069568", b64(jpeg(1)))])  # fmt: skip
    case.expect("data.yaml", ("MI036", file, 1))
    case = mimic("bad", "related-unknown", data={"LA_INS_0": instruction("LA_IMG_000000", rel_ins_ids=["LA_INS_1"])})
    case.expect("data.yaml", ("MI037", file, 0))
    case = mimic(
        "bad",
        "no-images-in-image-text",
        data={
            "LA_INS_0": instruction("LA_IMG_000000"),
            "LA_INS_1": instruction(),
            "LA_INS_2": instruction(image_ids=None),
        },
    )
    case.expect("data.yaml", ("MI035", file, 1), ("MI035", file, 2))
    case = mimic("bad", "no-images-in-video-text", entry(group="VIDEO_TEXT"), {"LA_INS_0": instruction()})
    case.expect("data.yaml", ("MI035", file, 0))
    case = mimic(
        "bad", "id-in-two-datasets", entry() + "  LACR:\n    mimicit_path: LACR.json\n    images_path: LA.parquet\n"
    )
    instructions(case, "LACR.json", {"LA_INS_000000": instruction("LA_IMG_000001")})
    case.expect("data.yaml", ("MM030", "LACR.json", 0))


def make_mimic_it_images() -> None:
    """Mistakes in the images table."""
    file = "LA.parquet"

    def alone(name: str, rows: Sequence[tuple[Any, Any]] = PICTURES, **options: Any) -> Case:
        return images(bad("mimic-it", name), file, rows, **options)

    alone("pandas-metadata-missing", index=None, __index_level_0__=pa.array(["a", "b"])).expect(
        file, ("MI050", file, None)
    )
    alone("image-ids-lost", index=RANGE, id=pa.array(["a", "b"])).expect(file, ("MI051", file, None))
    alone("image-ids-not-text", [(number, row[1]) for number, row in enumerate(PICTURES)]).expect(
        file, ("MI052", file, None)
    )
    case = alone("base64-column-missing", base64=None, image=pa.array([row[1] for row in PICTURES]))
    case.expect(file, ("MI053", file, None), format="mimic-it")
    alone("image-null", [PICTURES[0], ("LA_IMG_000001", None)]).expect(file, ("MM025", file, 1))

    whole = jpeg(1)
    while len(whole) % 3 != 1:  # so that there is padding to lose
        whole += b"\0"
    text = b64(whole)
    flaws = {
        "no padding": text.rstrip("="),
        "data: prefix": "data:image/jpeg;base64," + text,
        "bytes repr": repr(text.encode()),
        "not ASCII": text[:20] + "é" + text[20:],
        "padding in the middle": text[:20] + "=" + text[20:],
    }
    case = alone("base64-not-loadable", [PICTURES[0], *flaws.items()])
    case.expect(file, *(("MI054", file, row) for row in range(1, 1 + len(flaws))))
    alone("image-empty", [PICTURES[0], ("LA_IMG_000001", "")]).expect(file, ("MM025", file, 1))
    noisy = b64(png(5, 64, 64))
    assert {"+", "/"} & set(noisy)
    odd = {
        "url-safe": noisy.replace("+", "-").replace("/", "_"),
        "line breaks": "\n".join(noisy[at : at + 76] for at in range(0, len(noisy), 76)),
        "spaces": noisy[:40] + "  " + noisy[40:],
    }
    case = alone("base64-not-canonical", [PICTURES[0], *odd.items()])
    warns(case, file, *(("MI055", file, row) for row in range(1, 1 + len(odd))))
    rows = [PICTURES[0], ("cut", b64(truncated_jpeg())), ("page", b64(PAGE))]
    alone("images-undecodable", rows).expect(file, ("MM021", file, 1), ("MM021", file, 2))
    warns(alone("image-listed-twice", [*PICTURES, PICTURES[1]]), file, ("MI056", file, 2))
    case = mimic("bad", "image-ambiguous", pictures=[*PICTURES, ("LA_IMG_000000", b64(png(7)))])
    case.expect("data.yaml", ("MI057", "LA_instructions.json", 0), ("MI056", file, 2))
    warns(document(bad("mimic-it", "images-in-json"), "LA.json", dict(PICTURES)), "LA.json", ("MI058", "LA.json", None))
    case = mimic("bad", "images-in-json-named", entry(images="LA.json"))
    (case.folder / "LA.parquet").unlink()
    warns(document(case, "LA.json", dict(PICTURES)), "data.yaml", ("MI058", "LA.json", None))
    case = document(bad("mimic-it", "image-in-json-null"), "LA.json", dict(PICTURES) | {"LA_IMG_000002": None})
    case.expect("LA.json", ("MI058", "LA.json", None), ("MM025", "LA.json", 2))
    alone("partition-too-large").expect(file, ("MM050", file, None), params={"max_partition_bytes": 1000})
    case = alone("table-breaks-off")
    path = case.folder / file
    path.write_bytes(cut(path.read_bytes()))
    case.expect(file, ("MM003", file, None), format="mimic-it")


def main() -> None:
    """Write all cases anew."""
    for name in FORMATS:
        shutil.rmtree(HERE / name, ignore_errors=True)
    make_wavcaps()
    make_video_chatgpt()
    make_youku()
    make_internvid()
    make_msr_vtt()
    make_mimic_it()


if __name__ == "__main__":
    main()
