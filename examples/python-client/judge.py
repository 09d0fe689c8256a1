"""python judge.py MODEL FOLDER: a line for each photograph; exit code 3 where one is anomalous."""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime as ort
from PIL import Image, ImageOps

EXTENSIONS = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff"}


class Detector:
    """A detector file: resizing and normalisation are inside of it."""

    def __init__(self, path: str) -> None:
        self.session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
        self.manifest = json.loads(self.session.get_modelmeta().custom_metadata_map["cflow"])
        self.threshold = self.manifest["calibration"]["threshold"]

    def detect(self, path: Path) -> tuple[float, np.ndarray]:
        """Score and anomaly map [S, S] of a photograph of any size."""
        photo = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
        feeds = {"image": np.asarray(photo)[None]}
        anomaly_map, score = self.session.run(["anomaly_map", "score"], feeds)
        return float(score[0]), anomaly_map[0]


def main(model: str, folder: str) -> int:
    detector = Detector(model)
    anomalous = 0
    for path in sorted(p for p in Path(folder).iterdir() if p.suffix.lower() in EXTENSIONS):
        score, _ = detector.detect(path)
        is_anomalous = score > detector.threshold
        anomalous += is_anomalous
        print(f"{'ANOMALOUS' if is_anomalous else 'good     '} {score:.3f} {path.name}")
    return 3 if anomalous else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
