"""Where pictures come from: each source lists locations, and one `Reader` reads them all."""

from pipelines.sources.base import Location, Source
from pipelines.sources.dataset import DatasetSource
from pipelines.sources.folder import FolderSource
from pipelines.sources.hub import HubSource
from pipelines.sources.lmdb import LmdbSource
from pipelines.sources.mat import MatSource
from pipelines.sources.parquet import ParquetSource
from pipelines.sources.reading import Reader
from pipelines.sources.recordio import RecordIOSource
from pipelines.sources.sevenzip import SevenZipSource
from pipelines.sources.tar import TarSource
from pipelines.sources.urls import UrlSource
from pipelines.sources.webdataset import WebDatasetSource
from pipelines.sources.zip import ZipSource

__all__ = ["SOURCES", "Location", "Reader", "Source"]

SOURCES: dict[str, type[Source]] = {
    "7z": SevenZipSource,
    "dataset": DatasetSource,
    "folder": FolderSource,
    "hub": HubSource,
    "lmdb": LmdbSource,
    "mat": MatSource,
    "parquet": ParquetSource,
    "recordio": RecordIOSource,
    "tar": TarSource,
    "urls": UrlSource,
    "webdataset": WebDatasetSource,
    "zip": ZipSource,
}
