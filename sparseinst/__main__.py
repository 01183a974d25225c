"""`python -m sparseinst` is the command `sparseinst`."""

from sparseinst.cli import main

main()
