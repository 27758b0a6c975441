"""The routes: each turns a request into a question, hands it on, and decides nothing."""

from typing import Annotated

from fastapi import APIRouter, File, Form, Path, Query, Request, UploadFile
from starlette.responses import Response

from plantlab.identify.where import Where
from plantlab.service import contract, fetching, fields, listing, shapes
from plantlab.service.gate import key_of
from plantlab.service.identifying import Asked, check_asked, identify
from plantlab.service.refusals import Refusal, clean
from plantlab.service.state import State
from plantlab.service.surveying import Survey, survey, tiles_of
from plantlab.service.uploads import Upload

REFUSED = {"model": shapes.Refused}
LISTING = dict.fromkeys((400, 401, 404, 414, 503), REFUSED)
ASKING = LISTING | dict.fromkeys((408, 413, 429), REFUSED)
MULTIPART = "multipart/form-data"

router = APIRouter(prefix="/v2")
Project = Annotated[str, Path(description="all, best, or the id of a flora")]


def _state(request: Request) -> State:
    return request.app.state.service


async def _upload(file: UploadFile) -> Upload:
    return Upload(clean(file.filename or "image"), await file.read())


# one plant


@router.post(
    "/identify/{project}",
    response_model=shapes.Identification,
    response_model_exclude_unset=True,
    responses=ASKING,
)
async def post_identify(
    request: Request,
    project: Project,
    asking: Annotated[fields.Asking, Query()],
    images: Annotated[list[UploadFile], File(description="1 to 5 JPEG or PNG files")],
    organs: Annotated[list[str] | None, Form(description="one an image, or none at all")] = None,
) -> dict:
    """Name one plant from one to five images of it."""
    uploads = [await _upload(file) for file in images]
    return await identify(_state(request), _asked(request, project, asking, uploads, organs or []))


@router.get(
    "/identify/{project}",
    response_model=shapes.Identification,
    response_model_exclude_unset=True,
    responses=ASKING,
)
async def get_identify(
    request: Request, project: Project, asking: Annotated[fields.Addressed, Query()]
) -> dict:
    """Name one plant from images on the web."""
    state = _state(request)
    asked = _asked(request, project, asking, [], asking.organs)
    check_asked(state, asked, len(asking.images))  # before anything is fetched
    asked.images = await fetching.fetch(asking.images, request.app.state.private)
    return await identify(state, asked)


def _asked(
    request: Request, project: str, asking: fields.Asking, images: list[Upload], organs: list[str]
) -> Asked:
    return Asked(
        project=project,
        images=images,
        organs=organs,
        key=key_of(request.scope),
        base=str(request.base_url),
        related=asking.include_related_images,
        no_reject=asking.no_reject,
        most=asking.nb_results,
        language=asking.lang,
        detailed=asking.detailed,
        kind=asking.type,
        where=_where(asking),
    )


def _where(asking: fields.Asking) -> Where | str:
    """Return the place that is told; else "photo", or "" where none shall count."""
    if (asking.lat is None) != (asking.lon is None):
        raise Refusal(400, '"lat" and "lon" go together; give both, or neither.')
    if asking.no_place:
        return ""
    if asking.lat is None:
        return "photo"
    return Where(asking.lat, asking.lon, asking.date and asking.date.isoformat())


@router.get("/related/{name}.jpg", responses=LISTING | {200: {"content": {"image/jpeg": {}}}})
async def get_related(request: Request, name: str) -> Response:
    """Show a photo that was learnt from, in small."""
    jpeg = listing.related(_state(request), name)
    return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "max-age=86400"})


# many plants


@router.post(
    "/survey/tiles/{project}",
    response_model=shapes.Survey,
    response_model_exclude_unset=True,
    responses=ASKING,
)
async def post_survey(
    request: Request,
    project: Project,
    surveying: Annotated[fields.Surveying, Form(media_type=MULTIPART)],
    keyed: Annotated[fields.Keyed, Query()],
) -> dict:
    """List the species on a photo of many plants, by its tiles."""
    asked = Survey(
        project=project,
        image=await _upload(surveying.image),
        tiling=surveying.tiling(),
        key=key_of(request.scope),
        min_score=surveying.min_score,
        max_rank=surveying.max_rank,
        shown=surveying.shown(),
    )
    return await survey(_state(request), asked)


@router.post("/cost/survey/{project}", response_model=shapes.Cost, responses=ASKING)
async def post_cost(
    request: Request,
    project: Project,
    costing: Annotated[fields.Costing, Form()],
    keyed: Annotated[fields.Keyed, Query()],
) -> dict:
    """Say how many identifications a survey would take: one a tile."""
    _state(request).species_of(project)
    width, height = map(int, costing.size.split("x"))
    return {"estimated_cost": len(tiles_of(width, height, costing.tiling()))}


# what there is


@router.get("/projects", response_model=list[shapes.Project], responses=LISTING)
async def get_projects(request: Request, keyed: Annotated[fields.Keyed, Query()]) -> list[dict]:
    """List the floras."""
    return listing.projects(_state(request))


@router.get("/species", response_model=list[shapes.ListedSpecies], responses=LISTING)
async def get_species(request: Request, asked: Annotated[fields.Listing, Query()]) -> list[dict]:
    """List every species that the model knows."""
    return listing.species(_state(request), "all", asked.prefix, asked.page, asked.pageSize)


@router.get(
    "/projects/{project}/species", response_model=list[shapes.ListedSpecies], responses=LISTING
)
async def get_project_species(
    request: Request, project: Project, asked: Annotated[fields.Listing, Query()]
) -> list[dict]:
    """List the species of a flora."""
    return listing.species(_state(request), project, asked.prefix, asked.page, asked.pageSize)


@router.get("/languages", response_model=list[str], responses=LISTING)
async def get_languages(keyed: Annotated[fields.Keyed, Query()]) -> list[str]:
    """List the codes of languages that may be asked for."""
    return contract.LANGUAGES


@router.get("/_status", response_model=shapes.Status, responses={414: REFUSED})
async def get_status() -> dict:
    """Say that the service is there; no key is needed."""
    return {"status": "ok"}
