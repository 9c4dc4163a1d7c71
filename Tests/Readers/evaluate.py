"""Counts pixels as the published evaluators do, one threshold at a time.

usage: evaluate.py CASE.json

CASE.json holds `classes` (a number), `thresholds`, and `pictures`, each with `width`, `height`, `truth` (0 is the
background, 255 is ignored) and `maps`, which are `[index of the class, scores]`. Prints JSON: for each threshold, with
the background as a class, and once without background, the IoU of each class, their mean, and the confusion matrix.

The definition: scores of all classes are stacked below a constant map of the threshold, the label of a pixel is the
argmax, of which numpy takes the first; TP, P and T are summed over all pictures where the truth is not 255, and the IoU
is TP / (T + P - TP + 1e-10). (DiffSegmenter's evaluation, VCG-team/DiffSegmenter, which iSeg and CLIPer share.)
"""
import json
import sys

import numpy as np


def stacked(picture, classes):
    """The scores of all classes, [classes + 1, height, width]: those that were not asked for are below all others."""
    shape = (picture["height"], picture["width"])
    scores = np.full((classes + 1, *shape), -np.inf, dtype=np.float32)
    for label, numbers in picture["maps"]:
        scores[label] = np.array(numbers, dtype=np.float32).reshape(shape)
    return scores


def outcome(pairs, classes, first):
    """What pairs of a truth and a prediction give; classes before `first` do not count."""
    sums = {key: [0] * (classes + 1) for key in ("P", "T", "TP")}
    confusion = np.zeros((classes + 1, classes + 1), dtype=np.int64)
    for truth, predict in pairs:
        valid = truth < 255
        for index in range(first, classes + 1):
            sums["P"][index] += int(np.sum((predict == index) & valid))
            sums["T"][index] += int(np.sum((truth == index) & valid))
            sums["TP"][index] += int(np.sum((truth == index) & (predict == index) & valid))
        np.add.at(confusion, (truth[valid], predict[valid]), 1)
    ious = [sums["TP"][i] / (sums["T"][i] + sums["P"][i] - sums["TP"][i] + 1e-10) for i in range(first, classes + 1)]
    present = [iou for i, iou in zip(range(first, classes + 1), ious) if sums["T"][i] + sums["P"][i] > 0]
    right = int(np.trace(confusion))
    return {
        "ious": ious,
        "mean": float(np.mean(ious)),
        "present": float(np.mean(present)) if present else 0.0,
        "accuracy": right / max(1, int(confusion.sum())),
        "confusion": confusion.flatten().tolist(),
    }


def main(path):
    with open(path) as file:
        case = json.load(file)
    classes = case["classes"]
    truths = [np.array(p["truth"], dtype=np.int64).reshape(p["height"], p["width"]) for p in case["pictures"]]
    scores = [stacked(p, classes) for p in case["pictures"]]
    answer = {"thresholds": []}
    for threshold in case["thresholds"]:
        predictions = []
        for maps in scores:
            maps = maps.copy()
            maps[0] = np.float32(threshold)
            predictions.append(np.argmax(maps, axis=0))
        answer["thresholds"].append(outcome(list(zip(truths, predictions)), classes, 0))
    pairs = []
    for truth, maps in zip(truths, scores):
        predict = np.where(np.isneginf(maps[1:]).all(axis=0), 0, 1 + np.argmax(maps[1:], axis=0))
        pairs.append((np.where(truth == 0, 255, truth), predict))
    answer["without"] = outcome(pairs, classes, 1)
    print(json.dumps(answer))


main(sys.argv[1])
