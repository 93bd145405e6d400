"""Cuts the small data file of this example out of CIFAR-10: the first images of every class, pixel by pixel as published.

    python make_sample.py --batch data_batch_1.bin   # a file of the binary version of CIFAR-10
"""
import argparse
from pathlib import Path

import numpy as np

DATA = Path(__file__).parent / "data"
PER_CLASS = 20


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=Path, required=True, help="records of one label byte and 3 x 32 x 32 pixel bytes")
    records = np.fromfile(parser.parse_args().batch, np.uint8).reshape(-1, 3073)
    # one of each class in turn, so that any first part of the sample is balanced
    chosen = np.stack([np.flatnonzero(records[:, 0] == label)[:PER_CLASS] for label in range(10)], axis=1).reshape(-1)
    DATA.mkdir(exist_ok=True)
    target = DATA / "sample.npz"
    np.savez_compressed(target, images=records[chosen, 1:].reshape(-1, 3, 32, 32), labels=records[chosen, 0].astype(np.int64))
    print(target.name, target.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
