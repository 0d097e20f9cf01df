"""The steps of the model test and its questions, for a table of pylance: rows are `[key, id, name, tags, spot]`."""

import datetime as dt
import os
import shutil

import lance
import pyarrow as pa

from kinds import index_type

SCHEMA = pa.schema(
    [
        pa.field("key", pa.int32(), nullable=False),
        pa.field("id", pa.int64()),
        pa.field("name", pa.string()),
        pa.field("tags", pa.list_(pa.string())),
        pa.field("spot", pa.list_(pa.float32(), 2)),
    ]
)


def table_of(rows):
    columns = [list(column) for column in zip(*rows)] or [[] for _ in SCHEMA]
    return pa.Table.from_arrays([pa.array(c, f.type) for c, f in zip(columns, SCHEMA)], schema=SCHEMA)


def model_write(uri, rows, mode, stable):
    lance.write_dataset(table_of(rows), uri, mode=mode, enable_stable_row_ids=stable)


def model_upsert(uri, rows):
    builder = lance.dataset(uri).merge_insert("key").when_matched_update_all().when_not_matched_insert_all()
    builder.execute(table_of(rows))


def model_optimize(uri, older_than_days=None, delete_unverified=False):
    """What LanceDB's `optimize` does: compacts, cleans up and indexes."""
    lance.dataset(uri).optimize.compact_files()
    if older_than_days is not None:
        age = dt.timedelta(days=older_than_days)
        lance.dataset(uri).cleanup_old_versions(older_than=age, delete_unverified=delete_unverified)
    lance.dataset(uri).optimize.optimize_indices()


def model_create_index(uri, column, name, kind):
    if kind.startswith("IVF"):
        lance.dataset(uri).create_index(column, kind, name=name, replace=True, num_partitions=1)
    else:
        lance.dataset(uri).create_scalar_index(column, index_type(kind), name=name, replace=True)


def model_drop(uri):
    if os.path.isdir(uri):
        shutil.rmtree(uri)


def model_version(uri):
    return lance.dataset(uri).version


def model_ask(uri, questions, index_only=False):
    """The table as a reader sees it that has never seen it before, and its answers."""
    ds = lance.dataset(uri)
    # fast_search looks at indexed fragments alone.
    fast = {"fast_search": True} if index_only else {}

    def how(where, search=None, near=None):
        if near is not None:
            near = {"column": near["column"], "q": near["vector"], "k": near["limit"], "nprobes": 10_000}
            return {"nearest": near}
        if search is None:
            return {"filter": where}
        return {"full_text_query": {"query": search["word"], "columns": [search["column"]]}, "limit": 10_000}

    def keys(question):
        return sorted(ds.scanner(columns=["key"], **how(**question), **fast).to_table()["key"].to_pylist())

    def uses_index(question):
        plan = ds.scanner(columns=["key"], **how(**question)).explain_plan(True)
        return any(mark in plan for mark in ["ScalarIndexQuery", " MatchQuery", "ANNSubIndex"])

    return {
        "version": ds.version,
        "indexes": sorted({index["name"] for index in ds.list_indices()}),
        "answers": [keys(question) for question in questions],
        "plans": [uses_index(question) for question in questions],
    }


def model_rows(uri):
    return [[row["key"], row["id"], row["name"], row["tags"], row["spot"]] for row in lance.dataset(uri).to_table().to_pylist()]


def model_stats(uri, name):
    stats = lance.dataset(uri).stats.index_stats(name)
    return {"indexed": stats["num_indexed_rows"], "unindexed": stats["num_unindexed_rows"]}
