"""/users: who the API key belongs to."""

from typing import Any

from fastapi import APIRouter

from services.gretel.api.service import UserDep

router = APIRouter()


@router.get("/users/me")
def me(user: UserDep) -> dict[str, Any]:
    # gretel-client takes `_id[9:]` as a short name of the user.
    return {"data": {"me": {"_id": user.id, "email": user.email}}}
