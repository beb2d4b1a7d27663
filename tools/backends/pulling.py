"""Fetching a model's weights from the hub: what it would take, then the files, going on where it was interrupted.

The hub's own library drops half a file when its process ends, and hashes nothing. Files that the hub keeps by their
SHA-256, which are the large ones, are therefore streamed here: half a file stays, the next call asks for the rest of
it, and the whole is held to its hash. The library then fetches what is small and lays the snapshot out.
"""

from __future__ import annotations

import glob
import hashlib
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kinograph import disk
from kinograph.errors import BadInput, Damaged, ProductionBusy, StorageError, Unreachable
from kinograph.tools.backends.forms import File, lone_pickle, wanted
from kinograph.tools.backends.soundness import PICKLES, check_safetensors, contents
from kinograph.tools.backends.weights import cache_folder, hub_id

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo

SPARE = 1 << 28
"""Bytes of the disk that are left free."""
CHUNK = 1 << 20
TRIES = 5
"""Attempts for a file in a row that bring nothing."""
NOTES = Path(".cache") / "huggingface"
"""Folder in which the hub's library notes what it fetched into a folder of its own."""

OnProgress = Callable[[str, int], None]
"""on_progress(name of the file at hand, bytes that are here of all)"""


class Offer(NamedTuple):
    """What a pull would fetch, and where to."""

    repo: str
    revision: str
    """As asked: a branch, a tag or a commit."""
    commit: str
    files: tuple[File, ...]
    license: str
    """As the repo says it; may be empty."""
    gated: bool
    folder: Path
    """Where it goes: the repo's place in the hub's cache, or a folder of its own."""
    own: bool
    """The folder is not in the cache."""

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    @property
    def here(self) -> int:
        """Bytes of it that are on this machine."""
        return sum(_size(place) if (place := self._present(file)) else _size(self.half(file)) for file in self.files)

    @property
    def free(self) -> int:
        """Bytes free on the disk it goes to. Raises StorageError."""
        spot = self.folder
        with disk.storage(spot):
            while not spot.exists():
                spot = spot.parent
            return shutil.disk_usage(spot).free

    def place(self, file: File) -> Path:
        """Where the content of a file lies when it is here."""
        if self.own:
            return self.folder / file.name
        return self.folder / "blobs" / file.sha256 if file.sha256 else self._linked(file)

    def half(self, file: File) -> Path:
        """Where a large file grows; the hub's own tools know the ending as one that may be cleaned up."""
        place = self.place(file)
        return place.with_name(f"{place.name}.{file.sha256}.incomplete" if self.own else f"{place.name}.incomplete")

    def _linked(self, file: File) -> Path:
        return self.folder / "snapshots" / self.commit / file.name

    def _present(self, file: File) -> Path | None:
        places = (self.place(file), self._linked(file))
        return next((place for place in places if place.is_file() and place.stat().st_size == file.size), None)


def offer(source: str, to: Path | None = None, pickles: bool = False) -> Offer:
    """Asks the hub what the weights of "owner/name" or "owner/name@revision" are; fetches nothing.

    Raises BadInput for a source that is no hub id or unknown there, for a gated repo, and for weights that are
    there as pickles only; Unreachable when the hub does not answer.
    """
    if (asked := hub_id(source)) is None:
        raise BadInput(f"{source!r} is no hub id, such as owner/name, so there is nothing to fetch")
    repo, revision = asked[0], asked[1] or "main"
    with _asking(repo):
        from huggingface_hub import HfApi

        info = HfApi().model_info(repo, revision=revision, files_metadata=True, timeout=30)
    files = tuple(wanted(_listed(info), pickles))
    if not pickles and (lone := lone_pickle(_listed(info))):
        raise BadInput(
            f"{source} has {lone!r} as a pickle only, which may run code when it is loaded; "
            "`pickles = true` in the model's options allows it"
        )
    if not any(file.name.endswith((".safetensors", *PICKLES)) for file in files):
        raise BadInput(f"{source} has no weights in safetensors")
    folder = _own_folder(to) if to is not None else cache_folder(repo)
    told = str((info.card_data.to_dict() if info.card_data else {}).get("license") or "")
    return Offer(repo, revision, str(info.sha), files, told, bool(info.gated), folder, to is not None)


def _own_folder(to: Path) -> Path:
    """A folder to fetch into: new, empty, or begun by an earlier pull; nothing else is written over."""
    folder = to.expanduser().absolute()
    if folder.is_dir() and any(folder.iterdir()) and not (folder / NOTES).is_dir():
        raise BadInput(f"{str(folder)!r} is neither empty nor begun by an earlier pull{contents(folder)}")
    return folder


def fetch(offered: Offer, on_progress: OnProgress) -> Path:
    """Fetches what is not here yet and gives the folder of the weights; may be interrupted and called again.

    Raises StorageError when the disk has no room, ProductionBusy when another process fetches it, Damaged when what
    came is not what the hub promised, BadInput for a gated repo, Unreachable when the hub falls silent.
    """
    lacking = offered.size - offered.here
    if lacking > 0 and lacking + SPARE > offered.free:
        raise StorageError(
            f"{lacking / 2**30:.1f} GB of {offered.repo} are to be fetched, and {offered.free / 2**30:.1f} GB are free "
            f"in {str(offered.folder)!r}; free some, or name another folder with --to"
        )
    with disk.storage(offered.folder), _asking(offered.repo), _alone(offered):
        for file in offered.files:
            if file.sha256 and not _whole(offered.place(file), file):
                _stream(offered, file, on_progress)
        return _lay_out(offered)


