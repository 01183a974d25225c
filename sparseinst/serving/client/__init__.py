"""Clients of served models. They need numpy, OpenCV, Pillow and tritonclient, not torch."""

from sparseinst.serving.client.answer import Answer, FileAnswer
from sparseinst.serving.client.front_door import FrontDoorClient
from sparseinst.serving.client.triton import TritonClient

__all__ = ["Answer", "FileAnswer", "FrontDoorClient", "TritonClient"]
