"""Tables that only pylance makes, and its answers by index beside those by scan."""

import uuid

import lance
import pyarrow as pa
from lance.dataset import Index

STRUCT = pa.struct([pa.field("x", pa.int64()), pa.field("y", pa.int64())])
PACKED = pa.schema([pa.field("id", pa.int64()), pa.field("st", STRUCT, metadata={"packed": "true"})])


def structs(ids, shift):
    return pa.table({"id": pa.array(ids, pa.int64()), "st": pa.array([{"x": i + shift, "y": i} for i in ids], STRUCT)}, PACKED)


def append_structs(uri, start, count):
    """Rows `id`, `st.x` and `st.y` of the same number; of the packed struct `st` a data file lists the struct alone."""
    lance.write_dataset(structs(range(start, start + count), 0), uri, mode="append", data_storage_version="2.1")


def rewrite_structs(uri, fragment, shift):
    """Replaces `st` in a whole fragment, in place, by one whose `x` is greater by `shift`."""
    ds = lance.dataset(uri)
    ids = ds.get_fragment(fragment).to_table(columns=["id"])["id"].to_pylist()
    changed, fields = ds.get_fragment(fragment).update_columns(structs(ids, shift), left_on="id", right_on="id")
    operation = lance.LanceOperation.Update(updated_fragments=[changed], fields_modified=fields)
    lance.LanceDataset.commit(uri, operation, read_version=ds.version)


def compare(uri, filters):
    """Rows that each filter finds by the index and by a scan, and whether the index took part."""
    ds = lance.dataset(uri)
    return [
        {
            "filter": filter,
            "indexed": ds.scanner(filter=filter).to_table().num_rows,
            "scanned": ds.scanner(filter=filter, use_scalar_index=False).to_table().num_rows,
            "uses_index": "ScalarIndexQuery" in ds.scanner(filter=filter).explain_plan(True),
        }
        for filter in filters
    ]


def shallow_clone(uri, target):
    ds = lance.dataset(uri)
    ds.shallow_clone(target, ds.version)


def handmade_index(uri, column, fragments):
    """A BTREE built fragment by fragment and committed by hand, as distributed builds did: its entry has no details."""
    ds = lance.dataset(uri)
    index = str(uuid.uuid4())
    for fragment in fragments:
        ds.create_scalar_index(column, "BTREE", fragment_ids=[fragment], index_uuid=index)
    ds.merge_index_metadata(index, index_type="BTREE")
    entry = Index(
        uuid=index,
        name=f"{column}_idx",
        fields=[ds.schema.get_field_index(column)],
        dataset_version=ds.version,
        fragment_ids=set(fragments),
        index_version=0,
    )
    operation = lance.LanceOperation.CreateIndex(new_indices=[entry], removed_indices=[])
    lance.LanceDataset.commit(uri, operation, read_version=ds.version)


def listed(uri):
    return [index["name"] for index in lance.dataset(uri).list_indices()]


def migrate_names(uri, version):
    """The table does not open without a version while both ways to name manifests are in use."""
    lance.dataset(uri, version=version).migrate_manifest_paths_v2()


def rewrite_files(uri):
    rows = lance.dataset(uri).to_table()
    lance.write_dataset(rows, uri, mode="overwrite", data_storage_version="2.1")


def delete_fragment(uri, fragment):
    operation = lance.LanceOperation.Delete(updated_fragments=[], deleted_fragment_ids=[fragment], predicate="damaged")
    lance.LanceDataset.commit(uri, operation, read_version=lance.dataset(uri).version)


def add_large_string(uri):
    lance.dataset(uri).add_columns({"large": "arrow_cast(s, 'LargeUtf8')"})


def append_zoned(uri, start, count):
    """Rows `id` and `at`, which has a time zone of a fixed offset, and a struct of both."""
    zoned = pa.timestamp("us", tz="+05:30")
    ids = pa.array(range(start, start + count), pa.int64())
    at = pa.array([i * 1_000_000 for i in range(start, start + count)], zoned)
    both = pa.StructArray.from_arrays([ids, at], ["id", "at"])
    lance.write_dataset(pa.table({"id": ids, "at": at, "both": both}), uri, mode="append", data_storage_version="2.1")
