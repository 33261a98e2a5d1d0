"""What the lab's tests are written with; all of it runs inside dom0, on python3 alone."""
