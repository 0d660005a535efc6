"""What can go wrong, and who is meant.

`MenderyError` is a bad run: the person who started it must do something, so its text says what was
expected, what came, where, and what to do. `BadPicture` is data: the picture is dropped, its reason
is counted, and the run goes on.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class MenderyError(Exception):
    """Stops the run; the command prints its text without a traceback and exits 1."""


class RecipeError(MenderyError):
    """The recipe asks for something that does not exist or cannot be."""


class SourceVanished(MenderyError):
    """A whole source is gone: going on would drop every good picture in it."""


class BadPicture(Exception):
    """A picture that cannot be used.

    Attributes:
        reason: one of `REASONS`, by which drops are counted.
        detail: what exactly was found, for a person.
        transient: it may be another time; `--retry transient` asks again.
    """

    def __init__(self, reason: str, detail: str = "", transient: bool = False) -> None:
        assert reason in REASONS, reason
        super().__init__(reason, detail, transient)
        self.reason = reason
        self.detail = detail
        self.transient = transient

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}" if self.detail else self.reason


REASONS: dict[str, str] = {
    # Found while listing.
    "unsafe_name": "archive member with an absolute path or '..' in its name",
    "link": "a link inside an archive, or a link that leads nowhere",
    "not_a_file": "device, pipe or socket with a picture's name",
    "encrypted": "encrypted archive, or member of one",
    "unsupported_compression": "archive member in a compression this program does not read",
    "archive_broken": "archive that ends early or cannot be read beyond this point",
    "no_picture": "annotations of a picture that is not there",
    "no_label": "picture for which the corpus's annotations have no line, though they should",
    "bad_label": "annotation that cannot be read: fields missing, or not what they should be",
    "incomplete_sample": "WebDataset sample without a picture",
    "bad_url": "line of a list of URLs that holds none of http or https",
    # Found while reading.
    "unreadable": "file, member or row that cannot be read",
    "too_many_bytes": "more bytes than curate.max_bytes",
    "empty": "no bytes",
    # Found while fetching.
    "fetch_failed": "URL that answers with an error, or whose host cannot be reached",
    "fetch_timeout": "URL that does not answer in time",
    "fetch_refused": "URL that leads to a private address, or is redirected to what is no URL of http or https",
    "opted_out": "picture whose server says in X-Robots-Tag that it is not to be used so",
    # Found while decoding.
    "not_a_picture": "bytes of no picture format that is read",
    "truncated": "picture that ends early",
    "corrupt": "picture whose data is damaged",
    "animated": "more than one frame",
    "unsupported_mode": "pixels of a kind with no agreed meaning as a colour (for example floats)",
    "too_many_pixels": "more pixels than curate.max_pixels",
    # Found by rules.
    "too_small": "shorter side under curate.min_side",
    "aspect_ratio": "longer side over curate.max_aspect times the shorter",
    "borders": "bars or a frame over more of it than quality.max_border_share",
    "near_constant": "more of it of one brightness than quality.max_one_tone",
    "too_dark": "mean brightness under quality.min_brightness",
    "too_bright": "mean brightness over quality.max_brightness",
    "underexposed": "more of it black than quality.max_crushed",
    "overexposed": "more of it white than quality.max_blown",
    "low_contrast": "contrast under quality.min_contrast",
    "greyscale": "less colour than quality.min_chroma",
    "blown_up": "a smaller share of its resolution is real than quality.min_detail_share",
    "blurred": "less sharp than quality.min_sharpness",
    "blocky": "stronger traces of JPEG's blocks than quality.max_blockiness",
    "compressed": "a JPEG of a lower quality than quality.min_jpeg_quality",
    "duplicate": "the same bytes as a picture that is kept",
    "no_guide": "a guide that the recipe asks for is not there",
    "bad_guide": "label map that cannot be read, or is of the wrong kind",
    "no_face": "no face, or fewer than faces.count asks for",
    "face_too_small": "faces under faces.min_size, or that would be enlarged more than image.max_enlarge",
    "too_many_faces": "more faces than faces.count allows",
    "face_cut": "a face cut by the picture's edge, or whose crop would reach further beyond it than image.max_outside",
    "face_turned": "a face turned by more than faces.max_yaw, max_pitch or max_roll",
    "eyes_hidden": "a face with an eye that is closed, turned away or outside the picture",
    "face_blurred": "a face less sharp than faces.min_sharpness",
    "near_duplicate": "a near-duplicate of another picture, of which the one with the most pixels is kept",
    "contaminated": "a near-duplicate of a picture in a dataset that `curate.duplicates.against` names",
    "split_conflict": "another picture of its group stands in another official split, and test sets stay whole",
    "no_official_split": "no official split is declared for it, and the recipe asks for official splits",
    "too_many_of_person": "more pictures of one person than faces.identities.max_pictures",
    "no_balance_label": "a label or number that balance counts by is missing, or copies of the picture differ in it",
    "removed": "removed on request; its digest stands in tombstones.json, and it must not come back",
    "unbalanced": "more of its kind than a balanced dataset has place for",
    # Found while writing.
    "changed": "other bytes than when it was listed",
    "lacking": "not in the copy of its corpus from which the dataset was rebuilt, or there with other bytes",
    "damage_failed": "no damage within the asked ratio was found",
    # Found while publishing.
    "not_publishable": "terms that forbid passing it on, left out of the published part; `mendery gate` says which",
}
"""Every reason for which a picture is dropped, and what it means."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """How a message about an unknown word ends: with the known one that is nearest, else with all of them."""
    known = list(known)
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(known[:20])}"
