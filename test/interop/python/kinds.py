"""Tables with an index of each kind, and answers by index beside answers without."""

import random

import lance
import pyarrow as pa

SCHEMA = pa.schema(
    [
        pa.field("id", pa.int64()),
        pa.field("color", pa.string()),
        pa.field("tags", pa.list_(pa.string())),
        pa.field("body", pa.string()),
        pa.field("note", pa.string()),
        pa.field("vector", pa.list_(pa.float32(), 16)),
    ]
)

COLORS = ["red", "green", "blue", None]


def vector(i):
    source = random.Random(i)
    return [source.gauss(0, 1) for _ in range(16)]


def kind_row(i):
    return {
        "id": i,
        "color": COLORS[i % 4],
        "tags": None if i % 7 == 5 else [] if i % 7 == 6 else [f"t{i % 5}", "all", None],
        "body": None if i % 11 == 10 else f"no {i} abc{i % 10}xyz",
        "note": None if i % 13 == 12 else f"word{i % 9} of many",
        "vector": vector(i),
    }


def kinds_write(uri, start, count, mode, stable_row_ids=False, v2_names=True):
    rows = pa.Table.from_pylist([kind_row(i) for i in range(start, start + count)], SCHEMA)
    lance.write_dataset(
        rows,
        uri,
        mode=mode,
        data_storage_version="2.1",
        enable_stable_row_ids=stable_row_ids,
        enable_v2_manifest_paths=v2_names,
    )


def index_type(kind):
    """Upper case is a name that pylance knows; what it has no name for goes by its IndexConfig."""
    if kind.isupper():
        return kind
    from lance.indices import IndexConfig

    return IndexConfig(kind, {})


def kinds_index(uri, column, kind, name=None, replace=True, options={}):
    lance.dataset(uri).create_scalar_index(column, index_type(kind), name=name, replace=replace, **options)


def kinds_vectors(uri, index_type):
    lance.dataset(uri).create_index("vector", index_type, name="vector_idx", num_partitions=1)


def kinds_check(uri, questions):
    """`questions`: each two sets of arguments of a scan, with and without the index."""
    ds = lance.dataset(uri)

    def ids(how):
        return sorted(ds.scanner(columns=["id"], **how).to_table()["id"].to_pylist())

    return {
        "version": ds.version,
        "fragments": [fragment.fragment_id for fragment in ds.get_fragments()],
        "listed": sorted({index["name"] for index in ds.list_indices()}),
        "described": {
            index.name: {
                "type_url": index.type_url,
                "fragments": sorted(id for segment in index.segments for id in segment.fragment_ids),
                "segments": len(index.segments),
                "rows": index.num_rows_indexed,
            }
            for index in ds.describe_indices()
        },
        "answers": [
            {
                "indexed": ids(ask),
                "scanned": ids(scan),
                "plan": ds.scanner(columns=["id"], **ask).explain_plan(True),
                "scan_plan": ds.scanner(columns=["id"], **scan).explain_plan(True),
            }
            for ask, scan in questions
        ],
    }
