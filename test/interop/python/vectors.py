"""Vectors: tables of them, indexes over them, and neighbours by the index beside those by an exact search."""

import random

import lance
import pyarrow as pa

DIMENSIONS = 32


def vectors(seed, count):
    source = random.Random(seed)
    return [[source.gauss(0, 1) for _ in range(DIMENSIONS)] for _ in range(count)]


def append_vectors(uri, start, count):
    values = pa.array(vectors(start, count), pa.list_(pa.float32(), DIMENSIONS))
    table = pa.table({"id": pa.array(range(start, start + count), pa.int64()), "vector": values})
    lance.write_dataset(table, uri, mode="append" if start > 0 else "create")


def create_vector_index(uri, index_type, partitions, **options):
    ds = lance.dataset(uri)
    ds.create_index("vector", index_type, name="vector_idx", num_partitions=partitions, **options)


def neighbours(uri, queries):
    """Of how many of the ten nearest, on average, a search over all probes with exact distances in the end knows."""
    ds = lance.dataset(uri)
    metric = ds.stats.index_stats("vector_idx")["indices"][0].get("metric_type", "l2")
    found = 0
    for query in vectors(987654, queries):
        ask = {"column": "vector", "q": query, "k": 10, "metric": metric}
        exact = ds.to_table(columns=["id"], nearest=ask | {"use_index": False})["id"].to_pylist()
        indexed = ds.to_table(columns=["id"], nearest=ask | {"nprobes": 1000, "refine_factor": 10})["id"].to_pylist()
        assert len(exact) == len(indexed) == 10 and len(set(indexed)) == 10, (exact, indexed)
        found += len(set(exact) & set(indexed))
    plan = ds.scanner(nearest=ask | {"nprobes": 1000}).explain_plan(verbose=True)
    described = [index for index in ds.describe_indices() if index.name == "vector_idx"]
    return {
        "recall": found / (10 * queries),
        "uses_index": "ANNSubIndex" in plan,
        "segments": [len(index.segments) for index in described],
        "unindexed": ds.stats.index_stats("vector_idx")["num_unindexed_rows"],
        "rows": ds.count_rows(),
    }
