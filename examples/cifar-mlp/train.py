"""Trains small ReLU networks on CIFAR-10.

    python train.py --images cifar10_jpg_train.tar --test cifar10_jpg_test.tar --seeds 0 1 2
    python train.py --evaluate      # reads the checkpoint and prints its accuracy on the images in data/

The images lie in class folders (airplane/0001.jpg, ...), either on disk or inside a tar archive.
"""
import argparse
import io
import tarfile
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from PIL import Image

HERE = Path(__file__).parent
CHECKPOINTS = HERE / "checkpoints"


class MLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(3072, 100)
        self.fc2 = nn.Linear(100, 100)
        self.fc3 = nn.Linear(100, 10)

    def forward(self, x):
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.fc3(x)


def files(path):
    """Yields (class name, encoded image) for every image of a folder or a tar archive."""
    if path.is_dir():
        for image in sorted(path.glob("*/*.jpg")):
            yield image.parent.name, image.read_bytes()
        return
    with tarfile.open(path) as archive:
        for member in archive:
            if member.name.endswith(".jpg"):
                yield Path(member.name).parent.name, archive.extractfile(member).read()


def normalize(pixels):
    """Bytes [count, 3072] -> the numbers the network sees."""
    return (pixels.float() / 255 - 0.5) / 0.25


def read_images(path):
    """Images [count, 3072] in the order channel, row, column, and their class: its rank in the alphabet."""
    names, pixels = [], []
    for name, content in files(path):
        image = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
        names.append(name)
        pixels.append(image.transpose(2, 0, 1).reshape(-1))
    ranks = {name: rank for rank, name in enumerate(sorted(set(names)))}
    return normalize(torch.from_numpy(np.stack(pixels))), torch.tensor([ranks[name] for name in names])


def accuracy(model, images, labels):
    with torch.no_grad():
        return (model(images).argmax(-1) == labels).float().mean().item()


def train(model, images, labels, epochs, batch_size=64):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for epoch in range(epochs):
        order = torch.randperm(len(images))
        for batch in order.split(batch_size):
            loss = F.cross_entropy(model(images[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()
        print(f"epoch {epoch + 1:2d}  loss of the last batch {loss.item():.4f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, help="training images: a folder of class folders, or a tar archive of one")
    parser.add_argument("--test", type=Path, help="test images, likewise")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--evaluate", action="store_true", help="read the checkpoint instead of training")
    args = parser.parse_args()

    torch.set_num_threads(1)
    if args.evaluate:
        model = MLP()
        model.load_state_dict(torch.load(HERE / "checkpoints" / "mlp-seed0.pt", map_location="cpu"))
        sample = np.load(HERE / "data" / "sample.npz")
        images, labels = torch.from_numpy(sample["images"]).reshape(-1, 3072), torch.from_numpy(sample["labels"])
        print(f"accuracy on data/: {accuracy(model, normalize(images), labels):.4f}")
        return
    if args.images is None or args.test is None:
        parser.error("--images and --test are needed for training")
    images, labels = read_images(args.images)
    test = read_images(args.test)
    CHECKPOINTS.mkdir(exist_ok=True)
    for seed in args.seeds:
        torch.manual_seed(seed)
        model = MLP()
        train(model, images, labels, args.epochs)
        torch.save(model.state_dict(), CHECKPOINTS / f"mlp-seed{seed}.pt")
        print(f"seed {seed}: training accuracy {accuracy(model, images, labels):.4f}, test accuracy {accuracy(model, *test):.4f}", flush=True)


if __name__ == "__main__":
    main()
