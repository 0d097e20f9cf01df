"""Does with pylance what the tests ask: one JSON request per line in, one JSON answer per line out."""

import datetime as dt
import json
import sys

import lance
import pyarrow as pa

import answers
import kinds
import model
import scenes
import texts
import vectors
from rows import SCHEMA, row, rows

held = {}


def version():
    return {"pylance": lance.__version__, "python": sys.version.split()[0]}


def export(start, count, path):
    """The rows as an Arrow IPC file, for another engine to write."""
    with pa.ipc.new_file(path, SCHEMA) as writer:
        writer.write_table(rows(start, count))


def create(uri, start, count, data_format, v2_names, stable_row_ids=False, auto_cleanup=None):
    lance.write_dataset(
        rows(start, count),
        uri,
        data_storage_version=data_format,
        enable_v2_manifest_paths=v2_names,
        enable_stable_row_ids=stable_row_ids,
        auto_cleanup_options=auto_cleanup,
    )


def append(uri, start, count, data_format=None):
    lance.write_dataset(rows(start, count), uri, mode="append", data_storage_version=data_format)


def create_index(uri, columns, replace=False):
    ds = lance.dataset(uri)
    for column in columns:
        ds.create_scalar_index(column, "BTREE", replace=replace)


def drop_index(uri, name):
    lance.dataset(uri).drop_index(name)


def optimize_indices(uri, **options):
    lance.dataset(uri).optimize.optimize_indices(**options)


def compact_files(uri, **options):
    metrics = lance.dataset(uri).optimize.compact_files(**options)
    return {"removed": metrics.fragments_removed, "added": metrics.fragments_added}


def merge_insert(uri, start, count):
    """Rows that exist come back with another `n`, `s` and `a.b`; the others are new."""
    changed = [row(i) | {"n": 777, "s": "key-new", "a": {"b": 1000 + i, "c": "x"}} for i in range(start, start + count)]
    builder = lance.dataset(uri).merge_insert("id").when_matched_update_all().when_not_matched_insert_all()
    return builder.execute(pa.Table.from_pylist(changed, SCHEMA))


def update(uri, where, values):
    return lance.dataset(uri).update(values, where=where)


def delete(uri, where):
    lance.dataset(uri).delete(where)


def cleanup(uri, older_than_seconds=None):
    older_than = None if older_than_seconds is None else dt.timedelta(seconds=older_than_seconds)
    stats = lance.dataset(uri).cleanup_old_versions(older_than=older_than)
    return {"old_versions": stats.old_versions}


def rewrite_column(uri, start, count):
    """Replaces the column `n` of a whole fragment in place: same fragment id, other values."""
    ds = lance.dataset(uri)
    ids = range(start, start + count)
    values = pa.table({"id": pa.array(ids, pa.int64()), "n": pa.array([i + 5000 for i in ids], pa.int32())})
    fragment = ds.get_fragments()[0]
    changed, fields = fragment.update_columns(values, left_on="id", right_on="id")
    operation = lance.LanceOperation.Update(updated_fragments=[changed], fields_modified=fields)
    lance.LanceDataset.commit(uri, operation, read_version=ds.version)


def restore(uri, version):
    lance.dataset(uri, version=version).restore()


def hold(uri):
    """Opens the table and keeps the handle, as a writer does that has not noticed newer versions yet."""
    held[uri] = lance.dataset(uri)
    return held[uri].version


def delete_with_held(uri, where):
    held.pop(uri).delete(where)


def transactions(uri, last):
    ds = lance.dataset(uri)
    return [
        {
            "operation": type(transaction.operation).__name__,
            "uuid": transaction.uuid,
            "read_version": transaction.read_version,
            "properties": dict(transaction.transaction_properties),
        }
        for transaction in ds.get_transactions(last)
        if transaction is not None
    ]


def versions(uri):
    """Every version that is left can be opened on its own, and tells its indexes."""
    found = [entry["version"] for entry in lance.dataset(uri).versions()]
    for number in found:
        lance.dataset(uri, version=number).describe_indices()
    return found


def actions_of(module):
    return {
        name: action
        for name, action in vars(module).items()
        if callable(action) and getattr(action, "__module__", None) == module.__name__
    }


MODULES = [kinds, model, scenes, texts, vectors, sys.modules[__name__]]
ACTIONS = {"check": answers.check} | {name: action for module in MODULES for name, action in actions_of(module).items()}


def answer(line):
    request = json.loads(line)
    try:
        return {"result": ACTIONS[request["action"]](**request["args"])}
    # A panic of the engine is no Exception, yet the test that caused it should be told.
    except BaseException as error:
        return {"error": f"{type(error).__name__}: {error}"}


for line in sys.stdin:
    print(json.dumps(answer(line), default=str), flush=True)
