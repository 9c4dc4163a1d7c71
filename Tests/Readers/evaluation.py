"""Evaluates what dseg exported, by numpy, Pillow and scipy alone, and prints the figures as JSON.

    evaluation.py npz ROOT EXPORT CLASSES THRESHOLD...   from masks/*.png and maps/*.npz
    evaluation.py mat ROOT EXPORT CLASSES THRESHOLD...   from maps/*.mat, as DiffSegmenter's published loop does

ROOT is a folder in VOC's layout. For each threshold the mean IoU over all classes and the background, those that are
absent as 0.
"""

import json
import os
import sys

import numpy
import scipy.io
from PIL import Image


def truth_of(root, name):
    with Image.open(os.path.join(root, "SegmentationClass", name + ".png")) as picture:
        assert picture.mode == "P", picture.mode
        return numpy.asarray(picture)


def mask_of(folder, name):
    with Image.open(os.path.join(folder, "masks", name + ".png")) as picture:
        assert picture.mode == "P", picture.mode
        palette = picture.getpalette()
        assert palette[:12] == [0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0], palette[:12]
        return numpy.asarray(picture)


def maps_of(folder, name):
    with numpy.load(os.path.join(folder, "maps", name + ".npz")) as archive:
        assert sorted(archive.files) == ["classes", "maps"]
        classes, maps = archive["classes"], archive["maps"]
    assert classes.dtype == numpy.int32 and maps.dtype == numpy.float32
    assert maps.shape[0] == classes.shape[0] and (numpy.diff(classes) > 0).all()
    assert maps.size == 0 or (maps.min() >= 0 and maps.max() <= 1)
    return classes, maps


def labels_above(classes, maps, size, threshold):
    best = numpy.full(size, numpy.float32(threshold))
    labels = numpy.zeros(size, int)
    for label, scores in zip(classes, maps):
        assert scores.shape == size
        labels = numpy.where(scores > best, label, labels)
        best = numpy.maximum(scores, best)
    return labels


def by_npz(root, folder, names, classes, thresholds):
    """The first threshold is that of the masks."""
    confusions = numpy.zeros((len(thresholds), classes + 1, classes + 1), int)
    for name in names:
        truth = truth_of(root, name)
        found, maps = maps_of(folder, name)
        for place, threshold in enumerate(thresholds):
            labels = labels_above(found, maps, truth.shape, threshold)
            if place == 0:
                assert (mask_of(folder, name) == labels).all(), name
            valid = truth != 255
            numpy.add.at(confusions[place], (truth[valid], labels[valid]), 1)
    return [figures(confusion) for confusion in confusions]


def figures(confusion):
    both = numpy.diag(confusion).astype(float)
    union = confusion.sum(0) + confusion.sum(1) - both
    ious = numpy.divide(both, union, out=numpy.zeros_like(both), where=union > 0)
    present = confusion.sum(1) > 0
    return {
        "mean_iou": ious.mean(),
        "mean_iou_of_present": ious[union > 0].mean(),
        "mean_iou_of_true": ious[present].mean(),
        "pixel_accuracy": both.sum() / confusion.sum(),
        "confusion": confusion.tolist(),
    }


def by_mat(root, folder, names, classes, thresholds):
    """The counters of DiffSegmenter's evaluation: T of the truth, P of the prediction, TP of both."""
    outcomes = []
    for threshold in thresholds:
        T, P, TP = (numpy.zeros(classes + 1) for _ in range(3))
        for name in names:
            truth = truth_of(root, name)
            tensor = numpy.zeros((classes + 1,) + truth.shape, numpy.float32)
            tensor[0] = threshold
            for key, value in scipy.io.loadmat(os.path.join(folder, "maps", name + ".mat")).items():
                if not key.startswith("__"):
                    tensor[int(key) + 1] = value / 255
            predicted = tensor.argmax(0)
            valid = truth < 255
            for label in range(classes + 1):
                P[label] += ((predicted == label) & valid).sum()
                T[label] += ((truth == label) & valid).sum()
                TP[label] += ((truth == label) & (predicted == truth) & valid).sum()
        outcomes.append({"mean_iou": (TP / (T + P - TP + 1e-10)).mean()})
    return outcomes


if __name__ == "__main__":
    way, root, folder, classes, *thresholds = sys.argv[1:]
    names = sorted(name[:-4] for name in os.listdir(os.path.join(folder, "masks")))
    evaluate = {"npz": by_npz, "mat": by_mat}[way]
    json.dump(evaluate(root, folder, names, int(classes), [float(text) for text in thresholds]), sys.stdout)
