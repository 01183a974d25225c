"""Every code of a finding: how grave it is, and what it means. Codes do not change; docs/findings.md is made from here.

error    training must not start
warning  training can start, but what comes out is likely to be worse or wrong than it need be; `--strict` refuses it
note     a fact worth knowing; nothing needs to be done
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias

Severity: TypeAlias = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


class Code(NamedTuple):
    severity: Severity
    meaning: str


CODES: Mapping[str, Code] = {
    # The file as text
    "JSON-ENCODING": Code("error", "the file is not UTF-8 text, or is an archive"),
    "JSON-BOM": Code("note", "the file begins with a byte order mark, which JSON does not have"),
    "JSON-SYNTAX": Code("error", "the text is not JSON there, or ends too early"),
    "JSON-DEPTH": Code("error", "lists in lists without end"),
    "JSON-KEY-TWICE": Code("error", "a part of the file is there twice"),
    # The schema
    "JSON-TYPE": Code("error", "a part is missing, or is not of the type that COCO says"),
    "ID-MISSING": Code("error", "an image, category or annotation has no id"),
    "ID-RANGE": Code("error", "an id that does not fit into 64 bits"),
    "ID-TWICE": Code("error", "two images, annotations or categories share an id"),
    "ANN-ID-ZERO": Code("warning", "an annotation with id 0, which COCO's evaluation takes for 'no match'"),
    # Categories
    "CAT-NONE": Code("error", "there are no categories"),
    "CAT-UNKNOWN": Code("error", "an annotation of a category that is not in the file"),
    "CAT-NAME-TWICE": Code("warning", "two categories have the same name"),
    "CAT-NAME-ALIKE": Code("warning", "two names differ only in case, or a name has spaces around it"),
    "CAT-GAP": Code("note", "the category ids are not 1, 2, 3, …; class indices are places in the sorted list"),
    "CAT-EMPTY": Code("note", "a class without a single object"),
    "CAT-SPLIT": Code("error", "train and val do not have the same categories"),
    "CAT-VAL-ONLY": Code("warning", "a class that val shows and train does not"),
    # Images as the file describes them
    "IMG-NONE": Code("error", "there are no images"),
    "IMG-UNKNOWN": Code("error", "an annotation of an image that is not in the file"),
    "IMG-NAME": Code("error", "a file name that no file can have"),
    "IMG-NAME-OUT": Code("warning", "a file name that is absolute or leads out of the data set's folder"),
    "IMG-NAME-TWICE": Code("warning", "two images are the same file"),
    "IMG-EMPTY": Code("note", "an image without annotations"),
    "IMG-MANY": Code("note", "more than 100 objects in an image: more than the published models can find"),
    # Image files
    "IMG-FILE": Code("error", "an image file that is not there, or that several files could be"),
    "IMG-TRUNCATED": Code("error", "an image file that ends too early"),
    "IMG-UNDECODABLE": Code("error", "a file that is no image, or a damaged one"),
    "IMG-FLOAT": Code("error", "pixels are floating-point numbers, which have no natural 8-bit form"),
    "IMG-SIZE": Code("error", "the file's width and height are not those that the annotations say"),
    "IMG-EXIF-SIZE": Code("error", "annotated without the rotation that the EXIF data asks for"),
    "IMG-EXIF": Code("note", "the EXIF data rotates or mirrors the picture; this is applied"),
    "IMG-GREY": Code("note", "a greyscale image; it becomes RGB"),
    "IMG-CMYK": Code("note", "a CMYK image; it becomes RGB, colours may shift"),
    "IMG-16BIT": Code("note", "16 bits a channel; the upper 8 are used"),
    "IMG-ALPHA": Code("note", "an alpha channel or a transparent colour; it is dropped"),
    "IMG-ANIMATED": Code("warning", "several frames; only the first is used"),
    "IMG-FORMAT": Code("note", "the file's name says another format than its content"),
    "IMG-TWICE": Code("warning", "the same picture as another image of this split"),
    "IMG-LEAK": Code("warning", "the same picture is in train and in val: the score will be too good"),
    "IMG-ORPHAN": Code("note", "image files that no annotation file names"),
    # Annotations
    "ANN-NONE": Code("warning", "there are no annotations"),
    "ANN-CROWD": Code("error", "iscrowd is neither 0 nor 1"),
    "ANN-CROWD-POLYGON": Code("note", "a crowd region drawn as polygons, where COCO has RLE; it is used as it is"),
    "ANN-AREA-TYPE": Code("error", "the area is no number from 0 up"),
    "ANN-AREA": Code("note", "the area that is written is off by more than 20 % from the mask's"),
    "ANN-AREA-NONE": Code("note", "annotations without an area; ingest computes it from the mask"),
    "ANN-BOX-TYPE": Code("error", "the box is not four numbers [x, y, width, height]"),
    "ANN-BOX": Code("note", "the box that is written is off by more than 4 pixels from the mask's"),
    "ANN-BOX-CORNERS": Code("warning", "the box is written as two corners, not as [x, y, width, height]"),
    "ANN-BOX-NONE": Code("note", "annotations without a box; ingest computes it from the mask"),
    "ANN-TWICE": Code("warning", "the same object twice: same image, class and mask"),
    "ANN-MASK-TWICE": Code("warning", "one mask with two classes"),
    # Segmentations
    "SEG-MISSING": Code("error", "an annotation without a mask; boxes alone cannot be learnt from"),
    "SEG-EMPTY": Code("error", "no polygon, or an RLE without a pixel"),
    "SEG-TYPE": Code("error", "neither a list of polygons nor an RLE object"),
    "SEG-NUMBER": Code("error", "something that is not a finite number"),
    "SEG-POLY-ODD": Code("error", "an x without its y"),
    "SEG-POLY-SHORT": Code("error", "a polygon with fewer than 3 points"),
    "SEG-FAR": Code("error", "coordinates so far outside the image that they cannot be meant"),
    "SEG-OUTSIDE": Code("warning", "a polygon leaves the image by more than 1 pixel; the part outside is cut off"),
    "SEG-NO-PIXEL": Code("warning", "polygons that cover no pixel; the object is left out of training"),
    "SEG-NORMALISED": Code("warning", "all coordinates lie within 0 and 1: fractions of the image, not pixels"),
    "SEG-ALL-NORMALISED": Code("error", "most masks are written in fractions of the image, not in pixels"),
    "SEG-BOX": Code("note", "the mask is an upright rectangle: perhaps a box, not an outline"),
    "SEG-BOXES": Code("warning", "most masks are upright rectangles: boxes, not outlines"),
    "SEG-PART-TWICE": Code("note", "the same polygon twice in one annotation"),
    "SEG-HOLE": Code("note", "a polygon inside another one of the same object; COCO's union fills it, it is no hole"),
    "SEG-FULL": Code("note", "the mask covers the whole image"),
    "SEG-RLE-SIZE": Code("error", "an RLE whose size is not the image's"),
    "SEG-RLE-COUNTS": Code("error", "counts that are damaged, or do not fill the image"),
    # Detections (COCO results)
    "DET-KEYS": Code("error", "a detection without image_id, category_id, score or segmentation"),
    "DET-MASK-NONE": Code("error", "a detection with a box or keypoints, but without a mask"),
    "DET-SCORE": Code("error", "a score that is not a finite number"),
    "DET-BOX": Code("error", "the box of a detection is not four numbers [x, y, width, height]"),
    "DET-SCORE-RANGE": Code("note", "a score below 0 or above 1; detections are ranked by it all the same"),
    "DET-TWICE": Code("note", "the same detection twice: same image, class, score and mask"),
    "DET-NONE": Code("note", "there are no detections"),
}
