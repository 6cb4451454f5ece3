"""Generated session logs: rows of the `sessions` table for one chunk of users."""

from __future__ import annotations

from typing import Any

import numpy as np

from local.airbnb import vocabulary as words
from local.airbnb.users import Floats, UserChunk, draw_by_logits

GROUPS = tuple(dict.fromkeys(action.group for action in words.ACTIONS))
GROUP_WEIGHTS = {group: sum(a.weight for a in words.ACTIONS if a.group == group) for group in GROUPS}
LONGEST_SECONDS = 1_800_000
MOST_ACTIONS = 2_700
SHARE_OF_USERS_WITH_SESSIONS = 0.965
SHARE_WITHOUT_USER = 0.0033
SHARE_WITHOUT_SECONDS = 0.0129


def generate_sessions(rng: np.random.Generator, users: UserChunk) -> dict[str, Any]:
    """Draw the log of a chunk's users.

    :param rng: the chunk's own random generator for sessions.
    :returns: column name → values of the `sessions` table, masked arrays where a column has NULLs.
    """
    active = np.flatnonzero(users.recorded & (rng.random(len(users.ids)) < SHARE_OF_USERS_WITH_SESSIONS))
    counts = _action_counts(rng, users, active)
    owner = np.repeat(np.arange(len(active)), counts)
    action = _actions(rng, _group_logits(rng, users, active)[owner])
    rows = len(owner)
    return {
        "user_id": np.ma.masked_array(users.ids[active][owner], mask=rng.random(rows) < SHARE_WITHOUT_USER),
        "action": _column("action")[action],
        "action_type": _column("action_type")[action],
        "action_detail": _column("action_detail")[action],
        "device_type": _devices(rng, users, active, owner),
        "secs_elapsed": _seconds(rng, users, active, owner, action),
    }


def _column(field: str) -> Any:
    values = [getattr(action, field) for action in words.ACTIONS]
    return np.ma.masked_array([value or "" for value in values], mask=[value is None for value in values])


def _action_counts(rng: np.random.Generator, users: UserChunk, active: Any) -> Any:
    """Heavy-tailed: half of the users take under 40 actions, a few take thousands; bookers and the keen take more."""
    location = np.log(31) + 0.35 * users.intent[active] + 0.55 * users.booked[active]
    counts = np.exp(rng.normal(location, 1.05))
    return np.clip(np.rint(counts), 1, MOST_ACTIONS).astype(np.int64)


def _group_logits(rng: np.random.Generator, users: UserChunk, active: Any) -> Floats:
    """How much each user turns to each group of actions."""
    device = users.columns["first_device_type"][active]
    phone = np.isin(device, ["iPhone", "Android Phone"])
    host = rng.random(len(active)) < 0.04
    booked, intent = users.booked[active], users.intent[active]
    lean = {
        "browse": 0.35 * intent,
        "data": 0.5 * phone - 0.15 * intent,
        "account": 0.3 * ~booked,
        "unknown": 0.2 * phone,
        "checkout": 1.0 * booked + 0.45 * intent - 0.5,
        "host": 2.6 * host - 3.2 * ~host,
    }
    logits = np.stack([np.log(GROUP_WEIGHTS[group]) + lean[group] for group in GROUPS], axis=1)
    return logits + rng.normal(0, 0.5, logits.shape)  # tastes differ beyond what is known of a user


def _actions(rng: np.random.Generator, group_logits: Floats) -> Any:
    """Draw the index in ACTIONS per row: first its group, then an action of the group by weight."""
    group = draw_by_logits(rng, group_logits)
    members = [[i for i, a in enumerate(words.ACTIONS) if a.group == name] for name in GROUPS]
    # The actions of group g share the interval [g, g+1): one binary search finds the action of every row.
    edges = np.concatenate(
        [
            number + np.cumsum([words.ACTIONS[i].weight for i in of_group]) / GROUP_WEIGHTS[GROUPS[number]]
            for number, of_group in enumerate(members)
        ]
    )
    found = np.searchsorted(edges, group + rng.random(len(group)), side="right")
    return np.concatenate(members)[np.minimum(found, len(edges) - 1)]


def _devices(rng: np.random.Generator, users: UserChunk, active: Any, owner: Any) -> Any:
    """The device of the account's first day for most rows, another one that the user has for the others."""
    names = np.array([words.SESSION_DEVICES[name] for name in words.DEVICES])
    first = np.array([words.SESSION_DEVICES[name] for name in users.columns["first_device_type"][active]])
    second = rng.choice(names, len(active), p=_normalised(words.DEVICES))
    share_of_second = rng.beta(0.4, 2.5, len(active))
    return np.where(rng.random(len(owner)) < share_of_second[owner], second[owner], first[owner])


def _normalised(shares: dict[str, float]) -> Floats:
    weights = np.array(list(shares.values()))
    return weights / weights.sum()


def _seconds(rng: np.random.Generator, users: UserChunk, active: Any, owner: Any, action: Any) -> Any:
    """Log-normal around the action's typical time and the user's pace, up to three weeks; 1.3 % NULL."""
    age = np.where(users.columns["age"].mask, 36, users.columns["age"].data)[active]
    pace = rng.normal(0.012 * (np.clip(age, 18, 80) - 36) + 0.15 * users.booked[active], 0.55)
    typical = np.log([a.typical_seconds for a in words.ACTIONS])[action]
    seconds = np.exp(rng.normal(typical + pace[owner], 2.1))
    too_long = seconds > LONGEST_SECONDS
    seconds[too_long] = LONGEST_SECONDS * rng.random(int(too_long.sum()))
    missing = rng.random(len(owner)) < SHARE_WITHOUT_SECONDS
    return np.ma.masked_array(seconds.astype(np.int64), mask=missing)
