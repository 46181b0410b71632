"""The alignment of slots and media against a plain-Python oracle, and the evidence of order."""

from collections import Counter

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from mmcheck import align, order
from mmcheck.evidence import declare_evidence

KINDS = st.sampled_from(["image", "video", "audio"])
RECORDS = st.lists(st.tuples(st.lists(KINDS, max_size=4), st.lists(KINDS, max_size=4)), max_size=6)


def frame(rows: list[tuple[int, str]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"sample": pl.Int64, "kind": pl.String}, orient="row")


@given(RECORDS, st.booleans())
def test_counts_are_those_of_plain_python(records: list[tuple[list[str], list[str]]], any_kind: bool) -> None:
    slots = frame([(sample, kind) for sample, (kinds, _) in enumerate(records) for kind in kinds])
    media = frame([(sample, kind) for sample, (_, kinds) in enumerate(records) for kind in kinds])
    found = {
        (row["sample"], row["kind"]): (row["slots"], row["media"], row["kinds_differ"])
        for row in align.counts(slots, media, any_kind=any_kind).iter_rows(named=True)
    }
    expected = {}
    for sample, (here, there) in enumerate(records):
        one = Counter([None] * len(here) if any_kind else here)
        other = Counter([None] * len(there) if any_kind else there)
        differ = sum(one.values()) == sum(other.values()) and one != other
        for kind in one | other:
            expected[(sample, kind)] = (one[kind], other[kind], differ)
    assert found == expected


@given(st.lists(st.integers(0, 3), max_size=6).flatmap(lambda xs: st.tuples(st.just(xs), st.permutations(xs))))
def test_a_permutation_is_told_from_the_same_order(pair: tuple[list[int], list[int]]) -> None:
    recorded, measured = pair
    media = pl.DataFrame(
        {"sample": [0] * len(measured), "kind": ["image"] * len(measured), "width": measured},
        schema={"sample": pl.Int64, "kind": pl.String, "width": pl.Int64},
    )
    evidence = declare_evidence({"evidence": "stats", "kind": "image", "recorded": ["widths"], "measured": ["width"]})
    rows = order.order([evidence], lambda: [{"widths": recorded}], [0], None, media).to_dicts()
    if not recorded:
        assert rows == []
    else:
        assert (rows[0]["same"], rows[0]["permuted"]) == (recorded == measured, recorded != measured)


def matrix_rows(values: list[float], matrix: list[list[float]]) -> list[dict[str, object]]:
    evidence = declare_evidence(
        {
            "evidence": "matrix",
            "kind": "image",
            "values": "info[].sim",
            "matrix": "matrix",
            "column": "info[].at",
            "tolerance": 0.001,
        }
    )
    record = {"info": [{"sim": value, "at": number} for number, value in enumerate(values)], "matrix": matrix}
    media = pl.DataFrame(schema={"sample": pl.Int64, "kind": pl.String})
    return order.order([evidence], lambda: [record], [0], None, media).to_dicts()


def test_rows_of_a_matrix_tell_the_order() -> None:
    matrix = [[0.1, 0.2], [0.3, 0.4]]
    assert matrix_rows([0.1, 0.4], matrix)[0]["same"] is True
    swapped = matrix_rows([0.1, 0.4], matrix[::-1])[0]
    assert (swapped["same"], swapped["permuted"]) == (False, True)
    stale = matrix_rows([0.9, 0.4], matrix)[0]
    assert (stale["same"], stale["permuted"]) == (False, False)
    assert matrix_rows([0.1], matrix) == []  # another shape is another rule's


def test_a_slot_kind_may_stand_in_for_another() -> None:
    slots = pl.DataFrame({"sample": [0, 1, 1], "kind": ["image", "image", "video"], "position": [0, 0, 0]})
    media = pl.DataFrame({"sample": [0, 1, 1], "kind": ["video", "image", "video"]})
    assert align.stand_in(slots, media, {"image": "video"})["kind"].to_list() == ["video", "image", "video"]
