"""The parts of tests/lab/lab: a Xen host inside QEMU. See tests/lab/README.md."""
