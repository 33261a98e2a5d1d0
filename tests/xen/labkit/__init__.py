"""The parts of tests/xen/lab: a Xen host inside QEMU. See tests/xen/README.md."""
