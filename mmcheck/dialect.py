"""Where Polars' SQL is not what SQL says, an expression is put in other words before Polars reads it.

STRPOS and POSITION look for a text: Polars' own take it for a pattern, count bytes, and find nothing in null. Lengths
and counts are integers: Polars' own have no sign, so that `LENGTH(text) - 5` of a short text is four billion.
"""

from __future__ import annotations

import re
from typing import Any

from mmcheck.errors import RequestError

_SEARCHES = ("strpos", "position")
_UNSIGNED = ("length", "char_length", "character_length", "octet_length", "bit_length", "count", "row_number", "rank",
             "dense_rank")  # fmt: skip
_ODD = re.compile(rf"\b({'|'.join((*_SEARCHES, *_UNSIGNED))})\s*\(", re.IGNORECASE)


def reworded(sql: str) -> str:
    """A vetted expression in words that Polars takes as SQL means them. Raises RequestError."""
    if not _ODD.search(sql):
        return sql
    from sqlglot.tokens import Tokenizer

    tokens = Tokenizer(dialect="postgres").tokenize(sql)
    done, number, parts = 0, 0, []
    while number < len(tokens):
        end = _end_of_call(tokens, number)
        if end:
            start, after = tokens[number].start, tokens[end - 1].end + 1
            parts += [sql[done:start], _call(sql, tokens[number:end])]
            done = after
        number = end or number + 1
    return "".join(parts) + sql[done:]


def _end_of_call(tokens: list[Any], number: int) -> int:
    """Where the call of an odd function that starts at a token ends, its OVER (…) included; 0 for what is none."""
    from sqlglot import TokenType

    token = tokens[number]
    quoted = token.token_type in (TokenType.STRING, TokenType.IDENTIFIER)
    if quoted or token.text.lower() not in (*_SEARCHES, *_UNSIGNED):
        return 0
    end = _closed(tokens, number + 1)
    if end and end < len(tokens) and tokens[end].token_type is TokenType.OVER:
        end = _closed(tokens, end + 1)
    return end


def _closed(tokens: list[Any], number: int) -> int:
    """The token after the parenthesis that closes the one at `number`; 0 where none opens there."""
    from sqlglot import TokenType

    if number >= len(tokens) or tokens[number].token_type is not TokenType.L_PAREN:
        return 0
    depth = 0
    for at in range(number, len(tokens)):
        kind = tokens[at].token_type
        depth += (kind is TokenType.L_PAREN) - (kind is TokenType.R_PAREN)
        if not depth:
            return at + 1
    return 0


def _call(sql: str, tokens: list[Any]) -> str:
    name, end = tokens[0].text.lower(), _closed(tokens, 1)
    inner = sql[tokens[1].end + 1 : tokens[end - 1].start]
    if name in _UNSIGNED:
        rest = sql[tokens[end - 1].start : tokens[-1].end + 1]
        return f"CAST({tokens[0].text}({reworded(inner)}{rest} AS BIGINT)"
    text, what = _searched(sql, name, tokens[:end])
    before, known = f"LENGTH(SPLIT_PART({text}, {what}, 1))", f"({text}) IS NOT NULL"
    return (
        f"CAST(CASE WHEN LENGTH({what}) = 0 AND {known} THEN 1 WHEN {before} < LENGTH({text}) THEN {before} + 1 "
        f"WHEN {known} AND ({what}) IS NOT NULL THEN 0 END AS BIGINT)"
    )


def _searched(sql: str, name: str, tokens: list[Any]) -> tuple[str, str]:
    """The text that is searched and what it is searched for. Raises RequestError where the call has not these two."""
    from sqlglot import TokenType

    between, depth = [], 0
    for token in tokens:
        kind = token.token_type
        depth += (kind is TokenType.L_PAREN) - (kind is TokenType.R_PAREN)
        if depth == 1 and kind is (TokenType.COMMA if name == "strpos" else TokenType.IN):
            between.append(token)
        if token is not tokens[0] and token.text.lower() in _SEARCHES and token.token_type is not TokenType.STRING:
            raise RequestError("STRPOS and POSITION may not stand in one another")
    if len(between) != 1:
        raise RequestError(f"{name.upper()} takes two texts: STRPOS(text, 'x') or POSITION('x' IN text)")
    left = sql[tokens[1].end + 1 : between[0].start].strip()
    right = sql[between[0].end + 1 : tokens[-1].start].strip()
    left, right = reworded(left), reworded(right)
    return (left, right) if name == "strpos" else (right, left)
