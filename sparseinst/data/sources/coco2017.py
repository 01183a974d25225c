"""COCO 2017 by its name: the official archives, with the SHA-256 of each.

Sizes in bytes: train2017.zip 19 336 861 798 (118 287 images), val2017.zip 815 585 330 (5 000 images),
annotations_trainval2017.zip 252 907 541. Source of the addresses, sizes and hashes: tensorflow/datasets 333639b,
tensorflow_datasets/url_checksums/coco.txt. The server's https certificate is another host's, so plain http is used;
the hashes make up for it.
"""

from __future__ import annotations

NAME = "coco2017"

_SERVER = "http://images.cocodataset.org"

ARCHIVES = (
    f"{_SERVER}/annotations/annotations_trainval2017.zip"
    "#sha256=113a836d90195ee1f884e704da6304dfaaecff1f023f49b6ca93c4aaae470268",
    f"{_SERVER}/zips/val2017.zip#sha256=4f7e2ccb2866ec5041993c9cf2a952bbed69647b115d0f74da7ce8f4bef82f05",
    f"{_SERVER}/zips/train2017.zip#sha256=69a8bb58ea5f8f99d24875f21416de2e9ded3178e903f1f7603e283b9e06d929",
)
