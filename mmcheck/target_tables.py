"""What tables of a target have for columns, which records fit none, and what columns do not say of records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from mmcheck.convert import Inexpressible
from mmcheck.convert.shape import bare, same, with_shape

#: Fields that formats let be of several types. Numbers become text beside text, a medium a list of one beside lists.
WIDE = {"id": "text", "image": "list", "video": "list"}

Record = dict[str, Any]


class Table:
    """The columns for all records of some batches, none of them holding values of several types.

    `lost` counts values that are of another type than their column's, where nothing says so.
    """

    def __init__(self, batches: Iterable[list[Record]]) -> None:
        from mmcheck.writers.features import columns_of

        self._sorts = set[str]()
        self.schema, self._odd = columns_of(map(self._look, batches), WIDE)
        self._bare: Any = None
        self._fine: set[tuple[str, type]] = set()
        self.lost = Counter[str]()

    def _look(self, batch: list[Record]) -> list[Record]:
        """The records as they are looked at for columns, the sorts of their modalities noted."""
        records = list(map(bare, batch))
        for record in records:
            found = record.get("modalities")
            those = found if isinstance(found, list) else ()
            self._sorts.update(str(each.get("type")) for each in those if isinstance(each, dict))
        return records

    @property
    def features(self) -> dict[str, Any]:
        """What `datasets` is told of the columns: where all modalities are images with their bytes, it decodes them."""
        from mmcheck.writers.features import features

        images = self._sorts <= {"image"} and "bytes: binary" in str(self.schema)
        return features(self.schema, ["modalities.value"] if images else ())

    @property
    def fits_all(self) -> bool:
        """Whether every record fits."""
        return not self._odd

    def fit(self, record: Record) -> Record:
        """The record. Raises Inexpressible where a column cannot hold what it has."""
        from mmcheck.writers.kinds import Misfit, refuse

        record, whole = bare(record), record
        for name, kind in self._odd.items():
            value = record.get(name)
            sort = (name, type(value))
            if sort in self._fine:
                continue
            try:
                refuse(value, kind, WIDE.get(name, ""), f"/{name}")
            except Misfit as error:
                raise Inexpressible(f"a column holds values of one type, and {error}") from None
            if isinstance(value, str | float):
                self._fine.add(sort)
        return whole

    def keep_shapes(self, batches: Iterable[list[Record]]) -> None:
        """Have a place for what columns do not say of the records, if there is anything."""
        from mmcheck.writers.features import with_meta

        if not all(all(map(same, batch, self._given_back(batch))) for batch in batches):
            self._bare, self.schema = self.schema, with_meta(self.schema)
            self._odd = {name: self.schema.field(name).type for name in self._odd}

    def rows(self, records: list[Record]) -> list[Record]:
        """What is written of records that fit."""
        if self._bare is not None:
            records = list(map(with_shape, records, self._given_back(records)))
            return self._cells(records)
        self.lost.update("meta.mmcheck" for each in records if bare(each) is not each)
        cells = self._cells(list(map(bare, records)))
        for name in self._odd:
            pairs = zip(records, cells, strict=True)
            self.lost.update(f"type of {name}" for one, other in pairs if not same(one.get(name), other.get(name)))
        return cells

    def _given_back(self, records: list[Record]) -> list[Record]:
        from mmcheck.writers.features import rows

        return rows(self._cells(list(map(bare, records))), self._bare or self.schema)

    def _cells(self, records: list[Record]) -> list[Record]:
        from mmcheck.writers.kinds import cell

        for name, kind in self._odd.items():
            records = [{**each, name: cell(each[name], kind)} if name in each else each for each in records]
        return records


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
