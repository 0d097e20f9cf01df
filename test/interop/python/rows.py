"""The rows of the test tables, as a function of their ids, and filters over them."""

import datetime as dt

import pyarrow as pa

SCHEMA = pa.schema(
    [
        pa.field("id", pa.int64()),
        pa.field("n", pa.int32()),
        pa.field("u", pa.uint16()),
        pa.field("f", pa.float64()),
        pa.field("g", pa.float32()),
        pa.field("s", pa.string()),
        pa.field("flag", pa.bool_()),
        pa.field("day", pa.date32()),
        pa.field("at", pa.timestamp("us")),
        pa.field("tz", pa.timestamp("ms", tz="UTC")),
        pa.field("a", pa.struct([pa.field("b", pa.int32()), pa.field("c", pa.string())])),
    ]
)

EPOCH = dt.datetime(2020, 1, 1)
DAY = EPOCH.date()


def row(i):
    at = EPOCH + dt.timedelta(minutes=i)
    return {
        "id": i,
        "n": None if i % 13 == 0 else i * 7919 % 1000 - 500,
        "u": None if i % 19 == 0 else i * 31 % 65536,
        "f": float("nan") if i % 11 == 0 else None if i % 7 == 0 else i / 4 - 700,
        "g": float("nan") if i % 23 == 0 else None if i % 5 == 0 else float(i % 300),
        "s": None if i % 9 == 0 else f"key-{i * 31 % 700:04d}'s",
        "flag": None if i % 17 == 0 else i % 3 == 0,
        "day": None if i % 29 == 0 else DAY + dt.timedelta(days=i % 700),
        "at": None if i % 31 == 0 else at,
        "tz": None if i % 37 == 0 else at.replace(tzinfo=dt.timezone.utc),
        "a": {"b": None if i % 15 == 0 else i % 97, "c": str(i)},
    }


def rows(start, count):
    return pa.Table.from_pylist([row(i) for i in range(start, start + count)], SCHEMA)


def literal(value):
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dt.datetime):
        return f"timestamp '{value:%Y-%m-%d %H:%M:%S}'"
    if isinstance(value, dt.date):
        return f"date '{value}'"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return repr(value)


def filters(column, keys):
    """Filters over `column` by what they show. `keys` names two values that the table holds, `old` and `fresh`."""
    old, fresh = literal(keys["old"]), literal(keys["fresh"])
    low, high = (literal(key) for key in sorted(keys.values()))
    found = {
        "old key": f"{column} = {old}",
        "fresh key": f"{column} = {fresh}",
        "less": f"{column} < {low}",
        "greater": f"{column} > {high}",
        "in": f"{column} IN ({old}, {fresh})",
        "between": f"{column} BETWEEN {low} AND {high}",
        "null": f"{column} IS NULL",
        "not null": f"{column} IS NOT NULL",
        "not equal": f"NOT ({column} = {fresh})",
        "not in range": f"NOT ({column} >= {low} AND {column} <= {high})",
        "null or key": f"{column} IS NULL OR {column} = {old}",
    }
    if isinstance(keys["old"], str):
        found["prefix"] = f"{column} LIKE {literal(keys['fresh'][:7] + '%')}"
        found["prefix of all"] = f"{column} LIKE 'key-%'"
        found["prefix function"] = f"starts_with({column}, {literal(keys['old'][:6])})"
    if isinstance(keys["old"], float):
        found["NaN"] = f"isnan({column})"
        found["greater or NaN"] = f"{column} > 1e300"
    return found
