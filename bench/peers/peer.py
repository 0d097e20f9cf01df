"""A peer at work: reads one request a line as JSON, does it, and answers with the seconds it took by its own clock.

A request is {"do": <name of a function below>, ...}. The process stays warm between requests, as a service would.
"""

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor


def version(package):
    from importlib.metadata import version as installed

    return {"version": installed(package), "python": sys.version.split()[0]}


def _missing(dataset, index):
    described = next(it for it in dataset.describe_indices() if it.name == index)
    covered = set().union(*(segment.fragment_ids for segment in described.segments))
    return [it.fragment_id for it in dataset.get_fragments() if it.fragment_id not in covered]


def _segments(uri, columns):
    import lance

    steps = {"plan": 0, "engine": 0, "commit": 0}
    begun = time.perf_counter()

    def step(name):
        nonlocal begun
        now = time.perf_counter()
        steps[name] += now - begun
        begun = now

    dataset = lance.dataset(uri)
    built = {}
    for column in columns:
        index = f"{column}_idx"
        fragments = _missing(dataset, index)
        step("plan")
        # Lance refuses a known name unless it may replace it; the commit replaces only segments over the same fragments.
        built[column] = dataset.create_index_uncommitted(
            column, "BTREE", name=index, fragment_ids=fragments, replace=True
        )
        step("engine")
    for column, segment in built.items():
        dataset.commit_existing_index_segments(f"{column}_idx", column, [segment])
    step("commit")
    return steps


def segments(uri, columns):
    """A segment of each index over the fragments it misses, and its commit; with the seconds of each step."""
    return _timed(lambda: _segments(uri, columns))


def tables(uris, columns, threads):
    """The same for many tables, so many at once."""
    with ThreadPoolExecutor(threads) as pool:
        return _timed(lambda: list(pool.map(lambda uri: _segments(uri, columns), uris)))


def delta(uri):
    """Lance's own delta of each index."""

    def work():
        import lance

        lance.dataset(uri).optimize.optimize_indices(num_indices_to_merge=0)

    return _timed(work)


def optimize(uri):
    """LanceDB's optimize()."""
    import lancedb

    database, _, name = uri.rpartition("/")
    table = lancedb.connect(database).open_table(name.removesuffix(".lance"))
    return _timed(table.optimize)


def daft(uri, columns):
    """The segments of daft-lance."""
    import daft_lance
    import lance

    def work():
        dataset = lance.dataset(uri)
        for column in columns:
            index = f"{column}_idx"
            daft_lance.create_scalar_index(
                uri, column=column, index_type="BTREE", name=index, fragment_ids=_missing(dataset, index)
            )

    return _timed(work)


# VmHWM, where there is one: getrusage counts the memory of the process that started this one.
FIRST_BUILD = """
import os, re, resource, sys, lance
dataset = lance.dataset(sys.argv[1])
for column in sys.argv[2:]:
    dataset.create_scalar_index(column, "BTREE", name=f"{column}_idx")
status = "/proc/self/status"
peak = re.search(r"VmHWM:\\s+(\\d+)", open(status).read())[1] if os.path.exists(status) else 0
print((int(peak) or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * 1024)
"""


def first_build(uri, columns):
    """The first indexes of a table, by a process of its own: with its start, and the peak of its memory in bytes."""
    started = time.perf_counter()
    program = [sys.executable, "-s", "-c", FIRST_BUILD, uri, *columns]
    peak = subprocess.run(program, check=True, capture_output=True, text=True).stdout
    return {"seconds": time.perf_counter() - started, "peak": int(peak)}


def _timed(work):
    started = time.perf_counter()
    done = work()
    seconds = time.perf_counter() - started
    return {**(done if isinstance(done, dict) else {}), "seconds": seconds}


KNOWN = {it.__name__: it for it in (version, segments, tables, delta, optimize, daft, first_build)}

# What a library prints must not be taken for an answer.
answers, sys.stdout = sys.stdout, sys.stderr
for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = KNOWN[request.pop("do")](**request)
    except Exception as error:  # noqa: BLE001: the other side decides
        answer = {"error": f"{type(error).__name__}: {error}"}
    answers.write(json.dumps(answer) + "\n")
    answers.flush()
