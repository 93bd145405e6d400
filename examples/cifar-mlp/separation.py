"""Measures how well single features tell animals from vehicles, and each class from the others, in an analysis of one of these networks.

    python separation.py --result .lib-lens/KEY.libresult --model checkpoints/mlp-seed0.pt --images cifar10_jpg_train.tar --test cifar10_jpg_test.tar

For every layer and basis (LIB, PCA, neurons) the feature that separates best on 2,000 training images is taken, and its area under the curve (AUC, 0.5
for chance, 1 for a threshold that separates without error) is measured on all test images. Choosing and measuring on different images keeps
a layer of many features from looking good by chance.
"""
import argparse
import json
from pathlib import Path

import numpy as np
import torch

from train import MLP, read_images

CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
VEHICLES = [0, 1, 8, 9]
CHOSEN_ON = 2000


def read_result(path):
    """The tensors of a .libresult file, which is a safetensors file."""
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        start = file.tell()
        tensors = {}
        for name, about in header.items():
            if name.split("/")[0] in ("mean", "gram", "C"):
                begin, end = about["data_offsets"]
                file.seek(start + begin)
                tensors[name] = np.frombuffer(file.read(end - begin), np.float64).reshape(about["shape"])
    return tensors


def layers_of(model, images):
    """Activations [count, width] that enter each affine layer."""
    with torch.no_grad():
        first = torch.relu(model.fc1(images))
        second = torch.relu(model.fc2(first))
    return [layer.double().numpy() for layer in (images, first, second)]


def ranks_of(features):
    """Rank of every value within its feature [count, features]; equal values (neurons that are off) share their mean rank."""
    ranks = np.empty(features.shape)
    for feature, own in zip(features.T, ranks.T):
        _, index, counts = np.unique(feature, return_inverse=True, return_counts=True)
        own[:] = (np.cumsum(counts) - (counts - 1) / 2)[index]
    return ranks


def auc(ranks, positive):
    """Area under the curve of every feature, whichever sign it has."""
    count = positive.sum()
    area = (ranks[positive].sum(axis=0) - count * (count + 1) / 2) / (count * (len(ranks) - count))
    return np.maximum(area, 1 - area)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--result", type=Path, required=True, help="a .libresult file of the model")
    parser.add_argument("--model", type=Path, required=True, help="the checkpoint that was analysed")
    parser.add_argument("--images", type=Path, required=True, help="training images, as for train.py")
    parser.add_argument("--test", type=Path, required=True, help="test images, likewise")
    args = parser.parse_args()

    torch.set_num_threads(1)
    tensors = read_result(args.result)
    model = MLP()
    model.load_state_dict(torch.load(args.model, map_location="cpu"))
    images, labels = read_images(args.images)
    some = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))[:CHOSEN_ON]
    test_images, test_labels = read_images(args.test)
    chosen_on, measured_on = layers_of(model, images[some]), layers_of(model, test_images)
    labels, test_labels = labels[some].numpy(), test_labels.numpy()

    print("layer     basis    features  animals from vehicles (feature)  one class from the others: mean, best, worst")
    for layer, (x, y) in enumerate(zip(chosen_on, measured_on)):
        mean, C = tensors[f"mean/{layer}"][:-1], tensors[f"C/{layer}"]
        kept = C.shape[1] - 1  # the first feature is the constant
        principal = np.linalg.eigh(tensors[f"gram/{layer}"][:-1, :-1])[1][:, ::-1][:, :kept]
        for basis, directions in (("LIB", C[:-1, 1:]), ("PCA", principal), ("neurons", None)):
            first, second = ((z if directions is None else (z - mean) @ directions) for z in (x, y))
            ranks = ranks_of(first)

            def best(wanted):
                """The feature that separates these classes best on the first images, and its AUC on the others."""
                feature = int(np.argmax(auc(ranks, np.isin(labels, wanted))))
                return feature, auc(ranks_of(second[:, [feature]]), np.isin(test_labels, wanted))[0]

            feature, area = best(VEHICLES)
            classes = [best([own])[1] for own in range(len(CLASSES))]
            high, low = int(np.argmax(classes)), int(np.argmin(classes))
            shown = feature + (basis != "neurons")  # the constant is feature 0
            print(
                f"layers.{layer}  {basis:8} {first.shape[1]:8}  {area:.3f} ({shown})".ljust(61)
                + f"{np.mean(classes):.3f}, {classes[high]:.3f} {CLASSES[high]}, {classes[low]:.3f} {CLASSES[low]}",
                flush=True,
            )


if __name__ == "__main__":
    main()
