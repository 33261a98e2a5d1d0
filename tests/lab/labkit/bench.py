"""What the benchmarks that run in the lab share (bench)."""

import argparse
import contextlib
import pathlib

from . import arch, image, qemu
from .util import BUILD_DIR


def add_options(parser, memory):
    """--build-dir, --arch and --memory; memory: the default, MiB."""
    parser.add_argument("--arch", choices=sorted(arch.ARCHITECTURES), default=arch.NATIVE,
                        help=f"of the Xen host (default: {arch.NATIVE})")
    parser.add_argument("--build-dir", type=pathlib.Path, help="of the lab", default=BUILD_DIR)
    parser.add_argument("--memory", type=int, default=memory, metavar="MIB",
                        help=f"of a lab that is started for this (default: {memory})")


@contextlib.contextmanager
def lab(tree, memory):
    """The lab that is up, or one of its own while the block runs."""
    if qemu.state(tree) is not None:
        yield
        return
    image.build(tree)
    qemu.up(tree, argparse.Namespace(memory=memory, accel="auto", dns_port=None, http_port=None,
                                     die_with_parent=True))
    try:
        yield
    finally:
        qemu.down(tree, limit=0)
