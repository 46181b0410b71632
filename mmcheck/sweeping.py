"""What a JSON Schema says of a whole column of records at once: all are valid, none is, or that cannot be told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from mmcheck.readers.json_columns import Columns

if TYPE_CHECKING:
    import pyarrow as pa

#: Keywords that demand nothing.
_SILENT = frozenset(
    ("$defs", "$comment", "title", "description", "default", "examples", "x-mmcheck", "deprecated", "then", "else")
)
#: The same at the root alone: further down they change what references mean.
_OF_ROOT = frozenset(("$schema", "$id"))
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_MOST_LEVELS = 32


class Sweep:
    """One record schema, asked about columns. True and False are about every value, None says nothing."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._schema = schema

    def holds(self, records: Columns) -> bool:
        """Whether every record is valid for sure; where not, each is to be judged by itself."""
        if self._schema.get("$schema", _DIALECT) != _DIALECT:
            return False
        return _Asked(self._schema, records).holds(self._schema, records.array) is True


class _Asked:
    def __init__(self, schema: Mapping[str, Any], records: Columns) -> None:
        self._whole, self._records = schema, records

    def holds(self, schema: Any, column: pa.Array, levels: int = _MOST_LEVELS) -> bool | None:
        """What a subschema says of the values of a column, nulls among them taken for nulls of the text."""
        if not len(column) or schema is True:
            return True
        if schema is False:
            return False
        if not levels or not isinstance(schema, Mapping):
            return None
        said: list[bool | None] = []
        for keyword, value in schema.items():
            if keyword in _SILENT or (keyword in _OF_ROOT and schema is self._whole):
                continue
            ask = _KEYWORDS.get(keyword)
            if ask is None:
                return None
            said.append(ask(self, value, column, schema, levels - 1))
        return _all(said)

    def _type(self, value: Any, column: pa.Array, schema: Mapping[str, Any], levels: int) -> bool | None:
        allowed = {value} if isinstance(value, str) else set(value)
        own = json_type(column.type)
        fits = own in allowed or (own == "integer" and "number" in allowed)
        if own == "number" and "integer" in allowed and not fits:
            return None  # 4.0 is an integer
        if not column.null_count or own == "null":
            return fits
        return True if fits and "null" in allowed else None if fits or "null" in allowed else False

    def _properties(self, value: Any, column: pa.Array, schema: Mapping[str, Any], levels: int) -> bool | None:
        if json_type(column.type) != "object":
            return True
        said: list[bool | None] = []
        for key, subschema in value.items():
            part = member(column, key)
            if part is None:
                continue
            whole = not part.null_count
            if not whole and not self._records.says_null:
                part = part.drop_null()  # these records do not have the key
            held = self.holds(subschema, part, levels)
            said.append(held if whole or held else None)
        return _all(said)

    def _required(self, value: Any, column: pa.Array, schema: Mapping[str, Any], levels: int) -> bool | None:
        if json_type(column.type) != "object":
            return True
        said: list[bool | None] = []
        for key in value:
            part = member(column, key)
            if part is None:
                said.append(False if not column.null_count else None)
            else:
                said.append(True if part.null_count <= column.null_count else None)
        return _all(said)

    def _additional(self, value: Any, column: pa.Array, schema: Mapping[str, Any], levels: int) -> bool | None:
        if value is True or json_type(column.type) != "object":
            return True
        if "patternProperties" in schema:
            return None
        known = schema.get("properties", {})
        more = [name for name in names(column.type) if name not in known]
        parts = [part for name in more if (part := member(column, name)) is not None]
        absent = all(part.null_count == len(part) for part in parts) and not self._records.says_null
        return True if not parts or absent else None

    def _items(self, value: Any, column: pa.Array, schema: Mapping[str, Any], levels: int) -> bool | None:
        if json_type(column.type) != "array" or "prefixItems" in schema:
            return True if json_type(column.type) != "array" else None
        held = self.holds(value, column.flatten(), levels)
        return True if held else None

    def _least(self, value: Any, column: pa.Array, schema: Mapping[str, Any], levels: int) -> bool | None:
        return self._lengths(column, lambda least, most: least >= value)

    def _most(self, value: Any, column: pa.Array, schema: Mapping[str, Any], levels: int) -> bool | None:
        return self._lengths(column, lambda least, most: most <= value)

    def _lengths(self, column: pa.Array, fits: Callable[[int, int], bool]) -> bool | None:
        if json_type(column.type) != "array":
            return True
        from pyarrow import compute

        found = compute.min_max(compute.list_value_length(column)).as_py()
        return True if found["min"] is None or fits(found["min"], found["max"]) else None

    def _any(self, value: Any, column: pa.Array, schema: Mapping[str, Any], levels: int) -> bool | None:
        said = [self.holds(each, column, levels) for each in value]
        return True if True in said else False if set(said) == {False} else None

    def _every(self, value: Any, column: pa.Array, schema: Mapping[str, Any], levels: int) -> bool | None:
        return _all([self.holds(each, column, levels) for each in value])

    def _not(self, value: Any, column: pa.Array, schema: Mapping[str, Any], levels: int) -> bool | None:
        held = self.holds(value, column, levels)
        return None if held is None else not held

    def _if(self, value: Any, column: pa.Array, schema: Mapping[str, Any], levels: int) -> bool | None:
        held = self.holds(value, column, levels)
        return None if held is None else self.holds(schema.get("then" if held else "else", True), column, levels)

    def _among(self, value: Any, column: pa.Array, schema: Mapping[str, Any], levels: int) -> bool | None:
        if json_type(column.type) != "string" or column.null_count:
            return None
        from pyarrow import compute

        words = [each for each in value if isinstance(each, str)]
        return True if set(compute.unique(column).to_pylist()) <= set(words) else None

    def _reference(self, value: Any, column: pa.Array, schema: Mapping[str, Any], levels: int) -> bool | None:
        node: Any = self._whole
        if not isinstance(value, str) or not value.startswith("#"):
            return None
        for key in value.removeprefix("#").strip("/").split("/"):
            if key:
                node = node.get(key.replace("~1", "/").replace("~0", "~")) if isinstance(node, Mapping) else None
        return None if node is None else self.holds(node, column, levels)


#: What asks a keyword of a column: its value, the column, the schema around it, how many levels may follow.
_KEYWORDS: dict[str, Callable[..., bool | None]] = {
    "type": _Asked._type,
    "properties": _Asked._properties,
    "required": _Asked._required,
    "additionalProperties": _Asked._additional,
    "items": _Asked._items,
    "minItems": _Asked._least,
    "maxItems": _Asked._most,
    "anyOf": _Asked._any,
    "allOf": _Asked._every,
    "not": _Asked._not,
    "if": _Asked._if,
    "enum": _Asked._among,
    "$ref": _Asked._reference,
}


def _all(said: list[bool | None]) -> bool | None:
    return False if False in said else None if None in said else True


def json_type(kind: pa.DataType) -> str:
    """The JSON Schema name of what an Arrow type holds."""
    return _NAMES.get(str(kind), "array" if str(kind).startswith("list") else "object")


_NAMES = {"null": "null", "string": "string", "bool": "boolean", "int64": "integer", "double": "number"}


def names(kind: pa.DataType) -> list[str]:
    """The keys of a struct."""
    return [kind.field(number).name for number in range(kind.num_fields)]


def member(column: pa.Array, key: str) -> pa.Array | None:
    """The values at a key of each struct, null where the struct is; None where no struct has the key."""
    from pyarrow import compute

    number = column.type.get_field_index(key)
    if number < 0:
        return None
    return compute.struct_field(column, [number]) if column.null_count else column.field(number)
