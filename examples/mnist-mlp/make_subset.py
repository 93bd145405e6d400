"""Cuts the small data files of this example out of MNIST: the first images of the training and of the test set.

    python make_subset.py --mnist FOLDER
"""
import argparse
import gzip
from pathlib import Path

DATA = Path(__file__).parent / "data"
PARTS = {"train": ("train2k", 2000), "t10k": ("test1k", 1000)}


def cut(source, target, count, item_bytes, axes):
    """Keeps the first `count` items of an idx.gz file: same header, smaller first axis."""
    with gzip.open(source, "rb") as file:
        header = file.read(4 + 4 * axes)
        body = file.read(count * item_bytes)
    shortened = header[:4] + count.to_bytes(4, "big") + header[8:]
    # no time stamp and no name inside, so that the same input gives the same bytes
    target.write_bytes(gzip.compress(shortened + body, compresslevel=9, mtime=0))
    print(target.name, target.stat().st_size, "bytes")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mnist", type=Path, required=True, help="folder with the four idx.gz files of MNIST")
    folder = parser.parse_args().mnist
    DATA.mkdir(exist_ok=True)
    for name, (new_name, count) in PARTS.items():
        cut(folder / f"{name}-images-idx3-ubyte.gz", DATA / f"{new_name}-images-idx3-ubyte.gz", count, 28 * 28, axes=3)
        cut(folder / f"{name}-labels-idx1-ubyte.gz", DATA / f"{new_name}-labels-idx1-ubyte.gz", count, 1, axes=1)


if __name__ == "__main__":
    main()
