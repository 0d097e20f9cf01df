"""What this pylance makes of a table: its indexes, and answers by index beside answers by full scan."""

import hashlib
import math

import lance

from rows import filters


def digest(ids):
    return hashlib.sha1(",".join(map(str, sorted(ids))).encode()).hexdigest()


def ids_of(ds, filter, **how):
    return ds.scanner(columns=["id"], filter=filter, **how).to_table()["id"].to_pylist()


def leaf(table, column):
    values = table[column.split(".")[0]].to_pylist()
    for name in column.split(".")[1:]:
        values = [value and value[name] for value in values]
    return values


def a_key(fragment, column):
    """A value in the middle of a fragment that can stand in a filter."""
    values = leaf(fragment.to_table(columns=[column.split(".")[0]]), column)
    usable = [v for v in values if v is not None and not (isinstance(v, float) and math.isnan(v))]
    return usable[len(usable) // 2]


def describe(ds, index):
    stats = ds.stats.index_stats(index.name)
    return {
        "name": index.name,
        "type_url": index.type_url,
        "type": stats["index_type"],
        "rows": index.num_rows_indexed,
        "bytes": index.total_size_bytes,
        "segments": [
            {
                "uuid": str(segment.uuid),
                "fragments": sorted(segment.fragment_ids),
                "index_version": segment.index_version,
                "dataset_version": segment.dataset_version_at_last_update,
                "created_at_ms": round(segment.created_at.timestamp() * 1000) if segment.created_at else None,
            }
            for segment in index.segments
        ],
        "indexed_rows": stats["num_indexed_rows"],
        "unindexed_rows": stats["num_unindexed_rows"],
        "indexed_fragments": stats["num_indexed_fragments"],
        "unindexed_fragments": stats["num_unindexed_fragments"],
    }


def ask(ds, column, shows, filter):
    """Three ways to one answer; `fast_search` looks at indexed fragments alone, so it shows what the index itself holds."""
    scanned = ids_of(ds, filter, use_scalar_index=False)
    indexed = ids_of(ds, filter)
    index_only = ids_of(ds, filter, fast_search=True)
    scan_plan = ds.scanner(filter=filter, use_scalar_index=False).explain_plan(True)
    return {
        "column": column,
        "shows": shows,
        "filter": filter,
        "hits": len(scanned),
        "digest": digest(scanned),
        "indexed_hits": len(indexed),
        "same": digest(indexed) == digest(scanned),
        "index_only_same": digest(index_only) == digest(scanned),
        "plan_uses_index": "ScalarIndexQuery" in ds.scanner(filter=filter).explain_plan(True),
        "scan_uses_index": "ScalarIndexQuery" in scan_plan,
    }


def check(uri, columns):
    ds = lance.dataset(uri)
    fragments = ds.get_fragments()
    ends = {"old": fragments[0], "fresh": fragments[-1]}
    queries = []
    for column in columns:
        keys = {age: a_key(fragment, column) for age, fragment in ends.items()}
        queries += [ask(ds, column, shows, filter) for shows, filter in filters(column, keys).items()]
    return {
        "version": ds.version,
        "rows": ds.count_rows(),
        "fragments": [fragment.fragment_id for fragment in fragments],
        "data_format": ds.data_storage_version,
        # Lance keeps its own book-keeping in indexes with such names.
        "indexes": [describe(ds, index) for index in ds.describe_indices() if not index.name.startswith("__")],
        "listed": sorted({index["name"] for index in ds.list_indices()}),
        "queries": queries,
    }
