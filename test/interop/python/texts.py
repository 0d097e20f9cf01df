"""A table of texts with a full-text index of pylance's, and the answers of searches beside those of a scan."""

import re

import lance
import pyarrow as pa
from lance.query import MatchQuery, PhraseQuery

COLUMN = "body"
STOP_WORD = "stop"
COLORS = ["red", "green", "blue", "white", "black"]
SCHEMA = pa.schema([pa.field("id", pa.int64()), pa.field(COLUMN, pa.string())])


def text(i):
    """Words of many rows and of few, in another order from row to row; some texts are null, empty or nothing but a stop word."""
    if i % 17 < 3:
        return [None, "", STOP_WORD][i % 17]
    words = [COLORS[i % 5], f"n{i % 7}", STOP_WORD, COLORS[(i * 3) % 5], f"row{i}"]
    return " ".join(words if i % 2 else reversed(words))


def append_texts(uri, start, count, data_format="2.0"):
    ids = range(start, start + count)
    rows = pa.table({"id": pa.array(ids, pa.int64()), COLUMN: pa.array([text(i) for i in ids], pa.string())}, SCHEMA)
    lance.write_dataset(rows, uri, mode="append", data_storage_version=data_format)


def merge_texts(uri, start, count):
    """Rows that exist get another text; the others are new."""
    ids = range(start, start + count)
    rows = pa.table({"id": pa.array(ids, pa.int64()), COLUMN: pa.array([f"merged n{i % 7} red" for i in ids])}, SCHEMA)
    lance.dataset(uri).merge_insert("id").when_matched_update_all().when_not_matched_insert_all().execute(rows)


def index_texts(uri, **options):
    """Without stems, since a scan here knows none."""
    ds = lance.dataset(uri)
    ds.create_scalar_index(COLUMN, "INVERTED", with_position=True, stem=False, custom_stop_words=[STOP_WORD], **options)


def words_of(body):
    """The words that are looked for, each with where it stands: a stop word leaves a gap."""
    found = re.findall(r"\w+", (body or "").lower())
    return {at: word for at, word in enumerate(found) if word != STOP_WORD}


def holds(body, query):
    text, wanted = words_of(body), words_of(query.strip('"'))
    if not query.startswith('"'):
        return bool(set(text.values()) & set(wanted.values()))
    first = min(wanted)
    return any(all(text.get(at + i - first) == word for i, word in wanted.items()) for at in text)


def search(uri, queries):
    """What is wrong, one line a query: whose hits are not those of a scan, or for which the index does not answer alone."""
    ds = lance.dataset(uri)
    rows = ds.to_table(columns=["id", COLUMN]).to_pylist()
    wrong = []
    for query in queries:
        asked = PhraseQuery(query.strip('"'), COLUMN) if query.startswith('"') else MatchQuery(query, COLUMN)
        scanner = ds.scanner(full_text_query=asked, columns=["id"], limit=1_000_000)
        hits = sorted(scanner.to_table()["id"].to_pylist())
        expected = sorted(row["id"] for row in rows if holds(row[COLUMN], query))
        if hits != expected:
            wrong.append(f"{query}: {len(hits)} hits, {len(expected)} by a scan")
        if not expected:
            wrong.append(f"{query}: nothing to find")
        plan = scanner.explain_plan(True)
        if "Flat" in plan or not re.search(r"(Match|Phrase)Query", plan):
            wrong.append(f"{query}: the index does not answer alone")
    return wrong


def describe_texts(uri):
    return [
        {"name": index.name, "type": index.index_type, "segments": len(index.segments)}
        for index in lance.dataset(uri).describe_indices()
    ]
