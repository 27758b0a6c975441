"""The fields of requests, with the names, ranges and defaults that clients know."""

import datetime
from typing import Annotated, Literal

from fastapi import UploadFile
from pydantic import AfterValidator, BaseModel, Field, model_validator

from plantlab.identify.tiles import Tiling
from plantlab.predictions.quadrats import RANKS
from plantlab.service.contract import LANGUAGES

LEAST_TILE = 518  # pixels: Pl@ntNet takes no smaller tiles
LARGEST = 100_000  # pixels along a side


def _known_language(code: str) -> str:
    """Return the code of a language, without a country."""
    language = code.lower()
    language = language if language in LANGUAGES else language.replace("_", "-").split("-")[0]
    if language not in LANGUAGES:
        raise ValueError(f"expected one of {', '.join(LANGUAGES)}")
    return language


Language = Annotated[str, AfterValidator(_known_language)]


class Keyed(BaseModel):
    """A request that may need a key. A field that is sent empty is one that is not sent."""

    @model_validator(mode="before")
    @classmethod
    def _leave_out_blanks(cls, sent: object) -> object:
        if not isinstance(sent, dict):
            return sent
        return {name: value for name, value in sent.items() if value != ""}

    api_key: str = Field("", alias="api-key", description="where the service asks for one")


class Asking(Keyed):
    """How one plant is asked about."""

    include_related_images: bool = Field(False, alias="include-related-images")
    no_reject: bool = Field(False, alias="no-reject", description="name also what is no plant")
    nb_results: int | None = Field(None, alias="nb-results", ge=1, le=1_000_000)
    lang: Language = Field("en", description="a code of /v2/languages")
    type: Literal["kt", "legacy"] | None = Field(None, description="said back")
    detailed: bool = Field(False, description="the scores of genera and families, too")
    lat: float | None = Field(None, ge=-90, le=90, allow_inf_nan=False, description="with lon")
    lon: float | None = Field(None, ge=-180, le=180, allow_inf_nan=False)
    date: datetime.date | None = Field(None, description="the plant was met, with lat and lon")
    no_place: bool = Field(False, alias="no-place", description="nor what a photo says of it")


class Addressed(Asking):
    """One plant, its images by their addresses."""

    images: list[str] = Field(description="1 to 5 http or https addresses")
    organs: list[str] = Field([], description="one an image, or none at all")


class Listing(Keyed):
    """Which species of a flora are listed."""

    prefix: str = Field("", description="how their names begin")
    page: int | None = Field(None, ge=1, le=1_000_000, description="from 1; with pageSize")
    pageSize: int | None = Field(None, ge=1, le=100_000)
    lang: Language = "en"


class Cut(BaseModel):
    """How a photo of many plants is cut into tiles."""

    tile_size: float = Field(600, ge=LEAST_TILE, le=LARGEST, allow_inf_nan=False)
    tile_stride: float = Field(300, ge=1, le=LARGEST, allow_inf_nan=False)
    size_factor: float = Field(2**0.5, ge=1.05, le=10, allow_inf_nan=False)
    multi_scale: bool = True

    def tiling(self) -> Tiling:
        """Return the same as tiles.cut takes it."""
        return Tiling(self.tile_size, self.tile_stride, self.size_factor, self.multi_scale)


class Surveying(Cut):
    """A photo of many plants."""

    image: UploadFile
    min_score: float = Field(0.3, ge=0, le=1, allow_inf_nan=False)
    max_rank: int = Field(3, ge=1, le=1000)
    show_species: bool = True
    show_genus: bool = True
    show_family: bool = True

    def shown(self) -> tuple[str, ...]:
        """Return the lists that are asked for."""
        return tuple(rank for rank in RANKS if getattr(self, f"show_{rank}"))


class Costing(Cut):
    """A photo of which only the size is known."""

    size: str = Field(pattern=r"^[1-9]\d{0,5}x[1-9]\d{0,5}$", description="as 4000x3000, in pixels")
