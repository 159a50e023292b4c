"""IDX files, as MNIST has them, for tests that need a data set."""
import struct


def write(folder, part, shape, images, labels):
    """Writes the bytes of images and of their labels; `part` is train or t10k."""
    for name, magic, dims, content in (("images-idx3", 2051, shape, images),
                                       ("labels-idx1", 2049, shape[:1], labels)):
        head = struct.pack(f">{1 + len(dims)}I", magic, *dims)
        (folder / f"{part}-{name}-ubyte").write_bytes(head + content)
