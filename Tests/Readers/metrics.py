"""Reads texts of metrics, which were scraped one after the other, by Prometheus' own client: metrics.py FILE ...

Ends with an error where one of them is no such text, says less than it must of a metric, has a histogram that does not
add up, or counts less than the one before it. Prints the last as JSON: each metric's type, and the value of each line
by its name with its labels in alphabetical order.
"""

import json
import math
import pathlib
import sys

from prometheus_client.parser import text_string_to_metric_families

TYPES = {"counter", "gauge", "histogram"}


def key(sample, without=()):
    labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()) if name not in without)
    return f"{sample.name}{{{labels}}}" if labels else sample.name


def check_histogram(family):
    """Buckets with growing bounds and counts, the last of them infinite and as many as there are in all."""
    rows = {}
    for sample in family.samples:
        rows.setdefault(key(sample, without=["le"]).replace("_bucket", ""), []).append(sample)
    sums = {name: rows[name] for name in rows if name.split("{")[0].endswith(("_sum", "_count"))}
    buckets = {name: rows[name] for name in rows if name not in sums}
    assert len(sums) == 2 * len(buckets), f"{family.name}: {len(buckets)} histograms, {len(sums)} sums and counts"
    for name, samples in buckets.items():
        bounds = [float(sample.labels["le"]) for sample in samples]
        counts = [sample.value for sample in samples]
        assert bounds == sorted(set(bounds)) and bounds[-1] == math.inf, f"{name}: {bounds}"
        assert counts == sorted(counts), f"{name}: {counts}"
        base, _, labels = name.partition("{")
        labels = "{" + labels if labels else ""
        count, total = sums[f"{base}_count{labels}"][0].value, sums[f"{base}_sum{labels}"][0].value
        assert counts[-1] == count, f"{name}: {counts[-1]} and {count}"
        least = sum(bound * (after - before) for bound, before, after in zip([0] + bounds, [0] + counts, counts)
                    if after > before)
        most = sum(bound * (after - before) for bound, before, after in zip(bounds, [0] + counts, counts)
                   if after > before)
        assert least <= total <= most, f"{name}: {least} <= {total} <= {most}"


def read(path):
    types, values = {}, {}
    for family in text_string_to_metric_families(pathlib.Path(path).read_text()):
        assert family.name not in types, f"{family.name} comes twice"
        assert family.type in TYPES and family.documentation, f"{family.name}: {family.type}"
        assert family.samples, f"{family.name} has no line"
        types[family.name] = family.type
        for sample in family.samples:
            assert key(sample) not in values, f"{key(sample)} comes twice"
            assert sample.value >= 0, key(sample)
            assert (family.type == "counter") == sample.name.endswith("_total"), key(sample)
            values[key(sample)] = sample.value
        if family.type == "histogram":
            check_histogram(family)
    return types, values


def main():
    before, types = {}, {}
    for path in sys.argv[1:]:
        types, values = read(path)
        for name, value in before.items():
            if name.split("{")[0].endswith(("_total", "_bucket", "_sum", "_count")):
                assert values[name] >= value, f"{name}: {value} became {values[name]}"
        before = values
    print(json.dumps({"types": types, "values": before}))


main()