def _listed(info: ModelInfo) -> list[File]:
    files = [File(one.rfilename, one.size or 0, one.lfs.sha256 if one.lfs else None) for one in info.siblings or ()]
    return [file for file in files if _harmless(file)]


def _harmless(file: File) -> bool:
    """Whether name and hash, which become paths, stay within a folder: they are what a server says."""
    inside = not file.name.startswith("/") and "\\" not in file.name and ".." not in file.name.split("/")
    return inside and (file.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", file.sha256) is not None)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _whole(place: Path, file: File) -> bool:
    """Whether a file is here; one that is damaged is removed, so that it is fetched anew."""
    if not place.is_file():
        return False
    try:
        if place.stat().st_size != file.size:
            raise Damaged(f"{str(place)!r} is cut short")
        if file.name.endswith(".safetensors"):
            check_safetensors(place)
    except Damaged:
        place.unlink()
        return False
    return True


def _stream(offered: Offer, file: File, on_progress: OnProgress) -> None:
    """Streams a file until it is whole, going on after every break that comes later than the one before it."""
    import httpx2

    half, place = offered.half(file), offered.place(file)
    disk.folder(half.parent)
    half.touch()
    before = offered.here - _size(half)
    tries = TRIES
    while (had := _size(half)) < file.size:
        try:
            _ask_for_rest(offered, file, half, lambda: on_progress(file.name, before + _size(half)))
        except httpx2.TransportError:
            tries = TRIES if _size(half) > had else tries - 1
            if not tries:
                raise
            time.sleep(1)
        else:
            if _size(half) <= had:
                break  # the hub has no more of it; the hash tells
    with half.open("rb") as opened:
        found = hashlib.file_digest(opened, "sha256").hexdigest()
    if found != file.sha256:
        half.unlink()
        raise Damaged(f"{file.name} came with SHA-256 {found[:12]}…, not {str(file.sha256)[:12]}…; fetch it again")
    disk.flush(half)
    half.replace(place)


def _ask_for_rest(offered: Offer, file: File, half: Path, on_more: Callable[[], None]) -> None:
    from huggingface_hub import constants, get_session, hf_hub_url
    from huggingface_hub.utils import build_hf_headers, hf_raise_for_status

    url = hf_hub_url(offered.repo, file.name, revision=offered.commit)
    had = _size(half)
    headers = build_hf_headers() | {"Accept-Encoding": "identity"} | ({"Range": f"bytes={had}-"} if had else {})
    timeout = constants.HF_HUB_DOWNLOAD_TIMEOUT
    with get_session().stream("GET", url, headers=headers, timeout=timeout) as response, half.open("ab") as grows:
        if response.is_error:
            response.read()
        hf_raise_for_status(response)
        if had and response.status_code != 206:  # the whole file comes, though its rest was asked for
            grows.truncate(0)
        for chunk in response.iter_bytes(CHUNK):
            grows.write(chunk)
            grows.flush()
            on_more()


def _lay_out(offered: Offer) -> Path:
    """Has the library fetch the small files, and link a snapshot to what is there."""
    from huggingface_hub import snapshot_download

    folder = snapshot_download(
        offered.repo,
        revision=offered.commit if offered.own else offered.revision,
        local_dir=offered.folder if offered.own else None,
        allow_patterns=[glob.escape(file.name) for file in offered.files],
        max_workers=4,
    )
    return Path(folder)


@contextmanager
def _alone(offered: Offer) -> Iterator[None]:
    """One process at a time fetches a repo to a place."""
    from filelock import FileLock, Timeout

    own, folder = offered.own, offered.folder
    lock = FileLock(
        disk.folder(folder / NOTES if own else folder.parent / ".locks" / folder.name) / "pull.lock", timeout=0
    )
    try:
        with lock:
            yield
    except Timeout as error:
        raise ProductionBusy(f"another process is fetching {offered.repo}") from error


@contextmanager
def _asking(repo: str) -> Iterator[None]:
    """Keeps the hub's library quiet, and turns what it raises into our own errors of one line."""
    import httpx2
    from huggingface_hub import constants, errors
    from huggingface_hub.utils import disable_progress_bars, logging

    logging.set_verbosity_error()
    disable_progress_bars()
    constants.HF_HUB_DISABLE_XET = True  # its transfers start over when they are interrupted
    hub = constants.ENDPOINT
    try:
        yield
    except errors.GatedRepoError as error:
        raise BadInput(
            f"{repo} is gated: accept its terms at {hub}/{repo}, then log in with: hf auth login (or set HF_TOKEN)"
        ) from error
    except errors.RevisionNotFoundError as error:
        raise BadInput(f"{repo} has no such revision on {hub}") from error
    except errors.RepositoryNotFoundError as error:
        raise BadInput(f"{hub} knows no repo {repo!r}, or shows it only after: hf auth login") from error
    except errors.OfflineModeIsEnabled as error:
        raise BadInput("HF_HUB_OFFLINE is set, so nothing can be fetched; unset it") from error
    except errors.HfHubHTTPError as error:
        status = error.response.status_code
        raise Unreachable(f"{hub} answers {status}; try again later") from error
    except (httpx2.HTTPError, httpx2.InvalidURL, errors.LocalEntryNotFoundError) as error:
        words = " ".join(str(error).split())[:120] or type(error).__name__
        raise Unreachable(f"{hub} cannot be reached: {words}") from error
