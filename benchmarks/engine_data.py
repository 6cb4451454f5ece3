"""The rows of sql/features/session_rollups__by_user.sql over generated users, for the engine's benchmarks and tests."""

import io

import numpy as np
import pandas as pd

from local.airbnb.generator import generate
from services.gretel.table import Table, read_table

USER_COLUMNS = ["gender", "age", "language", "signup_method", "date_account_created", "first_device_type"]
SECONDS = ["avg_session_time_seconds", "min_session_time_seconds", "max_session_time_seconds"]
# Of the accounts, those of 2014 have sessions.
USERS_PER_ROW = 3.1


def session_rollups(rows: int, seed: int) -> pd.DataFrame:
    """Rows of the feature query, without the entity key: users with sessions, in random order.

    :param rows: how many.
    :param seed: of the generator.
    """
    streams = {stream.table: stream for stream in generate(int(rows * USERS_PER_ROW) + 200, seed)}
    people, sessions = (
        pd.read_csv(io.BytesIO(b"".join(streams[name].chunks)), keep_default_na=False, na_values=[""])
        for name in ("users", "sessions")
    )
    sessions = sessions.dropna(subset=["user_id"])
    sessions["booking"] = sessions["action_type"] == "booking_request"
    sessions["action_type"] = sessions["action_type"].replace("-unknown-", None)
    by_user = sessions.groupby("user_id")
    rollup = pd.DataFrame(
        {
            "number_of_actions_taken": by_user.size(),
            "number_of_unique_actions": by_user["action_type"].nunique(),
            **dict(zip(SECONDS, by_user["secs_elapsed"].agg(["mean", "min", "max"]).round().T.to_numpy(), strict=True)),
            "total_bookings": by_user["booking"].sum(),
        }
    )
    by_id = people.set_index("id")
    frame = by_id[USER_COLUMNS].join(rollup, how="inner").join(by_id["country_destination"])
    frame[["gender", "language"]] = frame[["gender", "language"]].replace("-unknown-", None)
    frame["age"] = frame["age"].where(frame["age"].between(18, 100)).round()
    whole = ["age", *rollup.columns]
    frame[whole] = frame[whole].astype("Int64")
    if len(frame) < rows:
        raise ValueError(f"{len(frame)} users with sessions, {rows} wanted: raise USERS_PER_ROW")
    return frame.iloc[np.random.default_rng(seed).permutation(len(frame))[:rows]].reset_index(drop=True)


def to_table(frame: pd.DataFrame) -> Table:
    """Read a frame the way the service reads its CSV."""
    return read_table(io.BytesIO(frame.to_csv(index=False).encode()))
