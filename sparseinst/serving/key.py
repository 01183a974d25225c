"""The key that a server with restricted protocols wants to hear."""

from __future__ import annotations

# Triton's --grpc-restricted-protocol=…:NAME=VALUE; a client sends the value in the header triton-grpc-protocol-NAME.
KEY_NAME = "sparseinst"
KEY_HEADER = f"triton-grpc-protocol-{KEY_NAME}"
KEY_VARIABLE = "SPARSEINST_TRITON_KEY"
