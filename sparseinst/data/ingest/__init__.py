"""From annotated images anywhere to a dataset directory, which every later stage reads.

OUTPUT/images/{train,val}/…, OUTPUT/annotations/{train,val}.json with `file_name` relative to images/,
OUTPUT/manifest.json, OUTPUT/report.html and OUTPUT/findings.jsonl. The directory appears when it is complete.
"""

from sparseinst.data.ingest.run import SAMPLE, ingest
from sparseinst.data.ingest.settings import IngestResult, IngestSettings, settings_from

__all__ = ["SAMPLE", "IngestResult", "IngestSettings", "ingest", "settings_from"]
