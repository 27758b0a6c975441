"""The shapes of what the service answers, for its OpenAPI page and for whoever writes a client."""

from pydantic import BaseModel, ConfigDict


class Shape(BaseModel):
    """An object with these fields and no others."""

    model_config = ConfigDict(extra="forbid")


class Refused(Shape):
    """Why a request was not served."""

    statusCode: int
    error: str
    message: str


class Query(Shape):
    """What was asked, as it was understood."""

    project: str
    images: list[str]
    organs: list[str]
    includeRelatedImages: bool
    noReject: bool
    type: str | None


class PredictedOrgan(Shape):
    """What an image shows for which "auto" was said."""

    image: str
    filename: str
    organ: str
    score: float


class Taxon(Shape):
    """A name with and without its authors."""

    scientificNameWithoutAuthor: str
    scientificNameAuthorship: str
    scientificName: str


class Species(Taxon):
    """A species with its genus and family; "" for what is not known."""

    genus: Taxon
    family: Taxon
    commonNames: list[str]


class Day(Shape):
    """A day in milliseconds since 1970, and in words."""

    timestamp: int | None
    string: str | None


class Urls(Shape):
    """Where an image lies, in three sizes, which are one here."""

    o: str
    m: str
    s: str


class RelatedImage(Shape):
    """A photo that was learnt from."""

    organ: str
    author: str
    license: str
    date: Day
    url: Urls
    citation: str


class Result(Shape):
    """A species, and how likely it is."""

    score: float
    species: Species
    images: list[RelatedImage] | None = None


class GenusScore(Shape):
    """A genus, and the sum of its species' scores."""

    score: float
    genus: Taxon


class FamilyScore(Shape):
    """A family, and the sum of its species' scores."""

    score: float
    family: Taxon


class OtherResults(Shape):
    """Genera and families, best first."""

    genus: list[GenusScore]
    family: list[FamilyScore]


class Identification(Shape):
    """The answer to a question about one plant."""

    query: Query
    predictedOrgans: list[PredictedOrgan]
    language: str
    preferedReferential: str
    bestMatch: str
    results: list[Result]
    otherResults: OtherResults | None = None
    place: str | None = None
    version: str
    remainingIdentificationRequests: int


class Size(Shape):
    """Of an image, upright, in pixels."""

    width: int
    height: int


class Point(Shape):
    """A pixel."""

    x: int
    y: int


class Location(Shape):
    """A tile, and what it says of a species."""

    center: Point
    size: int
    score: float
    organ: str


class Found(Shape):
    """A genus or family on a photo of many plants."""

    name: str
    max_score: float
    count: int
    coverage: float


class FoundSpecies(Found):
    """A species on a photo of many plants; `reject` says that these tiles show no plant."""

    binomial: str | None = None
    author: str | None = None
    genus: str | None = None
    family: str | None = None
    location: list[Location] | None = None
    reject: str | None = None


class SurveyResults(Shape):
    """What the tiles of a photo show."""

    image: Size
    nb_sub_queries: int
    nb_matching_sub_queries: int
    uncovered: float
    tile_size: float
    tile_stride: float
    species: list[FoundSpecies] | None = None
    genus: list[Found] | None = None
    family: list[Found] | None = None


class SurveyQuery(Shape):
    """What was asked."""

    project: str


class Survey(Shape):
    """The answer to a question about a photo of many plants."""

    status: str
    query: SurveyQuery
    language: str
    results: SurveyResults
    version: str
    remainingIdentificationRequests: int


class Project(Shape):
    """A flora: the species that may be named."""

    id: str
    title: str
    description: str
    speciesCount: int


class ListedSpecies(Taxon):
    """A species that may be named; null for what is not known."""

    id: str
    commonNames: list[str]
    gbifId: str | None
    powoId: str | None
    iucnCategory: str | None


class Cost(Shape):
    """How many identifications a survey would take."""

    estimated_cost: int


class Status(Shape):
    """That the service is there."""

    status: str
