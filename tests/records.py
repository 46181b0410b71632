"""Records of every format for property tests: plain ones, and what real files and hostile ones hold."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

LITERALS = (
    "[[human]]: ", "\n[[gpt]]: ", "[[a]]:", "<image>", "<video>", "<__dj__image>", "<__dj__video>", "<__dj__audio>",
    "<|__dj__eoc|>", " <|__dj__eoc|>", "<|reserved_special_token_0|>", "\n", " ", "\u00a0", "\u2028", "@0", "@", "@@",
    "@turns", "@image0", "@id", "\x00", "\ufeff", "ﬁ", "👩‍🔬", "<", "{", '"',
)  # fmt: skip

chars = st.text(st.characters(codec="utf-8"), max_size=8)
text = st.lists(st.one_of(st.sampled_from(LITERALS), chars), max_size=5).map("".join)
scalar = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), text
)  # fmt: skip
value = st.recursive(
    scalar, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(text, inner, max_size=3)), max_leaves=6
)
path = st.one_of(st.sampled_from(["a.jpg", "b/c d.png", "../x.jpg", "a.jpg", "1b.jpg", "b.jpg", "@image1", ""]), text)
paths = st.lists(path, max_size=4)


def shuffled(fixed: dict[str, st.SearchStrategy[Any]], optional: dict[str, st.SearchStrategy[Any]]) -> Any:
    """Objects with the keys of a format and some of the world's, in any order."""
    keys = st.one_of(text, st.sampled_from(["id", "text", "meta", "images", "model", "stats", "mmcheck", "", "audio"]))
    extra = st.dictionaries(keys.filter(lambda key: key not in fixed and key not in optional), value, max_size=3)
    known = st.fixed_dictionaries(fixed, optional=optional)
    merged = st.tuples(known, extra).map(lambda pair: {**pair[0], **pair[1]})
    return merged.flatmap(lambda record: st.permutations(list(record.items())).map(dict))


turn = st.one_of(
    st.fixed_dictionaries({"from": st.sampled_from(["human", "gpt"]), "value": text}),
    st.fixed_dictionaries({"from": st.sampled_from(["human", "gpt"]), "value": text}),
    shuffled({"value": st.one_of(text, value)}, {"from": st.one_of(text, value)}),
    value,
)
turns = st.one_of(st.lists(turn, max_size=5), value)
llava = shuffled(
    {},
    {
        "id": st.one_of(value, st.integers(), text),
        "image": st.one_of(path, paths, value),
        "video": st.one_of(path, paths, value),
        "conversations": turns,
        "model": st.one_of(st.just(""), text),
    },
)
image_info = st.one_of(
    shuffled(
        {},
        {
            "image_name": st.one_of(path, value),
            "matched_text_index": st.one_of(st.integers(-1, 4), value),
            "face_detections": st.none(),
            "matched_sim": st.floats(0, 1),
        },
    ),
    value,
)
mmc4 = shuffled(
    {"text_list": st.lists(st.one_of(text, text, value), max_size=4)},
    {
        "image_info": st.one_of(st.lists(image_info, max_size=4), value),
        "similarity_matrix": st.lists(st.lists(st.floats(0, 1), max_size=3), max_size=3),
        "could_have_url_duplicate": st.integers(0, 1),
    },
)
wavcaps = shuffled(
    {},
    {
        "id": st.one_of(text, st.integers(), st.just("Not found"), value),
        "audio": st.one_of(st.just("wav_path"), path, value),
        "caption": st.one_of(text, value),
        "caption_1": text,
        "caption_2": text,
        "duration": st.one_of(st.integers(), st.floats(0, 100)),
        "category": text,
        "tags": st.lists(text, max_size=2),
        "num_captions_per_audio": value,
    },
)
video_chatgpt = shuffled(
    {},
    {
        "q": st.one_of(text, value),
        "a": st.one_of(text, value),
        "Q": text,
        "A": text,
        "video_id": st.one_of(text.map("v_".__add__), text, value),
        "video_name": text,
        "youtube_id": value,
    },
)
youku = st.one_of(
    *(
        st.fixed_dictionaries(columns)
        for columns in (
            {"video_id:FILE": path, "title": text},
            {"video_id:FILE": path, "title": text, "label": text},
            {"clip_name:FILE": path, "caption": text},
            {"golden_caption": st.one_of(text, st.lists(text, max_size=3).map(str)), "video_id:FILE": path},
            {"video_id:FILE": path, "title": text, "text": text, "videos": text, "id": text},
        )
    )
)
internvid = shuffled(
    {},
    {
        "YoutubeID": st.one_of(path, st.just("qJrOyggIB-w"), value),
        "Start_timestamp": st.one_of(st.just("00:07:33.689"), value),
        "End_timestamp": st.one_of(st.just("25:00:00"), value),
        "Caption": st.one_of(text, value),
        "UMT_Score": st.floats(0, 1),
    },
)
msr_vtt = shuffled(
    {},
    {
        "video_id": st.one_of(st.sampled_from(["video1", "video1.mp4", "video1.mp4.mp4"]), text, value),
        "caption": st.one_of(text, value),
        "start time": st.floats(0, 100),
        "sen_id": st.integers(),
        "id": st.integers(),
    },
)
modality = st.one_of(
    shuffled({"type": st.sampled_from(["image", "video", "audio", "image_3d"]), "value": st.one_of(path, value)}, {}),
    value,
)
message = st.one_of(shuffled({"role": st.one_of(text, value), "content": st.one_of(text, value)}, {}), value)
multimeditron = shuffled(
    {},
    {
        "text": st.one_of(text, value),
        "conversations": st.one_of(st.lists(message, max_size=4), value),
        "modalities": st.one_of(st.lists(modality, max_size=4), value),
    },
)
part = st.one_of(
    shuffled({"type": st.sampled_from(["text", "image", "video"]), "text": st.one_of(text, st.none())}, {}), value
)
aria = shuffled(
    {"messages": st.lists(
        st.one_of(
            st.fixed_dictionaries({
                "role": st.sampled_from(["user", "assistant", "system"]),
                "content": st.lists(part, max_size=3),
            }),
            shuffled({"role": value, "content": st.one_of(text, value)}, {}),
            value,
        ),
        max_size=4,
    )},
    {
        "images": st.one_of(paths, value),
        "video": st.one_of(shuffled({"path": st.one_of(path, value), "num_frames": value}, {}), value),
    },
)  # fmt: skip

RECORDS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "aria": aria, "internvid": internvid, "llava": llava, "mmc4": mmc4, "msr-vtt": msr_vtt,
    "multimeditron": multimeditron, "video-chatgpt": video_chatgpt, "wavcaps": wavcaps, "youku-mplug": youku,
}  # fmt: skip
