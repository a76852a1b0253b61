"""What may be set about looks at this host itself: its processes, its disks, its memory?"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from healthmon.settings import Settings, Text


def _full_path(path: str) -> str:
    if not path.startswith("/") or "\0" in path:
        raise ValueError("must be a full path, as in '/var/lib'")
    return path


FullPath = Annotated[Text, AfterValidator(_full_path)]
Percent = Annotated[float, Field(gt=0, le=100)]


class ProcessSettings(Settings):
    """Which process has to run, and how much it may use. Several of one name count together."""

    name: Text | None = Field(None, max_length=255, description="What `ps -o comm` or the last part of `ps -o exe` shows: postgres.")
    pid_file: FullPath | None = Field(None, description="File with its pid, instead of name.", validate_default=True)
    max_memory_mb: float | None = Field(None, gt=0, description="More resident memory than this is unhealthy.")
    max_cpu_percent: float | None = Field(None, gt=0, description="More than this of one core, from look to look, is unhealthy; it may be over 100.")

    @field_validator("pid_file")
    @classmethod
    def _one_of_them(cls, pid_file: str | None, info: ValidationInfo) -> str | None:
        if "name" not in info.data:
            return pid_file  # that was wrong, and is told
        if (pid_file is None) == (info.data["name"] is None):
            raise PydanticCustomError("one_of", "or name, one of them, has to say which process is meant")
        return pid_file


class HostSettings(Settings):
    """How full and how busy this host may be. What has no limit is measured all the same."""

    path: FullPath = Field("/", description="A path on the file system that is looked at.")
    max_disk_percent: Percent | None = Field(None, description="A file system that is fuller is unhealthy; as `df` counts.")
    max_inodes_percent: Percent | None = Field(None, description="The same for its inodes.")
    max_memory_percent: Percent | None = Field(None, description="More memory in use, of what there is, is unhealthy.")
    max_load_per_core: float | None = Field(None, gt=0, description="A higher load of 5 minutes, for each core, is unhealthy.")
    max_pressure_percent: Percent | None = Field(None, description="More of the last minute lost waiting for processor, memory or disk is unhealthy.")
