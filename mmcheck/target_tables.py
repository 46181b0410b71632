"""What tables of a target have for columns, and what these do not say of records."""

from __future__ import annotations

from typing import Any

from mmcheck.convert.shape import same, with_shape


def shapes_kept(records: list[dict[str, Any]], schema: Any) -> bool:
    """Whether a table of the schema gives records back as they are."""
    from mmcheck.writers.features import rows

    return all(map(same, records, rows(records, schema)))


def with_shapes(records: list[dict[str, Any]], schema: Any) -> list[dict[str, Any]]:
    """The records with what columns do not say of them."""
    from mmcheck.writers.features import rows

    return list(map(with_shape, records, rows(records, schema)))


def told(schema: Any) -> dict[str, Any]:
    """The features of a schema; the values of modalities are images where they are structs of bytes."""
    from mmcheck.writers.features import features

    return features(schema, ["modalities.value"] if "bytes: binary" in str(schema) else ())


def hub_schema() -> Any:
    """Columns of Data-Juicer's records in Parquet: what only some records have is in the residue."""
    import pyarrow as pa

    paths = pa.list_(pa.string())
    return pa.schema(
        [
            ("id", pa.string()),
            ("text", pa.string()),
            ("images", paths),
            ("videos", paths),
            ("audios", paths),
            ("meta", pa.struct([("mmcheck", pa.string())])),
        ]
    )
