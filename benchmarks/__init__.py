"""mmcheck beside what people write themselves: one command that makes its data, measures in turns and writes a table.

    python -m benchmarks [--size small|full]      the whole run; results in benchmarks/results/
    python -m benchmarks --only text,media        some groups of it
    python -m benchmarks readme                   the latest results into README.md

`size.py` says how much, `records.py`, `images.py` and `data.py` make the data by seed, `rivals.py` holds the other
ways, `groups.py` says what is compared with what, `session.py` runs it, `targets.py`, `table.py` and `plots.py` tell.
"""
