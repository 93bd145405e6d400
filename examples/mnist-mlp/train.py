"""Trains a small ReLU network on MNIST.

    python train.py --mnist FOLDER  # the four idx.gz files of MNIST; under a minute on one core
    python train.py --evaluate      # reads the checkpoint and prints its accuracy on the 2,000 images in data/
"""
import argparse
import gzip
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

HERE = Path(__file__).parent
CHECKPOINT = HERE / "checkpoints" / "mlp.pt"


class MLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(784, 100)
        self.fc2 = nn.Linear(100, 100)
        self.fc3 = nn.Linear(100, 10)

    def forward(self, x):
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.fc3(x)


def read_idx(path):
    """An array in MNIST's own format: two zero bytes, a type, the number of axes, their lengths, the bytes."""
    with gzip.open(path, "rb") as file:
        content = file.read()
    axes = content[3]
    shape = np.frombuffer(content, ">i4", axes, 4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape)


def read_images(folder, name):
    images = torch.from_numpy(read_idx(folder / f"{name}-images-idx3-ubyte.gz").copy())
    labels = torch.from_numpy(read_idx(folder / f"{name}-labels-idx1-ubyte.gz").copy())
    return images.reshape(len(images), 784).float() / 255, labels.long()


def accuracy(model, images, labels):
    with torch.no_grad():
        return (model(images).argmax(-1) == labels).float().mean().item()


def train(model, images, labels, epochs=12, batch_size=64):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(epochs):
        order = torch.randperm(len(images))
        for batch in order.split(batch_size):
            loss = F.cross_entropy(model(images[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch + 1:2d}  loss of the last batch {loss.item():.4f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mnist", type=Path, help="folder with the four idx.gz files of MNIST")
    parser.add_argument("--evaluate", action="store_true", help="read the checkpoint instead of training")
    args = parser.parse_args()

    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = MLP()
    if args.evaluate:
        model.load_state_dict(torch.load(CHECKPOINT, map_location="cpu"))
        print(f"accuracy on data/: {accuracy(model, *read_images(HERE / 'data', 'train2k')):.4f}")
        return
    if args.mnist is None:
        parser.error("--mnist FOLDER is needed for training")
    train(model, *read_images(args.mnist, "train"))
    CHECKPOINT.parent.mkdir(exist_ok=True)
    torch.save(model.state_dict(), CHECKPOINT)
    print(f"test accuracy {accuracy(model, *read_images(args.mnist, 't10k')):.4f}")


if __name__ == "__main__":
    main()
